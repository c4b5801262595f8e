//! Compares a day and keeps what differs. A difference stays as a row: when it was seen first, and since when it is gone.

use super::Settlements;
use super::sides::Sides;
use crate::store::StoreError;
use crate::store::db::{Conn, Dialect};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::SETTLEMENT_OPEN_DAYS_BACK;
use holdfast_core::settlement::{Compared, Day, Difference, compare};
use holdfast_core::time::{DAY_MS, UnixMs, utc_day};
use sqlx::Row as _;

/// Days with open differences are compared again after this long.
const OPEN_AGAIN_MS: i64 = 10 * 60_000;

impl Settlements {
    /// Compares a day, and says how many differences there are; `None` when its account is not here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reconcile(
        &self,
        merchant_id: MerchantId,
        day: i64,
        now_ms: UnixMs,
    ) -> Result<Option<usize>, StoreError> {
        let Some(sides) = self.sides(merchant_id, day).await? else { return Ok(None) };
        let Sides { file, is_complete, items, before, after, ours, states, paid } = &sides;
        let compared = compare(&Day { items, before, after, ours, states, paid, is_complete: *is_complete });
        let count = compared.differences.len();
        if count > 0 {
            tracing::warn!(merchant = %merchant_id, day, differences = count, "the acquirer's account differs from the books");
        }
        let keep = Keep {
            dialect: self.db.dialect(),
            merchant: merchant_id.to_string(),
            day,
            file: file.clone(),
            compared,
            now_ms,
        };
        self.db.write(move |c| Box::pin(async move { keep.run(c).await })).await?;
        Ok(Some(count))
    }

    /// Days that want to be compared: those that never were, or with another account, or whose next day's account came since, and those
    /// with open differences from time to time.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn days_to_compare(&self, merchant_id: MerchantId, now_ms: UnixMs) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT f.day FROM settlement_files f LEFT JOIN reconciliations r ON r.merchant_id = f.merchant_id AND r.day = f.day
             WHERE f.merchant_id = $1 AND f.is_current = 1 AND (r.day IS NULL OR r.file <> f.id
               OR EXISTS (SELECT 1 FROM settlement_files n WHERE n.merchant_id = f.merchant_id AND n.day = f.day + 1
                          AND n.is_current = 1 AND n.imported_ms >= r.compared_ms)
               OR (f.day >= $2 AND r.compared_ms <= $3 AND EXISTS (SELECT 1 FROM differences d
                   WHERE d.merchant_id = f.merchant_id AND d.day = f.day AND d.resolved_ms IS NULL))) ORDER BY f.day",
        )
        .bind(merchant_id.to_string())
        .bind(utc_day(now_ms - SETTLEMENT_OPEN_DAYS_BACK * DAY_MS))
        .bind(now_ms - OPEN_AGAIN_MS)
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| Ok(row.try_get("day")?)).collect()
    }
}

struct Keep {
    dialect: Dialect,
    merchant: String,
    day: i64,
    file: String,
    compared: Compared,
    now_ms: UnixMs,
}

impl Keep {
    async fn run(&self, c: &mut Conn) -> Result<(), StoreError> {
        let run = self.begin(c).await?;
        sqlx::query("DELETE FROM reconciled_sums WHERE merchant_id = $1 AND day = $2")
            .bind(&self.merchant)
            .bind(self.day)
            .execute(&mut *c)
            .await?;
        for (currency, (count, amount_minor)) in &self.compared.matched {
            sqlx::query(
                "INSERT INTO reconciled_sums (merchant_id, day, currency, count, amount_minor) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&self.merchant)
            .bind(self.day)
            .bind(currency)
            .bind(*count)
            .bind(*amount_minor)
            .execute(&mut *c)
            .await?;
        }
        for difference in &self.compared.differences {
            self.keep(c, run, difference).await?;
        }
        sqlx::query(
            "UPDATE differences SET resolved_ms = $1 WHERE merchant_id = $2 AND day = $3 AND resolved_ms IS NULL AND seen_run < $4",
        )
        .bind(self.now_ms)
        .bind(&self.merchant)
        .bind(self.day)
        .bind(run)
        .execute(c)
        .await?;
        Ok(())
    }

    /// Counts this run. Where there are several writers, the row is held until the commit.
    async fn begin(&self, c: &mut Conn) -> Result<i64, StoreError> {
        sqlx::query(
            "INSERT INTO reconciliations (merchant_id, day, file, run, compared_ms) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (merchant_id, day) DO UPDATE SET file = excluded.file, run = reconciliations.run + 1,
             compared_ms = excluded.compared_ms",
        )
        .bind(&self.merchant)
        .bind(self.day)
        .bind(&self.file)
        .bind(self.now_ms)
        .execute(&mut *c)
        .await?;
        let text = self.dialect.pick(
            "SELECT run FROM reconciliations WHERE merchant_id = $1 AND day = $2",
            "SELECT run FROM reconciliations WHERE merchant_id = $1 AND day = $2 FOR UPDATE",
        );
        let row = sqlx::query(text).bind(&self.merchant).bind(self.day).fetch_one(c).await?;
        Ok(row.try_get("run")?)
    }

    async fn keep(&self, c: &mut Conn, run: i64, difference: &Difference) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO differences (merchant_id, day, kind, item, reference, number, occurrence, ours_minor, theirs_minor, currency,
             state, line, seen_run, first_seen_ms, resolved_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, NULL)
             ON CONFLICT (merchant_id, day, kind, item, reference, number, occurrence) DO UPDATE SET
             ours_minor = excluded.ours_minor, theirs_minor = excluded.theirs_minor, currency = excluded.currency,
             state = excluded.state, line = excluded.line, seen_run = excluded.seen_run, resolved_ms = NULL",
        )
        .bind(&self.merchant)
        .bind(self.day)
        .bind(difference.kind.name())
        .bind(difference.key.kind.name())
        .bind(&difference.key.reference)
        .bind(i64::from(difference.key.number))
        .bind(i64::from(difference.occurrence))
        .bind(difference.ours_minor)
        .bind(difference.theirs_minor)
        .bind(&difference.currency)
        .bind(&difference.state)
        .bind(difference.line.map(i64::from))
        .bind(run)
        .bind(self.now_ms)
        .execute(c)
        .await?;
        Ok(())
    }
}
