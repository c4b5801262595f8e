//! What the server refuses, sets aside, or will not be fooled by.

use holdfast_contract_tests::{APPROVED, Answer, Payment, Till, shared_server};
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::b64;
use holdfast_wire::problem::Problem;
use serde_json::json;

const BATCHES: &str = "/api/v1/batches";

fn check_problem(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{name}: {}", answer.text());
    assert!(answer.content_type.starts_with(Problem::CONTENT_TYPE), "{name} is of type {}", answer.content_type);
    let problem = Problem::from_json(&answer.body).expect("a problem");
    assert_eq!((problem.name(), problem.status), (name, status));
    assert!(!problem.detail.is_empty(), "{name} says what to do");
}

#[test]
fn bodies_that_are_no_batch_are_refused_whole() {
    let till = Till::enrol(&shared_server());
    let deep = "[".repeat(100_000);
    let bodies: &[&[u8]] = &[
        b"",
        b"\x00\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"{\"v\":1}",
        b"{\"v\":1,\"records\":[1]}",
        b"{\"v\":2,\"records\":[]}",
        b"{\"v\":1,\"records\":[\"a\"]",
        b"<!doctype html>",
        deep.as_bytes(),
    ];
    for body in bodies {
        check_problem(&till.request("POST", BATCHES, body), 400, "batch-unreadable");
    }
}

#[test]
fn batches_above_the_limits_are_refused_and_at_the_limit_taken() {
    let till = Till::enrol(&shared_server());
    let many = |n: usize| json!({"v": 1, "records": vec!["x"; n]}).to_string();
    check_problem(&till.request("POST", BATCHES, many(51).as_bytes()), 413, "batch-too-large");
    assert_eq!(till.request("POST", BATCHES, many(50).as_bytes()).status, 200);
    let of_bytes = |n: usize| {
        let empty = json!({"v": 1, "records": [""]}).to_string();
        json!({"v": 1, "records": ["x".repeat(n - empty.len())]}).to_string()
    };
    check_problem(&till.request("POST", BATCHES, of_bytes(262_145).as_bytes()), 413, "batch-too-large");
    assert_eq!(till.request("POST", BATCHES, of_bytes(262_144).as_bytes()).status, 200);
}

#[test]
fn a_request_that_is_not_signed_by_the_device_is_refused() {
    let server = shared_server();
    let mut till = Till::enrol(&server);
    let body = json!({"v": 1, "records": []}).to_string();
    let bare = server.send("POST", BATCHES, &[("content-type", "application/json")], body.as_bytes());
    check_problem(&bare, 401, "signature-missing");
    let (stranger, _) = SigningKey::make().expect("a key");
    let own = std::mem::replace(&mut till.key, stranger);
    check_problem(&till.request("POST", BATCHES, body.as_bytes()), 401, "signature-wrong");
    till.key = own;
    assert_eq!(till.request("POST", BATCHES, body.as_bytes()).status, 200, "the same with the right key");
}

#[test]
fn a_bad_record_is_set_aside_and_holds_up_nobody() {
    let server = shared_server();
    let mut till = Till::enrol(&server);
    let (stranger, _) = SigningKey::make().expect("a key");
    let forged = till.payment(APPROVED, 400).signed_by(&stranger).record;
    let twisted = |till: &mut Till, f: fn(&mut holdfast_wire::record::RecordPayload)| {
        till.payment_with(APPROVED, 402, |_, r| f(r)).record
    };
    let other_version = twisted(&mut till, |r| r.v = 9);
    let wrong_sum = twisted(&mut till, |r| r.sale.total_minor += 1);
    let foreign = twisted(&mut till, |r| r.did = "00000000-0000-4000-8000-000000000000".into());
    let no_id = twisted(&mut till, |r| r.id = "1".into());
    let cases = [
        ("garbage".to_owned(), "unreadable"),
        (String::new(), "unreadable"),
        ("a.b.c".to_owned(), "unreadable"),
        (other_version, "unreadable"),
        (wrong_sum, "amount-mismatch"),
        (no_id, "unreadable"),
        (forged, "record-signature-wrong"),
        (foreign, "not-this-device"),
        ("x".repeat(40_000), "too-large"),
    ];
    for (n, (bad, reason)) in (0..).zip(cases) {
        let good = till.payment(APPROVED, 1_000 + n);
        let acks = till.upload(&[&bad, &good.record]);
        let of = |text: &str| acks.iter().find(|a| a.record_hash == b64::hash_text(b64::record_hash(text))).cloned();
        let said = of(&bad).map(|a| (a.status, a.reason));
        assert_eq!(said, Some(("quarantined".into(), Some(reason.into()))), "{reason}");
        assert_eq!(of(&good.record).map(|a| a.status), Some("stored".into()), "beside {reason}");
        assert_eq!(till.settled(&good.id).state, "captured");
    }
}

#[test]
fn the_same_id_with_another_hash_is_a_conflict_and_the_first_stands() {
    let mut till = Till::enrol(&shared_server());
    let first = till.payment(APPROVED, 1_500);
    let id = first.id.clone();
    let second = till.payment_with(APPROVED, 9_500, |pos, r| {
        pos.pid.clone_from(&id);
        r.id.clone_from(&id);
    });
    assert_eq!(till.upload_one(&first), "stored");
    assert_eq!(till.upload_one(&second), "quarantined: id-conflict");
    assert_eq!(till.upload_one(&first), "duplicate");
    till.settled(&id);
    assert_eq!(till.server.captured(&id), (1, vec![1_500]));
}

#[test]
fn two_records_with_one_sequence_number_are_a_fork() {
    let mut till = Till::enrol(&shared_server());
    let first = till.payment(APPROVED, 1_510);
    let clone = till.payment_with(APPROVED, 1_511, |pos, r| {
        pos.seq -= 1;
        r.seq -= 1;
        r.prev = String::new();
    });
    assert_eq!(till.upload_one(&first), "stored");
    assert_eq!(till.upload_one(&clone), "quarantined: sequence-conflict");
    till.settled(&first.id);
    assert_eq!(till.server.captured(&clone.id).0, 0);
}

/// An envelope is opened after its acknowledgement: what lies is set aside then, and never reaches the acquirer.
#[test]
fn an_envelope_that_does_not_fit_its_record_is_never_charged() {
    let mut till = Till::enrol(&shared_server());
    let header = |jwe: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let (head, rest) = jwe.split_once('.').expect("a JWE");
        let mut head: serde_json::Value = serde_json::from_slice(&b64::decode(head).expect("base64url")).expect("JSON");
        change(&mut head);
        format!("{}.{rest}", b64::encode(head.to_string()))
    };
    let re_sealed = |till: &mut Till, change: &dyn Fn(&str) -> String| -> Payment {
        let mut payment = till.payment(APPROVED, 1_600);
        payment.payload.jwe = change(&payment.payload.jwe);
        let again = payment.signed_by(&till.key);
        till.continue_from(&again);
        again
    };
    let bad: Vec<(&str, Payment)> = vec![
        ("an unknown key id", re_sealed(&mut till, &|jwe| header(jwe, &|h| h["kid"] = json!("card-1999-01-01")))),
        ("another alg", re_sealed(&mut till, &|jwe| header(jwe, &|h| h["alg"] = json!("RSA-OAEP")))),
        ("another enc", re_sealed(&mut till, &|jwe| header(jwe, &|h| h["enc"] = json!("A128GCM")))),
        ("zip", re_sealed(&mut till, &|jwe| header(jwe, &|h| h["zip"] = json!("DEF")))),
        ("crit", re_sealed(&mut till, &|jwe| header(jwe, &|h| h["crit"] = json!(["x"])))),
        ("a smaller amount in the header", re_sealed(&mut till, &|jwe| header(jwe, &|h| h["pos"]["amt"] = json!(1)))),
        ("a cut ciphertext", re_sealed(&mut till, &|jwe| jwe[..jwe.len() - 8].to_owned())),
        ("no envelope", re_sealed(&mut till, &|_| "a.b.c.d.e".to_owned())),
        (
            "a position of another payment",
            till.payment_with(APPROVED, 1_600, |pos, _| pos.pid = "019aaf00-0000-7000-8000-000000000001".into()),
        ),
        ("another amount than the record's", till.payment_with(APPROVED, 1_600, |pos, _| pos.amt = 1)),
        ("another device", till.payment_with(APPROVED, 1_600, |pos, _| pos.did = "other".into())),
    ];
    for (what, payment) in &bad {
        let said = till.upload_one(payment);
        if said == "stored" {
            assert_eq!(till.settled(&payment.id).state, "quarantined", "{what}");
        } else {
            assert!(said.starts_with("quarantined"), "{what}: {said}");
        }
        assert_eq!(till.server.captured(&payment.id).0, 0, "{what}");
    }
    let good = till.payment(APPROVED, 1_601);
    assert_eq!(till.upload_one(&good), "stored");
    assert_eq!(till.settled(&good.id).state, "captured", "the queue goes on");
}

#[test]
fn a_limit_that_is_out_of_range_is_refused_or_bounded() {
    let till = Till::enrol(&shared_server());
    for query in ["after=&limit=0", "after=&limit=100000", "after=%27;drop&limit=10", "after=&limit=-1", "limit=10"] {
        let answer = till.request("GET", &format!("/api/v1/payments?{query}"), b"");
        assert!((200..500).contains(&answer.status), "{query}: {} {}", answer.status, answer.text());
    }
}
