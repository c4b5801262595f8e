//! Each difference planted and named, and what is no difference left alone.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn key(kind: ItemKind, reference: &str) -> Key {
    Key { kind, reference: reference.into(), number: 1 }
}

fn item(line: u32, kind: ItemKind, reference: &str, amount_minor: i64, fee_minor: i64) -> Item {
    let key = key(kind, reference);
    Item { line, key, amount_minor, fee_minor, currency: "EUR".into(), at_ms: 0, reason: None }
}

fn known(amount_minor: i64, occasion: Occasion) -> Known {
    Known { amount_minor, currency: "EUR".into(), occasion }
}

/// The kinds and references that differ.
fn check(
    items: &[Item],
    before: &[Key],
    ours: &[(Key, Known)],
    states: &[(&str, &str)],
    is_complete: bool,
) -> Vec<(DifferenceKind, String, u32)> {
    let before: &BTreeSet<Key> = &before.iter().cloned().collect();
    let ours: &BTreeMap<Key, Known> = &ours.iter().cloned().collect();
    let states = &states.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect();
    let compared =
        compare(&Day { items, before, after: &BTreeSet::new(), ours, states, paid: &BTreeMap::new(), is_complete });
    for difference in &compared.differences {
        assert!(difference.words().len() > 20, "{difference:?}");
    }
    compared.differences.into_iter().map(|d| (d.kind, d.key.reference, d.occurrence)).collect()
}

#[test]
fn what_both_sides_tell_alike_is_no_difference() {
    use ItemKind::{Capture, Chargeback, Payout, Refund};
    let items = [
        item(2, Capture, "a", 1_060, 25),
        item(3, Refund, "a", -500, 0),
        item(4, Chargeback, "b", -300, 1_500),
        item(5, Payout, "po", 260, 1_525),
    ];
    let ours = [
        (key(Capture, "a"), known(1_060, Occasion::ThisDay)),
        (key(Refund, "a"), known(-500, Occasion::ThisDay)),
        (key(Chargeback, "b"), known(-300, Occasion::AnotherDay)),
    ];
    assert_eq!(check(&items, &[], &ours, &[("a", "captured"), ("b", "captured")], true), []);
}

#[test]
fn each_difference_has_its_name() {
    use DifferenceKind as D;
    use ItemKind::{Capture, Payout};
    let ours = |amount, occasion| vec![(key(Capture, "a"), known(amount, occasion))];
    let capture = || item(2, Capture, "a", 1_060, 25);
    let this_day = || ours(1_060, Occasion::ThisDay);
    let named = |kind, reference: &str, occurrence| vec![(kind, reference.to_owned(), occurrence)];
    let states: &[(&str, &str)] = &[("a", "captured")];
    assert_eq!(check(&[], &[], &this_day(), states, true), named(D::MissingAtAcquirer, "a", 1));
    assert_eq!(check(&[capture()], &[], &[], &[], true), named(D::MissingInOurBooks, "a", 1));
    assert_eq!(
        check(&[capture()], &[], &ours(1_059, Occasion::ThisDay), states, true),
        named(D::AmountDiffers, "a", 1)
    );
    assert_eq!(check(&[capture()], &[], &[], &[("a", "capturing")], true), named(D::StateDiffers, "a", 1));
    assert_eq!(check(&[capture(), capture()], &[], &this_day(), states, true), named(D::Double, "a", 2));
    // Told on another day already.
    assert_eq!(check(&[capture()], &[key(Capture, "a")], &this_day(), states, true), named(D::Double, "a", 2));
    let payout = item(3, Payout, "po", 1_060, 24);
    assert_eq!(check(&[capture(), payout], &[], &this_day(), states, true), named(D::AmountDiffers, "po", 1));
    let mut dollars = capture();
    dollars.currency = "USD".into();
    assert_eq!(check(&[dollars], &[], &this_day(), states, true), named(D::AmountDiffers, "a", 1));
}

#[test]
fn nothing_is_missing_that_may_still_come_or_came_elsewhere() {
    let capture = key(ItemKind::Capture, "a");
    for (occasion, elsewhere, is_complete) in [
        (Occasion::AnotherDay, vec![], true),
        (Occasion::AtTheBorder, vec![], true),
        (Occasion::ThisDay, vec![capture.clone()], true),
        (Occasion::ThisDay, vec![], false),
    ] {
        let ours = [(capture.clone(), known(1_060, occasion))];
        assert_eq!(check(&[], &elsewhere, &ours, &[], is_complete), [], "{occasion:?}");
    }
}

#[test]
fn a_reason_is_four_digits_and_has_words() {
    for text in ["", "483", "48370", "48a7", "4８37"] {
        assert_eq!(ChargebackReason::parse(text), None, "{text}");
    }
    let reason = ChargebackReason::parse("4837").expect("a reason");
    assert!(reason.words().contains("permission") && reason.code() == "4837");
}

#[test]
fn a_payout_that_was_booked_otherwise_is_a_difference() {
    let booked = |amount_minor, fee_minor| Payout { amount_minor, fee_minor, currency: "EUR".into() };
    let capture = || item(2, ItemKind::Capture, "a", 1_060, 25);
    let ours: BTreeMap<Key, Known> = [(key(ItemKind::Capture, "a"), known(1_060, Occasion::ThisDay))].into();
    for (paid, told, is_complete, wanted) in [
        (booked(1_060, 25), Some((1_060, 25)), true, None),
        (booked(1_060, 20), Some((1_060, 25)), true, Some((Some(1_040), Some(1_035)))),
        (booked(1_070, 25), Some((1_060, 25)), false, Some((Some(1_045), Some(1_035)))),
        (booked(1_060, 25), None, true, Some((Some(1_035), None))),
        // Of a torn account nobody can say what is missing.
        (booked(1_060, 25), None, false, None),
    ] {
        let payout = told.map(|(amount, fee)| item(3, ItemKind::Payout, "po", amount, fee));
        let items: Vec<Item> = [capture()].into_iter().chain(payout).collect();
        let (nowhere, states) = (BTreeSet::new(), BTreeMap::from([("a".to_owned(), "captured".to_owned())]));
        let paid = &BTreeMap::from([("po".to_owned(), paid)]);
        let (before, after) = (&nowhere, &nowhere);
        let day = Day { items: &items, before, after, ours: &ours, states: &states, paid, is_complete };
        let differences = compare(&day).differences;
        let found = differences.iter().find(|difference| difference.kind == DifferenceKind::PayoutChanged);
        assert_eq!(found.map(|difference| (difference.ours_minor, difference.theirs_minor)), wanted, "{paid:?}");
        assert!(found.is_none_or(|difference| difference.words().contains("was booked")), "{found:?}");
    }
}
