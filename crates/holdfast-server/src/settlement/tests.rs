//! Both sides of a day on a database: every difference is planted and named, and what is no difference is left alone.

use super::file::{self, Spec};
use super::{Imported, Settlements};
use crate::acquirer::simulator::{MemoryBook, NoPause, Simulator};
use crate::acquirer::{Acquirer as _, AuthorisationRequest, FollowUp};
use crate::desk::{DaySummary, Desk, Reconciliation, What};
use crate::journal::Calendar;
use crate::journal::tests::{CROISSANT, MUG, Shop};
use crate::store::{Ledger as _, Place};
use crate::testing::GOOD;
use holdfast_core::id::PaymentId;
use holdfast_core::payment::PaymentState;
use holdfast_core::settlement::{Item, ItemKind, Key, Statement};
use holdfast_core::time::{DAY_MS, UnixMs, iso_date};
use holdfast_crypto::envelope::{CardPlaintext, Entry};
use sqlx::Row as _;

/// Runs each case on both databases.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(&super::Place::Sqlite(folder.path().join("books.sqlite"))).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test server"]
            async fn $case() { super::$case(&crate::testing::postgres_database()).await; })*
        }
    };
}

on_both!(
    each_difference_is_named_and_says_when_it_is_gone,
    a_torn_account_says_nothing_is_missing,
    a_day_begins_where_the_shops_day_does,
    payouts_and_chargebacks_are_in_the_books_once,
    a_corrected_account_does_not_change_a_payout_in_silence,
    the_duty_fetches_what_the_acquirer_has,
);

/// 2026-11-23. In Dublin, where the shop is, its day begins at four, which is 04:00 UTC in winter.
const MONDAY: i64 = 20_780;
const FROM: UnixMs = MONDAY * DAY_MS + 4 * 3_600_000;
const TO: UnixMs = FROM + DAY_MS;
const LATER: UnixMs = TO + 3_600_000;

struct House {
    shop: Shop,
    settlements: Settlements,
}

impl House {
    async fn open(place: &Place) -> Self {
        let shop = Shop::open(place).await;
        let calendar = Calendar::new("Europe/Dublin", 4).expect("a calendar");
        shop.journal.set_calendar(shop.merchant_id(), &calendar).await.expect("sets");
        let settlements = Settlements::new(&shop.books);
        Self { shop, settlements }
    }

    /// A mug for 16.00, captured.
    async fn sell(&mut self, at_ms: UnixMs) -> PaymentId {
        let id = self.shop.take(0, false, at_ms - 900, at_ms - 500, &[MUG]).await;
        self.shop.capture(id, at_ms).await;
        id
    }

    async fn import(&self, bytes: &[u8], now_ms: UnixMs) -> Imported {
        let statement = file::read(&Spec::default(), bytes, Some(MONDAY)).expect("a file");
        self.settlements.import(self.shop.merchant_id(), statement, bytes, now_ms).await.expect("imports")
    }

    async fn compare(&self, day: i64, now_ms: UnixMs) -> Reconciliation {
        let compared = self.settlements.reconcile(self.shop.merchant_id(), day, now_ms).await.expect("compares");
        assert!(compared.is_some(), "the account is here");
        self.seen(day).await
    }

    async fn seen(&self, day: i64) -> Reconciliation {
        self.desk().reconciliation(day).await.expect("reads").expect("was compared")
    }

    fn desk(&self) -> Desk {
        Desk::new(self.shop.books.db().clone(), self.shop.merchant_id())
    }

    async fn account(&self, name: &str) -> i64 {
        let report = self.shop.report("accounts", "2026-11-01", "2026-12-31").await;
        report.rows.iter().find(|row| row.key == name).map_or(0, |row| row.balance_minor)
    }
}

fn item(kind: ItemKind, reference: impl ToString, amount_minor: i64, fee_minor: i64) -> Item {
    let key = Key { kind, reference: reference.to_string(), number: 1 };
    let reason = (kind == ItemKind::Chargeback).then(|| "4853".to_owned());
    Item { line: 0, key, amount_minor, fee_minor, currency: "EUR".into(), at_ms: FROM + 3_600_000, reason }
}

fn capture(id: PaymentId) -> Item {
    item(ItemKind::Capture, id, 1_600, 32)
}

fn account(day: i64, items: Vec<Item>) -> Vec<u8> {
    file::write(&Statement { day, items, faults: Vec::new(), is_complete: true }).into_bytes()
}

/// Kind, reference and whether it is gone.
fn found(seen: &Reconciliation) -> Vec<(String, String, bool)> {
    let mut all: Vec<_> =
        seen.differences.iter().map(|d| (d.kind.clone(), d.reference.clone(), d.resolved_ms.is_some())).collect();
    all.sort();
    all
}

async fn each_difference_is_named_and_says_when_it_is_gone(place: &Place) {
    let mut house = House::open(place).await;
    let noon = FROM + 8 * 3_600_000;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(house.sell(noon + n).await);
    }
    // Captured at the acquirer, and the answer was lost.
    let lost = house.shop.take(0, false, noon, noon + 10, &[MUG]).await;
    let approval_code = || "A1".to_owned();
    house.shop.set(lost, noon, PaymentState::Authorising).await;
    house.shop.set(lost, noon, PaymentState::Authorised { approval_code: approval_code() }).await;
    house.shop.set(lost, noon, PaymentState::Capturing { approval_code: approval_code() }).await;
    let [good, never, off_by_one, twice] = ids[..] else { panic!("four") };
    let stranger = PaymentId::make(noon, [99; 10]);
    let items = vec![
        capture(good),
        Item { amount_minor: 1_601, ..capture(off_by_one) },
        capture(twice),
        capture(twice),
        capture(lost),
        capture(stranger),
        item(ItemKind::Payout, "po-1", 9_601, 191),
    ];
    let bytes = account(MONDAY, items);
    assert_eq!(house.import(&bytes, LATER).await, Imported::Taken);
    let seen = house.compare(MONDAY, LATER).await;
    let named = |is_lost_gone: bool| {
        let mut all = vec![
            ("amount-differs".to_owned(), off_by_one.to_string(), false),
            // The payout's fees are one less than those of the lines.
            ("amount-differs".to_owned(), "po-1".to_owned(), false),
            ("double".to_owned(), twice.to_string(), false),
            ("missing-at-acquirer".to_owned(), never.to_string(), false),
            ("missing-in-our-books".to_owned(), stranger.to_string(), false),
            ("state-differs".to_owned(), lost.to_string(), is_lost_gone),
        ];
        all.sort();
        all
    };
    assert_eq!(found(&seen), named(false));
    let DaySummary { day, open, resolved, matched, .. } = &seen.summary;
    assert_eq!((day.as_str(), *open, *resolved), ("2026-11-23", 6, 0));
    assert_eq!((matched[0].count, matched[0].amount_minor), (2, 3_200));
    let off = seen.differences.iter().find(|d| d.reference == off_by_one.to_string()).expect("is there");
    assert_eq!((off.ours_minor, off.theirs_minor, off.line), (Some(1_600), Some(1_601), Some(4)));
    assert!(off.words.contains("16.01 EUR") && off.words.contains("16.00 EUR"), "{}", off.words);
    // The processor asks by reference, and knows.
    house.shop.set(lost, LATER, PaymentState::Captured { approval_code: approval_code(), at_ms: LATER }).await;
    assert_eq!(house.settlements.days_to_compare(house.shop.merchant_id(), LATER).await, Ok(vec![]));
    let after_ms = LATER + 3_600_000;
    assert_eq!(house.settlements.days_to_compare(house.shop.merchant_id(), after_ms).await, Ok(vec![MONDAY]));
    assert_eq!(found(&house.compare(MONDAY, after_ms).await), named(true));
    // The same account again changes nothing.
    assert_eq!(house.import(&bytes, after_ms).await, Imported::Known);
    let again = house.compare(MONDAY, after_ms + 1).await;
    assert_eq!(found(&again), named(true));
    assert!(again.differences.iter().all(|d| d.first_seen_ms == LATER), "first seen stays");
    // A right account of the same day takes the wrong one's place.
    let right = vec![capture(good), capture(never), capture(off_by_one), capture(twice), capture(lost)];
    assert_eq!(house.import(&account(MONDAY, right), after_ms).await, Imported::Taken);
    let healed = house.compare(MONDAY, after_ms + 2).await;
    // All but the payout, which was booked and which this account does not tell.
    assert_eq!((healed.summary.open, healed.summary.resolved, healed.summary.matched[0].count), (1, 6, 5));
    let open = healed.differences.iter().find(|difference| difference.resolved_ms.is_none()).expect("is there");
    assert_eq!((open.kind.as_str(), open.reference.as_str()), ("payout-changed", "po-1"));
}

async fn a_torn_account_says_nothing_is_missing(place: &Place) {
    let mut house = House::open(place).await;
    let (first, second) = (house.sell(FROM + 1).await, house.sell(FROM + 2).await);
    let whole = account(MONDAY, vec![capture(first), Item { amount_minor: 1_500, ..capture(second) }]);
    // Torn in the middle of the second capture.
    let text = String::from_utf8(whole.clone()).expect("text");
    let torn = &whole[..text.rfind("capture").expect("a line") + 20];
    assert_eq!(house.import(torn, LATER).await, Imported::Taken);
    let seen = house.compare(MONDAY, LATER).await;
    assert_eq!((found(&seen), seen.summary.is_complete), (vec![], false));
    let lines: Vec<_> = seen.faults.iter().map(|fault| (fault.line, fault.words.as_str())).collect();
    assert_eq!((lines.len(), lines[1]), (2, (4, "the line is cut off")));
    assert!(lines[0].1.contains("torn"));
    assert_eq!(house.import(&whole, LATER).await, Imported::Taken);
    let seen = house.compare(MONDAY, LATER).await;
    assert_eq!(found(&seen), [("amount-differs".to_owned(), second.to_string(), false)]);
    // Another torn one does not take the whole one's place.
    assert_eq!(house.import(&torn[..torn.len() - 1], LATER).await, Imported::Kept);
    assert!(house.compare(MONDAY, LATER).await.summary.is_complete);
}

async fn a_day_begins_where_the_shops_day_does(place: &Place) {
    let mut house = House::open(place).await;
    let sunday = house.sell(FROM - 1).await;
    let monday = house.sell(FROM).await;
    // Ours says Monday 03:59:30 of the clock on the wall, theirs says Tuesday.
    let border = house.sell(TO - 30_000).await;
    assert_eq!(house.import(&account(MONDAY, vec![capture(monday)]), LATER).await, Imported::Taken);
    assert_eq!(found(&house.compare(MONDAY, LATER).await), []);
    // Sunday's payment is missing on Sunday, and nowhere else.
    house.import_day(MONDAY - 1, vec![]).await;
    let missing = |id: PaymentId| vec![("missing-at-acquirer".to_owned(), id.to_string(), false)];
    assert_eq!(found(&house.compare(MONDAY - 1, LATER).await), missing(sunday));
    // With Tuesday's account it is known whether the one at the border is in it.
    house.import_day(MONDAY + 1, vec![capture(border)]).await;
    assert_eq!(found(&house.compare(MONDAY, LATER).await), []);
    assert_eq!(found(&house.compare(MONDAY + 1, LATER).await), []);
    house.import_day(MONDAY + 1, vec![]).await;
    assert_eq!(found(&house.compare(MONDAY, LATER).await), missing(border));
    // Told on both days: the second is one too many.
    house.import_day(MONDAY + 1, vec![capture(monday)]).await;
    let seen = house.compare(MONDAY + 1, LATER).await;
    assert_eq!(found(&seen), [("double".to_owned(), monday.to_string(), false)]);
    assert!(!found(&house.compare(MONDAY, LATER).await).iter().any(|(kind, ..)| kind == "double"));
}

impl House {
    async fn import_day(&self, day: i64, items: Vec<Item>) {
        let bytes = account(day, items);
        let statement = file::read(&Spec::default(), &bytes, None).expect("a file");
        let imported = self.settlements.import(self.shop.merchant_id(), statement, &bytes, LATER).await;
        assert_eq!(imported, Ok(Imported::Taken), "{}", iso_date(day));
    }
}

async fn payouts_and_chargebacks_are_in_the_books_once(place: &Place) {
    let mut house = House::open(place).await;
    let (sold, disputed) = (house.sell(FROM + 1).await, house.sell(FROM + 2).await);
    let declined = house.shop.take(0, true, FROM, FROM + 3, &[CROISSANT]).await;
    house.shop.decline(declined, FROM + 4).await;
    house.shop.journal.book_due(LATER).await.expect("books");
    let items = vec![
        capture(sold),
        capture(disputed),
        item(ItemKind::Chargeback, disputed, -1_600, 1_500),
        item(ItemKind::Chargeback, declined, -320, 1_500),
        item(ItemKind::Payout, "po-1", 1_280, 3_064),
    ];
    let bytes = account(MONDAY, items);
    let merchant_id = house.shop.merchant_id();
    let listen = house.shop.books.db().write(move |c| {
        Box::pin(async move {
            let query = sqlx::query("INSERT INTO webhook_cursors (merchant_id, last_change) VALUES ($1, 0)");
            query.bind(merchant_id.to_string()).execute(c).await?;
            Ok(())
        })
    });
    listen.await.expect("writes");
    for _ in 0..2 {
        house.import(&bytes, LATER).await;
    }
    let reader = house.shop.books.db().reader();
    let told = sqlx::query("SELECT body FROM webhook_messages").fetch_all(reader).await.expect("reads");
    let told = told.iter().map(|row| row.get::<String, _>("body")).collect::<Vec<_>>();
    assert!(told.len() == 1 && told[0].contains("payout.paid") && told[0].contains("po-1"), "once: {told:?}");
    let seen = house.compare(MONDAY, LATER).await;
    assert_eq!(found(&seen), [("state-differs".to_owned(), declined.to_string(), false)]);
    assert_eq!((seen.payouts[0].net_minor, seen.payouts[0].fees_minor), (-1_784, 3_064));
    assert_eq!(seen.chargebacks.len(), 1);
    // The payment itself tells it, and tills hear that it changed.
    let told = house.shop.books.chargebacks(house.shop.merchant_id(), &[sold, disputed]).await.expect("reads");
    assert_eq!(told.keys().collect::<Vec<_>>(), [&disputed]);
    assert_eq!((told[&disputed][0].amount_minor, told[&disputed][0].reason.as_deref()), (1_600, Some("4853")));
    let newest = house.shop.books.changed_after(house.shop.merchant_id(), 0, 100).await.expect("reads").pop();
    assert_eq!(newest.map(|payment| payment.id), Some(disputed));
    let story = house.desk().story(disputed).await.expect("reads");
    assert!(matches!(&story.last().expect("a line").what, What::ChargedBack { amount_minor: 1_600, .. }), "{story:?}");
    assert!(seen.chargebacks[0].words.contains("not content"), "{}", seen.chargebacks[0].words);
    for (name, minor) in [("deposits", -1_784), ("fees", 3_064), ("chargebacks", 1_600)] {
        assert_eq!(house.account(name).await, minor, "{name}");
    }
    // Two captures of 16.00 less the chargeback less the payout of 12.80: the declined payment's chargeback, which no one has explained.
    assert_eq!(house.account("acquirer-receivable").await, 320);
    let losses = house.shop.report("losses", "2026-11-23", "2026-11-23").await;
    let lost: Vec<_> = losses.rows.iter().map(|row| (row.key.as_str(), row.lost_minor)).collect();
    assert_eq!(lost, [("chargeback", 1_600), ("declined-after-the-fact", 320)]);
    house.shop.check().await;
}

async fn a_corrected_account_does_not_change_a_payout_in_silence(place: &Place) {
    let mut house = House::open(place).await;
    let sold = house.sell(FROM + 1).await;
    let of = |fee| account(MONDAY, vec![capture(sold), item(ItemKind::Payout, "po-1", 1_600, fee)]);
    assert_eq!(house.import(&of(32), LATER).await, Imported::Taken);
    assert_eq!(found(&house.compare(MONDAY, LATER).await), []);
    assert_eq!(house.import(&of(40), LATER + 1).await, Imported::Taken);
    let seen = house.compare(MONDAY, LATER + 2).await;
    let changed = seen.differences.iter().find(|difference| difference.kind == "payout-changed").expect("is told");
    assert_eq!((changed.ours_minor, changed.theirs_minor), (Some(1_568), Some(1_560)));
    assert!(changed.words.contains("bank's statement"), "{}", changed.words);
    assert_eq!((house.account("deposits").await, house.account("fees").await), (1_568, 32), "what was booked stays");
    // A correction of the correction, which is not the file that was there: the difference is gone.
    let again = account(MONDAY, vec![Item { line: 9, ..capture(sold) }, item(ItemKind::Payout, "po-1", 1_600, 32)]);
    let again = [again, b"\n".to_vec()].concat();
    assert_eq!(house.import(&again, LATER + 3).await, Imported::Taken);
    let seen = house.compare(MONDAY, LATER + 4).await;
    assert!(seen.differences.iter().all(|difference| difference.resolved_ms.is_some()), "{:?}", seen.differences);
}

async fn the_duty_fetches_what_the_acquirer_has(place: &Place) {
    let mut house = House::open(place).await;
    let simulator = Simulator::new(MemoryBook::default(), NoPause, 1_000);
    let merchant_id = house.shop.merchant_id();
    let (at_ms, currency) = (FROM + 1_000, "EUR".parse().expect("a currency"));
    let told = house.sell(at_ms).await;
    let never = house.sell(at_ms + 1).await;
    let card = CardPlaintext::new(GOOD, "3012", Entry::Swipe).expect("a card");
    let request = AuthorisationRequest {
        reference: told,
        merchant_id,
        amount_minor: 1_600,
        currency,
        card: &card,
        offline: false,
        try_number: 0,
    };
    simulator.authorise(at_ms, request).await.expect("answers");
    simulator.capture(at_ms, FollowUp { reference: told, amount_minor: 1_600, currency }).await.expect("answers");
    // Not before the day is over and the acquirer had time.
    house.settlements.settle_due(&simulator, TO + 1).await.expect("settles");
    assert_eq!(house.desk().reconciliation(MONDAY).await, Ok(None));
    // Two servers at once, and again later.
    let again = house.settlements.clone();
    let (a, b) = tokio::join!(house.settlements.settle_due(&simulator, LATER), again.settle_due(&simulator, LATER));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    house.settlements.settle_due(&simulator, LATER + 3_600_000).await.expect("settles");
    let seen = house.seen(MONDAY).await;
    assert_eq!(found(&seen), [("missing-at-acquirer".to_owned(), never.to_string(), false)]);
    assert_eq!((seen.summary.matched[0].count, seen.differences[0].first_seen_ms), (1, LATER));
    // 16.00 less 1.4 % and 0.10.
    assert_eq!((house.account("deposits").await, house.account("fees").await), (1_568, 32));
    assert_eq!(house.desk().reconciliations(i64::MAX, 10).await.expect("reads").len(), 1);
}
