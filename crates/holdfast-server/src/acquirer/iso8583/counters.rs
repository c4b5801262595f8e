//! What happened on the line, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one acquirer since its start.
#[derive(Debug, Default)]
pub struct Counters {
    pub connects: Counter,
    pub sent: Counter,
    pub answers: Counter,
    /// Requests that were not answered in time.
    pub time_outs: Counter,
    /// Answers after their time: the request has become a reversal, and they change nothing.
    pub late: Counter,
    /// Answers to what was answered before.
    pub duplicates: Counter,
    /// Answers whose number fits and whose amount, terminal or kind does not. They are taken for no answer.
    pub mismatches: Counter,
    /// Messages that answer nothing of ours.
    pub strays: Counter,
    /// Messages that cannot be read.
    pub unreadable: Counter,
    /// Reversals that the acquirer has confirmed.
    pub reversals: Counter,
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
