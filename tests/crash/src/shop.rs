//! A server, a till, and batches that it offers until each payment is acknowledged and captured.

use crate::strace::signal;
use holdfast_contract_tests::{APPROVED, Payment, Server, Till};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Payments of a batch, as many as a till sends at once.
pub const BATCH: usize = 50;
/// How long a batch may take to be captured. Without traces it is a second or two; jobs that lost their server wait for its lease.
const SETTLE_MAX: Duration = Duration::from_secs(300);

pub struct Shop {
    pub server: Arc<Server>,
    pub till: Till,
}

impl Shop {
    pub fn open(server: Server) -> Self {
        let server = Arc::new(server);
        let till = Till::enrol(&server);
        Self { server, till }
    }

    pub fn batch(&mut self) -> Vec<Payment> {
        (0..BATCH).map(|at| self.till.payment(APPROVED, 100 + at as i64)).collect()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.server.pid().expect("the server runs")
    }

    /// Stands still for as long as `work` takes.
    pub fn frozen<T>(&self, work: impl FnOnce(u32) -> T) -> T {
        let pid = self.pid();
        signal(pid, "STOP");
        let result = work(pid);
        signal(pid, "CONT");
        result
    }
}

/// Offers the batch once; whether it was acknowledged.
pub fn offer(till: &Till, batch: &[Payment]) -> bool {
    let records: Vec<&str> = batch.iter().map(|payment| payment.record.as_str()).collect();
    let Some(acks) = till.try_upload(&records) else { return false };
    batch.iter().all(|payment| {
        let mine = acks.iter().find(|ack| ack.id == payment.id && ack.record_hash == payment.hash);
        mine.is_some_and(|ack| matches!(ack.status.as_str(), "stored" | "duplicate"))
    })
}

/// Offers it until it is acknowledged, as a till does. `false`: not within the time that a server may take to find its feet.
pub fn offer_until_taken(till: &Till, batch: &[Payment]) -> bool {
    let started = Instant::now();
    while !offer(till, batch) {
        if started.elapsed() > SETTLE_MAX {
            return false;
        }
        thread::sleep(Duration::from_millis(200));
    }
    true
}

/// Waits until the acquirer's ledger has a capture of each, and says what is wrong with it: lost, or charged twice.
pub fn wrong_in_the_end(server: &Server, batch: &[Payment]) -> Vec<String> {
    let started = Instant::now();
    loop {
        let captures = captures(server);
        let twice = batch.iter().filter(|p| captures.get(&p.id).is_some_and(|times| *times > 1));
        let missing = batch.iter().filter(|p| !captures.contains_key(&p.id));
        let twice: Vec<String> = twice.map(|p| format!("{} was captured twice", p.id)).collect();
        let missing: Vec<String> = missing.map(|p| format!("{} was not captured", p.id)).collect();
        if !twice.is_empty() || missing.is_empty() || started.elapsed() > SETTLE_MAX {
            return [twice, missing].concat();
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until the server has died, or everything is captured and so nothing is left to die of. Says whether it died.
pub fn dies(server: &Server, batch: &[Payment]) -> bool {
    let started = Instant::now();
    while started.elapsed() < SETTLE_MAX {
        if server.pid().is_none() {
            return true;
        }
        let captures = captures(server);
        if batch.iter().all(|payment| captures.contains_key(&payment.id)) {
            return server.pid().is_none();
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

/// How often the acquirer captured each payment. A server that is just dying has none.
fn captures(server: &Server) -> BTreeMap<String, u64> {
    let Ok(answer) = server.try_send("GET", "/demo/acquirer/ledger", &[], b"") else { return BTreeMap::new() };
    let Ok(ledger) = serde_json::from_slice::<Value>(&answer.body) else { return BTreeMap::new() };
    let captures = ledger["captures_per_reference"].as_object();
    captures.into_iter().flatten().map(|(id, times)| (id.clone(), times.as_u64().unwrap_or(u64::MAX))).collect()
}
