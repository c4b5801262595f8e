//! What each path answers, with which headers, and a payment from batch to history.

use super::*;

#[tokio::test]
async fn a_payment_goes_from_batch_to_history() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, good) = till.payment(1_060, GOOD);
    let (declined, bad) = till.payment(340, "4000000000009995");
    let answer: BatchAnswer = house.upload(&till, vec![good, bad]).await.json();
    assert_eq!(answer.acks.len(), 2);
    let one: PaymentView =
        house.of_till(&till, "GET", &format!("/api/v1/payments/{id}?wait_ms=5000"), b"").await.json();
    assert_eq!(
        (one.state.as_str(), one.amount_minor, one.last4.as_str(), one.device_name.as_str()),
        ("captured", 1_060, "4242", "Counter")
    );
    assert!(one.approval_code.is_some() && one.reason.is_none() && one.lines.len() == 1);
    let other: PaymentView =
        house.of_till(&till, "GET", &format!("/api/v1/payments/{declined}?wait_ms=5000"), b"").await.json();
    assert_eq!(other.reason.map(|r| (r.code, r.text)), Some(("51".into(), "not enough funds".into())));

    let mut cursor = String::new();
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
    // Which of the two came first is the jobs' affair.
    let entries = ledger["entries"].as_array().expect("a list");
    let entry = entries.iter().find(|e| e["reference"] == id.to_string()).expect("is in the ledger");
    assert_eq!(entry["last4"], "4242");
}

#[tokio::test]
async fn a_batch_that_is_no_batch_is_refused_whole() {
    let house = house(true).await;
    let mut till = house.till().await;
    for body in
        ["", "{}", "[]", "null", "<html>", r#"{"v":1}"#, r#"{"v":2,"records":[]}"#, r#"{"v":1,"records":[1]}"#, "\u{0}"]
    {
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
    assert_eq!(
        house.of_till(&till, "POST", "/api/v1/heartbeat", wrong).await.problem(),
        (400, "request-unreadable".into())
    );
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
    assert!(started.elapsed().as_millis() >= 200, "it waits");
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
        assert_eq!(
            house.get(&format!("/api/v1/time{query}")).await.problem(),
            (400, "request-unreadable".into()),
            "{query}"
        );
    }
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
    assert_eq!(house.server.ledger.first_merchant().await, Err(StoreError::Closed));
}

#[tokio::test]
async fn a_till_reads_the_key_log_in_pages_and_can_check_it() {
    use holdfast_wire::keylog::{KeyLogHead, KeyLogPage, first_break};
    let house = house(true).await;
    let till = house.till().await;
    let (mut cursor, mut seen, mut head) = (String::new(), 0, None::<KeyLogHead>);
    loop {
        let answer = house.of_till(&till, "GET", &format!("/api/v1/keylog?after={cursor}&limit=2"), b"").await;
        let page = KeyLogPage::from_json(&answer.body).expect("a page");
        assert_eq!(first_break(head.as_ref(), &page.entries), None);
        head = page.entries.last().map(|entry| entry.head());
        seen += page.entries.len();
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert!(seen >= 4, "an acknowledgement key, a card key, a signer, a key set: {seen}");
    assert_eq!(house.get("/api/v1/keylog").await.problem(), (401, "signature-missing".into()));
    let answer = house.of_till(&till, "GET", "/api/v1/keylog?after=x", b"").await;
    assert_eq!(answer.problem(), (400, "request-unreadable".into()));
}
