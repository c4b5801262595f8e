//! Jobs: one per payment that still has a way to go.

use super::Scope;
use super::row::{parsed, small};
use crate::store::db::Conn;
use crate::store::{Job, StoreError};
use holdfast_core::time::UnixMs;
use sqlx::AnyPool;
use sqlx::Row as _;

pub async fn next_due_ms(reader: &AnyPool) -> Result<Option<UnixMs>, StoreError> {
    let row = sqlx::query(
        "SELECT min(CASE WHEN due_ms > lease_until_ms THEN due_ms ELSE lease_until_ms END) AS due_ms FROM jobs",
    )
    .fetch_one(reader)
    .await?;
    Ok(row.try_get("due_ms")?)
}

/// Whether a job is due, by the index: however many wait.
pub async fn is_due(reader: &AnyPool, now_ms: UnixMs) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM jobs WHERE due_ms <= $1 AND lease_until_ms <= $1 LIMIT 1")
        .bind(now_ms)
        .fetch_optional(reader)
        .await?;
    Ok(found.is_some())
}

pub async fn claim(
    connection: &mut Conn,
    scope: Scope,
    replica: String,
    now_ms: UnixMs,
    lease_until_ms: UnixMs,
    limit: usize,
) -> Result<Vec<Job>, StoreError> {
    let text = scope.dialect.pick(
        "UPDATE jobs SET lease_until_ms = $1, holder = $4 WHERE payment_id IN
           (SELECT payment_id FROM jobs WHERE due_ms <= $2 AND lease_until_ms <= $2 ORDER BY due_ms, payment_id LIMIT $3)
         RETURNING payment_id, failures",
        "UPDATE jobs SET lease_until_ms = $1, holder = $4 WHERE payment_id IN
           (SELECT payment_id FROM jobs WHERE due_ms <= $2 AND lease_until_ms <= $2 ORDER BY due_ms, payment_id LIMIT $3
            FOR UPDATE SKIP LOCKED)
         RETURNING payment_id, failures",
    );
    let rows = sqlx::query(text)
        .bind(lease_until_ms)
        .bind(now_ms)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(replica)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok(Job { payment_id: parsed(row, "payment_id")?, failures: small(row, "failures")? }))
        .collect()
}

/// Those that failed last; what is to come later by its own wish has no failure behind it.
pub async fn hurry(connection: &mut Conn, now_ms: UnixMs) -> Result<(), StoreError> {
    sqlx::query("UPDATE jobs SET due_ms = $1 WHERE failures > 0 AND due_ms > $1 AND lease_until_ms <= $1")
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn release_leases(connection: &mut Conn) -> Result<(), StoreError> {
    sqlx::query("UPDATE jobs SET lease_until_ms = 0, holder = NULL").execute(&mut *connection).await?;
    sqlx::query("DELETE FROM duties").execute(connection).await?;
    Ok(())
}
