//! Voiding a stored payment before it is uploaded: a signed void takes the place of the sealed record, and the sealed data are destroyed.
//!
//! The shell holds the chain lock, because the void is the chain's next record. Whether the payment may have been sent is not a matter of
//! locks, which a stopped worker loses without notice: an uploader claims a record in the database before it sends it, and [`VoidRequest::Swap`]
//! finds it claimed or not in the very transaction that would swap. So a payment is either sent or voided, whoever comes first.

use super::StoreFault;
use crate::id::RecordHash;

/// What the shell is to do next. Each request is answered by [`Void::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidRequest {
    /// Append the void to the journal and flush it to disk.
    Journal,
    /// In one transaction of strict durability: if the row is the payment's and nobody has claimed it, put the void in its place and move the
    /// chain's head to the void. Answered `Done` or `Claimed`.
    Swap,
    /// Read the row back from the database with a new transaction and hash it.
    ReadBack,
    /// Take the void out of the journal again: it never was.
    UnjournalVoid,
    /// Remove the sealed record from the journal.
    Destroy,
}

/// The shell's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidResponse {
    Done,
    /// The payment may have been sent.
    Claimed,
    Hash(Option<RecordHash>),
    Failed(StoreFault),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidOutcome {
    /// The void is in the payment's place, durably, and nothing charges the payment any more. Where the journal could not let go of the sealed
    /// record, the next recovery removes it.
    Voided { is_destroyed: bool },
    /// It may have been sent: only the server can void it.
    Claimed,
    /// Nothing was changed: the payment waits as before.
    NotVoided(StoreFault),
    /// It cannot be told; the next recovery settles it one way or the other.
    Unsure(StoreFault),
}

/// Either the next request, or the end.
#[derive(Debug)]
pub enum VoidStep {
    Ask(Void, VoidRequest),
    End(VoidOutcome),
}

/// The machine.
#[derive(Debug)]
pub struct Void {
    payment: RecordHash,
    void: RecordHash,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Journalling,
    Swapping,
    ReadingBack,
    /// The swap failed, and may have happened all the same.
    Doubting(StoreFault),
    Undoing(StoreFault),
    GivingUp,
    Destroying,
}

impl Void {
    /// `payment` is the record that waits, `void` the one that is to take its place.
    pub fn start(payment: RecordHash, void: RecordHash) -> VoidStep {
        VoidStep::Ask(Self { payment, void, state: State::Journalling }, VoidRequest::Journal)
    }

    pub fn next(self, response: VoidResponse) -> VoidStep {
        match (self.state, response) {
            (State::Journalling, VoidResponse::Done) => self.to(State::Swapping, VoidRequest::Swap),
            // A half-written void must not be found by the recovery.
            (State::Journalling, r) => self.to(State::Undoing(fault(r)), VoidRequest::UnjournalVoid),
            (State::Swapping, VoidResponse::Done) => self.to(State::ReadingBack, VoidRequest::ReadBack),
            (State::Swapping, VoidResponse::Claimed) => self.to(State::GivingUp, VoidRequest::UnjournalVoid),
            (State::Swapping, r) => self.to(State::Doubting(fault(r)), VoidRequest::ReadBack),
            (State::ReadingBack | State::Doubting(_), VoidResponse::Hash(Some(hash))) if hash == self.void => {
                self.to(State::Destroying, VoidRequest::Destroy)
            }
            (State::Doubting(f), VoidResponse::Hash(Some(hash))) if hash == self.payment => {
                self.to(State::Undoing(f), VoidRequest::UnjournalVoid)
            }
            (State::ReadingBack, r) => VoidStep::End(VoidOutcome::Unsure(fault(r))),
            (State::Doubting(f), _) => VoidStep::End(VoidOutcome::Unsure(f)),
            (State::Undoing(f), VoidResponse::Done) => VoidStep::End(VoidOutcome::NotVoided(f)),
            (State::Undoing(f), _) => VoidStep::End(VoidOutcome::Unsure(f)),
            // A void of what is claimed is not carried out by the recovery either, so a file that stays does no harm.
            (State::GivingUp, _) => VoidStep::End(VoidOutcome::Claimed),
            (State::Destroying, r) => VoidStep::End(VoidOutcome::Voided { is_destroyed: r == VoidResponse::Done }),
        }
    }

    fn to(self, state: State, request: VoidRequest) -> VoidStep {
        VoidStep::Ask(Self { state, ..self }, request)
    }
}

fn fault(response: VoidResponse) -> StoreFault {
    match response {
        VoidResponse::Failed(fault) => fault,
        VoidResponse::Done | VoidResponse::Claimed | VoidResponse::Hash(_) => StoreFault::Mismatch,
    }
}

#[cfg(test)]
mod tests;
