//! Before the first sale: enrolment, keys, time, shop.

use std::time::{Duration, Instant};

use holdfast_contract_tests::{Till, fetch_keyset, now_ms, open_jws, shared_server};
use holdfast_core::keys::KeyState;
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::jws::NamedKey;
use holdfast_wire::keyset::{Certificate, KeySetAnswer};
use holdfast_wire::problem::Problem;
use holdfast_wire::shop::Shop;
use holdfast_wire::time::{Head, Heartbeat, TimeAnswer, TimePayload};

#[test]
fn a_code_enrols_one_device_once() {
    let server = shared_server();
    let (key, _) = SigningKey::make().expect("a key");
    let (other, _) = SigningKey::make().expect("another key");
    let code = server.enrolment_code();
    let stolen = Till::enrol_with(&server, &code, &key, &other);
    assert_eq!(stolen.status, 401, "a key that the sender does not hold: {}", stolen.text());
    assert_eq!(Till::enrol_with(&server, &code, &key, &key).status, 201);
    for refused in [code.as_str(), "", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = Till::enrol_with(&server, refused, &other, &other);
        assert_eq!(answer.status, 403, "{refused}: {}", answer.text());
        let problem = Problem::from_json(&answer.body).expect("a problem");
        assert_eq!(problem.name(), "enrolment-code-refused");
    }
}

#[test]
fn two_tills_have_two_identities_of_one_merchant() {
    let server = shared_server();
    let (a, b) = (Till::enrol(&server).enrolment, Till::enrol(&server).enrolment);
    assert_ne!(a.device_id, b.device_id);
    assert_ne!(a.device_number, b.device_number);
    assert_eq!((a.merchant_id, a.epoch), (b.merchant_id, b.epoch));
}

#[test]
fn the_key_set_leads_back_to_the_root_and_covers_a_week() {
    let server = shared_server();
    let first = fetch_keyset(&server);
    assert!(first.card_key_at(now_ms()).is_some(), "today's key is there as soon as the server answers");
    // The other days' keys are made behind it when a server starts for the first time.
    let end = Instant::now() + Duration::from_secs(120);
    let (keyset, now) = loop {
        let (keyset, now) = (fetch_keyset(&server), now_ms());
        assert!(keyset.version >= first.version && keyset.expires_ms > now);
        let future = keyset.card_keys.iter().filter(|k| k.not_before_ms > now).count();
        if future >= 7 {
            break (keyset, now);
        }
        assert!(Instant::now() < end, "seven future days, got {future}");
        std::thread::sleep(Duration::from_millis(200));
    };
    for days in 0..=7 {
        let at = now + days * 86_400_000;
        let state = keyset.card_key_at(at).map(|k| k.times().state(at));
        assert_eq!(state, Some(KeyState::InUse), "in {days} days");
    }
    assert!(keyset.card_keys.iter().all(|k| k.accept_until_ms > k.use_until_ms), "late uploads can be opened");
}

#[test]
fn a_certificate_by_nobody_we_know_is_refused() {
    let server = shared_server();
    let answer = server.send("GET", "/api/v1/keyset", &[], b"");
    let answer: KeySetAnswer = serde_json::from_slice(&answer.body).expect("a key set");
    let real = server.roots().roots;
    assert!(open_jws(Certificate::parse(&answer.cert), &real).is_ok());
    let (stranger, _) = SigningKey::make().expect("a key");
    let jwk = |k: &NamedKey| {
        let public = stranger.verifying_key();
        NamedKey { kid: k.kid.clone(), jwk: holdfast_wire::jws::Jwk { x: public.x(), y: public.y(), ..k.jwk.clone() } }
    };
    let impostors: Vec<NamedKey> = real.iter().map(jwk).collect();
    assert!(open_jws(Certificate::parse(&answer.cert), &impostors).is_err(), "the right name, another key");
    assert!(open_jws(Certificate::parse(&answer.cert), &[]).is_err());
    assert!(open_jws(Certificate::parse(&answer.keyset), &real).is_err(), "a key set is no certificate");
}

#[test]
fn the_probe_is_signed_and_gives_the_nonce_back() {
    let server = shared_server();
    let till = Till::enrol(&server);
    let nonce = "AbCdEfGhIjKlMnOpQrStUv";
    let answer = server.send("GET", &format!("/api/v1/time?nonce={nonce}"), &[], b"");
    let answer: TimeAnswer = serde_json::from_slice(&answer.body).expect("a time");
    let time =
        open_jws(TimePayload::parse(&answer.time), &till.keyset.ack_keys).expect("signed by an acknowledgement key");
    assert_eq!(time.nonce, nonce);
    assert_eq!(time.epoch, till.enrolment.epoch);
    assert!((time.server_time_ms - now_ms()).abs() < 60_000);
    for bad in ["", "short", "AbCdEfGhIjKlMnOpQrStUvTooLong", "AbCdEfGhIjKlMnOpQrSt%22"] {
        let status = server.send("GET", &format!("/api/v1/time?nonce={bad}"), &[], b"").status;
        assert!((400..500).contains(&status), "nonce {bad:?} answered {status}");
    }
}

#[test]
fn the_shop_is_for_its_devices_and_says_when_it_did_not_change() {
    let server = shared_server();
    let till = Till::enrol(&server);
    let answer = till.request("GET", "/api/v1/shop", b"");
    let shop = Shop::from_json(&answer.body).expect("a shop");
    assert!(!shop.catalogue().expect("a catalogue").items.is_empty(), "a demo shop sells something");
    assert!(shop.policy().window_ms > 0);
    assert!(!answer.etag.is_empty());
    let stranger = server.send("GET", "/api/v1/shop", &[], b"");
    assert_eq!(stranger.status, 401, "{}", stranger.text());
}

#[test]
fn a_heartbeat_is_taken() {
    let till = Till::enrol(&shared_server());
    let beat = Heartbeat { v: 1, head: Head::default(), waiting_count: 3, waiting_minor: 4_820, risk: Vec::new() };
    let answer = till.request("POST", "/api/v1/heartbeat", &serde_json::to_vec(&beat).expect("JSON"));
    assert_eq!(answer.status, 204, "{}", answer.text());
}
