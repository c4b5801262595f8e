//! Several servers with one log: what one of them has open is its own until no answer can come any more, and then another one's. And the log
//! that earlier versions kept in a file of its own.

use super::super::log::{Log, State};
use super::super::turn::Now;
use super::*;
use crate::store::care::import_log;
use sqlx::{ConnectOptions as _, Connection as _};
use std::time::Duration;

/// Longer than any turn.
const LATER_MS: i64 = 600_000;

/// The first of a type gets no answer of its own.
fn first(mti: &'static str, act: Act) -> impl Fn(&Message, usize) -> Act + Send + Sync {
    move |message, before| if message.mti().as_str() == mti && before == 0 { act.clone() } else { Act::Answer("00") }
}

/// Has the jobs run by a server, until the host was asked this.
async fn asked(desk: &Desk, acquirer: &Arc<Iso8583>, host: &Host, mti: &str) -> tokio::task::JoinHandle<()> {
    let processor = desk.processor(acquirer);
    let run = tokio::spawn(async move { while processor.process_due(50).await.is_ok() {} });
    let end = Instant::now() + Duration::from_secs(60);
    while host.of(mti).is_empty() {
        assert!(Instant::now() < end, "no {mti} in {:?}", host.types());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The jobs are another server's from now on.
    desk.ledger.release_leases().await.expect("releases");
    run
}

/// A server hangs between request and answer.
async fn goes_to_another_server_in_its_time(place: Place, mti: &'static str, types: &[&str]) {
    let host = Host::start(first(mti, Act::Silence)).await;
    let mut desk = Desk::on(place);
    let id = desk.take(1_060).await;
    let one = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    let two = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    let hanging = asked(&desk, &one, &host, mti).await;
    let before = host.types();
    desk.processor(&two).process_due(50).await.expect("processes");
    assert!(two.inquire(desk.clock.now_ms(), id).await.is_err(), "an answer may still come");
    assert_eq!(host.types(), before, "nothing is sent meanwhile");

    desk.clock.advance(LATER_MS);
    assert_eq!(desk.settle(&two, id).await, "captured");
    assert_eq!(host.types(), types);
    assert_eq!(stands(&host, "0100"), (1, 1), "{:?}", host.types());
    hanging.abort();
}

async fn an_open_authorisation_goes_to_another_server_in_its_time(place: Place) {
    goes_to_another_server_in_its_time(place, "0100", &["0100", "0420", "0100", "0220"]).await;
}

async fn an_open_capture_goes_to_another_server_in_its_time(place: Place) {
    goes_to_another_server_in_its_time(place, "0220", &["0100", "0220", "0221"]).await;
}

/// The answer comes to the first server when another one has taken the payment to its end: it changes nothing, and what may stand at the host
/// is taken back once more.
async fn an_approval_after_the_takeover_is_taken_back(place: Place) {
    let host = Host::start(first("0100", Act::Late("00"))).await;
    let mut desk = Desk::on(place);
    let id = desk.take(1_060).await;
    let one = desk.acquirer(config(host.port, ANSWER_MS, "echo_ms = 2000\n")).await;
    let two = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    let hanging = asked(&desk, &one, &host, "0100").await;
    desk.clock.advance(LATER_MS);
    assert_eq!(desk.settle(&two, id).await, "captured");
    let reference = id.to_string();
    let end = Instant::now() + Duration::from_secs(60);
    let is_open = async || {
        let exchanges = two.log.of(&reference).await.expect("reads");
        exchanges.iter().any(|exchange| exchange.state == State::Open)
    };
    // The host's next answer to the first server's line brings the late one with it.
    while !is_open().await {
        assert!(Instant::now() < end, "{:?}", host.types());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    desk.clock.advance(LATER_MS);
    two.settle_what_is_left(Now::said(desk.clock.now_ms())).await;
    assert!(!is_open().await);
    assert_eq!(host.types(), ["0100", "0420", "0100", "0220", "0421"]);
    assert_eq!(stands(&host, "0100"), (1, 1));
    assert_eq!(desk.state(id).await.name(), "captured");
    hanging.abort();
}

macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(super::Place::Sqlite(folder.path().join("books.sqlite"))).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs PostgreSQL: cargo xtask test server"]
            async fn $case() { super::$case(crate::testing::postgres_database()).await; })*
        }
    };
}

on_both!(
    an_open_authorisation_goes_to_another_server_in_its_time,
    an_open_capture_goes_to_another_server_in_its_time,
    an_approval_after_the_takeover_is_taken_back,
    the_log_of_an_earlier_version_is_taken_over,
);

/// A payment with an open authorisation, and one whose refund is open, in a log as the version before wrote it.
async fn the_log_of_an_earlier_version_is_taken_over(place: Place) {
    let host = Host::start(|_, _| Act::Answer("00")).await;
    let mut desk = Desk::on(place);
    let (open, paid) = (desk.take(1_060).await, desk.take(2_070).await);
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&log).create_if_missing(true);
    let mut earlier = options.connect().await.expect("opens");
    let day = holdfast_core::time::utc_day(NOW);
    let rows = format!(
        "INSERT INTO exchanges (id, reference, kind, number, original, day, stan, rrn, sent_ms, amount_minor, currency, state, code, approval_code)
         VALUES (1, '{paid}', 'authorisation', 0, NULL, {day}, 1, 'PAID00', {NOW}, 2070, 'EUR', 'answered', '00', 'A00001'),
                (2, '{open}', 'authorisation', 0, NULL, {day}, 2, 'OPEN00', {NOW}, 1060, 'EUR', 'open', NULL, NULL),
                (3, '{paid}', 'capture', 0, 1, {day}, 3, 'PAID00', {NOW}, 2070, 'EUR', 'answered', '00', 'A00001'),
                (4, '{paid}', 'refund', 1, 3, {day}, 4, 'PAID01', {NOW}, 500, 'EUR', 'open', NULL, NULL);
         INSERT INTO stans VALUES ({day}, 4)"
    );
    sqlx::raw_sql(include_str!("earlier_log.sql")).execute(&mut earlier).await.expect("makes it");
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut earlier).await.expect("fills it");
    earlier.close().await.expect("closes");
    let copy = folder.path().join("copy.sqlite");
    std::fs::copy(&log, &copy).expect("copies");

    let books = Arc::new(Books::open(&desk.place, "epoch-1").await.expect("opens"));
    let taken = Log::new(Arc::clone(&books));
    // The second time as if the process had died before the file had its other name.
    for from in [&log, &copy] {
        let kept = import_log(books.db(), from, "epoch-1", 7).await.expect("imports").expect("a log");
        assert!(kept.exists() && !from.exists());
        assert_eq!(taken.of(&paid.to_string()).await.expect("reads").len(), 3);
    }
    assert_eq!(import_log(books.db(), &log, "epoch-1", 7).await.expect("nothing to do"), None);

    let acquirer = desk.acquirer(config(host.port, ANSWER_MS, "")).await;
    assert_eq!(acquirer.inquire(NOW, open).await.expect("settles").authorisation, None);
    let known = acquirer.inquire(NOW, paid).await.expect("settles");
    assert!(matches!((known.capture, known.refunds.as_slice()), (Some(Decision::Approved { .. }), [])));
    let reversed: Vec<_> = host.of("0420").iter().map(|m| m.text(90).expect("a field")[4..10].to_owned()).collect();
    assert_eq!(reversed, ["000002", "000004"], "what was open is taken back under its own numbers");
    assert!(host.of("0420").iter().all(|m| m.text(11).is_some_and(|stan| stan > "000004")));
    for id in [open, paid] {
        assert_eq!(desk.settle(&acquirer, id).await, "captured");
    }
    assert_eq!(host.types(), ["0420", "0420", "0100", "0220"], "one is captured anew, the other was before");
}
