//! A batch: what is known of it, and what was decided about it.

use super::payments;
use super::row::{damaged, hash_from, hash_text, unsigned};
use crate::store::{IngestOp, IngestQuery, IngestSnapshot, Payment, Quarantined, StoreError};
use holdfast_core::id::DeviceId;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

pub async fn snapshot(connection: &mut SqliteConnection, query: &IngestQuery) -> Result<IngestSnapshot, StoreError> {
    let device = query.device_id.to_string();
    let mut snapshot = IngestSnapshot::default();
    for id in &query.ids {
        let found = sqlx::query("SELECT record_hash FROM payments WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = found {
            snapshot.by_id.insert(*id, hash_from(row.try_get("record_hash")?)?);
        }
    }
    for seq in &query.seqs {
        // A number beyond the column's range is taken by nobody; storing it is refused by the decision.
        let Ok(number) = i64::try_from(*seq) else { continue };
        let found = sqlx::query("SELECT 1 FROM payments WHERE device_id = ? AND seq = ?")
            .bind(&device)
            .bind(number)
            .fetch_optional(&mut *connection)
            .await?;
        if found.is_some() {
            snapshot.seqs.insert(*seq);
        }
    }
    for hash in &query.hashes {
        let found = sqlx::query("SELECT reason FROM quarantine WHERE device_id = ? AND record_hash = ?")
            .bind(&device)
            .bind(hash_text(hash))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = found {
            snapshot.quarantined.insert(*hash, row.try_get("reason")?);
        }
    }
    let row = sqlx::query("SELECT count(*) AS count FROM quarantine WHERE device_id = ?")
        .bind(&device)
        .fetch_one(&mut *connection)
        .await?;
    snapshot.quarantine_count = unsigned(&row, "count")?;
    let head = sqlx::query("SELECT seq, record_hash FROM chain_heads WHERE device_id = ?")
        .bind(&device)
        .fetch_optional(connection)
        .await?;
    if let Some(row) = head {
        snapshot.head = Some((unsigned(&row, "seq")?, hash_from(row.try_get("record_hash")?)?));
    }
    Ok(snapshot)
}

pub async fn write(
    connection: &mut SqliteConnection,
    now_ms: UnixMs,
    device_id: DeviceId,
    ops: Vec<IngestOp>,
) -> Result<(), StoreError> {
    for op in ops {
        match op {
            IngestOp::Store(payment) => store(connection, now_ms, &payment).await?,
            IngestOp::Quarantine(quarantined) => quarantine(connection, now_ms, device_id, &quarantined).await?,
        }
    }
    Ok(())
}

async fn store(connection: &mut SqliteConnection, now_ms: UnixMs, payment: &Payment) -> Result<(), StoreError> {
    payments::insert(connection, now_ms, payment).await?;
    sqlx::query("INSERT INTO jobs (payment_id, due_ms) VALUES (?, ?)")
        .bind(payment.id.to_string())
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO chain_heads (device_id, seq, record_hash) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET seq = excluded.seq, record_hash = excluded.record_hash WHERE excluded.seq > seq",
    )
    .bind(payment.device_id.to_string())
    .bind(i64::try_from(payment.seq).map_err(|_| damaged("sequence number"))?)
    .bind(hash_text(&payment.record_hash))
    .execute(connection)
    .await?;
    Ok(())
}

async fn quarantine(
    connection: &mut SqliteConnection,
    now_ms: UnixMs,
    device_id: DeviceId,
    quarantined: &Quarantined,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO quarantine (device_id, record_hash, payment_id, reason, raw, card_key_kid, received_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(device_id.to_string())
    .bind(hash_text(&quarantined.record_hash))
    .bind(quarantined.payment_id.map(|id| id.to_string()))
    .bind(&quarantined.reason)
    .bind(&quarantined.raw)
    .bind(&quarantined.card_key_kid)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}
