//! Who gets in, and who does not.

use super::*;

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
        (
            "fewer components",
            "signature-input",
            "holdfast=(\"@method\");created=1;keyid=\"x\";alg=\"ecdsa-p256-sha256\"",
        ),
        (
            "another algorithm",
            "signature-input",
            "holdfast=(\"@method\" \"@path\" \"@query\" \"content-digest\");created=1;keyid=\"x\";alg=\"hmac-sha256\"",
        ),
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
    assert_eq!(
        (ack.id, ack.status.as_str(), ack.reason.as_deref()),
        (id.to_string(), "quarantined", Some("device-revoked"))
    );
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
