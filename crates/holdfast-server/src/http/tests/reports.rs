//! The reports over HTTP: what the owner gets, and that nobody else gets anything.

use super::*;
use crate::journal::Journal;
use crate::testing::NOW;
use holdfast_wire::report::Report;

const RANGE: &str = "from=2026-01-01&to=2034-12-31";

#[tokio::test]
async fn a_captured_payment_is_in_the_reports() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, record) = till.payment(1_060, GOOD);
    house.upload(&till, vec![record]).await;
    let paid: PaymentView =
        house.of_till(&till, "GET", &format!("/api/v1/payments/{id}?wait_ms=10000"), b"").await.json();
    assert_eq!(paid.state, "captured");
    Journal::new(&house.server.ledger).book_due(NOW).await.expect("books");
    let answer = house.get(&format!("/api/v1/reports/item?{RANGE}")).await;
    let report = Report::from_json(&answer.body).expect("a report");
    let row = &report.rows[0];
    assert_eq!((row.key.as_str(), row.count, row.gross_minor, row.currency.as_str()), ("Flat white", 1, 1_060, "EUR"));
    let device =
        Report::from_json(&house.get(&format!("/api/v1/reports/device?{RANGE}")).await.body).expect("a report");
    assert_eq!(device.rows[0].label, "Counter");
    let csv = house.get(&format!("/api/v1/reports/path?{RANGE}&format=csv")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"path-2026-01-01-2034-12-31.csv\"");
    assert!(String::from_utf8_lossy(&csv.body).contains("offline,offline,EUR,1,1,10.60,0.00"));
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_so_is_everybody_outside_the_demo() {
    let demo = house(true).await;
    for (target, problem) in [
        (format!("taxes?{RANGE}"), (404, "not-found")),
        ("tax".to_owned(), (400, "report-unreadable")),
        ("tax?from=2026-01-01&to=2025-01-01".to_owned(), (400, "report-unreadable")),
        ("tax?from=x&to=2025-01-01".to_owned(), (400, "report-unreadable")),
        (format!("tax?{RANGE}&format=pdf"), (400, "report-unreadable")),
    ] {
        let answer = demo.get(&format!("/api/v1/reports/{target}")).await;
        assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{target}");
    }
    let real = house(false).await;
    let answer = real.get(&format!("/api/v1/reports/day?{RANGE}")).await;
    assert_eq!(answer.problem(), (401, "sign-in-needed".to_owned()));
}
