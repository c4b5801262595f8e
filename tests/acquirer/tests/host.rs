//! The whole path with an independent host: a till seals payments, the real server's binary authorises and captures them over ISO
//! 8583, and what the host saw is compared with what the history says.
#![cfg(not(target_arch = "wasm32"))]

use holdfast_acquirer_tests::{HostView, Peer, Speech, Spoil, Tap, arguments, eventually};
use holdfast_contract_tests::{APPROVED, DECLINED_51, Server, Till};
use holdfast_iso8583::Message;
use serde_json::{Value, json};
use std::sync::Arc;

/// The server, a till, the tap and the host behind it.
struct House {
    till: Till,
    tap: Tap,
    peer: Peer,
}

fn house(
    speech: Speech,
    answer_ms: u64,
    rules: Value,
    rule: impl Fn(&Message, usize) -> Spoil + Send + Sync + 'static,
) -> House {
    let peer = Peer::start(speech, rules);
    let tap = Tap::start(peer.port, speech, rule);
    let more = arguments(tap.port, speech, PATIENT_MS, answer_ms);
    let till = Till::enrol(&Arc::new(Server::start_with(&more)));
    House { till, tap, peer }
}

impl House {
    /// Uploads payments in one batch and waits until all are settled; gives their states and response codes.
    fn sell(&mut self, payments: &[(&str, i64)]) -> Vec<(String, String)> {
        let payments: Vec<_> = payments.iter().map(|(pan, amount)| self.till.payment(pan, *amount)).collect();
        let records: Vec<_> = payments.iter().map(|payment| payment.record.as_str()).collect();
        assert!(self.till.upload(&records).iter().all(|ack| ack.status == "stored"));
        let settled = |id: &str| {
            let view = self.till.settled(id);
            (view.state, view.reason.map(|reason| reason.code).unwrap_or_default())
        };
        payments.iter().map(|payment| settled(&payment.id)).collect()
    }

    fn view(&self, amount_minor: i64) -> HostView {
        HostView::of(&self.tap, amount_minor)
    }

    #[track_caller]
    fn check_captured_once(&self, amount_minor: i64, came: &[&str]) {
        let view = self.view(amount_minor);
        assert_eq!((view.standing.len(), view.captured.len()), (1, 1), "{view:?}");
        assert!(view.came(came), "{came:?} in {view:?}");
    }
}

/// A spoiled answer to the first of a type, and nothing else.
fn first(mti: &'static str, spoil: Spoil) -> impl Fn(&Message, usize) -> Spoil + Send + Sync {
    move |message, before| if message.mti().as_str() == mti && before == 0 { spoil } else { Spoil::Pass }
}

/// Longer than any machine stalls; an answer is meant to come.
const PATIENT_MS: u64 = 20_000;
/// An answer is not meant to come.
const SHORT_MS: u64 = 2_000;

#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn a_batch_is_captured_once_in_the_hosts_eyes() {
    let rules = json!([
        { "match": { "mti": ["0100"], "pan_prefix": ["40000000"] }, "respond": "51" },
        { "match": { "mti": ["0100"], "amount_gt": 500_000 }, "respond": "61" },
        { "match": { "mti": ["0100"], "amount_gt": 400_000 }, "delay_ms": 1_500 },
    ]);
    let mut house = house(Speech::PLAIN, PATIENT_MS, rules, |_, _| Spoil::Pass);
    let good: Vec<_> = (1..=12).map(|n| (APPROVED, 1_000 + n)).collect();
    let others = [(DECLINED_51, 2_001), (APPROVED, 500_001), (APPROVED, 400_001)];
    let states = house.sell(&[good.as_slice(), &others].concat());
    let captured = ("captured".to_owned(), String::new());
    assert!(states[..12].iter().chain(&states[14..]).all(|state| *state == captured), "{states:?}");
    assert_eq!(states[12..14].iter().map(|(state, _)| state.as_str()).collect::<Vec<_>>(), ["declined", "declined"]);
    assert_eq!(states[12..14].iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), ["51", "61"]);
    for (_, amount) in good.iter().chain(&others[2..]) {
        house.check_captured_once(*amount, &["0100", "0220"]);
    }
    for (_, amount) in &others[..2] {
        assert_eq!(house.view(*amount).requests, ["0100"]);
    }
    let House { till, tap, peer } = house;
    // Without a server nothing more is asked, and the host's own count must be the tap's.
    drop(till);
    let asked = tap.seen().iter().filter(|seen| !seen.from_host).count();
    let (received, unreadable) = peer.stop();
    assert!(received <= asked && received + 1 >= asked && unreadable == 0, "{received} {asked} {unreadable}");
}

#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn an_answer_that_is_lost_becomes_a_reversal_and_the_payment_is_authorised_anew() {
    for (name, spoil) in [("lost", Spoil::Drop), ("late", Spoil::Late), ("cut", Spoil::Cut)] {
        let mut house = house(Speech::PLAIN, SHORT_MS, json!([]), first("0110", spoil));
        assert_eq!(house.sell(&[(APPROVED, 1_060)])[0].0, "captured", "{name}");
        house.check_captured_once(1_060, &["0100", "0420", "0100", "0220"]);
        let references = house.view(1_060).references;
        let stem = |reference: &String| reference.get(..10).map(str::to_owned);
        assert!(references.len() >= 2, "a new try has a new number: {references:?}");
        assert_eq!(
            references.iter().map(stem).collect::<std::collections::BTreeSet<_>>().len(),
            1,
            "and says whose it is"
        );
    }
}

#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn a_capture_or_a_reversal_without_an_answer_is_repeated() {
    for spoil in [Spoil::Drop, Spoil::Cut] {
        let mut house = house(Speech::PLAIN, SHORT_MS, json!([]), first("0230", spoil));
        assert_eq!(house.sell(&[(APPROVED, 1_070)])[0].0, "captured");
        house.check_captured_once(1_070, &["0100", "0220", "0221"]);
    }
    let rule = |message: &Message, before: usize| match (message.mti().as_str(), before) {
        ("0110", 0) | ("0430", 0) => Spoil::Drop,
        _ => Spoil::Twice,
    };
    let mut house = house(Speech::PLAIN, SHORT_MS, json!([]), rule);
    assert_eq!(house.sell(&[(APPROVED, 1_080)])[0].0, "captured");
    house.check_captured_once(1_080, &["0100", "0420", "0421", "0100", "0220"]);
}

/// The host's own rules: it never answers one amount, and hangs up at another. Each try is taken back before the next.
#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn a_host_that_drops_or_closes_never_holds_two() {
    let rules = json!([
        { "match": { "mti": ["0100"], "amount_gt": 500_000 }, "action": "drop" },
        { "match": { "mti": ["0100"], "amount_gt": 400_000 }, "action": "close" },
    ]);
    let mut house = house(Speech::PLAIN, SHORT_MS, rules, |_, _| Spoil::Pass);
    for (amount, good) in [(500_001, 1_001), (400_001, 1_002)] {
        let stuck = house.till.payment(APPROVED, amount);
        assert_eq!(house.till.upload_one(&stuck), "stored");
        eventually("two tries", || house.view(amount).came(&["0100", "0420", "0100", "0420"]));
        assert_eq!(house.sell(&[(APPROVED, good)])[0].0, "captured", "others go on");
        house.check_captured_once(good, &["0100", "0220"]);
        assert!(house.view(amount).captured.is_empty());
    }
}

#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn a_killed_server_settles_what_it_had_open() {
    let rule = |message: &Message, before: usize| match (message.mti().as_str(), before) {
        ("0110" | "0230", 0) => Spoil::Drop,
        _ => Spoil::Pass,
    };
    let mut house = house(Speech::PLAIN, PATIENT_MS, json!([]), rule);
    let payment = house.till.payment(APPROVED, 1_090);
    assert_eq!(house.till.upload_one(&payment), "stored");
    eventually("asked", || house.view(1_090).came(&["0100"]));
    house.till.server.crash_and_restart();
    eventually("captured", || house.view(1_090).came(&["0100", "0420", "0100", "0220"]));
    house.till.server.crash_and_restart();
    assert_eq!(house.till.settled(&payment.id).state, "captured");
    house.check_captured_once(1_090, &["0100", "0420", "0100", "0220", "0221"]);
}

/// The answer to a refund is lost, and the server is killed before it knows. However often it is asked for, one refund stands.
#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn a_refund_stands_once_also_when_the_server_is_killed() {
    let mut house = house(Speech::PLAIN, SHORT_MS, json!([]), first("0210", Spoil::Drop));
    let payment = house.till.payment(APPROVED, 1_110);
    assert_eq!(house.till.upload_one(&payment), "stored");
    assert_eq!(house.till.settled(&payment.id).state, "captured");
    let path = format!("/api/v1/payments/{}", payment.id);
    let body = br#"{"v":1,"id":"7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01","amount_minor":313,"reason":"damaged-goods"}"#;
    let ask = |house: &House| house.till.try_request("POST", &format!("{path}/refunds"), body);
    std::thread::scope(|scope| {
        // It may be answered, or cut off by the kill: both are a client's lot.
        let asking = scope.spawn(|| ask(&house).is_ok());
        eventually("the refund is asked for", || house.view(313).came(&["0200"]));
        house.till.server.crash_and_restart();
        let _ = asking.join();
    });
    eventually("paid back in part", || {
        let _ = ask(&house);
        house.till.request("GET", &path, b"").json()["state"] == "partly-refunded"
    });
    let view = house.view(313);
    assert_eq!(view.refunded.len(), 1, "{view:?}");
    assert!(view.came(&["0200", "0420", "0200"]), "{view:?}");
    assert_eq!(house.till.request("GET", &path, b"").json()["refunded_minor"], 313);
}

#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn a_void_of_what_is_in_doubt_leaves_nothing_at_the_host() {
    let rule = |message: &Message, _| if message.mti().as_str() == "0110" { Spoil::Drop } else { Spoil::Pass };
    let mut house = house(Speech::PLAIN, SHORT_MS, json!([]), rule);
    let payment = house.till.payment(APPROVED, 1_120);
    assert_eq!(house.till.upload_one(&payment), "stored");
    eventually("asked", || house.view(1_120).came(&["0100"]));
    let body = br#"{"v":1,"id":"7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a02","reason":"mistake"}"#;
    let path = format!("/api/v1/payments/{}", payment.id);
    let taken = house.till.request("POST", &format!("{path}/void"), body);
    assert!(matches!(taken.status, 200 | 202), "{}", taken.text());
    eventually("voided", || house.till.request("GET", &path, b"").json()["state"] == "voided");
    let view = house.view(1_120);
    assert!(view.standing.is_empty() && view.captured.is_empty() && view.came(&["0100", "0420"]), "{view:?}");
}

#[test]
#[ignore = "needs the host: cargo xtask test acquirer"]
fn the_host_reads_every_dialect() {
    for speech in [Speech::HEX, Speech::PACKED] {
        let mut house = house(speech, PATIENT_MS, json!([]), |_, _| Spoil::Pass);
        assert_eq!(house.sell(&[(APPROVED, 1_100)])[0].0, "captured", "{speech:?}");
        house.check_captured_once(1_100, &["0100", "0220"]);
    }
}
