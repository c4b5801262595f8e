//! A merchant's payments, newest change first.

use super::Desk;
use crate::store::StoreError;
use holdfast_core::payment::Decline;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A payment in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLine {
    pub id: String,
    pub number: String,
    pub device_name: String,
    pub amount_minor: i64,
    pub currency: String,
    pub brand: String,
    pub last4: String,
    pub state: String,
    /// In words, when there is something to say.
    pub reason: Option<String>,
    pub offline: bool,
    pub taken_ms: i64,
    pub change: i64,
}

/// How many stand in one state, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSum {
    pub state: String,
    pub currency: String,
    pub count: i64,
    pub amount_minor: i64,
}

impl Desk {
    /// The page before `before`, which is the `change` of the last line of the page above.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn payments(&self, before: i64, limit: usize) -> Result<Vec<PaymentLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT p.id, p.number, p.amount_minor, p.currency, p.brand, p.last4, p.state, p.reason, p.offline, p.taken_ms,
               p.change, d.name AS device_name
             FROM payments p JOIN devices d ON d.id = p.device_id
             WHERE p.merchant_id = $1 AND p.change < $2 ORDER BY p.change DESC LIMIT $3",
        )
        .bind(self.id())
        .bind(before)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(line).collect()
    }

    /// Payments since `since_ms` by state.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sums_since(&self, since_ms: i64) -> Result<Vec<StateSum>, StoreError> {
        let rows = sqlx::query(
            "SELECT state, currency, count(*) AS count, CAST(sum(amount_minor) AS BIGINT) AS amount_minor FROM payments
             WHERE merchant_id = $1 AND taken_ms >= $2 GROUP BY state, currency ORDER BY state, currency",
        )
        .bind(self.id())
        .bind(since_ms)
        .fetch_all(self.db.reader())
        .await?;
        let sum = |row: &AnyRow| -> Result<StateSum, StoreError> {
            Ok(StateSum {
                state: row.try_get("state")?,
                currency: row.try_get("currency")?,
                count: row.try_get("count")?,
                amount_minor: row.try_get("amount_minor")?,
            })
        };
        rows.iter().map(sum).collect()
    }
}

fn line(row: &AnyRow) -> Result<PaymentLine, StoreError> {
    let state: String = row.try_get("state")?;
    let reason: Option<String> = row.try_get("reason")?;
    let reason = match state.as_str() {
        "declined" => reason.map(|code| Decline { code }.words().to_owned()),
        // A list of refunds is for the payment's own page.
        "partly-refunded" | "refunded" => None,
        _ => reason.map(|name| name.replace('-', " ")),
    };
    Ok(PaymentLine {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        device_name: row.try_get("device_name")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        brand: row.try_get("brand")?,
        last4: row.try_get("last4")?,
        state,
        reason,
        offline: row.try_get::<i64, _>("offline")? != 0,
        taken_ms: row.try_get("taken_ms")?,
        change: row.try_get("change")?,
    })
}
