//! What an owner decides: who works here, and what becomes of what a revoked till brought.

use super::*;
use crate::people::Role;
use crate::process::Clock as _;
use serde_json::Value;

struct Shop {
    house: House,
    owner: String,
}

async fn shop() -> Shop {
    let house = house(true).await;
    let merchant_id = house.server.ledger.first_merchant().await.expect("reads");
    let owner = house.token("ada@example.com", Role::Owner, merchant_id).await;
    Shop { house, owner }
}

impl Shop {
    async fn ask(&self, method: &str, target: &str, body: &str) -> Answer {
        self.house.bearer(&self.owner, method, target, body).await
    }

    async fn lines(&self, query: &str) -> Vec<Value> {
        let page: Value = self.ask("GET", &format!("/api/v1/quarantine{query}"), "").await.json();
        page["lines"].as_array().expect("lines").clone()
    }
}

#[tokio::test]
async fn an_owner_lets_people_in_changes_what_they_may_and_lets_them_go() {
    let shop = shop().await;
    let new = r#"{"v":1,"email":"Grace@example.com","name":"Grace","role":"manager"}"#;
    let let_in = shop.ask("POST", "/api/v1/people", new).await;
    assert_eq!(let_in.status, StatusCode::CREATED);
    let let_in: Value = let_in.json();
    let (id, link) = (let_in["id"].as_str().expect("an id"), let_in["link"].as_str().expect("a link"));
    assert_eq!(shop.house.get(link).await.status, StatusCode::OK, "the link leads to a page");
    assert_eq!(shop.ask("POST", "/api/v1/people", new).await.problem(), (409, "person-here".into()));
    let staff: Value = shop.ask("GET", "/api/v1/people", "").await.json();
    let grace = &staff["people"][1];
    assert_eq!((grace["email"].as_str(), grace["role"].as_str()), (Some("grace@example.com"), Some("manager")));
    assert!(grace["can_sign_in"] == false && grace["invited_until_ms"].is_i64());

    let merchant_id = shop.house.server.ledger.first_merchant().await.expect("reads");
    let session = async || shop.house.token("grace@example.com", Role::Manager, merchant_id).await;
    let hers = session().await;
    assert_eq!(shop.house.bearer(&hers, "GET", "/api/v1/devices", "").await.status, StatusCode::OK);
    assert_eq!(shop.house.bearer(&hers, "GET", "/api/v1/people", "").await.problem(), (403, "not-allowed".into()));
    let path = format!("/api/v1/people/{id}");
    assert_eq!(shop.ask("PATCH", &path, r#"{"v":1,"role":"cashier"}"#).await.status, StatusCode::NO_CONTENT);
    let over = shop.house.bearer(&hers, "GET", "/api/v1/devices", "").await;
    assert_eq!(over.problem(), (401, "sign-in-needed".into()), "her session here is over");
    let fresh: Value = shop.ask("POST", &format!("{path}/invitation"), "").await.json();
    assert_eq!(shop.house.get(link).await.status, StatusCode::NOT_FOUND, "a fresh link ends the first one");
    assert_eq!(shop.ask("DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.ask("DELETE", &path, "").await.problem(), (404, "person-unknown".into()));
    let link = fresh["link"].as_str().expect("a link");
    assert_eq!(shop.house.get(link).await.status, StatusCode::NOT_FOUND, "and with her place goes her link");
}

#[tokio::test]
async fn a_shop_keeps_an_owner_and_no_shop_gets_into_another_one() {
    let shop = shop().await;
    let me = shop.ask("GET", "/api/v1/people", "").await.json::<Value>()["people"][0]["id"].clone();
    let path = format!("/api/v1/people/{}", me.as_str().expect("an id"));
    assert_eq!(shop.ask("DELETE", &path, "").await.problem(), (409, "last-owner".into()));
    assert_eq!(shop.ask("PATCH", &path, r#"{"v":1,"role":"manager"}"#).await.problem(), (409, "last-owner".into()));
    assert_eq!(shop.ask("PATCH", &path, r#"{"v":1,"role":"owner"}"#).await.status, StatusCode::NO_CONTENT);

    let owner = shop
        .house
        .token("ada@example.com", Role::Owner, shop.house.server.ledger.first_merchant().await.expect("reads"))
        .await;
    let other = shop.house.shop(9).await;
    let eve = shop.house.token("eve@example.com", Role::Owner, Some(other)).await;
    let new = r#"{"v":1,"email":"eve@example.com","role":"cashier"}"#;
    let let_in: Value = shop.house.bearer(&owner, "POST", "/api/v1/people", new).await.json();
    assert!(let_in["link"].is_null(), "a link would open the other shop");
    let path = format!("/api/v1/people/{}", let_in["id"].as_str().expect("an id"));
    let answer = shop.house.bearer(&owner, "POST", &format!("{path}/invitation"), "").await;
    assert_eq!(answer.problem(), (409, "person-elsewhere".into()));
    assert_eq!(shop.house.bearer(&eve, "GET", "/api/v1/people", "").await.status, StatusCode::OK, "hers goes on");
    for body in [r#"{"v":1,"email":"x","role":"cashier"}"#, r#"{"v":1,"email":"","role":"owner"}"#] {
        let answer = shop.house.bearer(&owner, "POST", "/api/v1/people", body).await;
        assert_eq!(answer.problem(), (400, "email-unreadable".into()));
    }
    let operator = r#"{"v":1,"email":"a@example.com","role":"operator"}"#;
    let answer = shop.house.bearer(&owner, "POST", "/api/v1/people", operator).await;
    assert_eq!(answer.problem(), (400, "request-unreadable".into()));
}

#[tokio::test]
async fn what_a_revoked_till_brought_can_be_let_out_or_written_off() {
    let shop = shop().await;
    let mut till = shop.house.till().await;
    shop.house.server.ledger.revoke_device(shop.house.server.clock.now_ms(), till.device_id).await.expect("revokes");
    let (good, first) = till.payment(1_060, GOOD);
    let (_, second) = till.payment(500, GOOD);
    shop.house.upload(&till, vec![first.clone(), second, "garbage".to_owned()]).await;
    let lines = shop.lines("").await;
    let line = |reason: &str, minor: Option<i64>| {
        let found =
            lines.iter().find(|line| line["reason"] == reason && line["claims"]["amount_minor"].as_i64() == minor);
        found.expect("a line")["cursor"].as_i64().expect("a cursor")
    };
    let (release, write_off, garbage) =
        (line("device-revoked", Some(1_060)), line("device-revoked", Some(500)), line("unreadable", None));

    let target = format!("/api/v1/quarantine/{release}/release");
    assert_eq!(shop.ask("POST", &target, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.ask("POST", &target, "").await.problem(), (409, "quarantine-decided".into()));
    let paid: PaymentView = shop.ask("GET", &format!("/api/v1/payments/{good}?wait_ms=10000"), "").await.json();
    assert_eq!((paid.state.as_str(), paid.amount_minor), ("captured", 1_060));
    let answer = shop.ask("POST", &format!("/api/v1/quarantine/{garbage}/release"), "").await;
    assert_eq!(answer.problem(), (409, "quarantine-final".into()));

    let target = format!("/api/v1/quarantine/{write_off}/write-off");
    assert_eq!(shop.ask("POST", &target, r#"{"v":1,"why":" "}"#).await.problem(), (400, "request-unreadable".into()));
    assert_eq!(shop.ask("POST", &target, r#"{"v":1,"why":"Paid in cash"}"#).await.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.ask("POST", &target, r#"{"v":1,"why":"x"}"#).await.problem(), (409, "quarantine-decided".into()));
    assert_eq!(shop.lines("").await.len(), 1, "the garbage still waits");
    let decided = shop.lines("?state=decided").await;
    assert_eq!(decided[0]["decision"]["why"], "Paid in cash");
    assert_eq!(
        (decided[0]["claims"]["amount_minor"].as_i64(), decided[1]["decision"]["by"].as_str()),
        (Some(500), Some("ada@example.com"))
    );

    // Brought once more, nothing comes back to life, and nothing is taken twice.
    shop.house.upload(&till, vec![first]).await;
    assert_eq!(shop.lines("").await.len(), 1);
    let page: HistoryPage = shop.ask("GET", "/api/v1/payments", "").await.json();
    assert_eq!(page.payments.len(), 1);
    let other = shop.house.shop(9).await;
    let eve = shop.house.token("eve@example.com", Role::Owner, Some(other)).await;
    let answer = shop
        .house
        .bearer(&eve, "POST", &format!("/api/v1/quarantine/{garbage}/write-off"), r#"{"v":1,"why":"x"}"#)
        .await;
    assert_eq!(answer.problem(), (404, "quarantine-unknown".into()));
}

#[tokio::test]
async fn the_office_has_pages_for_both() {
    let shop = shop().await;
    let mut till = shop.house.till().await;
    shop.house.server.ledger.revoke_device(1, till.device_id).await.expect("revokes");
    let (_, record) = till.payment(1_060, GOOD);
    shop.house.upload(&till, vec![record]).await;
    let form = async |path: &str, body: &str| {
        let request = Request::post(path).header("authorization", format!("Bearer {}", shop.owner));
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        shop.house.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    };
    let page = form("/office/people", "email=grace%40example.com&name=Grace&role=cashier").await;
    assert!(String::from_utf8_lossy(&page.body).contains("/office/welcome/"), "the link is shown");
    let people = shop.ask("GET", "/office/people", "").await;
    let people = String::from_utf8_lossy(&people.body).into_owned();
    let id = people.split("/office/people/").nth(1).and_then(|rest| rest.split('/').next()).expect("an id").to_owned();
    for (path, body) in
        [(format!("/office/people/{id}/role"), "role=manager"), (format!("/office/people/{id}/end"), "")]
    {
        let answer = form(&path, body).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/office/people"), "{path}");
    }
    assert!(!String::from_utf8_lossy(&shop.ask("GET", "/office/people", "").await.body).contains("grace@"));

    let quarantine = shop.ask("GET", "/office/quarantine", "").await;
    assert!(String::from_utf8_lossy(&quarantine.body).contains("Let it out"));
    let id = shop.lines("").await[0]["cursor"].to_string();
    let answer = form(&format!("/office/quarantine/{id}/write-off"), "why=Paid+in+cash").await;
    assert_eq!(answer.header("location"), "/office/quarantine");
    let decided = shop.ask("GET", "/office/quarantine?decided=1", "").await;
    let decided = String::from_utf8_lossy(&decided.body).into_owned();
    assert!(decided.contains("Written off") && decided.contains("Paid in cash"), "{decided}");
}
