//! Payments: reading them, and adding new ones.

use super::events::{self, Change};
use super::row::{self, damaged, hash_text, state_columns};
use super::windows::Windows;
use super::{Scope, instructions};
use crate::store::db::Conn;
use crate::store::db::rows::{self, Value};
use crate::store::together::Answers;
use crate::store::{Case, Payment, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::time::UnixMs;
use sqlx::AnyPool;
use std::collections::{BTreeSet, HashMap};

pub async fn find(reader: &AnyPool, id: PaymentId) -> Result<Option<Payment>, StoreError> {
    let found = sqlx::query("SELECT * FROM payments WHERE id = $1").bind(id.to_string()).fetch_optional(reader).await?;
    found.as_ref().map(row::payment).transpose()
}

/// Payments with what their jobs need to know of them, for many jobs at once. A row that cannot be read is its own job's trouble only.
pub async fn cases(reader: AnyPool, ids: Vec<PaymentId>) -> Answers<Option<Case>> {
    let mut c = reader.acquire().await?;
    let keys: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    let found = rows::read(&mut c, "SELECT * FROM payments WHERE id IN ", "", None, keys).await?;
    let mut payments = HashMap::with_capacity(found.len());
    for row in &found {
        payments.insert(row::parsed::<PaymentId>(row, "id")?, row::payment(row));
    }
    let instructions = instructions::of_many(&mut c, &ids).await?;
    let arrived = payments.values().flatten().map(|payment| (payment.merchant_id, payment.received_ms)).collect();
    let windows = Windows::read(&mut c, arrived).await?;
    let case = |id: &PaymentId| {
        let Some(payment) = payments.get(id) else { return Ok(None) };
        let payment = payment.clone()?;
        let window_ms = windows.of(payment.merchant_id, payment.received_ms)?;
        Ok(Some(Case { payment, instructions: instructions.get(id).cloned().unwrap_or_default(), window_ms }))
    };
    Ok(ids.iter().map(case).collect())
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

/// Adds payments of one merchant at the numbers of its feed from `change` on.
pub async fn insert(
    c: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    payments: &[Payment],
    change: i64,
) -> Result<(), StoreError> {
    let rows = payments.iter().zip(change..).map(|(payment, change)| columns(now_ms, payment, change));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let head = "INSERT INTO payments (id, merchant_id, device_id, seq, prev, record_hash, record, card_key_kid, number, amount_minor,
        currency, tax_minor, lines, brand, last4, entry, offline, pan_hmac, taken_ms, received_ms, state, reason, approval_code,
        settled_ms, changed_ms, change, replaces, tip_minor, staff) VALUES ";
    rows::write(c, head, "", rows).await?;
    let told = |(payment, number): (&Payment, i64)| Change {
        merchant_id: payment.merchant_id,
        number,
        payment_id: payment.id,
        state: payment.state.clone(),
        amount_minor: payment.sale.amount_minor,
        currency: payment.sale.currency.clone(),
        at_ms: now_ms,
    };
    events::tell(c, scope, &payments.iter().zip(change..).map(told).collect::<Vec<_>>()).await
}

fn columns(now_ms: UnixMs, payment: &Payment, change: i64) -> Result<[Value; 29], StoreError> {
    let (name, reason, approval_code, settled_ms) = state_columns(&payment.state);
    Ok([
        payment.id.to_string().into(),
        payment.merchant_id.to_string().into(),
        payment.device_id.to_string().into(),
        i64::try_from(payment.seq).map_err(|_| damaged("sequence number"))?.into(),
        payment.prev.as_str().into(),
        hash_text(&payment.record_hash).into(),
        payment.record.clone().into(),
        payment.card_key_kid.clone().into(),
        payment.sale.number.as_str().into(),
        payment.sale.amount_minor.into(),
        payment.sale.currency.as_str().into(),
        payment.sale.tax_minor.into(),
        payment.sale.lines.as_str().into(),
        payment.card.brand.as_str().into(),
        payment.card.last4.as_str().into(),
        payment.card.entry.as_str().into(),
        payment.offline.into(),
        payment.card.pan_hmac.clone().into(),
        payment.taken_ms.into(),
        payment.received_ms.into(),
        name.into(),
        reason.into(),
        approval_code.into(),
        settled_ms.into(),
        now_ms.into(),
        change.into(),
        payment.again.replaces.map(|id| id.to_string()).into(),
        payment.sale.tip_minor.into(),
        payment.sale.staff.as_str().into(),
    ])
}
