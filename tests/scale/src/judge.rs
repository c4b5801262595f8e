//! What must hold when it is over.

use crate::load::Sold;
use holdfast_contract_tests::Server;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How long the jobs may take to settle what the killed ones left: a silent replica is found after 15 s, and the acquirer is asked
/// again at growing intervals.
const SETTLE_MAX: Duration = Duration::from_secs(600);

pub fn judge(sold: &[Sold], server: &Server, kills: usize, crashes: usize) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    let mut check = |name: &str, wrong: Vec<String>| {
        if wrong.is_empty() {
            passed += 1;
            println!("ok   {name}");
        } else {
            failed += 1;
            println!("FAIL {name}: {} times, as {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        }
    };
    let acknowledged: BTreeSet<&str> = sold.iter().flat_map(|s| s.acknowledged.iter().map(|p| p.id.as_str())).collect();
    let (repeated, lost) =
        (sold.iter().map(|s| s.repeated).sum::<usize>(), sold.iter().map(|s| s.answers_lost).sum::<usize>());
    println!("{} payments acknowledged, {repeated} uploads repeated, {lost} answers lost", acknowledged.len());

    let torment = (kills < 3 || crashes < 1 || repeated == 0)
        .then(|| format!("{kills} kills, {crashes} crashes, {repeated} repeats"));
    check("the servers and PostgreSQL were killed, and tills noticed", torment.into_iter().collect());
    check("tills were answered by the protocol", sold.iter().flat_map(|s| s.wrong.clone()).collect());

    let states = settled(sold, acknowledged.len());
    let missing = acknowledged.iter().filter(|id| !states.contains_key(**id)).map(|id| (*id).to_owned());
    check("nothing that was acknowledged is lost", missing.collect());
    let stranger = states.keys().filter(|id| !acknowledged.contains(id.as_str())).cloned();
    check("nothing is in the books that no till was told of", stranger.collect());
    let open = states.iter().filter(|(_, state)| *state != "captured").map(|(id, state)| format!("{id} is {state}"));
    check("every payment was captured", open.collect());

    let ledger = server.send("GET", "/demo/acquirer/ledger", &[], b"").json();
    let captures = ledger["captures_per_reference"].as_object().cloned().unwrap_or_default();
    let not_once = |id: &&str| captures.get(*id).and_then(Value::as_u64) != Some(1);
    let wrong = acknowledged.iter().copied().filter(not_once).map(|id| format!("{id}: {:?}", captures.get(id)));
    check("the acquirer captured each exactly once", wrong.collect());
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The state of every payment in the history, when all are captured or the time is over. A page is never changed by what came
/// before it, so a second look begins where the first one ended.
fn settled(sold: &[Sold], expected: usize) -> BTreeMap<String, String> {
    let Some(till) = sold.first().map(|s| &s.till) else { return BTreeMap::new() };
    let started = Instant::now();
    let (mut states, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = till.history(&cursor, 200);
        for payment in page.payments {
            states.insert(payment.id, payment.state);
        }
        cursor = page.cursor;
        let is_over = states.len() >= expected && states.values().all(|state| state == "captured");
        if !page.more && (is_over || started.elapsed() > SETTLE_MAX) {
            println!("settled after {} s", started.elapsed().as_secs());
            return states;
        }
        if !page.more {
            thread::sleep(Duration::from_millis(500));
        }
    }
}
