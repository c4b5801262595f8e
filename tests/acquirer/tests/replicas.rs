//! Two servers on one PostgreSQL with the same independent host. Whichever waits for an answer is killed with -9, and the other one goes on:
//! what was open is taken back or repeated by it before anything else is asked, and nothing is captured or paid back twice.
#![cfg(not(target_arch = "wasm32"))]

use holdfast_acquirer_tests::{HostView, Peer, Speech, Spoil, Tap, arguments, eventually};
use holdfast_contract_tests::{APPROVED, Server, Till, new_home};
use holdfast_iso8583::Message;
use holdfast_test_postgres::{Postgres, Promise};
use serde_json::json;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Longer than a busy machine takes to answer, and short enough to wait for the end of a turn.
const CONNECT_MS: u64 = 3_000;
const ANSWER_MS: u64 = 10_000;
/// Amounts whose first answer of this kind never arrives.
const LOST_AUTHORISATION: i64 = 1_130;
const LOST_CAPTURE: i64 = 1_140;
const LOST_REFUND: i64 = 313;

struct House {
    _postgres: Postgres,
    _peer: Peer,
    /// The first of the two; both know what was said on either.
    tap: Tap,
    servers: [(u16, Arc<Server>); 2],
    till: Till,
}

fn house() -> House {
    let postgres = Postgres::start(Promise::Durable).expect("PostgreSQL runs");
    let env = [("HOLDFAST_DATABASE".to_owned(), postgres.database("books").expect("a database"))];
    let peer = Peer::start(Speech::PLAIN, json!([]));
    let tap = Tap::start(peer.port, Speech::PLAIN, lose_the_first);
    let another = tap.another(peer.port);
    let homes = [new_home(), new_home()];
    let start = |home: &Path, port| {
        Arc::new(Server::start_on(home, &arguments(port, Speech::PLAIN, CONNECT_MS, ANSWER_MS), &env))
    };
    let one = start(&homes[0], tap.port);
    share_keys(&homes[0], &homes[1]);
    let two = start(&homes[1], another.port);
    let till = Till::enrol(&one);
    House { _postgres: postgres, _peer: peer, servers: [(tap.port, one), (another.port, two)], tap, till }
}

fn lose_the_first(message: &Message, _: usize) -> Spoil {
    // By the first try's own reference number, and not by how many came before: other payments are under way.
    let is_first = message.trimmed(37).is_some_and(|rrn| rrn.ends_with("00"));
    let amount = message.trimmed(4).and_then(|digits| digits.parse::<i64>().ok());
    match (message.mti().as_str(), amount) {
        ("0110", Some(LOST_AUTHORISATION)) if is_first => Spoil::Drop,
        // A repeat is answered as 0230 as well, or as 0231: only what the first was answered is lost.
        ("0230", Some(LOST_CAPTURE)) => once(LOST_CAPTURE),
        ("0210", Some(LOST_REFUND)) => once(LOST_REFUND),
        _ => Spoil::Pass,
    }
}

/// The first answer of this amount is lost.
fn once(amount: i64) -> Spoil {
    static LOST: std::sync::Mutex<Vec<i64>> = std::sync::Mutex::new(Vec::new());
    let mut lost = LOST.lock().expect("not poisoned");
    if lost.contains(&amount) {
        return Spoil::Pass;
    }
    lost.push(amount);
    Spoil::Drop
}

fn share_keys(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("data")).expect("a directory");
    let files = [
        ("data", "key-encryption.key"),
        ("data", "card-hash.key"),
        ("keys", "root.private.json"),
        ("keys", "root.public.json"),
    ];
    for (folder, name) in files {
        fs::copy(from.join(folder).join(name), to.join(folder).join(name)).expect("a key file");
    }
}

impl House {
    /// Kills the server that asked this, and lets `meanwhile` happen while it is away.
    fn kill_who_asked(&mut self, mti: &str, amount: i64, meanwhile: impl FnOnce(&mut Self, u16)) {
        let asked = |house: &Self| {
            let text = format!("{amount:012}");
            let seen = house.tap.seen().into_iter().find(|seen| {
                !seen.from_host && seen.message.mti().as_str() == mti && seen.message.trimmed(4) == Some(&text)
            });
            seen.map(|seen| seen.port)
        };
        eventually(mti, || asked(self).is_some());
        let port = asked(self).expect("it was asked");
        let at = usize::from(self.servers[1].0 == port);
        let (victim, other) = (Arc::clone(&self.servers[at].1), self.servers[1 - at].clone());
        victim.crash_and_restart_after(|| {
            self.till.server = other.1;
            meanwhile(self, other.0);
        });
    }

    fn sell(&mut self, amounts: impl Iterator<Item = i64>) -> Vec<(String, i64)> {
        let payments: Vec<_> = amounts.map(|amount| (self.till.payment(APPROVED, amount), amount)).collect();
        let records: Vec<_> = payments.iter().map(|(payment, _)| payment.record.as_str()).collect();
        assert!(self.till.upload(&records).iter().all(|ack| ack.status == "stored"));
        payments.into_iter().map(|(payment, amount)| (payment.id, amount)).collect()
    }

    fn check_captured_once(&self, sold: &[(String, i64)]) {
        for (id, amount) in sold {
            assert_eq!(self.till.settled(id).state, "captured", "{amount}");
            let view = HostView::of(&self.tap, *amount);
            assert_eq!((view.standing.len(), view.captured.len()), (1, 1), "{view:?}");
        }
    }

    /// The port over which a request of this type and amount came last.
    fn last_port(&self, mti: &str, amount: i64) -> Option<u16> {
        let text = format!("{amount:012}");
        let fits = |seen: &&holdfast_acquirer_tests::Seen| {
            !seen.from_host && seen.message.mti().as_str() == mti && seen.message.trimmed(4) == Some(&text)
        };
        self.tap.seen().iter().rev().find(fits).map(|seen| seen.port)
    }
}

#[test]
#[ignore = "needs the host and PostgreSQL: cargo xtask test acquirer"]
fn another_server_settles_what_a_killed_one_had_open() {
    let mut house = house();
    let mut sold = house.sell([LOST_AUTHORISATION].into_iter().chain(2_001..=2_010));
    house.kill_who_asked("0100", LOST_AUTHORISATION, |house, other| {
        let more = house.sell(2_011..=2_020);
        house.check_captured_once(&more);
        eventually("taken back and captured by the other one", || {
            HostView::of(&house.tap, LOST_AUTHORISATION).came(&["0100", "0420", "0100", "0220"])
        });
        assert_eq!(house.last_port("0420", LOST_AUTHORISATION), Some(other));
        sold.extend(more);
    });
    house.check_captured_once(&sold);

    let captured = house.sell([LOST_CAPTURE].into_iter());
    house.kill_who_asked("0220", LOST_CAPTURE, |house, other| {
        eventually("repeated by the other one", || {
            HostView::of(&house.tap, LOST_CAPTURE).came(&["0100", "0220", "0221"])
        });
        assert_eq!(house.last_port("0221", LOST_CAPTURE), Some(other));
    });
    house.check_captured_once(&captured);

    let path = format!("/api/v1/payments/{}", captured[0].0);
    let body = format!(
        r#"{{"v":1,"id":"7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a03","amount_minor":{LOST_REFUND},"reason":"damaged-goods"}}"#
    );
    let asked = house.till.request("POST", &format!("{path}/refunds"), body.as_bytes());
    assert!(matches!(asked.status, 200 | 202), "{}", asked.text());
    house.kill_who_asked("0200", LOST_REFUND, |house, other| {
        eventually("taken back and paid back by the other one", || {
            HostView::of(&house.tap, LOST_REFUND).came(&["0200", "0420", "0200"])
        });
        assert_eq!(house.last_port("0420", LOST_REFUND), Some(other));
    });
    eventually("paid back in part", || house.till.request("GET", &path, b"").json()["state"] == "partly-refunded");
    assert_eq!(HostView::of(&house.tap, LOST_REFUND).refunded.len(), 1);
    check_numbers(&house.tap);
}

/// A STAN belongs to one request of a day, whichever server sent it; repeats carry the number of the first.
fn check_numbers(tap: &Tap) {
    let mut owners: BTreeMap<(String, String), (u16, String, String)> = BTreeMap::new();
    for seen in tap.seen().into_iter().filter(|seen| !seen.from_host) {
        let text = |field| seen.message.trimmed(field).unwrap_or_default().to_owned();
        let mti = seen.message.mti().as_str().to_owned();
        let number = (text(7).get(..4).unwrap_or_default().to_owned(), text(11));
        let is_repeat = mti.ends_with('1');
        match owners.entry(number) {
            // The first one may never have left, when its server died over it.
            Entry::Vacant(free) => drop(free.insert((seen.port, mti, text(37)))),
            Entry::Occupied(owner) => {
                let (_, kind, rrn) = owner.get();
                let is_same = is_repeat && kind[..3] == mti[..3] && *rrn == text(37);
                assert!(is_same, "{:?} was given out twice, to {:?} and {mti}", owner.key(), owner.get());
            }
        }
    }
    let ports: std::collections::BTreeSet<_> = owners.values().map(|(port, ..)| *port).collect();
    assert_eq!(ports.len(), 2, "both servers sent");
}
