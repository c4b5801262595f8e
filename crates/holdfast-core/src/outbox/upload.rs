//! Getting sealed payments up: one run of the uploader, from the look at the queue to the last settled acknowledgement.
//!
//! The shell holds the upload lock while a run lasts. A lock may be lost without notice (a stopped worker), so two runs may
//! overlap: the server takes each payment once and every step here may be done twice.

use super::{Entry, next_batch};
use crate::id::{PaymentId, RecordHash};
use crate::limits::{BATCHES_PER_RUN_MAX, SETTLE_FAULTS_MAX};
use std::collections::BTreeSet;

/// Which payments a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything that waits.
    All,
    /// Only this one: a live sale does not wait for the batch.
    Only(PaymentId),
}

/// What became of a record at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AckStatus {
    Stored,
    Duplicate,
    /// Kept by the server for the owner, with the reason's name.
    Quarantined(String),
}

/// An acknowledgement whose signature was checked against the verified key set. The shell makes one only then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// `None`: the server could not read the record's id.
    pub id: Option<PaymentId>,
    pub hash: RecordHash,
    pub status: AckStatus,
}

/// What came back for a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer in our format; the verified acknowledgements in it, in whatever order, perhaps fewer or others than asked for.
    Acks(Vec<Ack>),
    /// No answer: network down, time-out, refused connection.
    Unreachable,
    /// Something answered that is not Holdfast or not in our format (a captive portal, a proxy's error page).
    NotHoldfast,
    /// The server asks for patience (429, 503), with its Retry-After if it gave one.
    Busy { retry_after_ms: Option<i64> },
    /// The server refuses the whole request (4xx); the reason's name.
    Refused(String),
}

/// What the shell is to do next. Each request is answered by [`Upload::next`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadRequest {
    /// List what waits. Answered by `Queue`.
    List,
    /// Send these records in one request. Answered by `Reply`.
    Send(Vec<Entry>),
    /// Delete exactly these ciphertexts, each on its own acknowledgement: in one transaction remove each row if its hash is this one, and
    /// write its tombstone. All or nothing: `Failed` means that all of them are still there.
    Settle(Vec<(Entry, AckStatus)>),
    /// Then remove them from the journal, in any order.
    Unjournal(Vec<Entry>),
}

/// The shell's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadResponse {
    Queue(Vec<Entry>),
    Reply(Reply),
    Done,
    Failed,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadOutcome {
    /// Nothing (more) of the scope waits.
    Drained,
    /// Nothing got through; try again by back-off or at the next trigger.
    Unreachable,
    NotHoldfast,
    Busy {
        retry_after_ms: Option<i64>,
    },
    Refused(String),
    /// The server answered, but these were not acknowledged: they stay and are offered again later.
    Unacknowledged,
    /// The device's own store failed.
    StoreFailed,
    /// There is more, but the run has sent its share and hands the lock back.
    MoreLater,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UploadSummary {
    pub settled: Vec<(PaymentId, AckStatus)>,
    pub batches: usize,
}

/// Either the next request, or the end.
#[derive(Debug)]
pub enum UploadStep {
    Ask(Upload, UploadRequest),
    End(UploadOutcome, UploadSummary),
}

/// The machine.
#[derive(Debug)]
pub struct Upload {
    scope: Scope,
    summary: UploadSummary,
    /// Sent in this run and not acknowledged: not sent again in the same run, so they hold up nobody.
    passed_over: BTreeSet<PaymentId>,
    /// Acknowledged payments that the device's own store could not settle, each for itself.
    store_faults: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Listing,
    Sending {
        batch: Vec<Entry>,
    },
    /// `rest` is settled afterwards, one by one: what is in it has failed as a whole.
    Settling {
        current: Vec<(Entry, AckStatus)>,
        rest: Vec<(Entry, AckStatus)>,
    },
    Unjournalling {
        rest: Vec<(Entry, AckStatus)>,
    },
}

impl Upload {
    pub fn start(scope: Scope) -> UploadStep {
        let upload = Self {
            scope,
            summary: UploadSummary::default(),
            passed_over: BTreeSet::new(),
            store_faults: 0,
            state: State::Listing,
        };
        UploadStep::Ask(upload, UploadRequest::List)
    }

    pub fn next(mut self, response: UploadResponse) -> UploadStep {
        let state = std::mem::replace(&mut self.state, State::Listing);
        match (state, response) {
            (State::Listing, UploadResponse::Queue(queue)) => self.choose(&queue),
            (State::Sending { batch }, UploadResponse::Reply(reply)) => self.answered(batch, reply),
            (State::Settling { current, rest }, UploadResponse::Done) => {
                let (entries, statuses): (Vec<Entry>, Vec<AckStatus>) = current.into_iter().unzip();
                self.summary.settled.extend(entries.iter().map(|e| e.id).zip(statuses));
                self.state = State::Unjournalling { rest };
                UploadStep::Ask(self, UploadRequest::Unjournal(entries))
            }
            (State::Settling { current, rest }, UploadResponse::Failed) => self.not_settled(current, rest),
            // The journal's copy of a settled payment is found again and removed by the recovery, thanks to the tombstone.
            (State::Unjournalling { rest }, UploadResponse::Done | UploadResponse::Failed) => self.settle_next(rest),
            (_, _) => self.end(UploadOutcome::StoreFailed),
        }
    }

    fn choose(mut self, queue: &[Entry]) -> UploadStep {
        let scoped = |e: &Entry| match self.scope {
            Scope::All => true,
            Scope::Only(id) => e.id == id,
        };
        let batch = next_batch(queue, |e| !scoped(e) || self.passed_over.contains(&e.id));
        if batch.is_empty() {
            let outcome = match (self.store_faults, self.passed_over.is_empty()) {
                (0, true) => UploadOutcome::Drained,
                (0, false) => UploadOutcome::Unacknowledged,
                (_, _) => UploadOutcome::StoreFailed,
            };
            return self.end(outcome);
        }
        if self.summary.batches >= BATCHES_PER_RUN_MAX {
            return self.end(UploadOutcome::MoreLater);
        }
        self.summary.batches += 1;
        self.state = State::Sending { batch: batch.clone() };
        UploadStep::Ask(self, UploadRequest::Send(batch))
    }

    fn answered(mut self, batch: Vec<Entry>, reply: Reply) -> UploadStep {
        let acks = match reply {
            Reply::Acks(acks) => acks,
            Reply::Unreachable => return self.end(UploadOutcome::Unreachable),
            Reply::NotHoldfast => return self.end(UploadOutcome::NotHoldfast),
            Reply::Busy { retry_after_ms } => return self.end(UploadOutcome::Busy { retry_after_ms }),
            Reply::Refused(reason) => return self.end(UploadOutcome::Refused(reason)),
        };
        let mut settled = Vec::new();
        for entry in batch {
            match acks.iter().find(|a| a.id == Some(entry.id) && a.hash == entry.hash) {
                Some(ack) => settled.push((entry, ack.status.clone())),
                None => {
                    self.passed_over.insert(entry.id);
                }
            }
        }
        if settled.is_empty() { self.list_again() } else { self.settle(settled, Vec::new()) }
    }

    /// A batch that cannot be settled as a whole is settled one by one: a payment's fault must not hold up the others.
    fn not_settled(mut self, current: Vec<(Entry, AckStatus)>, rest: Vec<(Entry, AckStatus)>) -> UploadStep {
        if current.len() > 1 {
            return self.settle_next(current);
        }
        self.passed_over.extend(current.iter().map(|(entry, _)| entry.id));
        self.store_faults += 1;
        if self.store_faults >= SETTLE_FAULTS_MAX {
            return self.end(UploadOutcome::StoreFailed);
        }
        self.settle_next(rest)
    }

    fn settle_next(self, mut rest: Vec<(Entry, AckStatus)>) -> UploadStep {
        if rest.is_empty() {
            return self.list_again();
        }
        let first = rest.remove(0);
        self.settle(vec![first], rest)
    }

    fn settle(mut self, current: Vec<(Entry, AckStatus)>, rest: Vec<(Entry, AckStatus)>) -> UploadStep {
        let request = UploadRequest::Settle(current.clone());
        self.state = State::Settling { current, rest };
        UploadStep::Ask(self, request)
    }

    fn list_again(mut self) -> UploadStep {
        self.state = State::Listing;
        UploadStep::Ask(self, UploadRequest::List)
    }

    fn end(self, outcome: UploadOutcome) -> UploadStep {
        UploadStep::End(outcome, self.summary)
    }
}

/// The delay before attempt number `attempt` (from 0) after failures: doubling, bounded, with jitter from `random` (0 to 255).
pub fn retry_delay_ms(attempt: u32, random: u8) -> i64 {
    use crate::limits::{UPLOAD_RETRY_MS_MAX, UPLOAD_RETRY_MS_MIN};
    let full = UPLOAD_RETRY_MS_MIN
        .saturating_mul(1_i64.checked_shl(attempt.min(20)).unwrap_or(i64::MAX))
        .min(UPLOAD_RETRY_MS_MAX);
    full / 2 + full / 2 * i64::from(random) / 255
}

/// The delay after the server asked for patience: as long as it asked, within limits, and up to a quarter longer by chance, so that tills
/// that were sent away together do not come back together. Without a word of it, the delay of a failed attempt.
pub fn busy_delay_ms(asked_ms: Option<i64>, attempt: u32, random: u8) -> i64 {
    use crate::limits::{UPLOAD_ASKED_MS_MAX, UPLOAD_RETRY_MS_MIN};
    let Some(asked_ms) = asked_ms else { return retry_delay_ms(attempt, random) };
    let asked_ms = asked_ms.clamp(UPLOAD_RETRY_MS_MIN, UPLOAD_ASKED_MS_MAX);
    asked_ms + asked_ms / 4 * i64::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;

    fn ack(e: &Entry) -> Ack {
        Ack { id: Some(e.id), hash: e.hash, status: AckStatus::Stored }
    }

    /// Drives a run over a store in memory; `server` answers each batch.
    fn drive(queue: &mut Vec<Entry>, server: impl FnMut(&[Entry]) -> Reply) -> (UploadOutcome, UploadSummary) {
        drive_over(queue, server, |_| true)
    }

    /// The same over a store that settles nothing in which `settles` is not true for every entry.
    fn drive_over(
        queue: &mut Vec<Entry>,
        mut server: impl FnMut(&[Entry]) -> Reply,
        settles: impl Fn(&Entry) -> bool,
    ) -> (UploadOutcome, UploadSummary) {
        let mut step = Upload::start(Scope::All);
        loop {
            match step {
                UploadStep::End(outcome, summary) => return (outcome, summary),
                UploadStep::Ask(upload, request) => {
                    let response = match request {
                        UploadRequest::List => UploadResponse::Queue(queue.clone()),
                        UploadRequest::Send(batch) => UploadResponse::Reply(server(&batch)),
                        UploadRequest::Settle(settled) if settled.iter().all(|(e, _)| settles(e)) => {
                            queue.retain(|e| settled.iter().all(|(s, _)| (e.id, e.hash) != (s.id, s.hash)));
                            UploadResponse::Done
                        }
                        UploadRequest::Settle(_) => UploadResponse::Failed,
                        UploadRequest::Unjournal(entries) => {
                            assert!(
                                entries.iter().all(|e| !queue.contains(e)),
                                "only what was settled leaves the journal"
                            );
                            UploadResponse::Done
                        }
                    };
                    step = upload.next(response);
                }
            }
        }
    }

    #[test]
    fn a_queue_drains_in_bounded_batches() {
        let mut queue: Vec<Entry> = (1..=120).map(|n| entry(n, 2_000)).collect();
        let (outcome, summary) = drive(&mut queue, |batch| Reply::Acks(batch.iter().rev().map(ack).collect()));
        assert_eq!((outcome, queue.len(), summary.settled.len(), summary.batches), (UploadOutcome::Drained, 0, 120, 3));
    }

    #[test]
    fn only_a_matching_acknowledgement_deletes() {
        let other = |e: &Entry| Ack { hash: RecordHash([99; 32]), ..ack(e) };
        let nameless = |e: &Entry| Ack { id: None, ..ack(e) };
        let foreign = |_: &Entry| ack(&entry(200, 1));
        let forgeries: [&dyn Fn(&Entry) -> Ack; 3] = [&other, &nameless, &foreign];
        for forge in forgeries {
            let mut queue = vec![entry(1, 10), entry(2, 10)];
            let (outcome, _) = drive(&mut queue, |batch| Reply::Acks(batch.iter().map(forge).collect()));
            assert_eq!((outcome, queue.len()), (UploadOutcome::Unacknowledged, 2));
        }
        for reply in [
            Reply::Unreachable,
            Reply::NotHoldfast,
            Reply::Busy { retry_after_ms: None },
            Reply::Refused("x".into()),
            Reply::Acks(vec![]),
        ] {
            let mut queue = vec![entry(1, 10)];
            drive(&mut queue, |_| reply.clone());
            assert_eq!(queue.len(), 1, "{reply:?}");
        }
    }

    #[test]
    fn one_that_is_not_acknowledged_holds_up_nobody() {
        let mut queue: Vec<Entry> = (1..=120).map(|n| entry(n, 10)).collect();
        let bad = queue[0].id;
        let (outcome, summary) =
            drive(&mut queue, |batch| Reply::Acks(batch.iter().filter(|e| e.id != bad).map(ack).collect()));
        assert_eq!((outcome, queue.len(), summary.settled.len()), (UploadOutcome::Unacknowledged, 1, 119));
    }

    #[test]
    fn a_batch_is_settled_at_once_and_one_that_cannot_be_holds_up_nobody() {
        let all = |batch: &[Entry]| Reply::Acks(batch.iter().map(ack).collect());
        let mut queue: Vec<Entry> = (1..=120).map(|n| entry(n, 10)).collect();
        let bad = queue[7].id;
        let (outcome, summary) = drive_over(&mut queue, all, |e| e.id != bad);
        assert_eq!((outcome, queue.len(), summary.settled.len()), (UploadOutcome::StoreFailed, 1, 119));
        assert_eq!(queue[0].id, bad);
        let mut queue: Vec<Entry> = (1..=120).map(|n| entry(n, 10)).collect();
        let tried = std::cell::Cell::new(0);
        let (outcome, summary) = drive_over(&mut queue, all, |_| {
            tried.set(tried.get() + 1);
            false
        });
        assert_eq!((outcome, queue.len(), summary.settled.len()), (UploadOutcome::StoreFailed, 120, 0));
        assert_eq!(
            (tried.get(), summary.batches),
            (1 + SETTLE_FAULTS_MAX, 1),
            "a store that settles nothing is not asked for ever"
        );
    }

    #[test]
    fn back_off_grows_to_a_bound() {
        assert!(retry_delay_ms(0, 255) <= 1_000 && retry_delay_ms(0, 0) >= 500);
        assert_eq!(retry_delay_ms(u32::MAX, 255), crate::limits::UPLOAD_RETRY_MS_MAX);
        assert!((1..30).all(|n| retry_delay_ms(n, 128) >= retry_delay_ms(n - 1, 128)));
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it_within_limits() {
        for (asked_ms, earliest_ms, latest_ms) in [
            (Some(2_000), 2_000, 2_500),
            (Some(0), 1_000, 1_250),
            (Some(-7), 1_000, 1_250),
            (Some(120_000), 120_000, 150_000),
            // A day, or for ever: no answer holds a payment back that long.
            (Some(86_400_000), 300_000, 375_000),
            (Some(i64::MAX), 300_000, 375_000),
            (None, 500, 1_000),
        ] {
            assert_eq!(busy_delay_ms(asked_ms, 0, 0), earliest_ms, "{asked_ms:?}");
            assert_eq!(busy_delay_ms(asked_ms, 0, 255), latest_ms, "{asked_ms:?}");
        }
    }
}
