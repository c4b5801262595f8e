//! Tills that sell and upload. One keeps what was not acknowledged and offers it again, as a till does.

use holdfast_contract_tests::{APPROVED, Payment, Till};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Records of one batch.
const BATCH: usize = 5;
/// Between two batches of a till.
const REST: Duration = Duration::from_millis(150);
/// How long a till tries to hand in its last batch when nobody is killed any more.
const LAST_BATCH_MAX: Duration = Duration::from_secs(180);

/// What one till went through.
pub struct Sold {
    pub till: Till,
    /// Every payment that was acknowledged.
    pub acknowledged: Vec<Payment>,
    /// Batches that were offered again because no answer came.
    pub repeated: usize,
    /// Payments whose first acknowledgement said that they had been stored before: an answer was lost.
    pub answers_lost: usize,
    /// What went against the protocol.
    pub wrong: Vec<String>,
}

/// Sells until it is told to stop and everything is acknowledged.
pub fn sell(mut till: Till, stop: &AtomicBool) -> Sold {
    let (mut acknowledged, mut wrong) = (Vec::new(), Vec::new());
    let (mut repeated, mut answers_lost) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let batch: Vec<Payment> = (0..BATCH).map(|at| till.payment(APPROVED, 100 + at as i64)).collect();
        let records: Vec<&str> = batch.iter().map(|payment| payment.record.as_str()).collect();
        let mut last: Option<Instant> = None;
        let acks = loop {
            if let Some(acks) = till.try_upload(&records) {
                break acks;
            }
            repeated += 1;
            if stop.load(Ordering::Relaxed) && last.get_or_insert_with(Instant::now).elapsed() > LAST_BATCH_MAX {
                wrong.push("a till could not hand in its last batch".to_owned());
                return Sold { till, acknowledged, repeated, answers_lost, wrong };
            }
            thread::sleep(REST);
        };
        for payment in batch {
            match acks.iter().find(|ack| ack.id == payment.id && ack.record_hash == payment.hash) {
                Some(ack) if ack.status == "stored" => {}
                Some(ack) if ack.status == "duplicate" => answers_lost += 1,
                other => wrong.push(format!("{}: acknowledged as {other:?}", payment.id)),
            }
            acknowledged.push(payment);
        }
        thread::sleep(REST);
    }
    Sold { till, acknowledged, repeated, answers_lost, wrong }
}
