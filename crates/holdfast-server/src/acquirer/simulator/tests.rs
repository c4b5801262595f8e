//! The simulator's account of a day, and what its script has in store for later.

use super::*;
use crate::settlement::file;
use crate::store::Place;
use crate::testing::{GOOD, NOW};
use holdfast_core::id::MerchantId;
use holdfast_core::settlement::ItemKind;
use holdfast_core::time::{DAY_MS, utc_day};
use holdfast_crypto::envelope::{CardPlaintext, Entry as CardEntry};

fn shop() -> MerchantId {
    MerchantId::make([2; 16])
}

fn account(day: i64) -> Account {
    Account { merchant_id: shop(), day, from_ms: day * DAY_MS, to_ms: (day + 1) * DAY_MS }
}

struct Desk<B>(Simulator<B, NoPause>);

impl<B: Book> Desk<B> {
    /// Authorises and captures, and says what the two answers were.
    async fn sell(&self, n: u8, pan: &str, at_ms: UnixMs) -> (String, String) {
        let reference = PaymentId::make(NOW, [n; 10]);
        let currency = "EUR".parse().expect("a currency");
        let card = CardPlaintext::new(pan, "3012", CardEntry::Swipe).expect("a card");
        let request = AuthorisationRequest {
            reference,
            merchant_id: shop(),
            amount_minor: 1_060,
            currency,
            card: &card,
            offline: false,
            try_number: 0,
        };
        let authorised = self.0.authorise(at_ms, request).await.expect("answers");
        let captured = self.0.capture(at_ms, FollowUp { reference, amount_minor: 1_060, currency }).await;
        (code(authorised), code(captured.expect("answers")))
    }

    async fn statement(&self, now_ms: UnixMs, day: i64) -> Statement {
        self.0.settlement(now_ms, account(day)).await.expect("answers").expect("has accounts")
    }
}

fn code(decision: Decision) -> String {
    match decision {
        Decision::Approved { .. } => "00".to_owned(),
        Decision::Declined { code } => code,
    }
}

fn lines(statement: &Statement) -> Vec<(ItemKind, i64, i64)> {
    statement.items.iter().map(|item| (item.key.kind, item.amount_minor, item.fee_minor)).collect()
}

async fn check(book: impl Book) {
    let desk = Desk(Simulator::new(book, NoPause, 1_000));
    let (today, later) = (utc_day(NOW), utc_day(NOW) + 3);
    let steps = [Step::LateDecline { code: "61".into() }, Step::Chargeback { reason: "4853".into(), days: 3 }];
    desk.0.set_script(Script { next: steps.into(), ..Script::default() });
    assert_eq!(desk.sell(1, GOOD, NOW).await, ("00".into(), "61".into()));
    assert_eq!(desk.sell(2, GOOD, NOW).await, ("00".into(), "00".into()));
    assert_eq!(desk.sell(3, GOOD, NOW + 1).await, ("00".into(), "00".into()));
    assert_eq!(desk.sell(4, "4000000000000341", NOW).await, ("00".into(), "51".into()));
    assert_eq!(desk.sell(5, "4000000000009995", NOW).await, ("51".into(), "12".into()));
    assert_eq!(desk.sell(6, "4000000000000259", NOW + 2).await, ("00".into(), "00".into()));
    let refund = RefundRequest {
        reference: PaymentId::make(NOW, [3; 10]),
        number: 1,
        amount_minor: 500,
        currency: "EUR".parse().expect("a currency"),
    };
    assert!(matches!(desk.0.refund(NOW + DAY_MS, refund).await, Ok(Decision::Approved { .. })));

    let so_far = desk.statement(NOW + 10, today).await;
    assert!(!so_far.is_complete && !lines(&so_far).iter().any(|(kind, ..)| *kind == ItemKind::Payout));
    let over_ms = (later + 2) * DAY_MS;
    let first = desk.statement(over_ms, today).await;
    let capture = (ItemKind::Capture, 1_060, 25);
    assert_eq!(lines(&first), [capture, capture, capture, (ItemKind::Payout, 3_180, 75)]);
    assert!(first.is_complete);
    let second = desk.statement(over_ms, today + 1).await;
    assert_eq!(lines(&second), [(ItemKind::Refund, -500, 0), (ItemKind::Payout, -500, 0)]);
    let disputed = desk.statement(over_ms, later).await;
    let chargeback = (ItemKind::Chargeback, -1_060, 1_500);
    assert_eq!(lines(&disputed), [chargeback, chargeback, (ItemKind::Payout, -2_120, 3_000)]);
    let reasons: Vec<_> = disputed.items.iter().filter_map(|item| item.reason.as_deref()).collect();
    assert_eq!(reasons, ["4853", "4837"]);
    assert_eq!(lines(&desk.statement(over_ms, today - 1).await), []);
    // Another merchant's account has nothing of it.
    let other = Account { merchant_id: MerchantId::make([3; 16]), ..account(today) };
    assert_eq!(desk.0.settlement(over_ms, other).await.expect("answers").expect("an account").items, []);
    for statement in [first, second, disputed] {
        let text = file::write(&statement);
        assert_eq!(file::read(&file::Spec::default(), text.as_bytes(), None), Ok(statement));
    }
}

#[tokio::test]
async fn an_account_tells_what_was_carried_out() {
    check(MemoryBook::default()).await;
}

#[tokio::test]
async fn and_so_does_one_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    check(SqlBook::open(&Place::Sqlite(folder.path().join("ledger.sqlite"))).await.expect("opens")).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn and_one_in_postgres() {
    check(SqlBook::open(&crate::testing::postgres_database()).await.expect("opens")).await;
}

#[tokio::test]
async fn a_card_that_is_charged_too_often_is_declined() {
    let desk = Desk(Simulator::new(MemoryBook::default(), NoPause, 1_000));
    let velocity = Some(Velocity { charges_max: 2, window_ms: 60_000 });
    desk.0.set_script(Script { velocity, ..Script::default() });
    for (n, at_ms, expected) in [(1, NOW, "00"), (2, NOW + 1, "00"), (3, NOW + 2, "65"), (4, NOW + 60_001, "00")] {
        assert_eq!(desk.sell(n, GOOD, at_ms).await.0, expected, "{n}");
    }
}
