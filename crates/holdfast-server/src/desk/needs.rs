//! What waits, and what needs a person: how many, and what they come to. One row a currency: apples and pears are not added up.

use super::Desk;
use super::payments::LOST;
use crate::store::StoreError;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Strings in quarantine whose amounts are read for the sum; what they claim stands inside of them.
const READ_MAX: usize = 200;

/// Payments that are on their way to their end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub currency: String,
    pub count: i64,
    pub amount_minor: i64,
    /// When the oldest of them was taken.
    pub oldest_ms: i64,
}

/// Something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub kind: NeedKind,
    pub currency: String,
    pub count: i64,
    pub amount_minor: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum NeedKind {
    /// Declined, or past its window, after the goods were handed out.
    Lost,
    Quarantined,
    /// Taken back by the card's bank.
    ChargedBack,
    Missing,
    /// Between the acquirer's account and the books.
    Different,
}

impl Desk {
    /// Payments that are not at their end, by currency.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        // Each has a job until its end, and there are few of them.
        let rows = sqlx::query(
            "SELECT p.currency, count(*) AS count, CAST(sum(p.amount_minor) AS BIGINT) AS amount_minor, min(p.taken_ms) AS oldest_ms
             FROM jobs j JOIN payments p ON p.id = j.payment_id
             WHERE p.merchant_id = $1 AND p.state IN ('received', 'authorising', 'authorised', 'capturing')
             GROUP BY p.currency ORDER BY p.currency",
        )
        .bind(self.id())
        .fetch_all(self.db.reader())
        .await?;
        let row = |row: &AnyRow| -> Result<Waiting, StoreError> {
            Ok(Waiting {
                currency: row.try_get("currency")?,
                count: row.try_get("count")?,
                amount_minor: row.try_get("amount_minor")?,
                oldest_ms: row.try_get("oldest_ms")?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// What needs a person: what was lost or taken back since `since_ms`, and all that is open of the rest.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn needs(&self, since_ms: i64) -> Result<Vec<Need>, StoreError> {
        let lost = format!(
            "SELECT p.currency, count(*) AS count, CAST(sum(p.amount_minor) AS BIGINT) AS amount_minor FROM payments p
             WHERE p.merchant_id = $1 AND p.changed_ms >= $2 {LOST} GROUP BY p.currency"
        );
        let missing = "SELECT m.currency, count(*) AS count, CAST(sum(m.amount_minor) AS BIGINT) AS amount_minor FROM missing_payments m
             WHERE m.merchant_id = $1 AND m.reported_ms >= $2
               AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = m.payment_id AND p.record_hash = m.record_hash)
             GROUP BY m.currency";
        let charged_back =
            "SELECT currency, count(*) AS count, CAST(sum(amount_minor) AS BIGINT) AS amount_minor FROM chargebacks
             WHERE merchant_id = $1 AND noticed_ms >= $2 GROUP BY currency";
        let different = "SELECT currency, count(*) AS count,
               CAST(sum(abs(coalesce(ours_minor, 0) - coalesce(theirs_minor, 0))) AS BIGINT) AS amount_minor FROM differences
             WHERE merchant_id = $1 AND first_seen_ms >= $2 AND resolved_ms IS NULL GROUP BY currency";
        let mut needs = self.sums(NeedKind::Lost, lost, since_ms).await?;
        needs.extend(self.sums(NeedKind::ChargedBack, charged_back.to_owned(), since_ms).await?);
        needs.extend(self.quarantined().await?);
        needs.extend(self.sums(NeedKind::Missing, missing.to_owned(), i64::MIN).await?);
        needs.extend(self.sums(NeedKind::Different, different.to_owned(), i64::MIN).await?);
        Ok(needs)
    }

    async fn sums(&self, kind: NeedKind, text: String, since_ms: i64) -> Result<Vec<Need>, StoreError> {
        // Made of constants only; every value is bound.
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(self.id()).bind(since_ms).fetch_all(self.db.reader()).await?;
        let row = |row: &AnyRow| -> Result<Need, StoreError> {
            Ok(Need {
                kind,
                currency: row.try_get("currency")?,
                count: row.try_get("count")?,
                amount_minor: row.try_get("amount_minor")?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// As one need whatever their currencies: what cannot be read has none.
    async fn quarantined(&self) -> Result<Vec<Need>, StoreError> {
        let count = self.quarantine_count().await?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let lines = self.quarantine(false, i64::MAX, READ_MAX).await?;
        let claims = lines.iter().filter_map(|line| line.claims.as_ref()).collect::<Vec<_>>();
        let currency = claims.first().map(|claims| claims.currency.clone()).unwrap_or_default();
        let of_it = claims.iter().filter(|claims| claims.currency == currency).map(|claims| claims.amount_minor);
        let amount_minor = of_it.fold(0_i64, i64::saturating_add);
        Ok(vec![Need { kind: NeedKind::Quarantined, currency, count, amount_minor }])
    }
}
