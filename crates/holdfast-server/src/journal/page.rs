//! Entries on their way into the journal, with what they add to the reports. Written in a few statements, whatever their number.

use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::books::{Entry, Figures, Kind, Labels, sums};
use holdfast_core::id::MerchantId;
use holdfast_core::time::UnixMs;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What an entry is about.
pub struct Source<'a> {
    pub source: &'a str,
    /// Unique in the source.
    pub key: &'a str,
    pub currency: &'a str,
    pub labels: &'a Labels,
}

/// Kind, day, key, currency.
type SumKey = (Kind, i64, String, String);

/// A value of a row.
enum Value {
    Whole(i64),
    Maybe(Option<i64>),
    Text(String),
}

/// Entries of one merchant.
pub struct Page {
    merchant_id: String,
    last_entry: i64,
    booked_ms: UnixMs,
    entries: Vec<Vec<Value>>,
    lines: Vec<Vec<Value>>,
    sums: BTreeMap<SumKey, Figures>,
}

impl Page {
    pub fn new(merchant_id: MerchantId, last_entry: i64, booked_ms: UnixMs) -> Self {
        let (entries, lines, sums) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { merchant_id: merchant_id.to_string(), last_entry, booked_ms, entries, lines, sums }
    }

    pub fn add(&mut self, from: &Source<'_>, entry: &Entry) {
        use Value::{Maybe, Text, Whole};
        self.last_entry += 1;
        let (when, labels) = (entry.when(), from.labels);
        self.entries.push(vec![
            Text(self.merchant_id.clone()),
            Whole(self.last_entry),
            Text(from.source.to_owned()),
            Text(from.key.to_owned()),
            Text(entry.reason().name().to_owned()),
            Whole(when.day),
            Whole(i64::from(when.hour)),
            Whole(when.at_ms),
            Whole(self.booked_ms),
            Text(from.currency.to_owned()),
            Text(labels.device_id.clone()),
            Text(labels.staff.clone()),
            Text(labels.tender.map(|tender| tender.name().to_owned()).unwrap_or_default()),
            Whole(i64::from(labels.offline)),
            Whole(entry.refunded_minor()),
        ]);
        for (number, line) in (1..).zip(entry.lines()) {
            self.lines.push(vec![
                Text(self.merchant_id.clone()),
                Whole(self.last_entry),
                Whole(number),
                Text(line.account.name().to_owned()),
                Maybe(line.account.tax_bp().map(i64::from)),
                Whole(line.amount_minor),
                Text(line.detail.item.clone()),
                Text(line.detail.category.clone()),
                Whole(line.detail.quantity),
            ]);
        }
        for sum in sums(entry, labels) {
            let key = (sum.kind, when.day, sum.key, from.currency.to_owned());
            self.sums.entry(key).or_default().add(&sum.figures);
        }
    }

    /// Writes everything and says the number of the last entry.
    pub async fn write(self, c: &mut Conn) -> Result<i64, StoreError> {
        insert(c, ENTRIES, "", self.entries).await?;
        insert(c, LINES, "", self.lines).await?;
        let id = self.merchant_id;
        // In one order everywhere, so that two writers never wait for each other.
        let sums = self.sums.into_iter().map(|(key, figures)| sum_row(&id, key, &figures)).collect();
        insert(c, SUMS, ADD_TO_SUMS, sums).await?;
        Ok(self.last_entry)
    }
}

const ENTRIES: &str =
    "INSERT INTO journal (merchant_id, entry, source, key, reason, day, hour, at_ms, booked_ms, currency,
    device_id, staff, tender, offline, refunded_minor) VALUES ";
const LINES: &str =
    "INSERT INTO journal_lines (merchant_id, entry, line, account, tax_bp, amount_minor, item, category, quantity)
    VALUES ";
const SUMS: &str =
    "INSERT INTO book_sums (merchant_id, kind, day, key, currency, count, quantity, net_minor, tax_minor, tips_minor,
    refunds_minor, refunds_tax_minor, lost_minor, balance_minor) VALUES ";
const ADD_TO_SUMS: &str = " ON CONFLICT (merchant_id, kind, day, key, currency) DO UPDATE SET
    count = book_sums.count + excluded.count, quantity = book_sums.quantity + excluded.quantity,
    net_minor = book_sums.net_minor + excluded.net_minor, tax_minor = book_sums.tax_minor + excluded.tax_minor,
    tips_minor = book_sums.tips_minor + excluded.tips_minor, refunds_minor = book_sums.refunds_minor + excluded.refunds_minor,
    refunds_tax_minor = book_sums.refunds_tax_minor + excluded.refunds_tax_minor,
    lost_minor = book_sums.lost_minor + excluded.lost_minor, balance_minor = book_sums.balance_minor + excluded.balance_minor";

fn sum_row(merchant_id: &str, (kind, day, key, currency): SumKey, figures: &Figures) -> Vec<Value> {
    use Value::{Text, Whole};
    vec![
        Text(merchant_id.to_owned()),
        Text(kind.name().to_owned()),
        Whole(day),
        Text(key),
        Text(currency),
        Whole(figures.count),
        Whole(figures.quantity),
        Whole(figures.net_minor),
        Whole(figures.tax_minor),
        Whole(figures.tips_minor),
        Whole(figures.refunds_minor),
        Whole(figures.refunds_tax_minor),
        Whole(figures.lost_minor),
        Whole(figures.balance_minor),
    ]
}

/// Rows of one statement. Few sizes, so that the database prepares few statements.
const SIZES: [usize; 4] = [64, 16, 4, 1];

async fn insert(c: &mut Conn, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let mut left = rows.into_iter();
    while left.len() > 0 {
        let size = SIZES.into_iter().find(|size| *size <= left.len()).unwrap_or(1);
        let rows: Vec<Vec<Value>> = left.by_ref().take(size).collect();
        let columns = rows.first().map_or(0, Vec::len);
        // Made of constants and numbers only; every value is bound.
        let text = format!("{head}{}{tail}", places(size, columns));
        let mut query = sqlx::query(AssertSqlSafe(text));
        for value in rows.into_iter().flatten() {
            query = match value {
                Value::Whole(value) => query.bind(value),
                Value::Maybe(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            };
        }
        query.execute(&mut *c).await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
fn places(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}${}", if column == 1 { "" } else { ", " }, row * columns + column);
        }
        text.push(')');
    }
    text
}
