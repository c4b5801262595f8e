//! A batch: what is known of it, and what was decided about it.

use super::row::{damaged, hash_from, hash_text, unsigned};
use super::{Scope, feed, payments};
use crate::store::db::Conn;
use crate::store::{IngestOp, IngestQuery, IngestSnapshot, Payment, Quarantined, StoreError};
use holdfast_core::id::{DeviceId, PaymentId};
use holdfast_core::time::UnixMs;
use holdfast_wire::record::ApprovalWire;
use sqlx::Row as _;

pub async fn snapshot(connection: &mut Conn, scope: Scope, query: &IngestQuery) -> Result<IngestSnapshot, StoreError> {
    let device = query.device_id.to_string();
    // One batch of a device at a time: what is read here holds until the commit. In PostgreSQL a lock makes it a transaction whose commit waits
    // for a synchronous standby also when nothing is new: a `duplicate` is a promise as well.
    let lock = scope
        .dialect
        .pick("SELECT 1 FROM devices WHERE id = $1", "SELECT 1 FROM devices WHERE id = $1 FOR NO KEY UPDATE");
    sqlx::query(lock).bind(&device).fetch_optional(&mut *connection).await?;
    let mut snapshot = IngestSnapshot::default();
    for id in &query.ids {
        let found = sqlx::query("SELECT record_hash FROM payments WHERE id = $1")
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
        let found = sqlx::query("SELECT 1 FROM payments WHERE device_id = $1 AND seq = $2")
            .bind(&device)
            .bind(number)
            .fetch_optional(&mut *connection)
            .await?;
        if found.is_some() {
            snapshot.seqs.insert(*seq);
        }
    }
    for hash in &query.hashes {
        let found = sqlx::query("SELECT reason FROM quarantine WHERE device_id = $1 AND record_hash = $2")
            .bind(&device)
            .bind(hash_text(hash))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = found {
            snapshot.quarantined.insert(*hash, row.try_get("reason")?);
        }
    }
    let row = sqlx::query("SELECT count(*) AS count FROM quarantine WHERE device_id = $1")
        .bind(&device)
        .fetch_one(&mut *connection)
        .await?;
    snapshot.quarantine_count = unsigned(&row, "count")?;
    let head = sqlx::query("SELECT seq, record_hash FROM chain_heads WHERE device_id = $1")
        .bind(&device)
        .fetch_optional(connection)
        .await?;
    if let Some(row) = head {
        snapshot.head = Some((unsigned(&row, "seq")?, hash_from(row.try_get("record_hash")?)?));
    }
    Ok(snapshot)
}

pub async fn write(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    device_id: DeviceId,
    ops: Vec<IngestOp>,
) -> Result<(), StoreError> {
    let mut next_change = take_changes(connection, scope, &ops).await?;
    for op in ops {
        match op {
            IngestOp::Store(payment) => {
                store(connection, scope, now_ms, &payment, next_change).await?;
                next_change += 1;
            }
            IngestOp::Approve(id, word) => approve(connection, id, &word).await?,
            IngestOp::Quarantine(quarantined) => quarantine(connection, now_ms, device_id, &quarantined).await?,
        }
    }
    Ok(())
}

/// Numbers in the feed for all payments that are new. They are of one device, and so of one merchant.
async fn take_changes(connection: &mut Conn, scope: Scope, ops: &[IngestOp]) -> Result<i64, StoreError> {
    let fresh = || ops.iter().filter_map(|op| if let IngestOp::Store(payment) = op { Some(payment) } else { None });
    let Some(merchant_id) = fresh().next().map(|payment| payment.merchant_id) else { return Ok(0) };
    let count = i64::try_from(fresh().count()).map_err(|_| damaged("count"))?;
    feed::take(connection, scope, merchant_id, count).await
}

async fn store(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    payment: &Payment,
    change: i64,
) -> Result<(), StoreError> {
    payments::insert(connection, scope, now_ms, payment, change).await?;
    sqlx::query("INSERT INTO jobs (payment_id, due_ms) VALUES ($1, $2)")
        .bind(payment.id.to_string())
        .bind(payment.first_due_ms(now_ms))
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO chain_heads (device_id, seq, record_hash) VALUES ($1, $2, $3)
         ON CONFLICT (device_id)
         DO UPDATE SET seq = excluded.seq, record_hash = excluded.record_hash WHERE excluded.seq > chain_heads.seq",
    )
    .bind(payment.device_id.to_string())
    .bind(i64::try_from(payment.seq).map_err(|_| damaged("sequence number"))?)
    .bind(hash_text(&payment.record_hash))
    .execute(connection)
    .await?;
    Ok(())
}

async fn approve(connection: &mut Conn, id: PaymentId, word: &ApprovalWire) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO approvals (payment_id, by_whom, at_ms, lifted) VALUES ($1, $2, $3, $4)")
        .bind(id.to_string())
        .bind(&word.by)
        .bind(word.at_ms)
        .bind(word.lifted.join(" "))
        .execute(connection)
        .await?;
    Ok(())
}

async fn quarantine(
    connection: &mut Conn,
    now_ms: UnixMs,
    device_id: DeviceId,
    quarantined: &Quarantined,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO quarantine (device_id, record_hash, payment_id, reason, raw, card_key_kid, received_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
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
