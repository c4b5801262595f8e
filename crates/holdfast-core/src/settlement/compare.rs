//! The comparison itself: a plain function over what both sides say.

use super::{Difference, DifferenceKind, Item, ItemKind, Key};
use std::collections::{BTreeMap, BTreeSet};

/// When our side says that something happened, as seen from the day that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    AnotherDay,
    ThisDay,
    /// So close to the day's end that the acquirer may count it for the next day, whose account is not here yet.
    AtTheBorder,
}

/// What our books know of a movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub amount_minor: i64,
    pub currency: String,
    pub occasion: Occasion,
}

/// A payout as it was booked, from the first account that told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    pub amount_minor: i64,
    pub fee_minor: i64,
    pub currency: String,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// Movements that both sides tell alike, by currency: how many, and what they add up to.
    pub matched: BTreeMap<String, (i64, i64)>,
    pub differences: Vec<Difference>,
}

/// Both sides of a day.
#[derive(Debug, Clone, Copy)]
pub struct Day<'a> {
    /// The account's lines.
    pub items: &'a [Item],
    /// What the accounts of days before and after it tell of the same movements.
    pub before: &'a BTreeSet<Key>,
    pub after: &'a BTreeSet<Key>,
    /// What the books know of every movement of the day and of the account.
    pub ours: &'a BTreeMap<Key, Known>,
    /// Where each payment that the account names stands in the books.
    pub states: &'a BTreeMap<String, String>,
    /// Payouts that were booked from this day's accounts, by the acquirer's names for them.
    pub paid: &'a BTreeMap<String, Payout>,
    /// Of an account that is not, nothing is said to be missing.
    pub is_complete: bool,
}

/// Compares a day.
pub fn compare(day: &Day<'_>) -> Compared {
    let Day { items, before, after, ours, states, paid, is_complete } = *day;
    let mut compared = Compared::default();
    let mut told: BTreeMap<&Key, u32> = BTreeMap::new();
    for item in items.iter().filter(|item| item.key.kind != ItemKind::Payout) {
        let count = told.entry(&item.key).or_insert_with(|| u32::from(before.contains(&item.key)));
        *count += 1;
        let difference = match (ours.get(&item.key), *count) {
            (known, 2..) => {
                let ours_minor = known.map(|known| known.amount_minor);
                Some(Difference { occurrence: *count, ours_minor, ..of(item, DifferenceKind::Double, states) })
            }
            (Some(known), _) if known.amount_minor != item.amount_minor || known.currency != item.currency => {
                let ours_minor = Some(known.amount_minor);
                Some(Difference { ours_minor, ..of(item, DifferenceKind::AmountDiffers, states) })
            }
            (Some(_), _) => None,
            (None, _) if states.contains_key(&item.key.reference) => {
                Some(of(item, DifferenceKind::StateDiffers, states))
            }
            (None, _) => Some(of(item, DifferenceKind::MissingInOurBooks, states)),
        };
        match difference {
            Some(difference) => compared.differences.push(difference),
            None => {
                let (count, minor) = compared.matched.entry(item.currency.clone()).or_default();
                (*count, *minor) = (*count + 1, minor.saturating_add(item.amount_minor));
            }
        }
    }
    if is_complete {
        let is_missing = |(key, known): &(&Key, &Known)| {
            let is_told = told.contains_key(key) || before.contains(key) || after.contains(key);
            known.occasion == Occasion::ThisDay && !is_told
        };
        compared.differences.extend(ours.iter().filter(is_missing).map(missing));
    }
    compared.differences.extend(payouts(items));
    compared.differences.extend(changed(items, paid, is_complete));
    compared
}

/// Payouts that are booked otherwise than this account tells them. What was booked stays: money that moved is not taken back by a file.
fn changed(items: &[Item], paid: &BTreeMap<String, Payout>, is_complete: bool) -> Vec<Difference> {
    let told = |name: &String| items.iter().find(|i| i.key.kind == ItemKind::Payout && i.key.reference == *name);
    let differs = |(name, booked): (&String, &Payout)| {
        let ours_minor = Some(booked.amount_minor.saturating_sub(booked.fee_minor));
        match told(name) {
            Some(item) => {
                let now = Payout {
                    amount_minor: item.amount_minor,
                    fee_minor: item.fee_minor,
                    currency: item.currency.clone(),
                };
                (now != *booked).then(|| Difference {
                    ours_minor,
                    theirs_minor: Some(item.net_minor()),
                    ..of(item, DifferenceKind::PayoutChanged, &BTreeMap::new())
                })
            }
            None => is_complete.then(|| Difference {
                kind: DifferenceKind::PayoutChanged,
                key: Key { kind: ItemKind::Payout, reference: name.clone(), number: 1 },
                occurrence: 1,
                ours_minor,
                theirs_minor: None,
                currency: booked.currency.clone(),
                state: None,
                line: None,
            }),
        }
    };
    paid.iter().filter_map(differs).collect()
}

fn of(item: &Item, kind: DifferenceKind, states: &BTreeMap<String, String>) -> Difference {
    Difference {
        kind,
        key: item.key.clone(),
        occurrence: 1,
        ours_minor: None,
        theirs_minor: Some(item.amount_minor),
        currency: item.currency.clone(),
        state: states.get(&item.key.reference).cloned(),
        line: Some(item.line),
    }
}

fn missing((key, known): (&Key, &Known)) -> Difference {
    Difference {
        kind: DifferenceKind::MissingAtAcquirer,
        key: key.clone(),
        occurrence: 1,
        ours_minor: Some(known.amount_minor),
        theirs_minor: None,
        currency: known.currency.clone(),
        state: None,
        line: None,
    }
}

/// What is paid out must be what the account's own lines come to, after fees.
fn payouts(items: &[Item]) -> Vec<Difference> {
    let mut lines: BTreeMap<&str, i64> = BTreeMap::new();
    let mut paid: BTreeMap<&str, (i64, &Item)> = BTreeMap::new();
    for item in items {
        if item.key.kind == ItemKind::Payout {
            let (net_minor, _) = paid.entry(&item.currency).or_insert((0, item));
            *net_minor = net_minor.saturating_add(item.net_minor());
        } else {
            let net_minor = lines.entry(&item.currency).or_default();
            *net_minor = net_minor.saturating_add(item.net_minor());
        }
    }
    let differs = |(currency, (net_minor, item)): (&str, (i64, &Item))| {
        let expected_minor = lines.get(currency).copied().unwrap_or_default();
        (net_minor != expected_minor).then(|| Difference {
            ours_minor: Some(expected_minor),
            theirs_minor: Some(net_minor),
            ..of(item, DifferenceKind::AmountDiffers, &BTreeMap::new())
        })
    };
    paid.into_iter().filter_map(differs).collect()
}
