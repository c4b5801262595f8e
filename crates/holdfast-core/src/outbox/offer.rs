//! What a till does when its server's epoch is another one: the server came from a copy, or a standby took its place, and what was acknowledged
//! before may be missing. The till offers the tombstones of those payments again; the server says which of them it knows, and writes down the
//! others for the owner.
//!
//! A machine without IO, as [`super::Upload`] is. A run may be stopped anywhere and begun again: every step may be done twice.

use crate::id::{PaymentId, RecordHash};
use crate::limits::{OFFER_STONES_MAX, OFFERS_PER_RUN_MAX};
use std::collections::BTreeSet;

/// What is left of an acknowledged payment, as far as the machine needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stone {
    pub id: PaymentId,
    pub hash: RecordHash,
    /// Of the acknowledgement, or of the last answer to an offer.
    pub epoch: String,
}

/// What the server says of a payment that it once acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoneStanding {
    Known,
    /// It is gone there, and the owner is told. A till that still has the sealed record hands it in again.
    Missing,
}

/// An answer whose signature was checked against the verified key set. The shell makes one only then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoneAnswer {
    pub id: PaymentId,
    pub hash: RecordHash,
    pub standing: StoneStanding,
    pub epoch: String,
}

/// What the shell is to do next. Each request is answered by [`Offer::next`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferRequest {
    /// List the tombstones. Answered by `Stones`.
    List,
    /// Offer these in one request. Answered by `Answers`.
    Send(Vec<Stone>),
    /// In one transaction: give each tombstone of this id and hash this epoch. One that is missing and whose sealed record is still on the device
    /// goes instead, and its record is put back into the queue; else it says that it is missing.
    Mark { epoch: String, answers: Vec<(Stone, StoneStanding)> },
    /// Remember that everything was offered to a server of this epoch.
    Remember { epoch: String },
}

/// The shell's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferResponse {
    Stones(Vec<Stone>),
    /// The verified answers, in whatever order; perhaps fewer or others than asked for, and none when nothing of ours came back.
    Answers(Vec<StoneAnswer>),
    Done,
    Failed,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferOutcome {
    /// Every tombstone was answered by a server of this epoch.
    Offered,
    /// Some were not, or the device's own store failed. The next time that the server is heard it begins again.
    Later,
}

/// What a run found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfferSummary {
    pub known_count: usize,
    pub missing: Vec<PaymentId>,
}

/// Either the next request, or the end.
#[derive(Debug)]
pub enum OfferStep {
    Ask(Offer, OfferRequest),
    End(OfferOutcome, OfferSummary),
}

/// The machine.
#[derive(Debug)]
pub struct Offer {
    epoch: String,
    summary: OfferSummary,
    /// Offered in this run and not answered.
    passed_over: BTreeSet<PaymentId>,
    sent_count: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Listing,
    Sending { batch: Vec<Stone> },
    Marking { answers: Vec<(Stone, StoneStanding)> },
    Remembering,
}

impl Offer {
    /// The server's epoch is `heard`, by its signature; `offered` is the one to which everything was offered last. `None`: nothing to do.
    pub fn start(heard: &str, offered: Option<&str>) -> Option<OfferStep> {
        if heard.is_empty() || offered == Some(heard) {
            return None;
        }
        let offer = Self {
            epoch: heard.to_owned(),
            summary: OfferSummary::default(),
            passed_over: BTreeSet::new(),
            sent_count: 0,
            state: State::Listing,
        };
        Some(OfferStep::Ask(offer, OfferRequest::List))
    }

    pub fn next(mut self, response: OfferResponse) -> OfferStep {
        match (std::mem::replace(&mut self.state, State::Listing), response) {
            (State::Listing, OfferResponse::Stones(stones)) => self.choose(stones),
            (State::Sending { batch }, OfferResponse::Answers(answers)) => self.answered(batch, &answers),
            (State::Marking { answers }, OfferResponse::Done) => {
                for (stone, standing) in answers {
                    match standing {
                        StoneStanding::Known => self.summary.known_count += 1,
                        StoneStanding::Missing => self.summary.missing.push(stone.id),
                    }
                }
                OfferStep::Ask(self, OfferRequest::List)
            }
            (State::Remembering, OfferResponse::Done) => self.end(OfferOutcome::Offered),
            (_, _) => self.end(OfferOutcome::Later),
        }
    }

    fn choose(mut self, stones: Vec<Stone>) -> OfferStep {
        let is_due = |stone: &Stone| stone.epoch != self.epoch && !self.passed_over.contains(&stone.id);
        let batch: Vec<Stone> = stones.into_iter().filter(is_due).take(OFFER_STONES_MAX).collect();
        if batch.is_empty() && self.passed_over.is_empty() {
            let epoch = self.epoch.clone();
            self.state = State::Remembering;
            return OfferStep::Ask(self, OfferRequest::Remember { epoch });
        }
        if batch.is_empty() || self.sent_count >= OFFERS_PER_RUN_MAX {
            return self.end(OfferOutcome::Later);
        }
        self.sent_count += 1;
        self.state = State::Sending { batch: batch.clone() };
        OfferStep::Ask(self, OfferRequest::Send(batch))
    }

    fn answered(mut self, batch: Vec<Stone>, answers: &[StoneAnswer]) -> OfferStep {
        let mut taken = Vec::new();
        for stone in batch {
            // An answer of another epoch says nothing of this server's books.
            let fits = |a: &&StoneAnswer| a.id == stone.id && a.hash == stone.hash && a.epoch == self.epoch;
            match answers.iter().find(fits) {
                Some(answer) => taken.push((stone, answer.standing)),
                None => drop(self.passed_over.insert(stone.id)),
            }
        }
        if taken.is_empty() {
            return self.end(OfferOutcome::Later);
        }
        self.state = State::Marking { answers: taken.clone() };
        let epoch = self.epoch.clone();
        OfferStep::Ask(self, OfferRequest::Mark { epoch, answers: taken })
    }

    fn end(self, outcome: OfferOutcome) -> OfferStep {
        OfferStep::End(outcome, self.summary)
    }
}

#[cfg(test)]
mod tests;
