//! The policy for sales without an answer: signed for tills, changed by owners; and what happens when only the acquirer fails.

use super::*;
use crate::people::Role;
use crate::process::Clock as _;
use crate::store::Ledger as _;
use holdfast_core::connectivity::AcquirerLamp;
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_wire::jws::{NamedKey, Unverified};
use holdfast_wire::keyset::{Certificate, Roots};
use holdfast_wire::policy::{PolicyAnswer, PolicyDocument};
use holdfast_wire::record::ApprovalWire;
use serde_json::{Value, json};
use sqlx::Row as _;
use std::time::Duration;

const SETTINGS: &str = "/api/v1/policy/settings";

struct Shop {
    house: House,
    till: TestTill,
    owner: String,
}

async fn shop() -> Shop {
    let house = house(true).await;
    let till = house.till().await;
    let owner = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    Shop { house, till, owner }
}

impl Shop {
    /// The policy as a till takes it: every signature checked from the root down.
    async fn policy(&self, held_version: u64) -> PolicyDocument {
        let answer: PolicyAnswer = self.house.of_till(&self.till, "GET", "/api/v1/policy", b"").await.json();
        let roots = std::fs::read_to_string(self.house.folder.path().join("root.public.json")).expect("reads");
        let roots = Roots::from_json(&roots).expect("roots");
        let cert = checked(Certificate::parse(&answer.cert).expect("a certificate"), &roots.roots);
        let policy = checked(PolicyDocument::parse(&answer.policy).expect("a policy"), &[cert.signer()]);
        policy.check(&cert, &self.till.merchant_id.to_string(), held_version).expect("a policy that a till takes");
        policy
    }

    async fn set(&self, token: &str, change: &Value) -> Answer {
        self.house.bearer(token, "PUT", SETTINGS, &json!({ "v": 1, "settings": change }).to_string()).await
    }

    async fn settings(&self) -> Value {
        self.house.bearer(&self.owner, "GET", SETTINGS, "").await.json::<Value>()["settings"].clone()
    }
}

fn checked<T>(document: Unverified<T>, keys: &[NamedKey]) -> T {
    let key = document.key(keys).expect("a key that may").jwk.clone();
    let key = holdfast_crypto::es256::VerifyingKey::parse(&key.x, &key.y).expect("a key");
    let is_right = key.verify(document.signing_input(), document.signature()).is_ok();
    document.accept(is_right).expect("rightly signed")
}

#[tokio::test]
async fn a_till_gets_the_policy_signed_and_a_change_of_its_owner_with_a_higher_version() {
    let shop = shop().await;
    let first = shop.policy(0).await;
    let policy = first.to_core().expect("a policy");
    assert_eq!(
        (policy.window_ms, policy.caps.payment_minor_max, policy.caps.day_minor_max),
        (WINDOW_MS_MAX, 50_000, 2_000_000)
    );
    assert_eq!(shop.policy(first.version).await, first, "nothing changed: the same document");
    let day = policy.day(shop.house.server.clock.now_ms());
    assert_eq!(holdfast_core::time::iso_date(day), "2026-11-23", "the shop's business day");

    let mut change = shop.settings().await;
    change["window_ms"] = json!(3_600_000);
    change["brands"] = json!(["visa", "visa", "amex"]);
    change["swiped_chip"] = json!("refuse");
    assert_eq!(shop.set(&shop.owner, &change).await.status, StatusCode::NO_CONTENT);
    let second = shop.policy(first.version).await;
    assert!(second.version > first.version);
    assert_eq!((second.settings.window_ms, second.settings.brands.join(" ")), (3_600_000, "amex visa".to_owned()));
    assert_eq!(
        shop.set(&shop.owner, &shop.settings().await).await.status,
        StatusCode::NO_CONTENT,
        "the same is no change"
    );
    let changes: Value = shop.house.bearer(&shop.owner, "GET", "/api/v1/policy/changes", "").await.json();
    let lines = changes["changes"].as_array().expect("changes");
    assert_eq!((lines.len(), &lines[0]["who"], &lines[1]["who"]), (2, &json!("Ada"), &Value::Null));
    assert_eq!((&lines[1]["settings"]["window_ms"], &lines[0]["number"]), (&json!(WINDOW_MS_MAX), &json!(1)));

    let (ledger, now_ms) = (&shop.house.server.ledger, shop.house.server.clock.now_ms());
    let window_ms = async |at_ms| ledger.window_ms(at_ms, shop.till.merchant_id).await.expect("reads");
    assert_eq!(window_ms(now_ms).await, WINDOW_MS_MAX, "an offline till does not know of the change");
    assert_eq!(window_ms(now_ms + WINDOW_MS_MAX + 60_000).await, 3_600_000);
}

#[tokio::test]
async fn only_an_owner_sets_it_and_only_to_what_a_till_would_take() {
    let shop = shop().await;
    let manager = shop.house.token("grace@example.com", Role::Manager, Some(shop.till.merchant_id)).await;
    let settings = shop.settings().await;
    assert_eq!(shop.set(&manager, &settings).await.problem(), (403, "not-allowed".into()));
    for (field, value) in [
        ("window_ms", json!(WINDOW_MS_MAX + 1)),
        ("window_ms", json!(0)),
        ("payment_minor_max", json!(-1)),
        ("brands", json!(["unknown"])),
        ("swiped_chip", json!("")),
        ("left_percent", json!(101)),
    ] {
        let mut change = settings.clone();
        change[field] = value;
        assert_eq!(shop.set(&shop.owner, &change).await.problem(), (400, "request-unreadable".into()), "{field}");
    }
    assert_eq!(shop.settings().await, settings);
}

#[tokio::test]
async fn declines_are_counted_by_brand_and_entry_and_a_managers_word_is_kept() {
    let mut shop = shop().await;
    let mut draft = shop.till.draft(90_000, GOOD);
    draft.payload.approval =
        Some(ApprovalWire { by: "m-1".into(), at_ms: 5, lifted: vec!["above-payment".into(), "above-total".into()] });
    let approved = shop.till.sign(&draft);
    let (declined_id, declined) = shop.till.payment(500, "4000000000009995");
    shop.house.upload(&shop.till, vec![approved, declined]).await;
    for id in [draft.id, declined_id] {
        let path = format!("/api/v1/payments/{id}?wait_ms=10000");
        let view: PaymentView = shop.house.of_till(&shop.till, "GET", &path, b"").await.json();
        assert!(view.is_settled(), "{}", view.state);
    }
    let rates: Value = shop.house.bearer(&shop.owner, "GET", SETTINGS, "").await.json();
    let rate = &rates["rates"][0];
    assert_eq!((&rate["brand"], &rate["count"], &rate["declined_count"]), (&json!("visa"), &json!(2), &json!(1)));
    assert_eq!(rate["declined_bp"], json!(481), "one of two, with fifty of the prior");
    let rows =
        sqlx::query("SELECT * FROM approvals").fetch_all(shop.house.server.ledger.db().reader()).await.expect("reads");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<String, _>("payment_id"), draft.id.to_string());
    assert_eq!(
        (rows[0].get::<String, _>("by_whom"), rows[0].get::<String, _>("lifted")),
        ("m-1".into(), "above-payment above-total".into())
    );
}

/// Complaint 10 of what sellers suffer elsewhere, for the third lamp: it says that only the bank fails, and turns back by itself.
#[tokio::test]
async fn when_only_the_acquirer_fails_the_server_stands_in_and_comes_back_to_it_by_itself() {
    let mut shop = shop().await;
    let script = async |text: &str| {
        let request = Request::put("/demo/acquirer/script").header("content-type", "application/json");
        shop.house.send(request.body(Body::from(text.to_owned())).expect("a request")).await.status
    };
    assert_eq!(script(r#"{"always":{"kind":"unreachable"}}"#).await, StatusCode::OK);
    let (id, record) = shop.till.payment(1_060, GOOD);
    let answer: BatchAnswer = shop.house.upload(&shop.till, vec![record]).await.json();
    assert_eq!(answer.acks.len(), 1, "it is taken all the same");
    let lamp = async |wanted: AcquirerLamp| {
        for _ in 0..200 {
            if shop.house.server.processor.health().lamp() == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the lamp never says {wanted:?}");
    };
    lamp(AcquirerLamp::Down).await;
    let view: PaymentView = shop.house.of_till(&shop.till, "GET", &format!("/api/v1/payments/{id}"), b"").await.json();
    assert!(!view.is_settled(), "{}", view.state);
    assert_eq!(script("{}").await, StatusCode::OK);
    lamp(AcquirerLamp::Up).await;
    let path = format!("/api/v1/payments/{id}?wait_ms=10000");
    let view: PaymentView = shop.house.of_till(&shop.till, "GET", &path, b"").await.json();
    assert_eq!(view.state, "captured", "at once, not after its back-off");
}

#[tokio::test]
async fn an_owner_sets_it_in_the_back_office_and_sees_what_may_be_lost() {
    let shop = shop().await;
    let beat = br#"{"v":1,"head":{"seq":0,"hash":""},"waiting_count":3,"waiting_minor":13000,"risk":[
        {"brand":"visa","entry":"swipe","age":"first","count":2,"minor":10000},
        {"brand":"visa","entry":"keyed","age":"last","count":1,"minor":2000},
        {"brand":"visa","entry":"keyed","age":"over","count":1,"minor":1000},
        {"brand":"visa","entry":"chip","age":"first","count":1,"minor":99999}]}"#;
    let told = shop.house.of_till(&shop.till, "POST", "/api/v1/heartbeat", beat).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT);
    let page = async |path: &str| {
        let answer = shop.house.bearer(&shop.owner, "GET", path, "").await;
        assert_eq!(answer.status, StatusCode::OK);
        String::from_utf8(answer.body).expect("text")
    };
    // By the prior: 3 in a hundred of 100.00, 7 in a hundred of 20.00, and all of what is past its time.
    let offline = page("/office/policy").await;
    assert!(offline.contains("€14.40") && offline.contains("past its time"), "{offline}");
    assert!(page("/office").await.contains("May be lost"));

    let form = "payment=400.00&keyed=100&total=8000&day=9000&card=600&unkept=300&window=24&left=50&chip=refuse&visa=on";
    let request = Request::post("/office/policy")
        .header("authorization", format!("Bearer {}", shop.owner))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = shop.house.send(request.body(Body::from(form)).expect("a request")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/office/policy"));
    let policy = shop.policy(0).await.to_core().expect("a policy");
    assert_eq!((policy.caps.payment_minor_max, policy.window_ms, policy.left_percent), (40_000, 24 * 3_600_000, 50));
    let offline = page("/office/policy").await;
    assert!(offline.contains("One payment: €500.00 to €400.00") && offline.contains("Ada"), "{offline}");
}
