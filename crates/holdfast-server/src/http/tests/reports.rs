//! The reports over HTTP: what the owner gets, and that nobody else gets anything.

use super::*;
use crate::journal::Journal;
use crate::people::Role;
use crate::process::Clock as _;
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
async fn the_office_shows_what_the_books_say_and_what_it_is_made_of() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (paid, _) = house.sold(&mut till, 1_060, GOOD).await;
    let (declined, _) = house.sold(&mut till, 300, "4000000000000002").await;
    Journal::new(&house.server.ledger).book_due(house.server.clock.now_ms()).await.expect("books");
    let owner = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let page = async |target: &str| {
        let answer = house.as_person(&owner, "GET", target, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{target}");
        String::from_utf8(answer.body).expect("text")
    };
    let today = page("/office").await;
    // Both were sold offline: one is paid, and the goods of the other are gone.
    for shown in ["€13.60", "2 sales", "Lost", "href=\"/office/payments?state=lost\""] {
        assert!(today.contains(shown), "{shown}: {today}");
    }
    let lost = page("/office/payments?state=lost").await;
    assert!(lost.contains(&declined.id) && !lost.contains(&paid.id), "{lost}");
    let report = page("/office/reports/device").await;
    let href = report.split("href=\"").filter_map(|rest| rest.split('"').next());
    let made_of =
        href.filter(|href| href.starts_with("/office/payments?device=")).last().expect("a link").replace("&amp;", "&");
    let both = page(&made_of).await;
    assert!(both.contains(&declined.id) && both.contains(&paid.id), "{made_of}");
    for (narrowed, shown) in
        [("item=Flat+white", true), ("item=Flat_white", false), ("tax=0", true), ("tax=1900", false)]
    {
        assert_eq!(page(&format!("/office/payments?{narrowed}")).await.contains(&paid.id), shown, "{narrowed}");
    }
    assert!(page("/office/payments?path=online").await.contains("There is no such payment"));
    for kind in ["day", "hour", "item", "category", "tender", "staff", "tax", "path", "losses", "accounts"] {
        assert!(page(&format!("/office/reports/{kind}")).await.contains("<table"), "{kind}");
    }
    for bad in [
        "/office/payments?state=rich",
        "/office/payments?from=x",
        "/office/payments?path=by+foot",
        "/office/reports/day?from=x",
    ] {
        assert_eq!(house.as_person(&owner, "GET", bad, "").await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let cashier = house.token("eve@example.com", Role::Cashier, Some(till.merchant_id)).await;
    let elsewhere = house.as_person(&cashier, "GET", "/office/reports/day", "").await;
    assert_eq!(elsewhere.header("location"), "/office/shops");
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
