//! Payments: reading them, and writing what a job decided.

use super::events::{self, Change};
use super::row::{self, damaged, hash_text, state_columns};
use super::{Scope, feed, instructions};
use crate::store::db::Conn;
use crate::store::{Payment, PaymentOp, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use sqlx::AnyPool;
use sqlx::Row as _;

pub async fn find(reader: &AnyPool, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    let found = sqlx::query("SELECT * FROM payments WHERE id = $1").bind(id.to_string()).fetch_optional(reader).await?;
    found.as_ref().map(row::payment).transpose()
}

pub async fn changed_after(
    reader: &AnyPool,
    merchant_id: MerchantId,
    cursor: i64,
    limit: usize,
) -> Result<Vec<Payment>, StoreError> {
    let rows = sqlx::query("SELECT * FROM payments WHERE merchant_id = $1 AND change > $2 ORDER BY change LIMIT $3")
        .bind(merchant_id.to_string())
        .bind(cursor)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(reader)
        .await?;
    rows.iter().map(row::payment).collect()
}

/// What a change of a payment is told with.
struct Held {
    id: PaymentId,
    merchant_id: MerchantId,
    amount_minor: i64,
    currency: String,
    change: i64,
}

pub async fn apply(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    id: PaymentId,
    change: i64,
    ops: Vec<PaymentOp>,
) -> Result<i64, StoreError> {
    let mut held = hold(connection, scope, id).await?.filter(|held| held.change == change);
    let held = held.as_mut().ok_or(StoreError::Conflict)?;
    for op in ops {
        apply_one(connection, scope, now_ms, held, op).await?;
    }
    Ok(held.change)
}

/// Reads what a change needs. Where there are several writers, no other one changes the payment before this one's commit.
async fn hold(connection: &mut Conn, scope: Scope, id: PaymentId) -> Result<Option<Held>, StoreError> {
    let text = scope.dialect.pick(
        "SELECT merchant_id, amount_minor, currency, change FROM payments WHERE id = $1",
        "SELECT merchant_id, amount_minor, currency, change FROM payments WHERE id = $1 FOR NO KEY UPDATE",
    );
    let Some(row) = sqlx::query(text).bind(id.to_string()).fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some(Held {
        id,
        merchant_id: row::parsed(&row, "merchant_id")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        change: row.try_get("change")?,
    }))
}

async fn apply_one(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    held: &mut Held,
    op: PaymentOp,
) -> Result<(), StoreError> {
    let id = held.id.to_string();
    let query = match op {
        PaymentOp::State(state) => return set_state(connection, scope, now_ms, held, &state).await,
        PaymentOp::Quarantine { reason } => return quarantine(connection, now_ms, &id, &reason).await,
        PaymentOp::Instruction(instruction) => return instructions::keep(connection, held.id, &instruction).await,
        PaymentOp::Done => return instructions::done(connection, now_ms, &id).await,
        PaymentOp::Ask { kind } => {
            sqlx::query("INSERT INTO acquirer_attempts (asked_ms, payment_id, kind) VALUES ($1, $2, $3)")
                .bind(now_ms)
                .bind(id)
                .bind(kind.as_str())
        }
        PaymentOp::Answer { kind, outcome } => sqlx::query(
            "UPDATE acquirer_attempts SET answered_ms = $1, outcome = $2
             WHERE payment_id = $3 AND kind = $4 AND answered_ms IS NULL",
        )
        .bind(now_ms)
        .bind(outcome)
        .bind(id)
        .bind(kind.as_str()),
        PaymentOp::PanHmac(hmac) => sqlx::query("UPDATE payments SET pan_hmac = $1 WHERE id = $2").bind(hmac).bind(id),
        PaymentOp::Scrub => {
            sqlx::query("UPDATE payments SET record = NULL, card_key_kid = NULL WHERE id = $1").bind(id)
        }
        PaymentOp::Again { due_ms, failures } => sqlx::query(
            "INSERT INTO jobs (due_ms, failures, payment_id) VALUES ($1, $2, $3) ON CONFLICT (payment_id)
             DO UPDATE SET due_ms = excluded.due_ms, failures = excluded.failures, lease_until_ms = 0, holder = NULL",
        )
        .bind(due_ms)
        .bind(i64::from(failures))
        .bind(id),
    };
    query.execute(connection).await?;
    Ok(())
}

async fn set_state(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    held: &mut Held,
    state: &PaymentState,
) -> Result<(), StoreError> {
    held.change = feed::take(connection, scope, held.merchant_id, 1).await?;
    let (name, reason, approval_code, settled_ms) = state_columns(state);
    sqlx::query(
        "UPDATE payments SET state = $1, reason = $2, approval_code = $3, settled_ms = $4, changed_ms = $5, change = $6
         WHERE id = $7",
    )
    .bind(name)
    .bind(reason)
    .bind(approval_code)
    .bind(settled_ms)
    .bind(now_ms)
    .bind(held.change)
    .bind(held.id.to_string())
    .execute(&mut *connection)
    .await?;
    let change = Change {
        merchant_id: held.merchant_id,
        number: held.change,
        payment_id: held.id,
        state,
        amount_minor: held.amount_minor,
        currency: &held.currency,
        at_ms: now_ms,
    };
    events::tell(connection, scope, &change).await
}

async fn quarantine(connection: &mut Conn, now_ms: UnixMs, id: &str, reason: &str) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT device_id, record_hash, record FROM payments WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *connection)
        .await?;
    let record: Option<String> = row.try_get("record")?;
    sqlx::query(
        "INSERT INTO quarantine (device_id, record_hash, payment_id, reason, raw, received_ms)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(row.try_get::<&str, _>("device_id")?)
    .bind(row.try_get::<&str, _>("record_hash")?)
    .bind(id)
    .bind(reason)
    .bind(record.unwrap_or_default().into_bytes())
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE payments SET record = NULL, card_key_kid = NULL WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a payment at `change` of its merchant's feed.
pub async fn insert(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    payment: &Payment,
    change: i64,
) -> Result<(), StoreError> {
    let (name, reason, approval_code, settled_ms) = state_columns(&payment.state);
    sqlx::query(
        "INSERT INTO payments (id, merchant_id, device_id, seq, prev, record_hash, record, card_key_kid, number, amount_minor,
         currency, tax_minor, lines, brand, last4, entry, offline, pan_hmac, taken_ms, received_ms, state, reason, approval_code,
         settled_ms, changed_ms, change, replaces, tip_minor, staff) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)",
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
    .bind(i64::from(payment.offline))
    .bind(&payment.card.pan_hmac)
    .bind(payment.taken_ms)
    .bind(payment.received_ms)
    .bind(name)
    .bind(reason)
    .bind(approval_code)
    .bind(settled_ms)
    .bind(now_ms)
    .bind(change)
    .bind(payment.again.replaces.map(|id| id.to_string()))
    .bind(payment.sale.tip_minor)
    .bind(&payment.sale.staff)
    .execute(&mut *connection)
    .await?;
    let change = Change {
        merchant_id: payment.merchant_id,
        number: change,
        payment_id: payment.id,
        state: &payment.state,
        amount_minor: payment.sale.amount_minor,
        currency: &payment.sale.currency,
        at_ms: now_ms,
    };
    events::tell(connection, scope, &change).await
}
