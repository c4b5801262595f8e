//! The booking job on a database: what it books, that it books it once, and that every report says what the journal says.

use super::report::{Ask, to_csv};
use super::{Calendar, Journal, Post};
use crate::store::{
    Again, Books, CardSummary, Device, Enrolled, Enrolment, IngestOp, IngestQuery, Ledger as _, Payment, PaymentOp,
    Place, Sale, StoreError,
};
use crate::testing::NOW;
use holdfast_core::books::{CashMove, Figures, Kind, MoneyEvent};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId, RecordHash};
use holdfast_core::payment::{Decline, PaymentState};
use holdfast_core::time::{UnixMs, iso_date, utc_day};
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::record::LineWire;
use holdfast_wire::report::{Report, Row};
use sqlx::Row as _;
use std::collections::BTreeMap;

const MERCHANT: [u8; 16] = [2; 16];
const HOUR: i64 = 3_600_000;

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
    the_reports_say_what_was_worked_out_by_hand,
    the_accounts_add_up_and_the_csv_has_decimals,
    what_is_sold_offline_is_in_transit_until_it_is_known,
    an_event_is_booked_once_wherever_the_process_ends,
    the_journal_stays_as_it_is,
    payouts_and_cash_are_booked_once_by_their_id,
);

/// A shop with two devices, and its books.
pub(crate) struct Shop {
    pub(crate) books: Books,
    pub(crate) journal: Journal,
    devices: Vec<Device>,
    taken: u8,
}

impl Shop {
    pub(crate) async fn open(place: &Place) -> Self {
        let books = Books::open(place, "epoch-1").await.expect("opens");
        let merchant_id = MerchantId::make(MERCHANT);
        books.add_shop(crate::demo::shop(merchant_id)).await.expect("adds");
        let mut devices = Vec::new();
        for (byte, name) in [(1, "Counter"), (2, "Market stall")] {
            let key = SigningKey::make().expect("makes a key").0.verifying_key().clone();
            let device_id = DeviceId::make([byte; 16]);
            books.add_enrolment_code(NOW, merchant_id, name.into(), NOW + 1).await.expect("adds");
            let enrolment = Enrolment { device_id, code_hash: name.into(), name: name.into(), key };
            assert!(matches!(books.enrol(NOW, enrolment).await, Ok(Enrolled::Yes { .. })));
            devices.push(books.device(device_id).await.expect("reads").expect("is there"));
        }
        let journal = Journal::new(&books);
        Self { books, journal, devices, taken: 0 }
    }

    pub(crate) fn merchant_id(&self) -> MerchantId {
        MerchantId::make(MERCHANT)
    }

    /// A payment of these lines (name, quantity, total, rate, tax) that was stored at `received_ms`.
    pub(crate) async fn take(
        &mut self,
        device: usize,
        offline: bool,
        taken_ms: UnixMs,
        received_ms: UnixMs,
        lines: &[Sold],
    ) -> PaymentId {
        self.taken += 1;
        let seq = u64::from(self.taken);
        let lines: Vec<LineWire> = lines
            .iter()
            .map(|(name, qty, total_minor, tax_bp, tax_minor)| LineWire {
                name: (*name).into(),
                qty: *qty,
                unit_minor: total_minor / i64::from(*qty),
                total_minor: *total_minor,
                tax_bp: *tax_bp,
                tax_minor: *tax_minor,
            })
            .collect();
        let device = &self.devices[device];
        let payment = Payment {
            id: PaymentId::make(taken_ms, [self.taken; 10]),
            merchant_id: device.merchant_id,
            device_id: device.id,
            seq,
            prev: String::new(),
            record_hash: RecordHash([self.taken; 32]),
            record: None,
            card_key_kid: None,
            sale: Sale {
                number: format!("1-{seq:04}"),
                amount_minor: lines.iter().map(|line| line.total_minor).sum(),
                currency: "EUR".into(),
                tax_minor: lines.iter().map(|line| line.tax_minor).sum(),
                tip_minor: 0,
                staff: String::new(),
                lines: serde_json::to_string(&lines).expect("writes"),
            },
            card: CardSummary { brand: "visa".into(), last4: "4242".into(), entry: "swipe".into(), pan_hmac: None },
            offline,
            taken_ms,
            received_ms,
            state: PaymentState::Received,
            changed_ms: received_ms,
            change: 0,
            again: Again::default(),
        };
        let (id, device_id) = (payment.id, payment.device_id);
        let query = IngestQuery { device_id, ids: vec![id], seqs: vec![seq], hashes: vec![payment.record_hash] };
        let ops = vec![IngestOp::Store(Box::new(payment))];
        self.books.ingest(received_ms, query, move |_| (ops, ())).await.expect("stores");
        id
    }

    pub(crate) async fn set(&self, id: PaymentId, now_ms: UnixMs, state: PaymentState) {
        let change = self.books.payment(id).await.expect("reads").expect("is there").change;
        self.books.apply(now_ms, id, change, vec![PaymentOp::State(state)]).await.expect("applies");
    }

    pub(crate) async fn capture(&self, id: PaymentId, now_ms: UnixMs) {
        let approval_code = || "A1".to_owned();
        self.set(id, now_ms, PaymentState::Authorising).await;
        self.set(id, now_ms, PaymentState::Authorised { approval_code: approval_code() }).await;
        self.set(id, now_ms, PaymentState::Capturing { approval_code: approval_code() }).await;
        self.set(id, now_ms, PaymentState::Captured { approval_code: approval_code(), at_ms: now_ms }).await;
    }

    pub(crate) async fn decline(&self, id: PaymentId, now_ms: UnixMs) {
        self.set(id, now_ms, PaymentState::Authorising).await;
        let decline = Decline { code: "51".into() };
        self.set(id, now_ms, PaymentState::Declined { decline, at_ms: now_ms }).await;
    }

    pub(crate) async fn report(&self, kind: &str, from: &str, to: &str) -> Report {
        let ask = Ask::parse(kind, from, to).expect("a question");
        self.journal.report(self.merchant_id(), ask).await.expect("reports")
    }

    /// The kept sums are those of the journal, every entry adds up to nothing, and so do the accounts.
    pub(crate) async fn check(&self) {
        let of_journal = self.journal.sums_of_journal(self.merchant_id()).await.expect("reads");
        let mut kept = self.journal.sums_kept(self.merchant_id()).await.expect("reads");
        kept.retain(|_, figures| *figures != Figures::default());
        let mut of_journal = of_journal;
        of_journal.retain(|_, figures| *figures != Figures::default());
        assert_eq!(kept, of_journal);
        let accounts: i64 =
            kept.iter().filter(|((kind, ..), _)| *kind == Kind::Accounts).map(|(_, f)| f.balance_minor).sum();
        assert_eq!(accounts, 0);
    }

    pub(crate) async fn number(&self, text: &'static str) -> i64 {
        let row = sqlx::query(text).fetch_one(self.books.db().reader()).await.expect("reads");
        row.try_get("n").expect("a number")
    }
}

/// Name, quantity, total, rate, tax.
pub(crate) type Sold = (&'static str, u32, i64, u32, i64);

const COFFEES: Sold = ("Flat white", 2, 840, 1_900, 134);
pub(crate) const CROISSANT: Sold = ("Butter croissant", 1, 320, 700, 21);
pub(crate) const MUG: Sold = ("Enamel mug", 1, 1_600, 1_900, 255);

/// Three business days in Dublin, which begin at four in the morning. Worked out by hand in docs/books.md.
async fn three_days(place: &Place) -> Shop {
    let mut shop = Shop::open(place).await;
    let calendar = Calendar::new("Europe/Dublin", 4).expect("a calendar");
    shop.journal.set_calendar(shop.merchant_id(), &calendar).await.expect("sets");
    // 2026-11-23T00:00:00Z is midnight in Dublin in winter.
    let midnight = 1_795_392_000_000;
    // Monday 09:00, online: two coffees and a croissant.
    let first = shop.take(0, false, midnight + 9 * HOUR, midnight + 9 * HOUR + 500, &[COFFEES, CROISSANT]).await;
    shop.capture(first, midnight + 9 * HOUR + 900).await;
    // Monday 18:00, offline, and uploaded the next day: a mug.
    let second = shop.take(1, true, midnight + 18 * HOUR, midnight + 33 * HOUR, &[MUG]).await;
    // Tuesday 01:00 is still Monday's evening: a croissant, offline.
    let third = shop.take(1, true, midnight + 25 * HOUR, midnight + 33 * HOUR, &[CROISSANT]).await;
    shop.capture(third, midnight + 33 * HOUR).await;
    shop.decline(second, midnight + 33 * HOUR).await;
    // Tuesday 10:00, online: declined while the customer waits.
    let fourth = shop.take(0, false, midnight + 34 * HOUR, midnight + 34 * HOUR + 500, &[MUG]).await;
    shop.decline(fourth, midnight + 34 * HOUR + 900).await;
    assert_eq!(shop.journal.book_due(NOW).await, Ok(16));
    shop
}

async fn the_reports_say_what_was_worked_out_by_hand(place: &Place) {
    let shop = three_days(place).await;
    let (monday, tuesday) = ("2026-11-23", "2026-11-24");
    let row = |key: &str, label: &str, count, quantity, net_minor, tax_minor, lost_minor| Row {
        key: key.into(),
        label: label.into(),
        currency: "EUR".into(),
        count,
        quantity,
        net_minor,
        tax_minor,
        gross_minor: net_minor + tax_minor,
        lost_minor,
        ..Row::default()
    };
    // 11.60 + 16.00 + 3.20 sold on Monday; the mug is lost on Tuesday, when it is known.
    let days = shop.report("day", monday, tuesday).await;
    assert_eq!(days.rows, [row(monday, monday, 3, 5, 2_649, 431, 0), row(tuesday, tuesday, 0, 0, 0, 0, 1_600)]);
    assert_eq!(days.totals, [row("", "Total", 3, 5, 2_649, 431, 1_600)]);
    assert_eq!((days.time_zone.as_str(), days.day_start_hour), ("Europe/Dublin", 4));
    let hours = shop.report("hour", monday, monday).await.rows;
    assert_eq!(
        hours,
        [
            row("01", "01:00", 1, 1, 299, 21, 0),
            row("09", "09:00", 1, 3, 1_005, 155, 0),
            row("18", "18:00", 1, 1, 1_345, 255, 0)
        ]
    );
    let items = shop.report("item", monday, tuesday).await.rows;
    assert_eq!(
        items,
        [
            row("Butter croissant", "Butter croissant", 2, 2, 598, 42, 0),
            row("Enamel mug", "Enamel mug", 1, 1, 1_345, 255, 0),
            row("Flat white", "Flat white", 1, 2, 706, 134, 0),
        ]
    );
    let categories = shop.report("category", monday, tuesday).await.rows;
    let names: Vec<&str> = categories.iter().map(|r| r.key.as_str()).collect();
    assert_eq!(names, ["Bakery", "Coffee", "Retail"]);
    let rates = shop.report("tax", monday, tuesday).await.rows;
    assert_eq!(rates, [row("1900", "19 %", 2, 3, 2_051, 389, 0), row("700", "7 %", 2, 2, 598, 42, 0)]);
    let paths = shop.report("path", monday, tuesday).await.rows;
    assert_eq!(
        paths,
        [row("offline", "offline", 2, 2, 1_644, 276, 1_600), row("online", "online", 1, 3, 1_005, 155, 0)]
    );
    let losses = shop.report("losses", monday, tuesday).await.rows;
    assert_eq!(losses, [row("declined-after-the-fact", "declined-after-the-fact", 1, 0, 0, 0, 1_600)]);
    let devices = shop.report("device", monday, tuesday).await.rows;
    let names: Vec<&str> = devices.iter().map(|r| r.label.as_str()).collect();
    assert_eq!(names, ["Counter", "Market stall"]);
    assert_eq!(shop.report("tender", monday, tuesday).await.rows, [row("card", "card", 3, 5, 2_649, 431, 1_600)]);
    assert_eq!(shop.report("staff", monday, tuesday).await.rows, [row("", "Not recorded", 3, 5, 2_649, 431, 1_600)]);
    assert_eq!(shop.report("day", "2026-11-25", "2026-11-30").await.rows, []);
    shop.check().await;
}

async fn the_accounts_add_up_and_the_csv_has_decimals(place: &Place) {
    let shop = three_days(place).await;
    let accounts = shop.report("accounts", "2026-11-23", "2026-11-24").await;
    let balances: BTreeMap<&str, i64> = accounts.rows.iter().map(|r| (r.key.as_str(), r.balance_minor)).collect();
    // Captured 11.60 + 3.20; the mug's 16.00 went through transit into losses.
    let expected = [
        ("acquirer-receivable", 1_480),
        ("card-in-transit", 0),
        ("declined-losses", 1_600),
        ("sales:1900", -2_051),
        ("sales:700", -598),
        ("tax-payable:1900", -389),
        ("tax-payable:700", -42),
    ];
    assert_eq!(balances, BTreeMap::from(expected));
    let csv = to_csv(&shop.report("tax", "2026-11-23", "2026-11-24").await);
    assert_eq!(
        csv,
        "key,label,currency,count,quantity,net,tax,tips,gross,refunds,refunds_tax,lost,balance\r\n\
         1900,19 %,EUR,2,3,20.51,3.89,0.00,24.40,0.00,0.00,0.00,0.00\r\n\
         700,7 %,EUR,2,2,5.98,0.42,0.00,6.40,0.00,0.00,0.00,0.00\r\n"
    );
}

async fn what_is_sold_offline_is_in_transit_until_it_is_known(place: &Place) {
    let mut shop = Shop::open(place).await;
    let id = shop.take(0, true, NOW - HOUR, NOW, &[MUG]).await;
    let day = iso_date(utc_day(NOW - HOUR));
    shop.journal.book_due(NOW).await.expect("books");
    let in_transit =
        |report: Report| report.rows.iter().find(|row| row.key == "card-in-transit").map_or(0, |row| row.balance_minor);
    assert_eq!(in_transit(shop.report("accounts", &day, &day).await), 1_600);
    shop.capture(id, NOW).await;
    shop.journal.book_due(NOW).await.expect("books");
    assert_eq!(in_transit(shop.report("accounts", &day, &iso_date(utc_day(NOW))).await), 0);
    shop.check().await;
}

async fn an_event_is_booked_once_wherever_the_process_ends(place: &Place) {
    let mut shop = Shop::open(place).await;
    for n in 0..3 {
        let id = shop.take(0, true, NOW - HOUR + n, NOW, &[COFFEES, CROISSANT]).await;
        if n == 1 { shop.decline(id, NOW).await } else { shop.capture(id, NOW).await }
    }
    let events = usize::try_from(shop.number("SELECT count(*) AS n FROM payment_events").await).expect("a count");
    // The transaction is lost after everything in it was written: nothing of it is there.
    let dialect = shop.books.db().dialect();
    let merchant_id = shop.merchant_id();
    let lost: Result<(), StoreError> = shop
        .books
        .db()
        .write(move |c| {
            Box::pin(async move {
                assert_eq!(super::book(c, dialect, merchant_id, NOW, 64).await, Ok(events));
                Err(StoreError::Closed)
            })
        })
        .await;
    assert_eq!(lost, Err(StoreError::Closed));
    assert_eq!(shop.number("SELECT count(*) AS n FROM journal").await, 0);
    // One by one, by two jobs at once, and by a job that starts again after each.
    let (a, b) = (shop.journal.clone(), Journal::new(&shop.books));
    let mut booked = 0;
    while booked < events {
        let (x, y) = tokio::join!(a.book_some(merchant_id, NOW, 1), b.book_some(merchant_id, NOW, 1));
        booked += x.expect("books") + y.expect("books");
    }
    assert_eq!(booked, events);
    assert_eq!(shop.journal.book_due(NOW).await, Ok(0));
    assert_eq!(shop.number("SELECT count(*) AS n FROM journal").await, 6, "a sale and an end for each");
    assert_eq!(shop.number("SELECT count(*) AS n FROM journal WHERE reason = 'capture'").await, 2);
    shop.check().await;
}

async fn the_journal_stays_as_it_is(place: &Place) {
    let shop = three_days(place).await;
    for text in [
        "UPDATE journal SET day = 0",
        "DELETE FROM journal",
        "UPDATE journal_lines SET amount_minor = 0",
        "DELETE FROM journal_lines",
    ] {
        let tried = shop.books.db().write(move |c| {
            Box::pin(async move {
                sqlx::query(text).execute(c).await?;
                Ok(())
            })
        });
        assert!(matches!(tried.await, Err(StoreError::Database(_))), "{text}");
    }
    shop.check().await;
}

async fn payouts_and_cash_are_booked_once_by_their_id(place: &Place) {
    let shop = three_days(place).await;
    let post = |id: &str, event| Post {
        merchant_id: shop.merchant_id(),
        id: id.into(),
        event,
        currency: "EUR".into(),
        at_ms: 1_795_392_000_000 + 40 * HOUR,
    };
    let payout = post("po-1", MoneyEvent::Payout { gross_minor: 1_480, fees_minor: 30 });
    assert_eq!(shop.journal.post(payout.clone(), NOW).await, Ok(true));
    assert_eq!(shop.journal.post(payout, NOW).await, Ok(false));
    let float = post("1", MoneyEvent::Cash { what: CashMove::In, amount_minor: 10_000 });
    assert_eq!(shop.journal.post(float, NOW).await, Ok(true));
    let accounts = shop.report("accounts", "2026-11-23", "2026-11-24").await;
    let of = |key: &str| accounts.rows.iter().find(|row| row.key == key).map(|row| row.balance_minor);
    assert_eq!((of("acquirer-receivable"), of("deposits"), of("fees")), (Some(0), Some(1_450), Some(30)));
    assert_eq!(of("cash-drawer"), Some(10_000));
    assert_eq!(shop.journal.book_due(NOW).await, Ok(0));
    shop.check().await;
}
