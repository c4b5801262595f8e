//! A payment from the envelope to the history.

use std::sync::Arc;

use holdfast_contract_tests::{APPROVED, DECLINED_51, Server, Till, now_ms, shared_server};
use serde_json::json;

const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_sealed_payment_is_acknowledged_captured_and_in_the_history() {
    let mut till = Till::enrol(&shared_server());
    let start = till.history("", 200);
    let start =
        std::iter::successors(Some(start), |p| p.more.then(|| till.history(&p.cursor, 200))).last().expect("a page");

    let payment = till.payment(APPROVED, 1_060);
    assert_eq!(till.upload_one(&payment), "stored");
    let view = till.settled(&payment.id);
    assert_eq!((view.state.as_str(), view.amount_minor, view.currency.as_str()), ("captured", 1_060, "EUR"));
    assert_eq!((view.brand.as_str(), view.last4.as_str(), view.entry.as_str()), ("visa", "4242", "keyed"));
    assert_eq!((view.seq, view.number, view.offline), (1, payment.payload.sale.number, true));
    assert_eq!(view.lines, payment.payload.sale.lines);
    assert!(view.approval_code.is_some_and(|code| !code.is_empty()));
    assert_eq!(till.server.captured(&payment.id), (1, vec![1_060]));

    let after = till.history(&start.cursor, 200);
    assert!(after.payments.iter().any(|p| p.id == payment.id && p.state == "captured"), "{after:?}");
}

#[test]
fn the_cursor_pages_through_every_change_and_then_stands_still() {
    let server = Arc::new(Server::start());
    let mut till = Till::enrol(&server);
    let payments: Vec<_> = (0..3).map(|n| till.payment(APPROVED, 500 + n)).collect();
    let records: Vec<&str> = payments.iter().map(|p| p.record.as_str()).collect();
    assert!(till.upload(&records).iter().all(|a| a.status == "stored"));
    payments.iter().for_each(|p| assert_eq!(till.settled(&p.id).state, "captured"));

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = till.history(&cursor, 1);
        assert!(page.payments.len() <= 1);
        seen.extend(page.payments.iter().map(|p| p.id.clone()));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    seen.sort();
    let mut ids: Vec<_> = payments.iter().map(|p| p.id.clone()).collect();
    ids.sort();
    assert_eq!(seen, ids, "each once: its newest state");
    let still = till.history(&cursor, 200);
    assert_eq!((still.payments.len(), still.more, still.cursor), (0, false, cursor));
}

#[test]
fn every_till_of_the_merchant_sees_the_payment() {
    let server = shared_server();
    let mut taker = Till::enrol(&server);
    let payment = taker.payment(APPROVED, 700);
    taker.upload_one(&payment);
    taker.settled(&payment.id);
    assert_eq!(Till::enrol(&server).settled(&payment.id).device_id, taker.enrolment.device_id);
}

#[test]
fn a_decline_is_said_in_words_and_nothing_is_captured() {
    let mut till = Till::enrol(&shared_server());
    let payment = till.payment(DECLINED_51, 900);
    assert_eq!(till.upload_one(&payment), "stored");
    let view = till.settled(&payment.id);
    let reason = view.reason.expect("a reason");
    assert_eq!((view.state.as_str(), reason.code.as_str()), ("declined", "51"));
    assert_eq!(reason.text, "not enough funds");
    assert_eq!(till.server.captured(&payment.id).0, 0);
}

#[test]
fn a_repeat_is_a_duplicate_and_is_captured_once() {
    let mut till = Till::enrol(&shared_server());
    let payment = till.payment(APPROVED, 800);
    let answers: Vec<String> = (0..3).map(|_| till.upload_one(&payment)).collect();
    assert_eq!(answers, ["stored", "duplicate", "duplicate"]);
    till.settled(&payment.id);
    assert_eq!(till.upload_one(&payment), "duplicate", "also when it is long settled");
    assert_eq!(till.server.captured(&payment.id), (1, vec![800]));
}

#[test]
fn a_payment_that_arrives_after_its_window_expires_by_signed_time_only() {
    let mut till = Till::enrol(&shared_server());
    let late = till.payment_with(APPROVED, 600, |_, r| r.server_ms = now_ms() - 80 * HOUR_MS - 5_000);
    till.upload_one(&late);
    assert_eq!(till.settled(&late.id).state, "expired");
    let wrong_clock = till.payment_with(APPROVED, 601, |_, r| r.created_ms = 0);
    till.upload_one(&wrong_clock);
    assert_eq!(till.settled(&wrong_clock.id).state, "captured", "a tablet clock at 1970 costs no sale");
    assert_eq!(till.server.captured(&late.id).0, 0);
}

#[test]
fn the_poll_of_a_payment_that_nobody_knows_says_so() {
    let mut till = Till::enrol(&shared_server());
    let never_sent = till.payment(APPROVED, 100);
    let answer = till.request("GET", &format!("/api/v1/payments/{}?wait_ms=0", never_sent.id), b"");
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(answer.json()["type"], "/problems/payment-unknown");
}

#[test]
fn doubt_at_the_acquirer_never_becomes_a_second_charge() {
    let server = Arc::new(Server::start());
    let mut till = Till::enrol(&server);
    let scripts = [
        json!([{"kind": "drop-answer"}]),
        json!([{"kind": "approve"}, {"kind": "drop-answer"}]),
        json!([{"kind": "unreachable"}, {"kind": "unreachable"}]),
        json!([{"kind": "drop-answer"}, {"kind": "drop-answer"}, {"kind": "drop-answer"}]),
    ];
    for (n, script) in (0..).zip(scripts) {
        server.script(script.clone());
        let payment = till.payment(APPROVED, 2_000 + n);
        assert_eq!(till.upload_one(&payment), "stored");
        assert_eq!(till.settled(&payment.id).state, "captured", "{script}");
        assert_eq!(server.captured(&payment.id), (1, vec![2_000 + n]), "{script}");
    }
}

#[test]
fn a_crash_of_the_server_between_acknowledgement_and_capture_loses_and_doubles_nothing() {
    let server = Arc::new(Server::start());
    let mut till = Till::enrol(&server);
    for (n, delay_ms) in (0..).zip([0, 300, 1_500]) {
        server.script(json!([{"kind": "delay", "ms": delay_ms}, {"kind": "delay", "ms": delay_ms}]));
        let payments: Vec<_> = (0..3).map(|i| till.payment(APPROVED, 3_000 + 10 * n + i)).collect();
        let records: Vec<&str> = payments.iter().map(|p| p.record.as_str()).collect();
        assert!(till.upload(&records).iter().all(|a| a.status == "stored"));
        server.crash_and_restart();
        server.script(json!([]));
        for payment in &payments {
            assert_eq!(till.upload_one(payment), "duplicate", "an acknowledged payment is still there");
            assert_eq!(till.settled(&payment.id).state, "captured");
            assert_eq!(server.captured(&payment.id), (1, vec![payment.payload.sale.total_minor]));
        }
    }
}
