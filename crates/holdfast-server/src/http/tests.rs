//! The interface through its router: who gets in, what is answered, which headers, and a payment from batch to history.

use super::{Server, router};
use crate::cli::ServeArgs;
use crate::cli::serve::build;
use crate::keys::root::make_root_files;
use crate::process::runner;
use crate::store::StoreError;
use crate::testing::{GOOD, TestTill};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use holdfast_core::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use holdfast_crypto::envelope::PublicCardKey;
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::enrolment::{Enrolment, EnrolmentCode, EnrolmentRequest};
use holdfast_wire::history::{HistoryPage, PaymentView};
use holdfast_wire::httpsig::{Request as ToBeSigned, ToSign};
use holdfast_wire::jws::Jwk;
use holdfast_wire::keyset::{KeySet, KeySetAnswer};
use holdfast_wire::problem::Problem;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// A server without a listener, with its jobs running.
struct House {
    folder: tempfile::TempDir,
    server: Arc<Server>,
    router: Router,
    stop: watch::Sender<bool>,
}

async fn house(demo: bool) -> House {
    let folder = tempfile::tempdir().expect("a folder");
    make_root_files(folder.path()).expect("makes keys");
    let app = folder.path().join("app");
    std::fs::create_dir(&app).expect("makes a folder");
    std::fs::write(app.join("index.html"), "<p>till</p>").expect("writes");
    let args = ServeArgs {
        demo,
        data: folder.path().to_owned(),
        port: 0,
        host: [127, 0, 0, 1].into(),
        app,
        root_keys: folder.path().to_owned(),
    };
    let (stop, stopped) = watch::channel(false);
    let server = build(&args, stopped.clone()).await.expect("starts");
    tokio::spawn(runner::run(Arc::clone(&server.processor), Arc::clone(&server.wake), stopped));
    House { folder, router: router(Arc::clone(&server)), server, stop }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// An answer that was read whole.
struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.expect("a body").to_vec();
        Self { status: parts.status, headers: parts.headers, body }
    }

    fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Status and the problem's name.
    fn problem(&self) -> (u16, String) {
        let problem: Problem = self.json();
        assert_eq!(self.header("content-type"), Problem::CONTENT_TYPE);
        assert_eq!(problem.status, self.status.as_u16());
        assert!(!problem.detail.is_empty());
        (self.status.as_u16(), problem.name().to_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

impl House {
    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.expect("an answer")).await
    }

    async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Body::empty()).expect("a request")).await
    }

    async fn signed(&self, key: &SigningKey, keyid: &str, method: &str, target: &str, body: &[u8]) -> Answer {
        self.send(signed(key, keyid, method, target, body)).await
    }

    async fn code(&self) -> String {
        self.get("/demo/enrolment-code").await.json::<EnrolmentCode>().code
    }

    async fn enrol_with(&self, key: &SigningKey, code: &str) -> Answer {
        let public = key.verifying_key();
        let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: public.x(), y: public.y() };
        let asked = EnrolmentRequest { v: 1, code: code.into(), device_name: "Counter".into(), jwk };
        let body = serde_json::to_vec(&asked).expect("writes");
        self.signed(key, "enrol", "POST", "/api/v1/enrolments", &body).await
    }

    /// A till that is enrolled and has today's card key.
    async fn till(&self) -> TestTill {
        let key = SigningKey::make().expect("makes a key").0;
        let answer = self.enrol_with(&key, &self.code().await).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let enrolled: Enrolment = answer.json();
        let set: KeySetAnswer = self.get("/api/v1/keyset").await.json();
        let set = KeySet::parse(&set.keyset).expect("a key set").accept(true).expect("a key set");
        let card = &set.card_keys[0];
        let mut till = TestTill::with_key(
            key,
            enrolled.device_id.parse().expect("an id"),
            enrolled.merchant_id.parse().expect("an id"),
        );
        till.card_key = PublicCardKey::parse(&card.kid, &card.n, &card.e).expect("a key");
        till
    }

    async fn upload(&self, till: &TestTill, records: Vec<String>) -> Answer {
        let body = Batch::new(records).to_json();
        self.of_till(till, "POST", "/api/v1/batches", body.as_bytes()).await
    }

    async fn of_till(&self, till: &TestTill, method: &str, target: &str, body: &[u8]) -> Answer {
        self.signed(&till.key, &till.device_id.to_string(), method, target, body).await
    }
}

fn signed(key: &SigningKey, keyid: &str, method: &str, target: &str, body: &[u8]) -> Request<Body> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let to_sign = ToSign::new(&ToBeSigned { method, path, query, body }, keyid, 1_700_000_000);
    let signature = key.sign(to_sign.signing_input()).expect("signs");
    let fields = to_sign.with_signature(&signature);
    Request::builder()
        .method(method)
        .uri(target)
        .header("content-digest", fields.content_digest)
        .header("signature-input", fields.signature_input)
        .header("signature", fields.signature)
        .body(Body::from(body.to_vec()))
        .expect("a request")
}

#[tokio::test]
async fn a_payment_goes_from_batch_to_history_in_well_under_a_second() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, good) = till.payment(1_060, GOOD);
    let (declined, bad) = till.payment(340, "4000000000009995");
    let started = std::time::Instant::now();
    let answer: BatchAnswer = house.upload(&till, vec![good, bad]).await.json();
    assert_eq!(answer.acks.len(), 2);
    let one: PaymentView = house.of_till(&till, "GET", &format!("/api/v1/payments/{id}?wait_ms=5000"), b"").await.json();
    assert!(started.elapsed().as_millis() < 900, "{:?}", started.elapsed());
    assert_eq!((one.state.as_str(), one.amount_minor, one.last4.as_str(), one.device_name.as_str()), ("captured", 1_060, "4242", "Counter"));
    assert!(one.approval_code.is_some() && one.reason.is_none() && one.lines.len() == 1);
    let other: PaymentView =
        house.of_till(&till, "GET", &format!("/api/v1/payments/{declined}?wait_ms=5000"), b"").await.json();
    assert_eq!(other.reason.map(|r| (r.code, r.text)), Some(("51".into(), "not enough funds".into())));

    let mut cursor = "0".to_owned();
    let mut seen = Vec::new();
    loop {
        let target = format!("/api/v1/payments?after={cursor}&limit=1");
        let page: HistoryPage = house.of_till(&till, "GET", &target, b"").await.json();
        seen.extend(page.payments.iter().map(|p| p.id.clone()));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, [id.to_string(), declined.to_string()]);
    let ledger: serde_json::Value = house.get("/demo/acquirer/ledger").await.json();
    assert_eq!(ledger["captures_per_reference"][id.to_string()], 1);
    assert_eq!(ledger["entries"][0]["last4"], "4242");
}

#[tokio::test]
async fn who_is_not_known_gets_nothing() {
    let house = house(true).await;
    let mut till = house.till().await;
    let other = SigningKey::make().expect("makes a key").0;
    let id = till.device_id.to_string();
    let (_, record) = till.payment(100, GOOD);
    let body = Batch::new(vec![record]).to_json();
    let batches = "/api/v1/batches";
    let unknown = holdfast_core::id::DeviceId::make([5; 16]).to_string();
    for (name, key, keyid) in [
        ("another key", &other, id.as_str()),
        ("an unknown device", &till.key, unknown.as_str()),
        ("no device's name", &till.key, "enrol"),
        ("no name at all", &till.key, ""),
    ] {
        let answer = house.signed(key, keyid, "POST", batches, body.as_bytes()).await;
        assert_eq!(answer.problem(), (401, "signature-wrong".into()), "{name}");
    }
    let unsigned = Request::post(batches).body(Body::from(body.clone())).expect("a request");
    assert_eq!(house.send(unsigned).await.problem(), (401, "signature-missing".into()));
    for (name, field, value) in [
        ("another body's digest", "content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
        ("fewer components", "signature-input", "holdfast=(\"@method\");created=1;keyid=\"x\";alg=\"ecdsa-p256-sha256\""),
        ("another algorithm", "signature-input", "holdfast=(\"@method\" \"@path\" \"@query\" \"content-digest\");created=1;keyid=\"x\";alg=\"hmac-sha256\""),
    ] {
        let mut request = signed(&till.key, &id, "POST", batches, body.as_bytes());
        request.headers_mut().insert(field, value.parse().expect("a value"));
        assert_eq!(house.send(request).await.problem(), (401, "signature-wrong".into()), "{name}");
    }
    let mut moved = signed(&till.key, &id, "POST", "/api/v1/heartbeat", body.as_bytes());
    *moved.uri_mut() = batches.parse().expect("a path");
    assert_eq!(house.send(moved).await.problem(), (401, "signature-wrong".into()), "signed for another path");
    let page: HistoryPage = house.of_till(&till, "GET", "/api/v1/payments", b"").await.json();
    assert!(page.payments.is_empty(), "nothing of it was kept");
}

#[tokio::test]
async fn a_batch_that_is_no_batch_is_refused_whole() {
    let house = house(true).await;
    let mut till = house.till().await;
    for body in ["", "{}", "[]", "null", "<html>", r#"{"v":1}"#, r#"{"v":2,"records":[]}"#, r#"{"v":1,"records":[1]}"#, "\u{0}"] {
        let answer = house.of_till(&till, "POST", "/api/v1/batches", body.as_bytes()).await;
        assert_eq!(answer.problem(), (400, "batch-unreadable".into()), "{body}");
    }
    let large = Batch::new(vec!["x".repeat(BATCH_BYTES_MAX)]).to_json();
    let answer = house.of_till(&till, "POST", "/api/v1/batches", large.as_bytes()).await;
    assert_eq!(answer.problem(), (413, "batch-too-large".into()));
    let many = vec!["x".to_owned(); BATCH_RECORDS_MAX + 1];
    assert_eq!(house.upload(&till, many).await.problem(), (413, "batch-too-large".into()));
    let (_, record) = till.payment(100, GOOD);
    let acks: BatchAnswer = house.upload(&till, vec!["garbage".into(), record]).await.json();
    assert_eq!(acks.acks.len(), 2);
}

#[tokio::test]
async fn a_code_enrols_once_and_only_whoever_holds_the_key() {
    let house = house(true).await;
    let key = SigningKey::make().expect("makes a key").0;
    let code = house.code().await;
    assert_eq!(code.len(), 22, "128 bits");
    assert_eq!(house.enrol_with(&key, "wrong").await.problem(), (403, "enrolment-code-refused".into()));
    let first: Enrolment = house.enrol_with(&key, &code).await.json();
    assert_eq!(first.device_number, 1);
    assert_eq!(house.enrol_with(&key, &code).await.problem(), (403, "enrolment-code-refused".into()));
    let second: Enrolment = house.enrol_with(&SigningKey::make().expect("makes").0, &house.code().await).await.json();
    assert_eq!((second.device_number, &second.merchant_id), (2, &first.merchant_id));

    let other = SigningKey::make().expect("makes a key").0;
    let public = other.verifying_key();
    let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: public.x(), y: public.y() };
    let asked = EnrolmentRequest { v: 1, code: house.code().await, device_name: "Thief".into(), jwk };
    let body = serde_json::to_vec(&asked).expect("writes");
    let answer = house.signed(&key, "enrol", "POST", "/api/v1/enrolments", &body).await;
    assert_eq!(answer.problem(), (401, "signature-wrong".into()), "signed by another key than the one to enrol");
}

#[tokio::test]
async fn a_revoked_device_may_hand_in_what_it_holds_and_nothing_else() {
    let house = house(true).await;
    let mut till = house.till().await;
    house.server.ledger.revoke_device(1, till.device_id).await.expect("revokes");
    for (method, target) in [("GET", "/api/v1/shop"), ("GET", "/api/v1/payments"), ("POST", "/api/v1/heartbeat")] {
        let answer = house.of_till(&till, method, target, b"").await;
        assert_eq!(answer.problem(), (403, "device-revoked".into()), "{target}");
    }
    let (id, record) = till.payment(100, GOOD);
    let answer: BatchAnswer = house.upload(&till, vec![record]).await.json();
    let ack = holdfast_wire::ack::AckPayload::parse(&answer.acks[0]).expect("an acknowledgement");
    let ack = ack.accept(true).expect("an acknowledgement");
    assert_eq!((ack.id, ack.status.as_str(), ack.reason.as_deref()), (id.to_string(), "quarantined", Some("device-revoked")));
}

#[tokio::test]
async fn the_shop_has_a_tag_and_the_heartbeat_is_kept() {
    let house = house(true).await;
    let till = house.till().await;
    let shop = house.of_till(&till, "GET", "/api/v1/shop", b"").await;
    let read = holdfast_wire::shop::Shop::from_json(&shop.body).expect("a shop");
    assert!(read.items.len() >= 24 && read.categories.len() == 5 && read.catalogue().is_ok());
    let mut again = signed(&till.key, &till.device_id.to_string(), "GET", "/api/v1/shop", b"");
    again.headers_mut().insert("if-none-match", shop.header("etag").parse().expect("a tag"));
    let again = house.send(again).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let beat = br#"{"v":1,"head":{"seq":0,"hash":""},"waiting_count":3,"waiting_minor":4820}"#;
    assert_eq!(house.of_till(&till, "POST", "/api/v1/heartbeat", beat).await.status, StatusCode::NO_CONTENT);
    let wrong = br#"{"v":1,"head":{"seq":1,"hash":"x"},"waiting_count":3,"waiting_minor":4820}"#;
    assert_eq!(house.of_till(&till, "POST", "/api/v1/heartbeat", wrong).await.problem(), (400, "request-unreadable".into()));
}

#[tokio::test]
async fn the_history_is_the_merchants_own_and_a_wait_ends() {
    let house = house(true).await;
    let till = house.till().await;
    let unknown = holdfast_core::id::PaymentId::make(1, [1; 10]);
    let started = std::time::Instant::now();
    for target in [format!("/api/v1/payments/{unknown}?wait_ms=200"), "/api/v1/payments/nonsense".into()] {
        let answer = house.of_till(&till, "GET", &target, b"").await;
        assert_eq!(answer.problem(), (404, "payment-unknown".into()));
    }
    assert!((200..2_000).contains(&started.elapsed().as_millis()));
    let answer = house.of_till(&till, "GET", "/api/v1/payments?after=x", b"").await;
    assert_eq!(answer.problem(), (400, "request-unreadable".into()));
}

#[tokio::test]
async fn the_time_is_signed_for_the_nonce() {
    let house = house(true).await;
    let nonce = "A".repeat(22);
    let answer: holdfast_wire::time::TimeAnswer = house.get(&format!("/api/v1/time?nonce={nonce}")).await.json();
    let time = holdfast_wire::time::TimePayload::parse(&answer.time).expect("a time").accept(true).expect("a time");
    assert_eq!((time.nonce, time.acquirer.as_str()), (nonce, "unknown"));
    for query in ["", "?nonce=", "?nonce=short", "?nonce=AAAAAAAAAAAAAAAAAAAAA%22"] {
        assert_eq!(house.get(&format!("/api/v1/time{query}")).await.problem(), (400, "request-unreadable".into()), "{query}");
    }
}

#[tokio::test]
async fn the_demo_is_not_there_unless_it_was_asked_for() {
    let house = house(false).await;
    for path in ["/demo/enrolment-code", "/demo/acquirer/ledger", "/demo/acquirer/script", "/demo/"] {
        assert_eq!(house.get(path).await.problem(), (404, "not-found".into()), "{path}");
    }
    assert_eq!(house.get("/healthz").await.status, StatusCode::OK);
    assert!(!house.folder.path().join("acquirer-simulator.sqlite").exists());
}

#[tokio::test]
async fn the_script_is_set_and_read_back() {
    let house = house(true).await;
    let put = |body: &str| Request::put("/demo/acquirer/script").body(Body::from(body.to_owned())).expect("a request");
    let text = r#"{"next":[{"kind":"decline","code":"05"},{"kind":"drop-answer"}],"always":null}"#;
    assert_eq!(house.send(put(text)).await.status, StatusCode::OK);
    assert_eq!(String::from_utf8_lossy(&house.get("/demo/acquirer/script").await.body), text);
    for body in ["", "{", r#"{"next":[{"kind":"nonsense"}]}"#, r#"{"next":[{"kind":"decline","code":"00"}]}"#] {
        assert_eq!(house.send(put(body)).await.problem(), (400, "request-unreadable".into()), "{body}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_and_the_interface_is_not_kept() {
    let house = house(true).await;
    for (target, cache, policy) in [
        ("/", "no-cache", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"),
        ("/history", "no-cache", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"),
        ("/api/v1/keyset", "no-store", "default-src 'none'"),
        ("/api/v1/shop", "no-store", "default-src 'none'"),
        ("/api/v1/nothing", "no-store", "default-src 'none'"),
        ("/missing.js", "no-store", "default-src 'none'"),
    ] {
        let answer = house.get(target).await;
        assert_eq!(answer.header("cache-control"), cache, "{target}");
        assert!(answer.header("content-security-policy").starts_with(policy), "{target}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{target}");
        }
    }
    let posted = Request::post("/api/v1/keyset").body(Body::empty()).expect("a request");
    assert_eq!(house.send(posted).await.problem(), (405, "method-not-allowed".into()));
}

#[tokio::test]
async fn a_server_without_its_books_says_so_and_acknowledges_nothing() {
    let house = house(true).await;
    let mut till = house.till().await;
    house.stop.send_replace(true);
    house.server.ledger.close().await;
    let (_, record) = till.payment(100, GOOD);
    let answer = house.upload(&till, vec![record]).await;
    assert_eq!(answer.problem(), (503, "try-later".into()));
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(house.server.ledger.last_change().await.err().map(|e| matches!(e, StoreError::Database(_))), Some(true));
}
