//! What both sides say of a day, read for the comparison.

use super::Settlements;
use crate::journal::Journal;
use crate::store::StoreError;
use crate::store::books::row::{damaged, small};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::SETTLEMENT_BORDER_MS;
use holdfast_core::payment::Refunds;
use holdfast_core::settlement::{Item, ItemKind, Key, Known, Occasion, Payout};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

/// Both sides.
pub struct Sides {
    pub file: String,
    pub is_complete: bool,
    pub items: Vec<Item>,
    pub before: BTreeSet<Key>,
    pub after: BTreeSet<Key>,
    pub ours: BTreeMap<Key, Known>,
    pub states: BTreeMap<String, String>,
    pub paid: BTreeMap<String, Payout>,
}

/// A day of a merchant, and its account.
struct Asked<'a> {
    merchant: &'a str,
    day: i64,
    file: &'a str,
    from_ms: UnixMs,
    to_ms: UnixMs,
    /// What is ours after this may be in the next account.
    border_ms: UnixMs,
}

/// Payments whose money moved in the window of a day.
const MOVED: &str = "e.merchant_id = $1 AND e.state IN ('captured', 'partly-refunded', 'refunded')
    AND e.at_ms >= $2 AND e.at_ms < $3";
/// Payments that the account names.
const NAMED: &str = "e.merchant_id = $1 AND e.state IN ('captured', 'partly-refunded', 'refunded')
    AND e.payment_id IN (SELECT reference FROM settlement_lines WHERE file = $2)";

impl Settlements {
    /// Reads both sides; `None` when the day's account is not here.
    pub(super) async fn sides(&self, merchant_id: MerchantId, day: i64) -> Result<Option<Sides>, StoreError> {
        let merchant = merchant_id.to_string();
        let Some((file, is_complete)) = self.current(&merchant, day).await? else { return Ok(None) };
        let (from_ms, to_ms) = Journal::of(self.db.clone()).calendar(merchant_id).await?.window(day);
        let next_is_here = self.current(&merchant, day + 1).await?.is_some();
        let border_ms = if next_is_here { to_ms } else { to_ms - SETTLEMENT_BORDER_MS };
        let asked = Asked { merchant: &merchant, day, file: &file, from_ms, to_ms, border_ms };
        let items = self.items(&asked).await?;
        let ours = self.ours(&asked).await?;
        let (before, after) = self.elsewhere(&asked).await?;
        let states = self.states(&asked).await?;
        let paid = self.paid(&asked).await?;
        Ok(Some(Sides { is_complete, items, before, after, ours, states, paid, file }))
    }

    /// The account that counts for a day, and whether it is whole.
    pub(super) async fn current(&self, merchant: &str, day: i64) -> Result<Option<(String, bool)>, StoreError> {
        let row = sqlx::query(
            "SELECT id, is_complete FROM settlement_files WHERE merchant_id = $1 AND day = $2 AND is_current = 1",
        )
        .bind(merchant)
        .bind(day)
        .fetch_optional(self.db.reader())
        .await?;
        row.map(|row| Ok((row.try_get("id")?, row.try_get::<i64, _>("is_complete")? != 0))).transpose()
    }

    async fn items(&self, asked: &Asked<'_>) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query("SELECT * FROM settlement_lines WHERE file = $1 ORDER BY line")
            .bind(asked.file)
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(item).collect()
    }

    async fn ours(&self, asked: &Asked<'_>) -> Result<BTreeMap<Key, Known>, StoreError> {
        let text = |filter: &str| {
            // Made of constants only; every value is bound.
            sqlx::AssertSqlSafe(format!(
                "SELECT e.payment_id, e.state, e.reason, e.at_ms, e.amount_minor, e.currency FROM payment_events e WHERE {filter}"
            ))
        };
        let moved = sqlx::query(text(MOVED)).bind(asked.merchant).bind(asked.from_ms).bind(asked.to_ms);
        let mut rows = moved.fetch_all(self.db.reader()).await?;
        let named = sqlx::query(text(NAMED)).bind(asked.merchant).bind(asked.file);
        rows.extend(named.fetch_all(self.db.reader()).await?);
        let mut ours = BTreeMap::new();
        for row in &rows {
            let (mut key, amount_minor) = movement(row)?;
            if key.kind == ItemKind::Refund {
                key.number = self.refund_number(&key).await?;
            }
            let occasion = asked.occasion(row.try_get("at_ms")?);
            ours.insert(key, Known { amount_minor, currency: row.try_get("currency")?, occasion });
        }
        let taken = sqlx::query(
            "SELECT c.payment_id, c.number, c.amount_minor, c.currency, c.at_ms, p.amount_minor AS paid_minor
             FROM chargebacks c JOIN payments p ON p.id = c.payment_id WHERE c.merchant_id = $1
             AND ((c.at_ms >= $2 AND c.at_ms < $3) OR c.payment_id IN (SELECT reference FROM settlement_lines WHERE file = $4))",
        );
        let taken = taken.bind(asked.merchant).bind(asked.from_ms).bind(asked.to_ms).bind(asked.file);
        for row in taken.fetch_all(self.db.reader()).await? {
            let (reference, number) = (row.try_get("payment_id")?, small(&row, "number")?);
            let key = Key { kind: ItemKind::Chargeback, reference, number };
            // More than was paid cannot be taken back: that is a difference.
            let amount_minor = -row.try_get::<i64, _>("amount_minor")?.min(row.try_get("paid_minor")?);
            let occasion = asked.occasion(row.try_get("at_ms")?);
            ours.insert(key, Known { amount_minor, currency: row.try_get("currency")?, occasion });
        }
        Ok(ours)
    }

    /// The number by which the acquirer knows a payment's n-th refund: one that it refused has a number too.
    async fn refund_number(&self, nth: &Key) -> Result<u32, StoreError> {
        let row = sqlx::query(
            "SELECT number FROM instructions WHERE payment_id = $1 AND kind = 'refund' AND progress = 'done'
             ORDER BY number LIMIT 1 OFFSET $2",
        )
        .bind(&nth.reference)
        .bind(i64::from(nth.number) - 1)
        .fetch_optional(self.db.reader())
        .await?;
        row.map_or(Ok(nth.number), |row| small(&row, "number"))
    }

    /// What the accounts of other days tell of the same payments: those before, and those after.
    async fn elsewhere(&self, asked: &Asked<'_>) -> Result<(BTreeSet<Key>, BTreeSet<Key>), StoreError> {
        let text = format!(
            "SELECT l.kind, l.reference, l.number, f.day FROM settlement_lines l JOIN settlement_files f ON f.id = l.file
             WHERE l.merchant_id = $1 AND f.is_current = 1 AND f.day <> $4 AND l.kind <> 'payout' AND
             (l.reference IN (SELECT e.payment_id FROM payment_events e WHERE {MOVED})
              OR l.reference IN (SELECT reference FROM settlement_lines WHERE file = $5))"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(asked.merchant)
            .bind(asked.from_ms)
            .bind(asked.to_ms)
            .bind(asked.day)
            .bind(asked.file)
            .fetch_all(self.db.reader())
            .await?;
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            let is_before = row.try_get::<i64, _>("day")? < asked.day;
            if is_before { &mut before } else { &mut after }.insert(key(row)?);
        }
        Ok((before, after))
    }

    /// Payouts as they were booked: each from the first account of any day that told it. Those that an account of this day was the first to tell.
    async fn paid(&self, asked: &Asked<'_>) -> Result<BTreeMap<String, Payout>, StoreError> {
        let rows = sqlx::query(
            "SELECT l.reference, l.amount_minor, l.fee_minor, l.currency, f.day FROM settlement_lines l
             JOIN settlement_files f ON f.id = l.file WHERE l.merchant_id = $1 AND l.kind = 'payout' AND l.reference IN
               (SELECT n.reference FROM settlement_lines n JOIN settlement_files x ON x.id = n.file
                WHERE n.merchant_id = $1 AND n.kind = 'payout' AND x.merchant_id = $1 AND x.day = $2)
             ORDER BY f.imported_ms DESC, l.line DESC",
        )
        .bind(asked.merchant)
        .bind(asked.day)
        .fetch_all(self.db.reader())
        .await?;
        let mut first: BTreeMap<String, (i64, Payout)> = BTreeMap::new();
        for row in &rows {
            let payout = Payout {
                amount_minor: row.try_get("amount_minor")?,
                fee_minor: row.try_get("fee_minor")?,
                currency: row.try_get("currency")?,
            };
            // The oldest comes last and stays.
            first.insert(row.try_get("reference")?, (row.try_get("day")?, payout));
        }
        first.retain(|_, (day, _)| *day == asked.day);
        Ok(first.into_iter().map(|(name, (_, payout))| (name, payout)).collect())
    }

    async fn states(&self, asked: &Asked<'_>) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, state FROM payments WHERE merchant_id = $1 AND id IN (SELECT reference FROM settlement_lines WHERE file = $2)",
        )
        .bind(asked.merchant)
        .bind(asked.file)
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("state")?))).collect()
    }
}

impl Asked<'_> {
    fn occasion(&self, at_ms: UnixMs) -> Occasion {
        if !(self.from_ms..self.to_ms).contains(&at_ms) {
            Occasion::AnotherDay
        } else if at_ms >= self.border_ms {
            Occasion::AtTheBorder
        } else {
            Occasion::ThisDay
        }
    }
}

/// What an event of a payment moved.
fn movement(row: &AnyRow) -> Result<(Key, i64), StoreError> {
    let reference: String = row.try_get("payment_id")?;
    if row.try_get::<&str, _>("state")? == "captured" {
        return Ok((Key { kind: ItemKind::Capture, reference, number: 1 }, row.try_get("amount_minor")?));
    }
    let refunds: Option<Refunds> = row.try_get::<Option<&str>, _>("reason")?.and_then(|list| list.parse().ok());
    let refunds = refunds.ok_or_else(|| damaged("refunds"))?;
    let number = u32::try_from(refunds.list().len()).map_err(|_| damaged("refunds"))?;
    let amount_minor = refunds.list().last().map_or(0, |refund| -refund.amount_minor);
    Ok((Key { kind: ItemKind::Refund, reference, number }, amount_minor))
}

fn key(row: &AnyRow) -> Result<Key, StoreError> {
    let kind = ItemKind::from_name(row.try_get("kind")?).ok_or_else(|| damaged("kind of line"))?;
    Ok(Key { kind, reference: row.try_get("reference")?, number: small(row, "number")? })
}

pub(super) fn item(row: &AnyRow) -> Result<Item, StoreError> {
    Ok(Item {
        line: small(row, "line")?,
        key: key(row)?,
        amount_minor: row.try_get("amount_minor")?,
        fee_minor: row.try_get("fee_minor")?,
        currency: row.try_get("currency")?,
        at_ms: row.try_get("at_ms")?,
        reason: row.try_get("reason")?,
    })
}
