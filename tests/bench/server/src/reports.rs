//! Every report of books of many payments, and whether it says what the journal says.

use crate::server::median;
use crate::{Stand, grow};
use holdfast_core::books::Kind;
use holdfast_core::time::iso_date;
use holdfast_server::journal::Journal;
use holdfast_server::journal::report::Ask;
use holdfast_wire::report::Report;
use serde_json::{Value, json};
use std::time::Instant;

/// Payments that are really taken, and how many there are in the end.
const TAKEN: usize = 1_000;
const GROWN: i64 = 50_000;
const GROWN_FULL: i64 = 1_000_000;
const GROWN_SMOKE: i64 = 3_000;
const TRIES: usize = 7;

pub async fn reports(is_full: bool, is_smoke: bool) -> Value {
    let mut found = serde_json::Map::new();
    for is_postgres in [false, true] {
        let mut stand = Stand::open(is_postgres).await;
        let sold = stand.house.sell(TAKEN);
        let running = stand.house.run();
        stand.house.upload(sold).await;
        stand.house.wait_for(TAKEN).await;
        running.end().await;
        let grown = match (is_smoke, is_full) {
            (true, _) => GROWN_SMOKE,
            (_, true) => GROWN_FULL,
            _ => GROWN,
        };
        let payments = grow::grow(&stand.house, grown).await;
        let started = Instant::now();
        let (accounts, days) = (grow::accounts(&stand.house).await, grow::days(&stand.house).await);
        let slow_ms = started.elapsed().as_secs_f64() * 1_000.0;
        println!("\nreports: {}, {payments} payments; the two slow ways took {slow_ms:.0} ms", stand.name);
        let (first, last) = (days.first().expect("a day").0, days.last().expect("a day").0);
        let journal = Journal::new(&stand.house.books);
        let mut kinds = serde_json::Map::new();
        for kind in Kind::ALL {
            let (mut times, mut made) = (Vec::new(), None);
            for _ in 0..TRIES {
                let ask = Ask::parse(kind.name(), &iso_date(first), &iso_date(last)).expect("a question");
                let started = Instant::now();
                made = Some(journal.report(stand.house.merchant_id, ask).await.expect("a report"));
                times.push(started.elapsed().as_secs_f64() * 1_000.0);
            }
            let report = made.expect("a report");
            check(kind, &report, &accounts, &days);
            let (min, middle, max) = median(times.into_iter());
            println!("  {:<9} {middle:>8.2} ms ({min:.2} to {max:.2}), {} rows", kind.name(), report.rows.len());
            kinds.insert(kind.name().to_owned(), json!({ "min_ms": min, "median_ms": middle, "max_ms": max }));
        }
        found.insert(stand.name.to_owned(), json!({ "payments": payments, "slow_ms": slow_ms, "kinds": kinds }));
        stand.house.books.close().await;
    }
    Value::Object(found)
}

/// A report that says something else than the journal's own lines ends the bench.
fn check(kind: Kind, report: &Report, accounts: &[(String, i64)], days: &[(i64, i64)]) {
    if kind == Kind::Accounts {
        let mut told: Vec<_> = report.rows.iter().map(|row| (row.key.clone(), row.balance_minor)).collect();
        told.retain(|(_, balance)| *balance != 0);
        told.sort();
        assert_eq!(told, accounts, "the report of the accounts");
        return;
    }
    if kind == Kind::Losses {
        assert!(report.rows.is_empty(), "nothing was lost");
        return;
    }
    let sold: i64 = days.iter().map(|(_, net)| net).sum();
    assert_eq!(
        report.rows.iter().map(|row| row.net_minor).sum::<i64>(),
        sold,
        "sales in the report by {}",
        kind.name()
    );
    if kind == Kind::Day {
        let told: Vec<_> = report.rows.iter().map(|row| (row.key.clone(), row.net_minor)).collect();
        let slow: Vec<_> = days.iter().map(|(day, net)| (iso_date(*day), *net)).collect();
        assert_eq!(told, slow, "the report by day");
    }
}
