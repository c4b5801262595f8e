//! Entries on their way into the journal, with what they add to the reports. Written in a few statements, whatever their number.

use crate::store::StoreError;
use crate::store::db::Conn;
use crate::store::db::rows::{self, Value};
use holdfast_core::books::{Entry, Figures, Kind, Labels, sums};
use holdfast_core::id::MerchantId;
use holdfast_core::time::UnixMs;
use std::collections::BTreeMap;

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

/// Entries of one merchant.
pub struct Page {
    merchant_id: String,
    last_entry: i64,
    booked_ms: UnixMs,
    entries: Vec<[Value; 15]>,
    lines: Vec<[Value; 9]>,
    sums: BTreeMap<SumKey, Figures>,
}

impl Page {
    pub fn new(merchant_id: MerchantId, last_entry: i64, booked_ms: UnixMs) -> Self {
        let (entries, lines, sums) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { merchant_id: merchant_id.to_string(), last_entry, booked_ms, entries, lines, sums }
    }

    pub fn add(&mut self, from: &Source<'_>, entry: &Entry) {
        self.last_entry += 1;
        let (when, labels) = (entry.when(), from.labels);
        self.entries.push([
            self.merchant_id.as_str().into(),
            self.last_entry.into(),
            from.source.into(),
            from.key.into(),
            entry.reason().name().into(),
            when.day.into(),
            i64::from(when.hour).into(),
            when.at_ms.into(),
            self.booked_ms.into(),
            from.currency.into(),
            labels.device_id.as_str().into(),
            labels.staff.as_str().into(),
            labels.tender.map(|tender| tender.name()).unwrap_or_default().into(),
            labels.offline.into(),
            entry.refunded_minor().into(),
        ]);
        for (number, line) in (1..).zip(entry.lines()) {
            self.lines.push([
                self.merchant_id.as_str().into(),
                self.last_entry.into(),
                number.into(),
                line.account.name().into(),
                line.account.tax_bp().map(i64::from).into(),
                line.amount_minor.into(),
                line.detail.item.as_str().into(),
                line.detail.category.as_str().into(),
                line.detail.quantity.into(),
            ]);
        }
        for sum in sums(entry, labels) {
            let key = (sum.kind, when.day, sum.key, from.currency.to_owned());
            self.sums.entry(key).or_default().add(&sum.figures);
        }
    }

    /// Writes everything and says the number of the last entry.
    pub async fn write(self, c: &mut Conn) -> Result<i64, StoreError> {
        rows::write(c, ENTRIES, "", self.entries).await?;
        rows::write(c, LINES, "", self.lines).await?;
        let id = self.merchant_id;
        // In one order everywhere, so that two writers never wait for each other.
        let sums = self.sums.into_iter().map(|(key, figures)| sum_row(&id, key, &figures)).collect();
        rows::write(c, SUMS, ADD_TO_SUMS, sums).await?;
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

fn sum_row(merchant_id: &str, (kind, day, key, currency): SumKey, figures: &Figures) -> [Value; 14] {
    [
        merchant_id.into(),
        kind.name().into(),
        day.into(),
        key.into(),
        currency.into(),
        figures.count.into(),
        figures.quantity.into(),
        figures.net_minor.into(),
        figures.tax_minor.into(),
        figures.tips_minor.into(),
        figures.refunds_minor.into(),
        figures.refunds_tax_minor.into(),
        figures.lost_minor.into(),
        figures.balance_minor.into(),
    ]
}
