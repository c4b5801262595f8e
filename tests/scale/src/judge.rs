//! What must hold when it is over.

use crate::load::{Acked, Sold, repeated};
use holdfast_contract_tests::{Server, Till};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How long the jobs may take to settle what the killed ones left: a silent replica is found after 15 s, and the acquirer is asked
/// again at growing intervals.
const SETTLE_MAX: Duration = Duration::from_secs(600);

/// Counts what held and what did not.
#[derive(Default)]
pub struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    /// `wrong` is what went against `name`.
    pub fn check(&mut self, name: &str, wrong: Vec<String>) {
        if wrong.is_empty() {
            self.passed += 1;
            println!("ok   {name}");
        } else {
            self.failed += 1;
            println!("FAIL {name}: {} times, as {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        }
    }

    pub fn end(self) -> ExitCode {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The ids of all payments that any till was told are stored.
pub fn acknowledged(sold: &[Sold]) -> BTreeSet<&str> {
    sold.iter().flat_map(|sold| sold.acknowledged.iter().map(id_of)).collect()
}

pub fn id_of(acked: &Acked) -> &str {
    &acked.payment.id
}

/// Nothing that was acknowledged is lost, and each is captured exactly once.
pub fn nothing_is_lost(tally: &mut Tally, sold: &[Sold], server: &Server) {
    let acknowledged = acknowledged(sold);
    let lost = sold.iter().map(|s| s.answers_lost).sum::<usize>();
    println!("{} payments acknowledged, {} uploads repeated, {lost} answers lost", acknowledged.len(), repeated(sold));
    tally.check("tills were answered by the protocol", sold.iter().flat_map(|s| s.wrong.clone()).collect());

    let states = sold.first().map_or_else(BTreeMap::new, |sold| settled(&sold.till, &acknowledged));
    let missing = acknowledged.iter().filter(|id| !states.contains_key(**id)).map(|id| (*id).to_owned());
    tally.check("nothing that was acknowledged is lost", missing.collect());
    let stranger = states.keys().filter(|id| !acknowledged.contains(id.as_str())).cloned();
    tally.check("nothing is in the books that no till was told of", stranger.collect());
    let open = states.iter().filter(|(_, state)| *state != "captured").map(|(id, state)| format!("{id} is {state}"));
    tally.check("every payment was captured", open.collect());

    let captures = captures(server);
    let not_once = |id: &&str| captures.get(*id) != Some(&1);
    let wrong = acknowledged.iter().copied().filter(not_once).map(|id| format!("{id}: {:?}", captures.get(id)));
    tally.check("the acquirer captured each exactly once", wrong.collect());
}

/// How often the acquirer captured each payment, or was asked to.
pub fn captures(server: &Server) -> BTreeMap<String, u64> {
    let ledger = server.send("GET", "/demo/acquirer/ledger", &[], b"").json();
    let captures = ledger["captures_per_reference"].as_object().cloned().unwrap_or_default();
    captures.into_iter().map(|(id, count)| (id, Value::as_u64(&count).unwrap_or(0))).collect()
}

/// The state of every payment in the history, when all are captured and `expected` are there, or the time is over. A page is never changed by
/// what came before it, so a second look begins where the first one ended.
pub fn settled(till: &Till, expected: &BTreeSet<&str>) -> BTreeMap<String, String> {
    let started = Instant::now();
    let (mut states, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = till.history(&cursor, 200);
        for payment in page.payments {
            states.insert(payment.id, payment.state);
        }
        cursor = page.cursor;
        let is_over =
            expected.iter().all(|id| states.contains_key(*id)) && states.values().all(|state| state == "captured");
        if !page.more && (is_over || started.elapsed() > SETTLE_MAX) {
            println!("settled after {} s", started.elapsed().as_secs());
            return states;
        }
        if !page.more {
            thread::sleep(Duration::from_millis(500));
        }
    }
}
