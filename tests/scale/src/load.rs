//! Tills that sell and upload. One keeps what was not acknowledged and offers it again, as a till does.

use holdfast_contract_tests::{APPROVED, Payment, Till};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Records of one batch.
const BATCH: usize = 5;
/// Between two batches of a till.
const REST: Duration = Duration::from_millis(150);
/// How long a till tries to hand in its last batch when nobody is killed any more, and how long anything is waited for.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// A payment and what its till was told.
pub struct Acked {
    pub payment: Payment,
    pub epoch: String,
}

/// What one till went through.
pub struct Sold {
    pub till: Till,
    /// Every payment that was acknowledged.
    pub acknowledged: Vec<Acked>,
    /// Batches that were offered again because no answer came.
    pub repeated: usize,
    /// Payments whose first acknowledgement said that they had been stored before: an answer was lost.
    pub answers_lost: usize,
    /// What went against the protocol.
    pub wrong: Vec<String>,
}

/// Batches of all tills that were offered again.
pub fn repeated(sold: &[Sold]) -> usize {
    sold.iter().map(|sold| sold.repeated).sum()
}

/// Tills that sell, each in a thread of its own.
pub struct Load {
    seen: Arc<Seen>,
    tills: Vec<JoinHandle<Sold>>,
}

/// What all tills have seen so far.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    repeated: AtomicUsize,
    /// Payments that were acknowledged, by the epoch of the acknowledgement.
    acknowledged: Mutex<BTreeMap<String, usize>>,
}

impl Load {
    pub fn start(tills: Vec<Till>) -> Self {
        let seen = Arc::new(Seen::default());
        let sell = |till| {
            let seen = Arc::clone(&seen);
            thread::spawn(move || sell(till, &seen))
        };
        Self { tills: tills.into_iter().map(sell).collect(), seen }
    }

    /// Lets every till hand in what it has, and ends.
    pub fn end(self) -> Vec<Sold> {
        self.seen.stop.store(true, Ordering::Relaxed);
        self.tills.into_iter().map(|till| till.join().expect("a till ends")).collect()
    }

    /// Payments that were acknowledged in this epoch.
    pub fn acknowledged_in(&self, epoch: &str) -> usize {
        self.seen.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).get(epoch).copied().unwrap_or(0)
    }

    /// Waits until so many more were acknowledged in this epoch.
    pub fn wait_for_more(&self, epoch: &str, more: usize) {
        let enough = self.acknowledged_in(epoch) + more;
        self.wait_until(&format!("{more} more acknowledged in {epoch}"), || self.acknowledged_in(epoch) >= enough);
    }

    /// Waits until tills were given no answer so many more times.
    pub fn wait_for_trouble(&self, more: usize) {
        let enough = self.seen.repeated.load(Ordering::Relaxed) + more;
        self.wait_until("tills without an answer", || self.seen.repeated.load(Ordering::Relaxed) >= enough);
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + WAIT_MAX;
        while !is_so() {
            assert!(Instant::now() < end, "{what}: does not come");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Sells until it is told to stop and everything is acknowledged.
fn sell(till: Till, seen: &Seen) -> Sold {
    let mut sold = Sold { till, acknowledged: Vec::new(), repeated: 0, answers_lost: 0, wrong: Vec::new() };
    while !seen.stop.load(Ordering::Relaxed) && sell_a_batch(&mut sold, seen) {
        thread::sleep(REST);
    }
    sold
}

/// Whether the batch was handed in.
fn sell_a_batch(sold: &mut Sold, seen: &Seen) -> bool {
    let batch: Vec<Payment> = (0..BATCH).map(|at| sold.till.payment(APPROVED, 100 + at as i64)).collect();
    let records: Vec<&str> = batch.iter().map(|payment| payment.record.as_str()).collect();
    let mut last: Option<Instant> = None;
    let acks = loop {
        if let Some(acks) = sold.till.try_upload(&records) {
            break acks;
        }
        sold.repeated += 1;
        seen.repeated.fetch_add(1, Ordering::Relaxed);
        if seen.stop.load(Ordering::Relaxed) && last.get_or_insert_with(Instant::now).elapsed() > WAIT_MAX {
            sold.wrong.push("a till could not hand in its last batch".to_owned());
            return false;
        }
        thread::sleep(REST);
    };
    for payment in batch {
        match acks.iter().find(|ack| ack.id == payment.id && ack.record_hash == payment.hash) {
            Some(ack) if ack.status == "stored" || ack.status == "duplicate" => {
                let mut acknowledged = seen.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                *acknowledged.entry(ack.epoch.clone()).or_insert(0) += 1;
                sold.answers_lost += usize::from(ack.status == "duplicate");
                sold.acknowledged.push(Acked { payment, epoch: ack.epoch.clone() });
            }
            other => sold.wrong.push(format!("{}: acknowledged as {other:?}", payment.id)),
        }
    }
    true
}
