//! What card banks took back, as it stands with the payments.

use super::row::parsed;
use super::{Books, Scope, feed};
use crate::store::StoreError;
use crate::store::db::{Conn, Dialect};
use crate::store::outbox::TOPICS;
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// A part of a payment, or all of it, that its card's bank took back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chargeback {
    pub amount_minor: i64,
    pub currency: String,
    /// The bank's code, if it gave one.
    pub reason: Option<String>,
    pub at_ms: UnixMs,
}

impl Books {
    /// The chargebacks of these payments of a merchant, the oldest first. A payment without any is not in the answer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn chargebacks(
        &self,
        merchant_id: MerchantId,
        ids: &[PaymentId],
    ) -> Result<BTreeMap<PaymentId, Vec<Chargeback>>, StoreError> {
        let mut found: BTreeMap<PaymentId, Vec<Chargeback>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let places: Vec<String> = (2..ids.len() + 2).map(|at| format!("${at}")).collect();
        let text = format!(
            "SELECT payment_id, amount_minor, currency, reason, at_ms FROM chargebacks
             WHERE merchant_id = $1 AND payment_id IN ({}) ORDER BY at_ms, number",
            places.join(", ")
        );
        // Made of constants and numbers of places only; every value is bound.
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(merchant_id.to_string());
        let query = ids.iter().fold(query, |query, id| query.bind(id.to_string()));
        for row in query.fetch_all(self.db.reader()).await? {
            let chargeback = Chargeback {
                amount_minor: row.try_get("amount_minor")?,
                currency: row.try_get("currency")?,
                reason: row.try_get("reason")?,
                at_ms: row.try_get("at_ms")?,
            };
            found.entry(parsed(&row, "payment_id")?).or_default().push(chargeback);
        }
        Ok(found)
    }
}

/// Gives a payment the next number of its feed, so that whoever follows the history reads it again.
pub(crate) async fn touch(
    connection: &mut Conn,
    dialect: Dialect,
    merchant_id: MerchantId,
    id: PaymentId,
) -> Result<(), StoreError> {
    // The payment before its feed, as every change of a payment takes them.
    let lock =
        dialect.pick("SELECT 1 FROM payments WHERE id = $1", "SELECT 1 FROM payments WHERE id = $1 FOR NO KEY UPDATE");
    sqlx::query(lock).bind(id.to_string()).fetch_optional(&mut *connection).await?;
    let change = feed::take(connection, Scope { dialect, topics: TOPICS }, merchant_id, 1).await?;
    sqlx::query("UPDATE payments SET change = $1 WHERE id = $2")
        .bind(change)
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
