//! The transactional outbox: what follows from a change of a payment is written with it, and done after it.
//!
//! A task that was claimed is leased. Whoever claimed it says [`done`] or [`again`] in the transaction that holds its own result,
//! and is told when the lease is over and another one has the task by now.

use super::StoreError;
use super::books::row::{parsed, small};
use super::db::{Conn, Database};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Something that wants to do work after changes of payments.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    pub name: &'static str,
    /// Which states it wants to be told of.
    pub on: fn(&PaymentState) -> bool,
}

/// Who wants to be told.
pub const TOPICS: &[Topic] = &[];

/// A task to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    pub topic: &'static str,
    /// Unique in its topic: a task that is there already stays as it is.
    pub key: String,
    pub merchant_id: MerchantId,
    pub payment_id: Option<PaymentId>,
    pub payload: String,
    pub due_ms: UnixMs,
}

/// A task that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub topic: String,
    pub key: String,
    pub merchant_id: MerchantId,
    pub payment_id: Option<PaymentId>,
    /// For a change of a payment: JSON with `state`, `reason`, `amount_minor`, `currency`, `change` and `at_ms`.
    pub payload: String,
    /// Attempts in a row that failed.
    pub failures: u32,
    lease_until_ms: UnixMs,
}

/// Keeps a task, in the caller's transaction.
///
/// # Errors
/// When the database refuses.
pub async fn add(connection: &mut Conn, task: &NewTask) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox_tasks (topic, key, merchant_id, payment_id, payload, due_ms) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (topic, key) DO NOTHING",
    )
    .bind(task.topic)
    .bind(&task.key)
    .bind(task.merchant_id.to_string())
    .bind(task.payment_id.map(|id| id.to_string()))
    .bind(&task.payload)
    .bind(task.due_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Leases up to `limit` tasks of a topic that are due.
///
/// # Errors
/// When the database refuses.
pub async fn claim(
    db: &Database,
    topic: &'static str,
    now_ms: UnixMs,
    lease_until_ms: UnixMs,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    // Most looks find nothing: those cost no commit.
    let is_there =
        sqlx::query("SELECT 1 FROM outbox_tasks WHERE topic = $1 AND due_ms <= $2 AND lease_until_ms <= $2 LIMIT 1")
            .bind(topic)
            .bind(now_ms)
            .fetch_optional(db.reader())
            .await?;
    if is_there.is_none() {
        return Ok(Vec::new());
    }
    let text = db.dialect().pick(
        "UPDATE outbox_tasks SET lease_until_ms = $1 WHERE topic = $2 AND key IN
           (SELECT key FROM outbox_tasks WHERE topic = $2 AND due_ms <= $3 AND lease_until_ms <= $3 ORDER BY due_ms, key LIMIT $4)
         RETURNING *",
        "UPDATE outbox_tasks SET lease_until_ms = $1 WHERE topic = $2 AND key IN
           (SELECT key FROM outbox_tasks WHERE topic = $2 AND due_ms <= $3 AND lease_until_ms <= $3 ORDER BY due_ms, key LIMIT $4
            FOR UPDATE SKIP LOCKED)
         RETURNING *",
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let claim = db.write(move |c| {
        Box::pin(async move {
            let query = sqlx::query(text).bind(lease_until_ms).bind(topic).bind(now_ms).bind(limit);
            query.fetch_all(c).await?.iter().map(task).collect::<Result<Vec<_>, _>>()
        })
    });
    let mut tasks = claim.await?;
    tasks.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(tasks)
}

/// The task is done and goes. `false`: the lease was over, and the caller's transaction must not be committed.
///
/// # Errors
/// When the database refuses.
pub async fn done(connection: &mut Conn, task: &Task) -> Result<bool, StoreError> {
    let gone = sqlx::query("DELETE FROM outbox_tasks WHERE topic = $1 AND key = $2 AND lease_until_ms = $3")
        .bind(&task.topic)
        .bind(&task.key)
        .bind(task.lease_until_ms)
        .execute(connection)
        .await?;
    Ok(gone.rows_affected() == 1)
}

/// The task failed and comes again. `false` as with [`done`].
///
/// # Errors
/// When the database refuses.
pub async fn again(connection: &mut Conn, task: &Task, due_ms: UnixMs) -> Result<bool, StoreError> {
    let kept = sqlx::query(
        "UPDATE outbox_tasks SET due_ms = $1, failures = failures + 1, lease_until_ms = 0
         WHERE topic = $2 AND key = $3 AND lease_until_ms = $4",
    )
    .bind(due_ms)
    .bind(&task.topic)
    .bind(&task.key)
    .bind(task.lease_until_ms)
    .execute(connection)
    .await?;
    Ok(kept.rows_affected() == 1)
}

fn task(row: &AnyRow) -> Result<Task, StoreError> {
    let payment_id: Option<&str> = row.try_get("payment_id")?;
    Ok(Task {
        topic: row.try_get("topic")?,
        key: row.try_get("key")?,
        merchant_id: parsed(row, "merchant_id")?,
        payment_id: payment_id.map(|_| parsed(row, "payment_id")).transpose()?,
        payload: row.try_get("payload")?,
        failures: small(row, "failures")?,
        lease_until_ms: row.try_get("lease_until_ms")?,
    })
}
