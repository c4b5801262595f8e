//! Reports. Each is read from the sums that are written with the journal's entries, so it takes as long for ten payments as for a
//! million. [`sums_of_journal`] makes the same figures from the lines themselves.

mod csv;

pub use csv::to_csv;

use super::Journal;
use crate::store::StoreError;
use crate::store::books::row::damaged;
use holdfast_core::books::{Account, Detail, Entry, Figures, Kind, Labels, Line, Reason, Tender, When, sums};
use holdfast_core::id::MerchantId;
use holdfast_core::time::iso_date;
use holdfast_wire::V;
use holdfast_wire::report::{Report, Row};
use jiff::civil::Date;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// Days that one report may span: ten years.
const DAYS_MAX: i64 = 3_660;

/// What is wrong with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error(
        "there is no such report: the kinds are day, hour, item, category, tender, staff, device, tax, path, losses, accounts"
    )]
    Kind,
    #[error("a day is written as 2026-11-23")]
    Day,
    #[error("the last day is before the first, or they are more than ten years apart")]
    Range,
}

/// A report that is asked for: its kind, and its first and last business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub kind: Kind,
    from: i64,
    to: i64,
}

impl Ask {
    /// # Errors
    /// When a part is no kind, no day or no range.
    pub fn parse(kind: &str, from: &str, to: &str) -> Result<Self, AskError> {
        let kind = Kind::from_name(kind).ok_or(AskError::Kind)?;
        Self::of(kind, day(from)?, day(to)?)
    }

    /// The same of business days, counted from 1970-01-01.
    ///
    /// # Errors
    /// When they are no range.
    pub fn of(kind: Kind, from: i64, to: i64) -> Result<Self, AskError> {
        if !(0..DAYS_MAX).contains(&to.saturating_sub(from)) {
            return Err(AskError::Range);
        }
        Ok(Self { kind, from, to })
    }
}

/// A day written as `2026-11-23`, as days since 1970-01-01.
///
/// # Errors
/// When it is written in any other way.
pub fn day(text: &str) -> Result<i64, AskError> {
    let date: Date = text.parse().map_err(|_| AskError::Day)?;
    let day = super::calendar::civil_day(date);
    // One spelling only: the library reads others as well.
    if iso_date(day) == text { Ok(day) } else { Err(AskError::Day) }
}

const COLUMNS: &str = "CAST(sum(s.count) AS BIGINT) AS count, CAST(sum(quantity) AS BIGINT) AS quantity,
    CAST(sum(net_minor) AS BIGINT) AS net_minor, CAST(sum(tax_minor) AS BIGINT) AS tax_minor,
    CAST(sum(tips_minor) AS BIGINT) AS tips_minor, CAST(sum(refunds_minor) AS BIGINT) AS refunds_minor,
    CAST(sum(refunds_tax_minor) AS BIGINT) AS refunds_tax_minor, CAST(sum(lost_minor) AS BIGINT) AS lost_minor,
    CAST(sum(balance_minor) AS BIGINT) AS balance_minor";

impl Journal {
    /// Makes a report.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn report(&self, merchant_id: MerchantId, ask: Ask) -> Result<Report, StoreError> {
        let calendar = self.calendar(merchant_id).await?;
        let group = if ask.kind == Kind::Day { "day" } else { "key" };
        // Made of constants only; every value is bound.
        let text = format!(
            "SELECT {group}, currency, {COLUMNS} FROM book_sums s WHERE merchant_id = $1 AND kind = $2 AND day BETWEEN $3 AND $4
             GROUP BY {group}, currency"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(merchant_id.to_string())
            .bind(ask.kind.name())
            .bind(ask.from)
            .bind(ask.to)
            .fetch_all(self.db.reader())
            .await?;
        let names = self.names(merchant_id, ask.kind).await?;
        let mut totals: BTreeMap<String, Figures> = BTreeMap::new();
        let mut shown = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = if ask.kind == Kind::Day { iso_date(row.try_get("day")?) } else { row.try_get("key")? };
            let (currency, figures): (String, _) = (row.try_get("currency")?, figures(row)?);
            totals.entry(currency.clone()).or_default().add(&figures);
            shown.push(row_of(label(ask.kind, &key, &names), key, currency, &figures));
        }
        // By bytes, whatever order the database's language has.
        shown.sort_by(|a, b| (&a.key, &a.currency).cmp(&(&b.key, &b.currency)));
        let totals = totals.into_iter().map(|(currency, f)| row_of("Total".into(), String::new(), currency, &f));
        Ok(Report {
            v: V,
            kind: ask.kind.name().to_owned(),
            from: iso_date(ask.from),
            to: iso_date(ask.to),
            time_zone: calendar.zone().to_owned(),
            day_start_hour: calendar.day_start_hour(),
            rows: shown,
            totals: totals.collect(),
        })
    }

    /// What the keys of a report are called now.
    async fn names(&self, merchant_id: MerchantId, kind: Kind) -> Result<BTreeMap<String, String>, StoreError> {
        let text = match kind {
            Kind::Device => "SELECT id, name FROM devices WHERE merchant_id = $1",
            Kind::Staff => "SELECT id, name FROM staff WHERE merchant_id = $1",
            _ => return Ok(BTreeMap::new()),
        };
        let rows = sqlx::query(text).bind(merchant_id.to_string()).fetch_all(self.db.reader()).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("name")?))).collect()
    }

    /// The sums as the journal's lines give them, for whoever wants to check those that are kept, by kind, day, key and currency.
    ///
    /// # Errors
    /// When the database refuses, or a line cannot be read.
    pub async fn sums_of_journal(&self, merchant_id: MerchantId) -> Result<Sums, StoreError> {
        let entries = sqlx::query("SELECT * FROM journal WHERE merchant_id = $1 ORDER BY entry")
            .bind(merchant_id.to_string())
            .fetch_all(self.db.reader())
            .await?;
        let mut sums_by_key = Sums::new();
        for row in &entries {
            let (entry, labels) = self.entry(merchant_id, row).await?;
            let currency: String = row.try_get("currency")?;
            for sum in sums(&entry, &labels) {
                let key = (sum.kind, entry.when().day, sum.key, currency.clone());
                sums_by_key.entry(key).or_default().add(&sum.figures);
            }
        }
        Ok(sums_by_key)
    }

    /// The sums that are kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sums_kept(&self, merchant_id: MerchantId) -> Result<Sums, StoreError> {
        let rows = sqlx::query("SELECT * FROM book_sums WHERE merchant_id = $1")
            .bind(merchant_id.to_string())
            .fetch_all(self.db.reader())
            .await?;
        let of_row = |row: &AnyRow| {
            let kind = Kind::from_name(row.try_get("kind")?).ok_or_else(|| damaged("kind of sum"))?;
            Ok(((kind, row.try_get("day")?, row.try_get("key")?, row.try_get("currency")?), figures(row)?))
        };
        rows.iter().map(of_row).collect()
    }

    async fn entry(&self, merchant_id: MerchantId, row: &AnyRow) -> Result<(Entry, Labels), StoreError> {
        let lines = sqlx::query("SELECT * FROM journal_lines WHERE merchant_id = $1 AND entry = $2 ORDER BY line")
            .bind(merchant_id.to_string())
            .bind(row.try_get::<i64, _>("entry")?)
            .fetch_all(self.db.reader())
            .await?;
        let lines = lines.iter().map(line).collect::<Result<Vec<_>, StoreError>>()?;
        let reason = Reason::from_name(row.try_get("reason")?).ok_or_else(|| damaged("reason"))?;
        let hour = u8::try_from(row.try_get::<i64, _>("hour")?).map_err(|_| damaged("hour"))?;
        let when = When { at_ms: row.try_get("at_ms")?, day: row.try_get("day")?, hour };
        let labels = Labels {
            device_id: row.try_get("device_id")?,
            staff: row.try_get("staff")?,
            tender: Tender::from_name(row.try_get("tender")?),
            offline: row.try_get::<i64, _>("offline")? != 0,
        };
        Ok((Entry::new(reason, when, lines).map_err(|error| StoreError::Database(error.to_string()))?, labels))
    }
}

/// Figures by kind, day, key and currency.
pub type Sums = BTreeMap<(Kind, i64, String, String), Figures>;

fn line(row: &AnyRow) -> Result<Line, StoreError> {
    let tax_bp: Option<i64> = row.try_get("tax_bp")?;
    let tax_bp = tax_bp.map(u32::try_from).transpose().map_err(|_| damaged("tax rate"))?;
    let account = Account::from_parts(row.try_get("account")?, tax_bp).ok_or_else(|| damaged("account"))?;
    let detail =
        Detail { item: row.try_get("item")?, category: row.try_get("category")?, quantity: row.try_get("quantity")? };
    Ok(Line { account, amount_minor: row.try_get("amount_minor")?, detail })
}

fn figures(row: &AnyRow) -> Result<Figures, StoreError> {
    Ok(Figures {
        count: row.try_get("count")?,
        quantity: row.try_get("quantity")?,
        net_minor: row.try_get("net_minor")?,
        tax_minor: row.try_get("tax_minor")?,
        tips_minor: row.try_get("tips_minor")?,
        refunds_minor: row.try_get("refunds_minor")?,
        refunds_tax_minor: row.try_get("refunds_tax_minor")?,
        lost_minor: row.try_get("lost_minor")?,
        balance_minor: row.try_get("balance_minor")?,
    })
}

fn row_of(label: String, key: String, currency: String, f: &Figures) -> Row {
    Row {
        key,
        label,
        currency,
        count: f.count,
        quantity: f.quantity,
        net_minor: f.net_minor,
        tax_minor: f.tax_minor,
        tips_minor: f.tips_minor,
        gross_minor: f.net_minor.saturating_add(f.tax_minor).saturating_add(f.tips_minor),
        refunds_minor: f.refunds_minor,
        refunds_tax_minor: f.refunds_tax_minor,
        lost_minor: f.lost_minor,
        balance_minor: f.balance_minor,
    }
}

fn label(kind: Kind, key: &str, names: &BTreeMap<String, String>) -> String {
    match kind {
        Kind::Hour => format!("{key}:00"),
        Kind::Tax => key.parse::<u32>().map_or_else(|_| key.to_owned(), rate),
        Kind::Staff | Kind::Category | Kind::Item if key.is_empty() => "Not recorded".to_owned(),
        Kind::Device | Kind::Staff => names.get(key).cloned().unwrap_or_else(|| key.to_owned()),
        _ => key.to_owned(),
    }
}

/// `19 %` for 1900, `8.1 %` for 810.
fn rate(bp: u32) -> String {
    let (whole, rest) = (bp / 100, format!("{:02}", bp % 100));
    match rest.trim_end_matches('0') {
        "" => format!("{whole} %"),
        rest => format!("{whole}.{rest} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_or_refused() {
        assert!(Ask::parse("tax", "2026-11-01", "2026-11-30").is_ok_and(|ask| ask.to - ask.from == 29));
        for (kind, from, to, error) in [
            ("taxes", "2026-11-01", "2026-11-30", AskError::Kind),
            ("tax", "2026-11-31", "2026-11-30", AskError::Day),
            ("tax", "20261101", "2026-11-30", AskError::Day),
            ("tax", "2026-11-01T00:00:00", "2026-11-30", AskError::Day),
            ("tax", "2026-11-30", "2026-11-01", AskError::Range),
            ("tax", "1026-11-30", "2026-11-01", AskError::Range),
        ] {
            assert_eq!(Ask::parse(kind, from, to), Err(error), "{kind} {from} {to}");
        }
        assert_eq!(
            (rate(1_900), rate(810), rate(0), rate(5)),
            ("19 %".into(), "8.1 %".into(), "0 %".into(), "0.05 %".into())
        );
    }
}
