//! Who sells, what tills are told of it, and what a sale with a tip and a seller becomes.

use super::*;
use crate::ingest::AckSigner as _;
use crate::journal::Journal;
use crate::people::Role;
use crate::process::Clock as _;
use crate::testing::NOW;
use holdfast_core::id::StaffId;
use holdfast_crypto::es256::VerifyingKey;
use holdfast_wire::report::Report;
use holdfast_wire::shop::{Shop, SignedShop};
use serde_json::Value;

const RANGE: &str = "from=2026-01-01&to=2034-12-31";
const GRACE: &str = "7f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f";

/// The shop as a till takes it: its signature checked with a key of the key set.
async fn told(house: &House, till: &TestTill) -> Shop {
    let answer = house.of_till(till, "GET", "/api/v1/shop/signed", b"").await;
    assert_eq!(answer.status, StatusCode::OK);
    let signed = SignedShop::from_json(&answer.body).expect("an answer");
    let document = Shop::parse(&signed.shop).expect("a document");
    let set: KeySetAnswer = house.get("/api/v1/keyset").await.json();
    let set = KeySet::parse(&set.keyset).expect("a key set").accept(true).expect("a key set");
    let key = document.key(&set.ack_keys).expect("a key of the set").jwk.clone();
    let key = VerifyingKey::parse(&key.x, &key.y).expect("a key");
    assert_eq!(document.kid(), house.server.keyring.kid());
    let is_right = key.verify(document.signing_input(), document.signature()).is_ok();
    let shop = document.accept(is_right).expect("rightly signed");
    assert_eq!(shop.check(&till.merchant_id.to_string(), 0), Ok(()));
    shop
}

#[tokio::test]
async fn a_till_is_told_of_its_staff_signed_and_never_an_older_word() {
    let house = house(true).await;
    let till = house.till().await;
    let owner = house.token("ada@example.com", Role::Manager, Some(till.merchant_id)).await;
    let ask = async |method: &str, target: &str, body: &str| house.bearer(&owner, method, target, body).await;
    let first = told(&house, &till).await;
    assert_eq!((first.team.staff.len(), first.team.must_sign_in), (2, false), "the demo's two");
    assert!(first.version >= u64::try_from(NOW / 1_000).expect("a time") && !first.tips.is_off());
    assert_eq!(told(&house, &till).await.version, first.version, "nothing changed");
    let plain = house.of_till(&till, "GET", "/api/v1/shop", b"").await;
    let plain = Shop::from_json(&plain.body).expect("a shop");
    assert!(plain.team.is_empty() && plain.version == 0, "who asks without need is told of no verifier");

    let new = format!(r#"{{"v":1,"id":"{GRACE}","name":" Grace Hall ","role":"cashier","pin":"8642"}}"#);
    let added = ask("POST", "/api/v1/staff", &new).await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.json::<Value>()["name"], "Grace Hall");
    let again = ask("POST", "/api/v1/staff", &new.replace("Hall", "Other")).await;
    assert_eq!((again.status, again.json::<Value>()["name"].clone()), (StatusCode::OK, "Grace Hall".into()));
    let second = told(&house, &till).await;
    assert!(second.version > first.version && second.team.staff.len() == 3);
    let id: StaffId = GRACE.parse().expect("an id");
    let verifier = second.team.verifier(id).expect("a verifier");
    assert_eq!(verifier.rounds, holdfast_core::limits::PIN_ROUNDS);
    let path = format!("/api/v1/staff/{GRACE}");
    assert_eq!(ask("PATCH", &path, r#"{"v":1,"pin":"1111"}"#).await.status, StatusCode::NO_CONTENT);
    let third = told(&house, &till).await;
    assert!(third.team.verifier(id).is_some_and(|new| new != verifier) && third.version > second.version);
    assert_eq!(ask("PATCH", &path, r#"{"v":1,"active":false}"#).await.status, StatusCode::NO_CONTENT);
    assert!(told(&house, &till).await.team.verifier(id).is_none(), "who left cannot sign in");
    let list: Value = ask("GET", "/api/v1/staff", "").await.json();
    let names: Vec<_> = list["staff"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["Ada Byrne", "Brendan Quinn", "Grace Hall"]);
    assert!(!list.to_string().contains("pbkdf2"), "and is on the list, which says no verifier");

    for wrong in [r#"{"v":1,"pin":"12"}"#, r#"{"v":1,"name":" "}"#, r#"{"v":1,"role":"owner"}"#] {
        assert_eq!(ask("PATCH", &path, wrong).await.problem(), (400, "request-unreadable".into()), "{wrong}");
    }
    let nobody = format!("/api/v1/staff/{}", GRACE.replace('7', "8"));
    assert_eq!(ask("PATCH", &nobody, r#"{"v":1}"#).await.problem(), (404, "staff-unknown".into()));
}

#[tokio::test]
async fn the_tills_lock_and_tips_are_the_shops_choice() {
    let house = house(true).await;
    let till = house.till().await;
    let owner = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let set = r#"{"v":1,"must_sign_in":true,"idle_lock_ms":60000,"staff_on_receipts":false,"tips":{"kind":"fixed","values":[50,100,200]}}"#;
    assert_eq!(house.bearer(&owner, "PUT", "/api/v1/till-settings", set).await.status, StatusCode::NO_CONTENT);
    let shop = told(&house, &till).await;
    assert_eq!((shop.team.must_sign_in, shop.team.idle_lock_ms, shop.tips.values), (true, 60_000, vec![50, 100, 200]));
    let read: Value = house.bearer(&owner, "GET", "/api/v1/till-settings", "").await.json();
    assert_eq!(read, serde_json::from_str::<Value>(set).expect("JSON"));
    for wrong in [set.replace("50,", ""), set.replace("60000", "-1"), set.replace("fixed", "half")] {
        let answer = house.bearer(&owner, "PUT", "/api/v1/till-settings", &wrong).await;
        assert_eq!(answer.problem(), (400, "request-unreadable".into()), "{wrong}");
    }
}

#[tokio::test]
async fn the_office_keeps_the_list() {
    let house = house(true).await;
    let till = house.till().await;
    let owner = house.token("ada@example.com", Role::Manager, Some(till.merchant_id)).await;
    let post = async |target: &str, body: &str| {
        let request = Request::post(target).header("authorization", format!("Bearer {owner}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("sec-fetch-site", "same-origin").body(Body::from(body.to_owned()));
        house.send(request.expect("a request")).await
    };
    let page = async || String::from_utf8(house.bearer(&owner, "GET", "/office/staff", "").await.body).expect("text");
    let added = post("/office/staff", &format!("id={GRACE}&name=Grace&role=cashier&pin=8642")).await;
    assert_eq!((added.status, added.header("location")), (StatusCode::SEE_OTHER, "/office/staff"));
    assert!(page().await.contains("Grace"));
    let refused = post("/office/staff", &format!("id={}&name=Eve&role=cashier&pin=12", GRACE.replace('7', "8"))).await;
    assert!(String::from_utf8_lossy(&refused.body).contains("A PIN has 4 to 8 digits"));
    let changed = post(&format!("/office/staff/{GRACE}"), "name=Grace+Hall&role=manager&pin=").await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    let text = page().await;
    assert!(text.contains("Grace Hall") && text.contains("no longer here") && !text.contains("pbkdf2"));
    let settings = "must_sign_in=1&idle_minutes=2&tips=percent&tip_1=5&tip_2=7.5&tip_3=10";
    assert_eq!(post("/office/till-settings", settings).await.status, StatusCode::SEE_OTHER);
    let shop = told(&house, &till).await;
    assert_eq!((shop.team.idle_lock_ms, shop.tips.values), (120_000, vec![500, 750, 1_000]));
    let refused = post("/office/till-settings", "idle_minutes=2&tips=percent&tip_1=5&tip_2=&tip_3=10").await;
    assert!(String::from_utf8_lossy(&refused.body).contains("Three tips are needed"));
}

#[tokio::test]
async fn a_tip_is_a_part_of_the_amount_and_everybody_is_told_who_sold() {
    let house = house(true).await;
    let mut till = house.till().await;
    let mut draft = till.draft(1_060, GOOD);
    draft.payload.sale.lines[0].total_minor = 960;
    draft.payload.sale.tip_minor = 100;
    draft.payload.sale = draft.payload.sale.sold_by(Some(StaffId::make([1; 16])));
    let (id, record) = (draft.id, till.sign(&draft));
    let mut wrong = till.draft(1_060, GOOD);
    wrong.payload.sale.tip_minor = 1;
    let wrong = till.sign(&wrong);
    let acks: BatchAnswer = house.upload(&till, vec![record, wrong]).await.json();
    let acks: Vec<_> = (acks.acks.iter())
        .map(|ack| holdfast_wire::ack::AckPayload::parse(ack).expect("an acknowledgement").claimed().clone())
        .collect();
    assert_eq!((acks[0].status.as_str(), acks[1].reason.as_deref()), ("stored", Some("amount-mismatch")));

    let target = format!("/api/v1/payments/{id}?wait_ms=10000");
    let paid: PaymentView = house.of_till(&till, "GET", &target, b"").await.json();
    assert_eq!((paid.state.as_str(), paid.amount_minor, paid.tip_minor), ("captured", 1_060, 100));
    assert_eq!(paid.staff_name.as_deref(), Some("Ada Byrne"));
    Journal::new(&house.server.ledger).book_due(house.server.clock.now_ms()).await.expect("books");
    let report = house.get(&format!("/api/v1/reports/staff?{RANGE}")).await;
    let report = Report::from_json(&report.body).expect("a report");
    let row = report.rows.iter().find(|row| row.label == "Ada Byrne").expect("her row");
    assert_eq!((row.count, row.net_minor, row.tips_minor, row.gross_minor), (1, 960, 100, 1_060));
    let accounts = house.get(&format!("/api/v1/reports/accounts?{RANGE}")).await;
    let accounts = Report::from_json(&accounts.body).expect("a report");
    assert!(accounts.rows.iter().any(|row| row.key == "tips" && row.balance_minor == -100));
    let receipt = house.get(&paid.receipt.expect("a receipt")).await;
    let receipt = String::from_utf8(receipt.body).expect("text");
    for shown in ["Tip", "€1.00", "€10.60", "Served by Ada"] {
        assert!(receipt.contains(shown), "{shown}");
    }
    assert!(!receipt.contains("Byrne"), "the first name and no more");
}
