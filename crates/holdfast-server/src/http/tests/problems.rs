//! What every path of the interface has in common: its errors, its kinds, its tags, its cursors.

use super::*;
use crate::people::Role;

async fn answer(house: &House, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(Request::builder().method(method).uri(target), |request, (name, value)| request.header(*name, *value));
    house.send(request.body(Body::from("{}")).expect("a request")).await
}

#[tokio::test]
async fn every_error_of_the_interface_is_a_problem() {
    let house = house(true).await;
    let token =
        house.token("ada@example.com", Role::Owner, house.server.ledger.first_merchant().await.expect("reads")).await;
    let bearer = format!("Bearer {token}");
    let known = [("authorization", bearer.as_str())];
    for (method, target, headers, wanted) in [
        ("GET", "/api/v1/nothing", &known[..], (404, "not-found")),
        ("GET", "/api/", &known, (404, "not-found")),
        ("GET", "/api/v1/payments/%ff", &known, (400, "request-unreadable")),
        ("PATCH", "/api/v1/devices/%ff%fe", &known, (400, "request-unreadable")),
        ("GET", "/api/v1/payments?limit=x", &known, (400, "request-unreadable")),
        ("GET", "/api/v1/payments?limit=0", &known, (400, "request-unreadable")),
        ("GET", "/api/v1/payments?limit=201", &known, (400, "request-unreadable")),
        ("GET", "/api/v1/payments?after=-1", &known, (400, "request-unreadable")),
        ("GET", "/api/v1/payments?after=9999999999999999999", &known, (400, "request-unreadable")),
        ("GET", "/api/v1/quarantine?before=x", &known, (400, "request-unreadable")),
        ("POST", "/api/v1/locations", &known, (400, "request-unreadable")),
        ("POST", "/api/v1/sessions", &[("content-type", "text/plain")], (415, "body-not-json")),
        ("GET", "/api/v1/keyset", &[("accept", "image/png")], (406, "not-acceptable")),
    ] {
        let answer = answer(&house, method, target, headers).await;
        assert_eq!(answer.problem(), (wanted.0, wanted.1.to_owned()), "{method} {target}");
    }
    let large =
        Request::post("/api/v1/locations").header("authorization", &bearer).body(Body::from(vec![b' '; 20_000]));
    assert_eq!(house.send(large.expect("a request")).await.problem(), (413, "body-too-large".into()));
}

#[tokio::test]
async fn a_path_says_which_methods_it_takes() {
    let house = house(true).await;
    for (method, target, allowed) in [
        ("PUT", "/api/v1/keyset", &["GET", "HEAD"][..]),
        ("GET", "/api/v1/batches", &["POST"]),
        ("POST", "/api/v1/session", &["GET", "HEAD", "PUT", "DELETE"]),
        ("TRACE", "/api/v1/locations", &["GET", "HEAD", "POST"]),
        ("DELETE", "/demo/acquirer/script", &["GET", "HEAD", "PUT"]),
    ] {
        let answer = answer(&house, method, target, &[]).await;
        assert_eq!(answer.problem(), (405, "method-not-allowed".into()), "{method} {target}");
        let found: std::collections::BTreeSet<_> = answer.header("allow").split(',').map(str::trim).collect();
        assert_eq!(found, allowed.iter().copied().collect(), "{method} {target}");
    }
    assert_eq!(answer(&house, "POST", "/somewhere", &[]).await.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let house = house(true).await;
    let mut till = house.till().await;
    let token = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let bearer = format!("Bearer {token}");
    for target in [
        "/api/v1/keyset",
        "/api/v1/payments",
        "/api/v1/devices",
        "/api/v1/locations",
        "/api/v1/quarantine",
        "/api/v1/openapi.json",
        "/api/v1/reports/day?from=2026-01-01&to=2026-01-02",
        "/api/v1/reports/day?from=2026-01-01&to=2026-01-02&format=csv",
    ] {
        let first = answer(&house, "GET", target, &[("authorization", &bearer)]).await;
        assert_eq!(first.status, StatusCode::OK, "{target}");
        let tag = first.header("etag").to_owned();
        let again = answer(&house, "GET", target, &[("authorization", &bearer), ("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{target}");
        assert_eq!(again.header("etag"), tag, "{target}");
    }
    let before =
        answer(&house, "GET", "/api/v1/payments", &[("authorization", &bearer)]).await.header("etag").to_owned();
    let (_, record) = till.payment(100, GOOD);
    house.upload(&till, vec![record]).await;
    let after =
        answer(&house, "GET", "/api/v1/payments", &[("authorization", &bearer), ("if-none-match", &before)]).await;
    assert_eq!(after.status, StatusCode::OK, "something changed");
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_a_refused_one_frees_its_key() {
    let house = house(true).await;
    let shop = house.shop(1).await;
    let token = house.token("ada@example.com", Role::Owner, Some(shop)).await;
    let add = async |key: &str, body: &str| {
        let request = Request::post("/api/v1/locations").header("authorization", format!("Bearer {token}"));
        house.send(request.header("idempotency-key", key).body(Body::from(body.to_owned())).expect("a request")).await
    };
    let body = r#"{"v":1,"name":"Harbour"}"#;
    let first = add("k1", body).await;
    let again = add("k1", body).await;
    assert_eq!((first.status, &first.body), (StatusCode::CREATED, &again.body));
    assert_eq!((again.status, again.header("content-type")), (StatusCode::CREATED, "application/json"));
    assert_eq!(add("k1", r#"{"v":1,"name":"Pier"}"#).await.problem(), (422, "idempotency-key-reused".into()));
    assert_eq!(add("k2", r#"{"v":1,"name":""}"#).await.problem(), (400, "request-unreadable".into()));
    assert_eq!(add("k2", body).await.status, StatusCode::CREATED, "the refused one left nothing");
    for key in ["", "with space", &"k".repeat(256)] {
        assert_eq!(add(key, body).await.problem(), (400, "request-unreadable".into()), "{key}");
    }
    let all: serde_json::Value = house.bearer(&token, "GET", "/api/v1/locations", "").await.json();
    assert_eq!(all["locations"].as_array().map(Vec::len), Some(2));

    // One that is being worked on, or was cut off with its server.
    let (people, now_ms) = (&house.server.people, 1_795_446_000_000);
    let repeated = crate::people::Repeated::new("ada", "route", "k", b"body");
    assert_eq!(people.begin(now_ms, &repeated).await.expect("begins"), crate::people::Begun::First);
    assert_eq!(people.begin(now_ms + 59_000, &repeated).await.expect("begins"), crate::people::Begun::InUse);
    assert_eq!(people.begin(now_ms + 61_000, &repeated).await.expect("begins"), crate::people::Begun::First);
}

#[tokio::test]
async fn the_document_and_its_page_are_for_everybody_and_need_no_script() {
    let house = house(false).await;
    let document: serde_json::Value = house.get("/api/v1/openapi.json").await.json();
    assert!(document["paths"]["/api/v1/batches"]["post"]["security"][0].get("device_signature").is_some());
    let page = house.get("/api/v1/docs").await;
    let html = String::from_utf8(page.body.clone()).expect("text");
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert!(!html.contains("<script") && html.contains("/api/v1/enrolment-codes"));
}
