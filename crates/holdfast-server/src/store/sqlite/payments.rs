//! Payments: reading them, and writing what a job decided.

use super::row::{self, damaged, hash_text, state_columns};
use crate::store::{Payment, PaymentOp, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

pub async fn find(reader: &SqlitePool, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    let found = sqlx::query("SELECT * FROM payments WHERE id = ?").bind(id.to_string()).fetch_optional(reader).await?;
    found.as_ref().map(row::payment).transpose()
}

pub async fn changed_after(
    reader: &SqlitePool,
    merchant_id: MerchantId,
    cursor: i64,
    limit: usize,
) -> Result<Vec<Payment>, StoreError> {
    let rows = sqlx::query("SELECT * FROM payments WHERE merchant_id = ? AND change > ? ORDER BY change LIMIT ?")
        .bind(merchant_id.to_string())
        .bind(cursor)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(reader)
        .await?;
    rows.iter().map(row::payment).collect()
}

/// The next position in the feed of changes. There is one writer, so nobody else takes it.
pub async fn next_change(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT coalesce(max(change), 0) + 1 AS next FROM payments").fetch_one(connection).await?;
    Ok(row.try_get("next")?)
}

pub async fn apply(
    connection: &mut SqliteConnection,
    now_ms: UnixMs,
    id: PaymentId,
    change: i64,
    ops: Vec<PaymentOp>,
) -> Result<i64, StoreError> {
    let id = id.to_string();
    if change_of(connection, &id).await? != Some(change) {
        return Err(StoreError::Conflict);
    }
    for op in ops {
        apply_one(connection, now_ms, &id, op).await?;
    }
    change_of(connection, &id).await?.ok_or(StoreError::Conflict)
}

async fn change_of(connection: &mut SqliteConnection, id: &str) -> Result<Option<i64>, StoreError> {
    let found = sqlx::query("SELECT change FROM payments WHERE id = ?").bind(id).fetch_optional(connection).await?;
    Ok(found.map(|row| row.try_get("change")).transpose()?)
}

async fn apply_one(
    connection: &mut SqliteConnection,
    now_ms: UnixMs,
    id: &str,
    op: PaymentOp,
) -> Result<(), StoreError> {
    let query = match op {
        PaymentOp::State(state) => return set_state(connection, now_ms, id, &state).await,
        PaymentOp::Quarantine { reason } => return quarantine(connection, now_ms, id, &reason).await,
        PaymentOp::Ask { kind } => {
            sqlx::query("INSERT INTO acquirer_attempts (asked_ms, payment_id, kind) VALUES (?, ?, ?)")
                .bind(now_ms)
                .bind(id)
                .bind(kind.as_str())
        }
        PaymentOp::Answer { kind, outcome } => sqlx::query(
            "UPDATE acquirer_attempts SET answered_ms = ?, outcome = ? WHERE payment_id = ? AND kind = ? AND answered_ms IS NULL",
        )
        .bind(now_ms)
        .bind(outcome)
        .bind(id)
        .bind(kind.as_str()),
        PaymentOp::PanHmac(hmac) => sqlx::query("UPDATE payments SET pan_hmac = ? WHERE id = ?").bind(hmac).bind(id),
        PaymentOp::Scrub => sqlx::query("UPDATE payments SET record = NULL, card_key_kid = NULL WHERE id = ?").bind(id),
        PaymentOp::Again { due_ms, failures } => sqlx::query(
            "INSERT INTO jobs (due_ms, failures, payment_id) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET due_ms = excluded.due_ms, failures = excluded.failures, lease_until_ms = 0",
        )
        .bind(due_ms)
        .bind(failures)
        .bind(id),
        PaymentOp::Done => sqlx::query("DELETE FROM jobs WHERE payment_id = ?").bind(id),
    };
    query.execute(connection).await?;
    Ok(())
}

async fn set_state(
    connection: &mut SqliteConnection,
    now_ms: UnixMs,
    id: &str,
    state: &PaymentState,
) -> Result<(), StoreError> {
    let change = next_change(connection).await?;
    let (name, reason, approval_code, settled_ms) = state_columns(state);
    sqlx::query(
        "UPDATE payments SET state = ?, reason = ?, approval_code = ?, settled_ms = ?, changed_ms = ?, change = ? WHERE id = ?",
    )
    .bind(name)
    .bind(reason)
    .bind(approval_code)
    .bind(settled_ms)
    .bind(now_ms)
    .bind(change)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn quarantine(
    connection: &mut SqliteConnection,
    now_ms: UnixMs,
    id: &str,
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO quarantine (device_id, record_hash, payment_id, reason, raw, received_ms)
         SELECT device_id, record_hash, id, ?, CAST(coalesce(record, '') AS BLOB), ? FROM payments WHERE id = ?
         ON CONFLICT DO NOTHING",
    )
    .bind(reason)
    .bind(now_ms)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE payments SET record = NULL, card_key_kid = NULL WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn insert(connection: &mut SqliteConnection, now_ms: UnixMs, payment: &Payment) -> Result<(), StoreError> {
    let change = next_change(connection).await?;
    let (name, reason, approval_code, settled_ms) = state_columns(&payment.state);
    sqlx::query(
        "INSERT INTO payments (id, merchant_id, device_id, seq, prev, record_hash, record, card_key_kid, number, amount_minor,
         currency, tax_minor, lines, brand, last4, entry, offline, pan_hmac, taken_ms, received_ms, state, reason, approval_code,
         settled_ms, changed_ms, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(payment.id.to_string())
    .bind(payment.merchant_id.to_string())
    .bind(payment.device_id.to_string())
    .bind(i64::try_from(payment.seq).map_err(|_| damaged("sequence number"))?)
    .bind(&payment.prev)
    .bind(hash_text(&payment.record_hash))
    .bind(&payment.record)
    .bind(&payment.card_key_kid)
    .bind(&payment.sale.number)
    .bind(payment.sale.amount_minor)
    .bind(&payment.sale.currency)
    .bind(payment.sale.tax_minor)
    .bind(&payment.sale.lines)
    .bind(&payment.card.brand)
    .bind(&payment.card.last4)
    .bind(&payment.card.entry)
    .bind(payment.offline)
    .bind(&payment.card.pan_hmac)
    .bind(payment.taken_ms)
    .bind(payment.received_ms)
    .bind(name)
    .bind(reason)
    .bind(approval_code)
    .bind(settled_ms)
    .bind(now_ms)
    .bind(change)
    .execute(connection)
    .await?;
    Ok(())
}
