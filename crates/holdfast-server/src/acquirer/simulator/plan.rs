//! What is to become of a payment after its approval, decided with it and kept in the ledger: whose it is, whether its capture will be
//! refused, whether its bank will take it back.

use super::book::{Entry, EntryKind, Outcome};
use super::rules::fee_minor;
use super::script::Step;
use crate::acquirer::Account;
use holdfast_core::id::MerchantId;
use holdfast_core::settlement::{Item, ItemKind, Key, Statement};
use holdfast_core::time::{DAY_MS, UnixMs, iso_date};
use std::collections::BTreeMap;

/// A chargeback to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// See [`holdfast_core::settlement::ChargebackReason`].
    pub reason: String,
    /// So long after the capture.
    pub after_ms: i64,
}

/// The plan for a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub merchant_id: MerchantId,
    /// The code that its capture is refused with.
    pub capture_code: Option<String>,
    pub dispute: Option<Dispute>,
}

impl Plan {
    pub fn of(merchant_id: MerchantId) -> Self {
        Self { merchant_id, capture_code: None, dispute: None }
    }

    /// With what a step of the script says.
    pub fn with_step(self, step: &Step) -> Self {
        match step {
            Step::LateDecline { code } => Self { capture_code: Some(code.clone()), ..self },
            Step::Chargeback { reason, days } => {
                let after_ms = i64::from(*days) * DAY_MS;
                Self { dispute: Some(Dispute { reason: reason.clone(), after_ms }), ..self }
            }
            _ => self,
        }
    }
}

/// The account of a merchant's day, made from the entries and plans that may matter for it. While the day is not over it is what there
/// is so far, and nothing is paid out.
pub fn statement(now_ms: UnixMs, account: Account, entries: &[(Entry, Option<Plan>)]) -> Statement {
    let mut items = Vec::new();
    let is_within = |at_ms: UnixMs| (account.from_ms..account.to_ms).contains(&at_ms);
    for (entry, plan) in entries.iter().filter(|(entry, _)| entry.result == Outcome::Approved) {
        let kind = match entry.kind {
            EntryKind::Capture => ItemKind::Capture,
            EntryKind::Refund => ItemKind::Refund,
            EntryKind::Authorisation | EntryKind::Reversal => continue,
        };
        if is_within(entry.at_ms) {
            items.push(item(kind, entry, entry.at_ms, None));
        }
        let dispute = plan.as_ref().and_then(|plan| plan.dispute.as_ref()).filter(|_| kind == ItemKind::Capture);
        let Some(Dispute { reason, after_ms }) = dispute else { continue };
        let at_ms = entry.at_ms.saturating_add(*after_ms);
        if is_within(at_ms) && at_ms <= now_ms {
            items.push(item(ItemKind::Chargeback, entry, at_ms, Some(reason.clone())));
        }
    }
    items.sort_by(|a: &Item, b| (a.at_ms, &a.key).cmp(&(b.at_ms, &b.key)));
    let is_complete = now_ms >= account.to_ms;
    if is_complete {
        items.extend(payouts(account, &items));
    }
    // The first line of the file names the columns, the second the day.
    for (line, item) in (3..).zip(&mut items) {
        item.line = line;
    }
    Statement { day: account.day, items, faults: Vec::new(), is_complete }
}

fn item(kind: ItemKind, entry: &Entry, at_ms: UnixMs, reason: Option<String>) -> Item {
    let amount_minor = if kind == ItemKind::Capture { entry.amount_minor } else { -entry.amount_minor };
    Item {
        line: 0,
        key: Key { kind, reference: entry.reference.clone(), number: entry.refund_number() },
        amount_minor,
        fee_minor: fee_minor(kind, entry.amount_minor),
        currency: entry.currency.clone(),
        at_ms,
        reason,
    }
}

/// One payout for each currency, at the day's end.
fn payouts(account: Account, items: &[Item]) -> Vec<Item> {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for item in items {
        let (amount_minor, fee_minor) = sums.entry(&item.currency).or_default();
        *amount_minor = amount_minor.saturating_add(item.amount_minor);
        *fee_minor = fee_minor.saturating_add(item.fee_minor);
    }
    let day = iso_date(account.day);
    let merchant: String = account.merchant_id.to_string().chars().take(8).collect();
    let payout = |(currency, (amount_minor, fee_minor)): (&str, (i64, i64))| Item {
        line: 0,
        key: Key {
            kind: ItemKind::Payout,
            reference: format!("po-{day}-{}-{merchant}", currency.to_ascii_lowercase()),
            number: 1,
        },
        amount_minor,
        fee_minor,
        currency: currency.to_owned(),
        at_ms: account.to_ms,
        reason: None,
    };
    sums.into_iter().map(payout).collect()
}
