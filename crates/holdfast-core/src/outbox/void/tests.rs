//! The machine over two stores in memory, with a fault, a claim or a stop at every step: there is always the payment or its void, never both
//! and never neither, and what was said is true.

use super::*;
use crate::id::PaymentId;
use crate::outbox::{ChainPoint, Entry, Found, RecoverOp, recover};

const PAYMENT: RecordHash = RecordHash([1; 32]);
const VOID: RecordHash = RecordHash([2; 32]);

fn entry(hash: RecordHash) -> Entry {
    let (seq, voids) = if hash == VOID { (8, Some(PAYMENT)) } else { (7, None) };
    Entry { id: PaymentId::make(1, [1; 10]), hash, seq, bytes: 9, expires_ms: 1, voids }
}

/// What is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tablet {
    row: Option<RecordHash>,
    is_claimed: bool,
    files: Vec<RecordHash>,
    stone: Option<RecordHash>,
    head: u64,
}

impl Tablet {
    fn with_a_payment() -> Self {
        Self { row: Some(PAYMENT), is_claimed: false, files: vec![PAYMENT], stone: None, head: 7 }
    }

    fn swap(&mut self) -> VoidResponse {
        if self.row != Some(PAYMENT) || self.is_claimed {
            return if self.row == Some(VOID) { VoidResponse::Done } else { VoidResponse::Claimed };
        }
        (self.row, self.head) = (Some(VOID), 8);
        VoidResponse::Done
    }

    fn carry_out(&mut self, request: VoidRequest) -> VoidResponse {
        match request {
            VoidRequest::Journal => self.files.push(VOID),
            VoidRequest::Swap => return self.swap(),
            VoidRequest::ReadBack => return VoidResponse::Hash(self.row.or(self.stone)),
            VoidRequest::UnjournalVoid => self.files.retain(|file| *file != VOID),
            VoidRequest::Destroy => self.files.retain(|file| *file != PAYMENT),
        }
        VoidResponse::Done
    }

    /// An uploader: it claims, sends, and is acknowledged. What it sent.
    fn upload(&mut self) -> Option<RecordHash> {
        self.is_claimed |= self.row == Some(PAYMENT);
        let sent = self.row.take()?;
        self.stone = Some(sent);
        self.files.retain(|file| *file != sent);
        Some(sent)
    }

    fn found(&self) -> Found {
        let point = |seq| ChainPoint { seq, hash: RecordHash([9; 32]), sale_number: 7 };
        let entries = |hashes: &[RecordHash]| hashes.iter().copied().map(entry).collect::<Vec<_>>();
        let id = entry(PAYMENT).id;
        let is_unsent = self.row == Some(PAYMENT) && !self.is_claimed;
        Found {
            journal: entries(&self.files),
            rows: self.row.map(entry).into_iter().collect(),
            tombstones: self.stone.map(|hash| (id, hash)).into_iter().collect(),
            voided: (self.stone == Some(VOID)).then_some((id, PAYMENT)).into_iter().collect(),
            unsent: is_unsent.then_some((id, PAYMENT)).into_iter().collect(),
            head: Some(point(self.head)),
            journal_head: Some(point(self.head)),
            ..Found::default()
        }
    }

    fn recover(&mut self) {
        for op in recover(&self.found()) {
            match op {
                RecoverOp::Restore(entry) => self.row = self.row.or(Some(entry.hash)),
                RecoverOp::Journal(entry) => self.files.push(entry.hash),
                RecoverOp::Unjournal(entry) => self.files.retain(|file| *file != entry.hash),
                RecoverOp::Void { .. } => {
                    assert_eq!(self.swap(), VoidResponse::Done);
                    self.files.retain(|file| *file != PAYMENT);
                }
                RecoverOp::RaiseHead(point) => self.head = point.seq,
                RecoverOp::RemoveTorn(_) => {}
            }
        }
        assert_eq!(recover(&self.found()), [], "a second recovery finds nothing to do: {self:?}");
    }

    /// Everything that will ever reach the server from here.
    fn sent_in_the_end(mut self, already: Option<RecordHash>) -> Vec<RecordHash> {
        self.recover();
        assert_eq!(self.row.into_iter().collect::<Vec<_>>(), self.files, "both copies are the same");
        let head = if self.row.or(self.stone) == Some(VOID) { 8 } else { 7 };
        assert_eq!(self.head, head, "the chain ends with what there is");
        already.into_iter().chain(self.upload()).collect()
    }
}

/// What goes wrong at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// The step is not carried out, and says so.
    Fails,
    /// It is carried out, and says that it was not.
    FailsAfter,
    /// The tablet stops before it, or after it.
    StopsBefore,
    StopsAfter,
    /// An uploader runs just before it.
    Uploads,
}

/// Runs until the end or the stop. What was said, what was sent meanwhile, and what is on the disk.
fn run(at: usize, trouble: Trouble) -> (Option<VoidOutcome>, Option<RecordHash>, Tablet) {
    let (mut tablet, mut sent) = (Tablet::with_a_payment(), None);
    let mut step = Void::start(PAYMENT, VOID);
    for n in 0.. {
        let (void, request) = match step {
            VoidStep::End(outcome) => return (Some(outcome), sent, tablet),
            VoidStep::Ask(void, request) => (void, request),
        };
        let trouble = if n == at { trouble } else { Trouble::None };
        let failed = VoidResponse::Failed(StoreFault::Full);
        let response = match trouble {
            Trouble::Fails => failed,
            Trouble::StopsBefore => return (None, sent, tablet),
            Trouble::Uploads => {
                sent = sent.or(tablet.upload());
                tablet.carry_out(request)
            }
            Trouble::None => tablet.carry_out(request),
            Trouble::FailsAfter | Trouble::StopsAfter => {
                tablet.carry_out(request);
                if trouble == Trouble::StopsAfter {
                    return (None, sent, tablet);
                }
                failed
            }
        };
        step = void.next(response);
    }
    unreachable!("a machine ends")
}

#[test]
fn a_void_takes_the_payments_place_and_the_sealed_record_is_gone() {
    let (outcome, sent, tablet) = run(9, Trouble::None);
    assert_eq!((outcome, sent), (Some(VoidOutcome::Voided { is_destroyed: true }), None));
    assert_eq!((tablet.row, tablet.files, tablet.head), (Some(VOID), vec![VOID], 8));
}

#[test]
fn whatever_happens_there_is_the_payment_or_its_void_and_what_was_said_is_true() {
    use Trouble::{Fails, FailsAfter, StopsAfter, StopsBefore, Uploads};
    for trouble in [Fails, FailsAfter, StopsBefore, StopsAfter, Uploads] {
        for at in 0..4 {
            let (said, sent, tablet) = run(at, trouble);
            let all = tablet.sent_in_the_end(sent);
            let name = format!("{trouble:?} at {at}: {said:?}, {all:?}");
            // The server answers a second upload of the same as a duplicate.
            assert!(all == [PAYMENT] || all == [VOID], "{name}");
            match said {
                Some(VoidOutcome::Voided { .. }) => assert_eq!(all, [VOID], "{name}"),
                Some(VoidOutcome::Claimed | VoidOutcome::NotVoided(_)) => assert_eq!(all, [PAYMENT], "{name}"),
                Some(VoidOutcome::Unsure(_)) | None => {}
            }
        }
    }
}

#[test]
fn what_may_have_been_sent_is_not_voided_here() {
    for at in [0, 1] {
        assert_eq!(run(at, Trouble::Uploads).0, Some(VoidOutcome::Claimed), "an upload before step {at}");
    }
    let mut claimed = Tablet { is_claimed: true, files: vec![PAYMENT, VOID], ..Tablet::with_a_payment() };
    claimed.recover();
    assert_eq!((claimed.row, claimed.files, claimed.head), (Some(PAYMENT), vec![PAYMENT], 7), "nor by the recovery");
}

#[test]
fn a_wiped_database_comes_back_with_the_void_and_not_with_the_payment() {
    for files in [vec![PAYMENT, VOID], vec![VOID]] {
        let mut wiped = Tablet { row: None, files, ..Tablet::with_a_payment() };
        wiped.recover();
        assert_eq!((wiped.row, wiped.files, wiped.head), (Some(VOID), vec![VOID], 8));
    }
}
