//! What happened to payments: a line for each change, and a task for each topic that asked for it, in the change's own transaction.

use super::Scope;
use super::row::{parsed, state_columns};
use crate::store::db::{Conn, rows};
use crate::store::outbox::{self, NewTask, Topic};
use crate::store::{PaymentEvent, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

/// A payment that was stored, or came to another state.
pub struct Change {
    pub merchant_id: MerchantId,
    /// Its number in the feed.
    pub number: i64,
    pub payment_id: PaymentId,
    pub state: PaymentState,
    pub amount_minor: i64,
    pub currency: String,
    pub at_ms: UnixMs,
}

pub async fn tell(c: &mut Conn, scope: Scope, changes: &[Change]) -> Result<(), StoreError> {
    let line = |change: &Change| {
        let (state, reason, ..) = state_columns(&change.state);
        [
            change.merchant_id.to_string().into(),
            change.number.into(),
            change.payment_id.to_string().into(),
            state.into(),
            reason.into(),
            change.amount_minor.into(),
            change.currency.as_str().into(),
            change.at_ms.into(),
        ]
    };
    let head = "INSERT INTO payment_events (merchant_id, change, payment_id, state, reason, amount_minor, currency, at_ms) VALUES ";
    rows::write(c, head, "", changes.iter().map(line).collect()).await?;
    for topic in scope.topics {
        for change in changes.iter().filter(|change| (topic.on)(&change.state)) {
            outbox::add(c, &task(topic, change)).await?;
        }
    }
    Ok(())
}

fn task(topic: &Topic, change: &Change) -> NewTask {
    let (state, reason, ..) = state_columns(&change.state);
    let told = serde_json::json!({
        "state": state,
        "reason": reason,
        "amount_minor": change.amount_minor,
        "currency": change.currency,
        "change": change.number,
        "at_ms": change.at_ms,
    });
    NewTask {
        topic: topic.name,
        key: format!("{}/{}", change.payment_id, change.number),
        merchant_id: change.merchant_id,
        payment_id: Some(change.payment_id),
        payload: told.to_string(),
        due_ms: change.at_ms,
    }
}

pub async fn after(
    reader: &AnyPool,
    merchant_id: MerchantId,
    cursor: i64,
    limit: usize,
) -> Result<Vec<PaymentEvent>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM payment_events WHERE merchant_id = $1 AND change > $2 ORDER BY change LIMIT $3")
            .bind(merchant_id.to_string())
            .bind(cursor)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(reader)
            .await?;
    rows.iter().map(event).collect()
}

fn event(row: &AnyRow) -> Result<PaymentEvent, StoreError> {
    Ok(PaymentEvent {
        merchant_id: parsed(row, "merchant_id")?,
        change: row.try_get("change")?,
        payment_id: parsed(row, "payment_id")?,
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        at_ms: row.try_get("at_ms")?,
    })
}
