//! What the booking job reads: events with their sales, and what is booked of them.

use super::Calendar;
use crate::store::StoreError;
use crate::store::books::row::{damaged, flag};
use crate::store::db::{Conn, rows};
use holdfast_core::books::{BookError, Happening, Reason, Sold, SoldLine, Standing, Tender};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::PAY_AGAIN_MAX;
use holdfast_core::payment::Refunds;
use holdfast_core::time::UnixMs;
use holdfast_wire::record::LineWire;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::{BTreeSet, HashMap};

/// An event with what the rules need to know of its payment.
pub struct Happened {
    pub change: i64,
    pub what: Happening,
    pub at_ms: UnixMs,
    pub payment_id: String,
    pub device_id: String,
    pub offline: bool,
    pub currency: String,
    /// The payment of the same sale that this one was made in place of.
    pub replaces: Option<String>,
    /// The id of who sold, or empty.
    pub staff: String,
    taken_ms: UnixMs,
    amount_minor: i64,
    tip_minor: i64,
    lines: String,
}

impl Happened {
    /// The sale, by the shop's calendar and its catalogue of today.
    pub fn sold(&self, calendar: &Calendar, categories: &HashMap<String, String>) -> Result<Sold, BookError> {
        // Written by ingest from the same shape. A damaged one is booked as one line, and the amount stands.
        let lines: Vec<LineWire> = serde_json::from_str(&self.lines).unwrap_or_default();
        let lines = lines.into_iter().map(|line| SoldLine {
            category: categories.get(&line.name).cloned().unwrap_or_default(),
            item: line.name,
            quantity: line.qty,
            total_minor: line.total_minor,
            tax_bp: line.tax_bp,
            tax_minor: line.tax_minor,
        });
        let taken = calendar.when(self.taken_ms);
        Sold::new(taken, self.amount_minor, self.tip_minor, Tender::Card, self.offline, lines.collect())
    }
}

pub async fn events(
    c: &mut Conn,
    merchant_id: MerchantId,
    after: i64,
    limit: usize,
) -> Result<Vec<Happened>, StoreError> {
    let rows = sqlx::query(
        "SELECT e.change, e.state, e.reason, e.at_ms, e.payment_id, p.device_id, p.offline, p.currency, p.taken_ms, p.amount_minor, p.tip_minor,
           p.staff, p.lines, p.replaces
         FROM payment_events e JOIN payments p ON p.id = e.payment_id
         WHERE e.merchant_id = $1 AND e.change > $2 ORDER BY e.change LIMIT $3",
    )
    .bind(merchant_id.to_string())
    .bind(after)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(c)
    .await?;
    rows.iter().map(happened).collect()
}

/// A payment as the rules need to know it, with something that happened to it outside of its own life.
pub async fn of_payment(
    c: &mut Conn,
    merchant_id: MerchantId,
    payment_id: &str,
    what: Happening,
    at_ms: UnixMs,
) -> Result<Happened, StoreError> {
    let row = sqlx::query(
        "SELECT device_id, offline, currency, taken_ms, amount_minor, tip_minor, staff, lines, replaces FROM payments WHERE id = $1 AND merchant_id = $2",
    )
    .bind(payment_id)
    .bind(merchant_id.to_string())
    .fetch_one(c)
    .await?;
    Ok(Happened {
        change: 0,
        what,
        at_ms,
        payment_id: payment_id.to_owned(),
        device_id: row.try_get("device_id")?,
        offline: flag(&row, "offline")?,
        currency: row.try_get("currency")?,
        replaces: row.try_get("replaces")?,
        taken_ms: row.try_get("taken_ms")?,
        amount_minor: row.try_get("amount_minor")?,
        tip_minor: row.try_get("tip_minor")?,
        staff: row.try_get("staff")?,
        lines: row.try_get("lines")?,
    })
}

fn happened(row: &AnyRow) -> Result<Happened, StoreError> {
    let replaces: Option<String> = row.try_get("replaces")?;
    let what = happening(row.try_get("state")?, row.try_get("reason")?)?;
    Ok(Happened {
        change: row.try_get("change")?,
        what: if replaces.is_some() { again(what) } else { what },
        at_ms: row.try_get("at_ms")?,
        payment_id: row.try_get("payment_id")?,
        device_id: row.try_get("device_id")?,
        offline: flag(row, "offline")?,
        currency: row.try_get("currency")?,
        replaces,
        taken_ms: row.try_get("taken_ms")?,
        amount_minor: row.try_get("amount_minor")?,
        tip_minor: row.try_get("tip_minor")?,
        staff: row.try_get("staff")?,
        lines: row.try_get("lines")?,
    })
}

/// The same of a payment with which a customer pays an earlier sale again: nothing leaves the shop for it.
fn again(what: Happening) -> Happening {
    match what {
        Happening::Received | Happening::Quarantined => Happening::Nothing,
        Happening::Declined | Happening::Expired => Happening::DeclinedAgain,
        Happening::Voided => Happening::VoidedAgain,
        what => what,
    }
}

/// What a payment's new state means for the books. A state that this program does not know was written by a newer one: the books wait
/// for that one rather than pass the event over.
fn happening(state: &str, reason: Option<String>) -> Result<Happening, StoreError> {
    let refunds = || reason.as_deref().and_then(|list| list.parse::<Refunds>().ok()).ok_or_else(|| damaged("refunds"));
    Ok(match state {
        "received" => Happening::Received,
        "authorising" => Happening::Nothing,
        "authorised" | "capturing" => Happening::Authorised,
        "captured" => Happening::Captured,
        "declined" => Happening::Declined,
        "expired" => Happening::Expired,
        "quarantined" => Happening::Quarantined,
        "voided" => Happening::Voided,
        "partly-refunded" | "refunded" => Happening::Refunded { total_minor: refunds()?.refunded_minor() },
        _ => return Err(damaged("state")),
    })
}

/// Where a payment stands in the books, `from` where it began.
pub async fn standing(
    c: &mut Conn,
    merchant_id: MerchantId,
    source: &str,
    from: Standing,
) -> Result<Standing, StoreError> {
    let steps = steps(c, merchant_id, [source].into()).await?;
    Ok(steps.iter().fold(from, |standing, step| step.after(standing)))
}

/// Where payments stand in the books that began with nothing, each of them.
pub async fn standings(
    c: &mut Conn,
    merchant_id: MerchantId,
    sources: BTreeSet<&str>,
) -> Result<HashMap<String, Standing>, StoreError> {
    let mut standings: HashMap<String, Standing> =
        sources.iter().map(|source| ((*source).to_owned(), Standing::default())).collect();
    for step in steps(c, merchant_id, sources).await? {
        if let Some(standing) = standings.get_mut(&step.source) {
            *standing = step.after(*standing);
        }
    }
    Ok(standings)
}

/// What an entry did to where its payment stands.
struct Step {
    entry: i64,
    source: String,
    reason: Reason,
    is_cash: bool,
    refunded_minor: i64,
}

impl Step {
    fn after(&self, standing: Standing) -> Standing {
        standing.after(self.reason, self.is_cash, self.refunded_minor)
    }
}

/// The entries of payments, in their order. Put into it here: asked to do it, SQLite reads the merchant's whole journal in the order of its
/// entries rather than the few of each payment by its name.
async fn steps(c: &mut Conn, merchant_id: MerchantId, sources: BTreeSet<&str>) -> Result<Vec<Step>, StoreError> {
    let head =
        "SELECT source, entry, reason, tender, refunded_minor FROM journal WHERE merchant_id = $1 AND source IN ";
    let found = rows::read(c, head, "", Some(merchant_id.to_string().into()), sources).await?;
    let step = |row: &AnyRow| {
        Ok(Step {
            entry: row.try_get("entry")?,
            source: row.try_get("source")?,
            reason: Reason::from_name(row.try_get("reason")?).ok_or_else(|| damaged("reason"))?,
            is_cash: row.try_get::<&str, _>("tender")? == Tender::Cash.name(),
            refunded_minor: row.try_get("refunded_minor")?,
        })
    };
    let mut steps = found.iter().map(step).collect::<Result<Vec<_>, StoreError>>()?;
    steps.sort_by_key(|step| step.entry);
    Ok(steps)
}

/// Where a payment begins that was made in place of others: what was lost with them can be recovered by it. `read` are the standings that are known
/// already, also by entries that are not written yet.
pub async fn beginning(
    c: &mut Conn,
    merchant_id: MerchantId,
    mut replaces: Option<String>,
    read: &HashMap<String, Standing>,
) -> Result<Standing, StoreError> {
    let mut before = Vec::new();
    while let Some(id) = replaces.filter(|_| before.len() <= PAY_AGAIN_MAX) {
        let row = sqlx::query("SELECT replaces FROM payments WHERE id = $1").bind(&id).fetch_one(&mut *c).await?;
        replaces = row.try_get("replaces")?;
        before.push(id);
    }
    let mut from = Standing::default();
    for id in before.iter().rev() {
        let end = match read.get(id) {
            Some(end) => *end,
            None => standing(c, merchant_id, id, from).await?,
        };
        from = end.for_another();
    }
    Ok(from)
}

pub async fn is_booked(c: &mut Conn, merchant_id: MerchantId, source: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM journal WHERE merchant_id = $1 AND source = $2 LIMIT 1")
        .bind(merchant_id.to_string())
        .bind(source)
        .fetch_optional(c)
        .await?;
    Ok(found.is_some())
}

/// Names of categories by names of items: a sale's line tells its item by name.
pub async fn categories(c: &mut Conn, merchant_id: MerchantId) -> Result<HashMap<String, String>, StoreError> {
    let rows = sqlx::query(
        "SELECT i.name AS item, c.name AS category FROM items i JOIN categories c ON c.id = i.category_id AND c.merchant_id = i.merchant_id
         WHERE i.merchant_id = $1",
    )
    .bind(merchant_id.to_string())
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("item")?, row.try_get("category")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_is_booked_by_what_its_list_adds_up_to() {
        use holdfast_core::payment::Refund;
        let refund = |amount_minor| Refund { amount_minor, reason: "damaged".parse().expect("a reason"), at_ms: 7 };
        let part = Refunds::first(1_060, refund(500)).expect("a part");
        let all = part.clone().and(refund(560)).expect("the rest");
        for (state, refunds, total_minor) in [("partly-refunded", part, 500), ("refunded", all, 1_060)] {
            assert_eq!(happening(state, Some(refunds.to_string())), Ok(Happening::Refunded { total_minor }));
        }
        assert_eq!(happening("voided", Some("mistake".into())), Ok(Happening::Voided));
        assert!(happening("refunded", None).is_err() && happening("of a newer program", None).is_err());
    }
}
