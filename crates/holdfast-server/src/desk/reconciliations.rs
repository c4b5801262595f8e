//! What the comparisons with the acquirer's accounts found, day by day.

use super::Desk;
use crate::store::StoreError;
use crate::store::books::row::{damaged, small};
use holdfast_core::settlement::{ChargebackReason, Difference, DifferenceKind, ItemKind, Key};
use holdfast_core::time::iso_date;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

/// A day that was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DaySummary {
    /// The business day, as `2026-11-23`.
    pub day: String,
    pub compared_ms: i64,
    /// False when the account was torn: nobody can say what is missing in it.
    pub is_complete: bool,
    pub matched: Vec<Matched>,
    /// Differences that are there now, and those that are gone.
    pub open: i64,
    pub resolved: i64,
    /// Lines of the account that could not be read.
    pub unreadable: i64,
}

/// Movements that both sides tell alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Matched {
    pub currency: String,
    pub count: i64,
    pub amount_minor: i64,
}

/// All that is known of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reconciliation {
    #[serde(flatten)]
    pub summary: DaySummary,
    pub differences: Vec<DifferenceLine>,
    pub payouts: Vec<Payout>,
    pub chargebacks: Vec<ChargebackLine>,
    pub faults: Vec<FaultLine>,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DifferenceLine {
    /// `missing-at-acquirer`, `missing-in-our-books`, `amount-differs`, `state-differs` or `double`.
    pub kind: String,
    /// `capture`, `refund`, `chargeback` or `payout`.
    pub item: String,
    /// The payment's id, or the payout's name.
    pub reference: String,
    pub number: u32,
    pub ours_minor: Option<i64>,
    pub theirs_minor: Option<i64>,
    pub currency: String,
    /// Where the payment stands in our books.
    pub state: Option<String>,
    /// The line of the file.
    pub line: Option<u32>,
    pub words: String,
    pub first_seen_ms: i64,
    pub resolved_ms: Option<i64>,
}

/// What the acquirer pays out, or takes if it is negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Payout {
    pub id: String,
    pub gross_minor: i64,
    pub fees_minor: i64,
    pub net_minor: i64,
    pub currency: String,
    pub at_ms: i64,
}

/// What a card's bank took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChargebackLine {
    pub payment_id: String,
    /// Of the sale.
    pub sale_number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub reason: Option<String>,
    pub words: String,
    pub at_ms: i64,
}

/// A line that could not be read. Line 0 is the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultLine {
    pub line: u32,
    pub words: String,
}

const SUMMARY: &str = "SELECT r.day, r.compared_ms, r.file, f.is_complete,
    (SELECT count(*) FROM differences d WHERE d.merchant_id = r.merchant_id AND d.day = r.day AND d.resolved_ms IS NULL) AS open,
    (SELECT count(*) FROM differences d WHERE d.merchant_id = r.merchant_id AND d.day = r.day AND d.resolved_ms IS NOT NULL) AS gone,
    (SELECT count(*) FROM settlement_faults x WHERE x.file = r.file) AS unreadable
    FROM reconciliations r JOIN settlement_files f ON f.id = r.file WHERE r.merchant_id = $1 AND ";

impl Desk {
    /// Days that were compared, newest first, before `before` (days since 1970-01-01).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reconciliations(&self, before: i64, limit: usize) -> Result<Vec<DaySummary>, StoreError> {
        let text = format!("{SUMMARY} r.day < $2 ORDER BY r.day DESC LIMIT $3");
        // Made of constants only; every value is bound.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(self.id())
            .bind(before)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.db.reader())
            .await?;
        let mut days = Vec::with_capacity(rows.len());
        for row in &rows {
            days.push(self.summary(row).await?);
        }
        Ok(days)
    }

    /// Everything about one day.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reconciliation(&self, day: i64) -> Result<Option<Reconciliation>, StoreError> {
        let text = sqlx::AssertSqlSafe(format!("{SUMMARY} r.day = $2"));
        let row = sqlx::query(text).bind(self.id()).bind(day).fetch_optional(self.db.reader()).await?;
        let Some(row) = row else { return Ok(None) };
        let file: String = row.try_get("file")?;
        Ok(Some(Reconciliation {
            summary: self.summary(&row).await?,
            differences: self.differences(day).await?,
            payouts: self.payouts(&file).await?,
            chargebacks: self.chargebacks_of(&file).await?,
            faults: self.faults(&file).await?,
        }))
    }

    async fn summary(&self, row: &AnyRow) -> Result<DaySummary, StoreError> {
        let day: i64 = row.try_get("day")?;
        let text = "SELECT currency, count, amount_minor FROM reconciled_sums WHERE merchant_id = $1 AND day = $2 ORDER BY currency";
        let sums = sqlx::query(text).bind(self.id()).bind(day).fetch_all(self.db.reader()).await?;
        let matched = |row: &AnyRow| -> Result<Matched, StoreError> {
            Ok(Matched {
                currency: row.try_get("currency")?,
                count: row.try_get("count")?,
                amount_minor: row.try_get("amount_minor")?,
            })
        };
        Ok(DaySummary {
            day: iso_date(day),
            compared_ms: row.try_get("compared_ms")?,
            is_complete: row.try_get::<i64, _>("is_complete")? != 0,
            matched: sums.iter().map(matched).collect::<Result<_, _>>()?,
            open: row.try_get("open")?,
            resolved: row.try_get("gone")?,
            unreadable: row.try_get("unreadable")?,
        })
    }

    async fn differences(&self, day: i64) -> Result<Vec<DifferenceLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM differences WHERE merchant_id = $1 AND day = $2
             ORDER BY CASE WHEN resolved_ms IS NULL THEN 0 ELSE 1 END, first_seen_ms, reference, kind, occurrence LIMIT 1000",
        )
        .bind(self.id())
        .bind(day)
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(difference).collect()
    }

    async fn payouts(&self, file: &str) -> Result<Vec<Payout>, StoreError> {
        let text = "SELECT * FROM settlement_lines WHERE file = $1 AND kind = 'payout' ORDER BY line";
        let rows = sqlx::query(text).bind(file).fetch_all(self.db.reader()).await?;
        let payout = |row: &AnyRow| -> Result<Payout, StoreError> {
            let (gross_minor, fees_minor): (i64, i64) = (row.try_get("amount_minor")?, row.try_get("fee_minor")?);
            Ok(Payout {
                id: row.try_get("reference")?,
                gross_minor,
                fees_minor,
                net_minor: gross_minor.saturating_sub(fees_minor),
                currency: row.try_get("currency")?,
                at_ms: row.try_get("at_ms")?,
            })
        };
        rows.iter().map(payout).collect()
    }

    async fn chargebacks_of(&self, file: &str) -> Result<Vec<ChargebackLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.*, p.number AS sale_number FROM chargebacks c JOIN payments p ON p.id = c.payment_id
             WHERE c.merchant_id = $1 AND c.payment_id IN (SELECT reference FROM settlement_lines WHERE file = $2 AND kind = 'chargeback')
             ORDER BY c.at_ms, c.payment_id",
        )
        .bind(self.id())
        .bind(file)
        .fetch_all(self.db.reader())
        .await?;
        let line = |row: &AnyRow| -> Result<ChargebackLine, StoreError> {
            let reason: Option<String> = row.try_get("reason")?;
            Ok(ChargebackLine {
                payment_id: row.try_get("payment_id")?,
                sale_number: row.try_get("sale_number")?,
                amount_minor: row.try_get("amount_minor")?,
                currency: row.try_get("currency")?,
                words: words(reason.as_deref()).to_owned(),
                reason,
                at_ms: row.try_get("at_ms")?,
            })
        };
        rows.iter().map(line).collect()
    }

    async fn faults(&self, file: &str) -> Result<Vec<FaultLine>, StoreError> {
        let text = "SELECT line, words FROM settlement_faults WHERE file = $1 ORDER BY line";
        let rows = sqlx::query(text).bind(file).fetch_all(self.db.reader()).await?;
        rows.iter().map(|row| Ok(FaultLine { line: small(row, "line")?, words: row.try_get("words")? })).collect()
    }
}

/// Why a bank took money back, in words.
pub fn words(reason: Option<&str>) -> &'static str {
    reason.and_then(ChargebackReason::parse).map_or("the card's bank took it back", |reason| reason.words())
}

fn difference(row: &AnyRow) -> Result<DifferenceLine, StoreError> {
    let kind = DifferenceKind::from_name(row.try_get("kind")?).ok_or_else(|| damaged("kind of difference"))?;
    let item = ItemKind::from_name(row.try_get("item")?).ok_or_else(|| damaged("kind of line"))?;
    let line = row.try_get::<Option<i64>, _>("line")?.map(u32::try_from).transpose().map_err(|_| damaged("line"))?;
    let found = Difference {
        kind,
        key: Key { kind: item, reference: row.try_get("reference")?, number: small(row, "number")? },
        occurrence: small(row, "occurrence")?,
        ours_minor: row.try_get("ours_minor")?,
        theirs_minor: row.try_get("theirs_minor")?,
        currency: row.try_get("currency")?,
        state: row.try_get("state")?,
        line,
    };
    Ok(DifferenceLine {
        words: found.words(),
        kind: kind.name().to_owned(),
        item: item.name().to_owned(),
        reference: found.key.reference,
        number: found.key.number,
        ours_minor: found.ours_minor,
        theirs_minor: found.theirs_minor,
        currency: found.currency,
        state: found.state,
        line: found.line,
        first_seen_ms: row.try_get("first_seen_ms")?,
        resolved_ms: row.try_get("resolved_ms")?,
    })
}
