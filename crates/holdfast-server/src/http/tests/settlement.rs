//! The acquirer's account and the cash drawer over HTTP.

use super::*;
use crate::people::Role;
use crate::process::Clock as _;
use crate::settlement::{Settlements, file};
use holdfast_core::time::{DAY_MS, iso_date, utc_day};
use serde_json::{Value, json};

impl House {
    pub(super) async fn as_person(&self, token: &str, method: &str, target: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(target).header("authorization", format!("Bearer {token}"));
        let request = request.header("sec-fetch-site", "same-origin");
        let kind = if target.starts_with("/office") { "application/x-www-form-urlencoded" } else { "application/json" };
        let request = request.header("content-type", kind).body(Body::from(body.to_owned()));
        self.send(request.expect("a request")).await
    }

    async fn captured(&self, till: &mut TestTill) -> String {
        let (id, record) = till.payment(1_060, GOOD);
        self.upload(till, vec![record]).await;
        let target = format!("/api/v1/payments/{id}?wait_ms=10000");
        loop {
            let paid: PaymentView = self.of_till(till, "GET", &target, b"").await.json();
            if paid.state == "captured" {
                return id.to_string();
            }
        }
    }
}

#[tokio::test]
async fn a_day_that_was_compared_is_shown_with_its_differences() {
    let house = house(true).await;
    let mut till = house.till().await;
    let id = house.captured(&mut till).await;
    let owner = house.token("owner@example.com", Role::Owner, Some(till.merchant_id)).await;
    let now_ms = house.server.clock.now_ms();
    // The demo's day begins at four in Dublin; either of two days has the capture.
    let text = |day: i64| format!("/demo/acquirer/settlement?day={}", iso_date(day));
    let mut day = utc_day(now_ms);
    let mut csv = house.get(&text(day)).await;
    if !String::from_utf8_lossy(&csv.body).contains(&id) {
        day -= 1;
        csv = house.get(&text(day)).await;
    }
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let mut statement = file::read(&file::Spec::default(), &csv.body, Some(day)).expect("a file");
    assert!(statement.items.iter().any(|item| item.key.reference == id));
    statement.is_complete = true;
    statement.items[0].amount_minor += 1;
    let settlements = Settlements::new(&house.server.ledger);
    settlements.import(till.merchant_id, statement, b"as it came", now_ms).await.expect("imports");
    settlements.reconcile(till.merchant_id, day, now_ms).await.expect("compares");
    let days: Value = house.as_person(&owner, "GET", "/api/v1/reconciliations", "").await.json();
    assert_eq!((&days["days"][0]["open"], &days["cursor"]), (&json!(1), &Value::Null));
    let target = format!("/api/v1/reconciliations/{}", iso_date(day));
    let seen: Value = house.as_person(&owner, "GET", &target, "").await.json();
    let difference = &seen["differences"][0];
    assert_eq!(
        (difference["kind"].as_str(), difference["reference"].as_str()),
        (Some("amount-differs"), Some(id.as_str()))
    );
    for target in ["/office/reconciliation".to_owned(), format!("/office/reconciliation/{}", iso_date(day))] {
        let page = house.as_person(&owner, "GET", &target, "").await;
        let page = String::from_utf8_lossy(&page.body).into_owned();
        assert!(page.contains("1 difference") && page.contains("<rect"), "{target}");
    }
    for other in ["2026-02-30", "x", "1999-01-01"] {
        let answer = house.as_person(&owner, "GET", &format!("/api/v1/reconciliations/{other}"), "").await;
        assert_eq!(answer.problem(), (404, "not-found".to_owned()), "{other}");
    }
    // Another shop has none of it.
    let other = house.shop(78).await;
    let stranger = house.token("eve@example.com", Role::Owner, Some(other)).await;
    let days: Value = house.as_person(&stranger, "GET", "/api/v1/reconciliations", "").await.json();
    assert_eq!(days["days"], json!([]));
    assert_eq!(house.as_person(&stranger, "GET", &target, "").await.status, StatusCode::NOT_FOUND);
    assert!(now_ms > DAY_MS);
}

#[tokio::test]
async fn a_count_says_what_is_missing_and_no_move_is_booked_twice() {
    let house = house(true).await;
    let till = house.till().await;
    let cashier = house.token("ada@example.com", Role::Cashier, Some(till.merchant_id)).await;
    let body = |id: &str, kind: &str, minor: i64| {
        json!({"v": 1, "id": id, "kind": kind, "amount_minor": minor, "note": ""}).to_string()
    };
    let send = async |body: String| house.as_person(&cashier, "POST", "/api/v1/cash-moves", &body).await;
    for (id, kind, minor) in [("f-1", "float", 10_000), ("i-1", "pay-in", 2_500), ("o-1", "pay-out", 500)] {
        assert_eq!(send(body(id, kind, minor)).await.status, StatusCode::CREATED, "{id}");
        assert_eq!(send(body(id, kind, minor)).await.status, StatusCode::OK, "{id}");
        assert_eq!(send(body(id, kind, minor + 1)).await.problem(), (409, "cash-id-reused".to_owned()));
    }
    let counted: Value = send(body("c-1", "count", 11_950)).await.json();
    assert_eq!((&counted["expected_minor"], &counted["by"].is_string()), (&json!(12_000), &true));
    assert_eq!(send(body("c-1", "count", 11_950)).await.status, StatusCode::OK);
    // What was missing is booked: the next count finds what is there.
    send(body("c-2", "count", 11_950)).await;
    let drawer: Value = house.as_person(&cashier, "GET", "/api/v1/cash-drawer", "").await.json();
    let figures =
        ["expected_minor", "counted_minor", "counted_expected_minor", "difference_minor", "differences_minor"];
    assert_eq!(figures.map(|name| drawer[name].as_i64()), [11_950, 11_950, 11_950, 0, -50].map(Some));
    assert_eq!(drawer["moves"].as_array().map(Vec::len), Some(5));
    for bad in [body("", "float", 1), body("f 2", "float", 1), body("f-2", "steal", 1), body("c-3", "count", -1)] {
        assert_eq!(send(bad.clone()).await.problem(), (400, "request-unreadable".to_owned()), "{bad}");
    }
    let form = "id=w-1&kind=pay-out&amount=19%2C50&note=Milk";
    for _ in 0..2 {
        assert_eq!(house.as_person(&cashier, "POST", "/office/cash", form).await.header("location"), "/office/cash");
    }
    let page = house.as_person(&cashier, "GET", "/office/cash", "").await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("€100.00") && page.contains("Milk"), "{page}");
    let refused = house.as_person(&cashier, "POST", "/office/cash", "id=w-2&kind=float&amount=ten&note=").await;
    assert!(String::from_utf8_lossy(&refused.body).contains("Write the amount"));
}
