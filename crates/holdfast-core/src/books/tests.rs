//! The rules on sales that were worked out by hand, and their laws on sales that nobody would think of.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: i64 = 20_780;

fn when(minutes: i64) -> When {
    When { at_ms: 1_795_392_000_000 + minutes * 60_000, day: DAY + minutes / 1_440, hour: 9 }
}

fn line(item: &str, quantity: u32, total_minor: i64, tax_bp: u32, tax_minor: i64) -> SoldLine {
    SoldLine { item: item.into(), category: "Coffee".into(), quantity, total_minor, tax_bp, tax_minor }
}

/// Two flat whites (19 %) and a croissant (7 %), with a tip of 1.00: 12.60 in all.
fn breakfast(offline: bool) -> Sold {
    let lines = vec![line("Flat white", 2, 840, 1_900, 134), line("Croissant", 1, 320, 700, 21)];
    Sold::new(when(0), 1_260, 100, Tender::Card, offline, lines).expect("a sale")
}

/// Books events one after the other, as the server does.
struct Ledger {
    sold: Sold,
    standing: Standing,
    entries: Vec<Entry>,
}

impl Ledger {
    fn new(sold: Sold) -> Self {
        Self { sold, standing: Standing::default(), entries: Vec::new() }
    }

    fn book(&mut self, what: Happening, minutes: i64) -> Vec<&'static str> {
        let entries = payment(&self.sold, self.standing, Event { what, when: when(minutes) }).expect("books");
        let is_cash = self.sold.tender() == Tender::Cash;
        for entry in &entries {
            self.standing = self.standing.after(entry.reason(), is_cash, entry.refunded_minor());
        }
        let reasons = entries.iter().map(|entry| entry.reason().name()).collect();
        self.entries.extend(entries);
        reasons
    }

    fn balances(&self) -> BTreeMap<String, i64> {
        let mut balances = BTreeMap::new();
        for line in self.entries.iter().flat_map(Entry::lines) {
            *balances.entry(line.account.to_string()).or_insert(0) += line.amount_minor;
        }
        balances.retain(|_, minor| *minor != 0);
        balances
    }

    fn check(&self, expected: &[(&str, i64)]) {
        let expected: BTreeMap<String, i64> =
            expected.iter().map(|(name, minor)| ((*name).to_owned(), *minor)).collect();
        assert_eq!(self.balances(), expected);
    }
}

#[test]
fn a_sale_made_offline_is_in_transit_and_then_owed_by_the_acquirer() {
    let mut ledger = Ledger::new(breakfast(true));
    assert_eq!(ledger.book(Happening::Received, 2_880), ["sale"]);
    // 8.40 at 19 % is 7.06 and 1.34; 3.20 at 7 % is 2.99 and 0.21.
    let earned = [
        ("sales:1900", -706),
        ("tax-payable:1900", -134),
        ("sales:700", -299),
        ("tax-payable:700", -21),
        ("tips", -100),
    ];
    ledger.check(&[&earned[..], &[("card-in-transit", 1_260)]].concat());
    assert_eq!(ledger.entries[0].when().day, DAY, "the day of the sale, not that of its arrival");
    assert_eq!(ledger.book(Happening::Authorised, 2_881), [] as [&str; 0]);
    assert_eq!(ledger.book(Happening::Captured, 2_881), ["capture"]);
    ledger.check(&[&earned[..], &[("acquirer-receivable", 1_260)]].concat());
    assert_eq!(ledger.entries[1].when().day, DAY + 2);
}

#[test]
fn a_decline_after_the_fact_is_a_sale_and_a_loss() {
    let mut ledger = Ledger::new(breakfast(true));
    ledger.book(Happening::Received, 1_440);
    assert_eq!(ledger.book(Happening::Declined, 1_441), ["declined-after-the-fact"]);
    assert_eq!((ledger.balances()["declined-losses"], ledger.balances().get("card-in-transit")), (1_260, None));
    assert_eq!(ledger.balances()["sales:1900"], -706, "it was sold all the same");
    assert_eq!(ledger.book(Happening::Captured, 3_000), ["recovered"]);
    assert_eq!((ledger.balances()["acquirer-receivable"], ledger.balances().get("declined-losses")), (1_260, None));
}

#[test]
fn a_decline_while_the_customer_waits_is_nothing_at_all() {
    let mut ledger = Ledger::new(breakfast(false));
    assert_eq!(ledger.book(Happening::Received, 0), [] as [&str; 0]);
    assert_eq!(ledger.book(Happening::Declined, 0), [] as [&str; 0]);
    ledger.check(&[]);
    // The same answer after the till had given up waiting is a loss.
    let mut late = Ledger::new(breakfast(false));
    late.book(Happening::Received, 0);
    assert_eq!(late.book(Happening::Declined, 5), ["sale", "declined-after-the-fact"]);
    // And so is a capture that is refused after the approval was shown.
    let mut refused = Ledger::new(breakfast(false));
    assert_eq!(refused.book(Happening::Authorised, 0), ["sale"]);
    assert_eq!(refused.book(Happening::Declined, 0), ["declined-after-the-fact"]);
}

#[test]
fn what_is_paid_again_makes_good_what_was_lost_and_is_sold_once() {
    // Lost with the first payment: the second books no sale, and recovers it.
    for (end, account) in [(Happening::Declined, "declined-losses"), (Happening::Expired, "write-offs")] {
        let mut first = Ledger::new(breakfast(true));
        first.book(Happening::Received, 5);
        first.book(end, 6);
        let mut second = Ledger { standing: first.standing.for_another(), ..Ledger::new(breakfast(false)) };
        assert_eq!(
            second.book(Happening::DeclinedAgain, 60),
            [] as [&str; 0],
            "a card that was declined costs nothing"
        );
        assert_eq!(second.book(Happening::VoidedAgain, 60), [] as [&str; 0]);
        assert_eq!(second.book(Happening::Authorised, 61), [] as [&str; 0]);
        assert_eq!(second.book(Happening::Captured, 61), ["recovered"]);
        second.check(&[("acquirer-receivable", 1_260), (account, -1_260)]);
        assert_eq!(second.book(Happening::Refunded { total_minor: 1_260 }, 70), ["refund"]);
    }
    // Declined while the customer waited: nothing was sold, and the second payment is the sale.
    let first = Ledger::new(breakfast(false));
    let mut second = Ledger { standing: first.standing.for_another(), ..Ledger::new(breakfast(false)) };
    assert_eq!(second.book(Happening::DeclinedAgain, 60), [] as [&str; 0], "however long the answer took");
    assert_eq!(second.book(Happening::Captured, 61), ["sale", "capture"]);
}

#[test]
fn what_came_too_late_is_written_off_and_what_waits_stays_in_transit() {
    let mut ledger = Ledger::new(breakfast(true));
    assert_eq!(ledger.book(Happening::Expired, 9_000), ["sale", "expired"]);
    assert_eq!(ledger.balances()["write-offs"], 1_260);
    let mut waits = Ledger::new(breakfast(true));
    assert_eq!(waits.book(Happening::Quarantined, 9_000), ["sale"]);
    assert_eq!(waits.balances()["card-in-transit"], 1_260);
    assert_eq!(waits.book(Happening::Voided, 9_001), ["void"]);
    waits.check(&[]);
    // On the till, before it was uploaded: the server hears of nothing else.
    let mut voided = Ledger::new(breakfast(true));
    assert_eq!(voided.book(Happening::Voided, 9_000), ["sale", "void"]);
    voided.check(&[]);
}

#[test]
fn refunds_in_parts_end_where_one_whole_refund_ends() {
    let mut ledger = Ledger::new(breakfast(true));
    ledger.book(Happening::Captured, 10);
    for total_minor in [1, 7, 400, 400, 1_259, 1_260, 5_000] {
        ledger.book(Happening::Refunded { total_minor }, 20);
    }
    assert_eq!(ledger.entries.iter().filter(|entry| entry.reason() == Reason::Refund).count(), 5);
    ledger.check(&[("sales:1900", -706), ("sales:700", -299), ("refunds:1900", 706), ("refunds:700", 299)]);
    // A third of 12.60 is 4.20: at 7 % 1.07 with 0.07 tax, at 19 % 2.80 with 0.45, and 0.33 of the tip.
    let mut third = Ledger::new(breakfast(true));
    third.book(Happening::Captured, 10);
    third.book(Happening::Refunded { total_minor: 420 }, 20);
    let refund = third.entries.last().expect("a refund");
    let of = |account| refund.of(account);
    assert_eq!((of(Account::Refunds { tax_bp: 700 }), of(Account::TaxPayable { tax_bp: 700 })), (100, 7));
    assert_eq!((of(Account::Refunds { tax_bp: 1_900 }), of(Account::TaxPayable { tax_bp: 1_900 })), (235, 45));
    assert_eq!((of(Account::Tips), of(Account::AcquirerReceivable)), (33, -420));
}

#[test]
fn payouts_and_cash_balance() {
    let paid = money(MoneyEvent::Payout { gross_minor: 1_260, fees_minor: 35 }, when(1)).expect("books");
    assert_eq!(
        (paid.of(Account::Deposits), paid.of(Account::Fees), paid.of(Account::AcquirerReceivable)),
        (1_225, 35, -1_260)
    );
    let count = MoneyEvent::Cash { what: CashMove::Difference, amount_minor: -20 };
    let count = money(count, when(1)).expect("books");
    assert_eq!((count.of(Account::CashDrawer), count.of(Account::CashDifference)), (-20, 20));
    let wrong = MoneyEvent::Cash { what: CashMove::In, amount_minor: -1 };
    assert_eq!(money(wrong, when(1)), Err(BookError::TooLarge));
    let lines = vec![line("Flat white", 1, 420, 1_900, 67)];
    let mut cash = Ledger::new(Sold::new(when(0), 420, 0, Tender::Cash, false, lines).expect("a sale"));
    cash.book(Happening::Received, 0);
    cash.check(&[("cash-drawer", 420), ("sales:1900", -353), ("tax-payable:1900", -67)]);
}

#[test]
fn lines_that_do_not_fit_the_amount_are_booked_as_one() {
    for lines in [
        vec![line("x", 1, 419, 0, 0)],
        vec![line("x", 1, 420, 1_900, 421)],
        vec![line("x", 1, 420, 1_900, -1)],
        vec![line("x", 1, i64::MIN, 0, 0), line("y", 1, i64::MAX, 0, 0)],
        vec![],
    ] {
        let sold = Sold::new(when(0), 420, 0, Tender::Card, true, lines).expect("a sale");
        let mut ledger = Ledger::new(sold);
        ledger.book(Happening::Received, 1);
        ledger.check(&[("card-in-transit", 420), ("sales:0", -420)]);
    }
    assert_eq!(Sold::new(when(0), i64::MAX, 0, Tender::Card, true, vec![]), Err(BookError::TooLarge));
    assert_eq!(Sold::new(when(0), -1, 0, Tender::Card, true, vec![]), Err(BookError::TooLarge));
}

#[test]
fn names_are_read_back() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_name(reason.name()), Some(reason));
    }
    for kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
    }
    for account in [Account::Sales { tax_bp: 700 }, Account::Tips, Account::Chargebacks] {
        assert_eq!(Account::from_parts(account.name(), account.tax_bp()), Some(account));
    }
    assert_eq!(Account::from_parts("sales", None), None);
    assert_eq!(Account::from_parts("tips", Some(0)), None);
}

fn any_sold() -> impl Strategy<Value = Sold> {
    let any_line = (1..4_u32, -2_000..9_000_i64, prop::sample::select(vec![0_u32, 700, 1_900, 2_500]), "[a-c]");
    (prop::collection::vec(any_line, 0..6), 0..500_i64, any::<bool>(), any::<bool>()).prop_map(
        |(lines, tip, offline, cash)| {
            let lines: Vec<SoldLine> = lines
                .into_iter()
                .map(|(quantity, total, bp, name)| {
                    line(&name, quantity, total, bp, total * i64::from(bp) / (10_000 + i64::from(bp)))
                })
                .collect();
            let amount = lines.iter().map(|l| l.total_minor).sum::<i64>().max(0) + tip;
            let tender = if cash { Tender::Cash } else { Tender::Card };
            Sold::new(when(0), amount, tip, tender, offline, lines).expect("within the limits")
        },
    )
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::Received),
        Just(Happening::Authorised),
        Just(Happening::Captured),
        Just(Happening::Declined),
        Just(Happening::DeclinedAgain),
        Just(Happening::VoidedAgain),
        Just(Happening::Expired),
        Just(Happening::Quarantined),
        Just(Happening::Voided),
        Just(Happening::Nothing),
        (0..20_000_i64).prop_map(|total_minor| Happening::Refunded { total_minor }),
        (0..20_000_i64).prop_map(|amount_minor| Happening::ChargedBack { amount_minor }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: every entry adds up to nothing, so do the accounts, and the reports say the same.
    #[test]
    fn everything_always_balances(sold in any_sold(), events in prop::collection::vec((any_happening(), 0..10_000_i64), 0..12)) {
        let mut ledger = Ledger::new(sold.clone());
        for (what, minutes) in events {
            ledger.book(what, minutes);
        }
        let mut day = Figures::default();
        let mut accounts = 0;
        let mut by_tax = Figures::default();
        for entry in &ledger.entries {
            prop_assert_eq!(entry.lines().iter().map(|line| i128::from(line.amount_minor)).sum::<i128>(), 0);
            for sum in sums(entry, &Labels { tender: Some(sold.tender()), ..Labels::default() }) {
                match sum.kind {
                    Kind::Day => day.add(&sum.figures),
                    Kind::Accounts => accounts += sum.figures.balance_minor,
                    Kind::Tax => by_tax.add(&sum.figures),
                    _ => {}
                }
            }
        }
        prop_assert_eq!(accounts, 0);
        let balances = ledger.balances();
        let of = |name: &str| balances.iter().filter(|(account, _)| account.starts_with(name)).map(|(_, minor)| *minor).sum::<i64>();
        prop_assert_eq!(day.net_minor, -of("sales"));
        prop_assert_eq!(day.tax_minor - day.refunds_tax_minor, -of("tax-payable"));
        prop_assert_eq!(day.lost_minor, of("declined-losses") + of("write-offs") + of("chargebacks"));
        prop_assert_eq!((by_tax.net_minor, by_tax.tax_minor), (day.net_minor, day.tax_minor));
        // What a refund gave back is never more than the sale.
        prop_assert!(ledger.standing.refunded_minor <= sold.amount_minor());
    }

    /// The same event once more changes nothing, with the one exception that each chargeback is its own.
    #[test]
    fn a_replay_changes_nothing(sold in any_sold(), events in prop::collection::vec((any_happening(), 0..10_000_i64), 0..8)) {
        let mut ledger = Ledger::new(sold);
        for (what, minutes) in events {
            ledger.book(what, minutes);
            if !matches!(what, Happening::ChargedBack { .. }) {
                prop_assert_eq!(ledger.book(what, minutes), [] as [&str; 0]);
            }
        }
    }

    /// Refunds in any steps come to the same as one, account by account.
    #[test]
    fn refunds_do_not_drift(sold in any_sold(), mut steps in prop::collection::vec(0..20_000_i64, 1..6)) {
        steps.sort_unstable();
        let (mut many, mut one) = (Ledger::new(sold.clone()), Ledger::new(sold));
        many.book(Happening::Captured, 1);
        one.book(Happening::Captured, 1);
        for total_minor in &steps {
            many.book(Happening::Refunded { total_minor: *total_minor }, 2);
        }
        one.book(Happening::Refunded { total_minor: steps[steps.len() - 1] }, 2);
        prop_assert_eq!(many.balances(), one.balances());
    }
}
