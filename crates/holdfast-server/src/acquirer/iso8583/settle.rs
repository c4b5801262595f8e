//! Doubts settled: a capture is repeated, everything else is taken back.

use super::line::Outcome;
use super::log::{Exchange, Kind, New, State};
use super::turn::Now;
use super::{Iso8583, doubtful, latest, latest_try, messages};
use crate::acquirer::{AcquirerError, Known};

impl Iso8583 {
    /// Settles what is open of a payment. An error says that it is still open, and to come again.
    pub(super) async fn settle(&self, now: Now, reference: &str) -> Result<(), AcquirerError> {
        // Each ends at least one, and none begins one that stays open.
        for _ in 0..OPEN_MAX {
            let all = self.exchanges(reference).await?;
            let Some(exchange) = all.iter().find(|exchange| exchange.state == State::Open) else { return Ok(()) };
            match exchange.kind {
                Kind::Capture => self.repeat_capture(now, exchange, &all).await?,
                // Whoever asked for the refund may then ask anew.
                Kind::Authorisation | Kind::Refund => self.take_back(now, exchange, &all).await?,
                // Of what was answered, or was approved after it had been taken back; with an open original that one comes first.
                Kind::Reversal => {
                    let original = all.iter().find(|original| Some(original.nth) == exchange.original);
                    self.take_back(now, original.ok_or(AcquirerError::TimedOut)?, &all).await?;
                }
            }
        }
        Err(AcquirerError::TimedOut)
    }

    /// 0221, with the numbers of the first: the host recognises it and carries it out at most once.
    async fn repeat_capture(&self, now: Now, exchange: &Exchange, all: &[Exchange]) -> Result<(), AcquirerError> {
        let Some(authorisation) = all.iter().find(|original| Some(original.nth) == exchange.original) else {
            return Err(AcquirerError::TimedOut);
        };
        let turn = self.turn(now);
        let again = self.hold(turn, exchange).await?;
        let message = messages::capture(self.config(), &again, authorisation);
        match self.line.ask(turn, message).await {
            Outcome::Unsent => self.let_go(turn.now_ms, &again, AcquirerError::Unreachable).await,
            Outcome::Lost => self.let_go(turn.now_ms, &again, AcquirerError::TimedOut).await,
            Outcome::Answer(answer) => {
                // "Repeated" is no refusal: the first one arrived.
                let said = answer.trimmed(39).unwrap_or_default();
                let approved = self.config().codes.approved.first().map_or("00", String::as_str);
                let code = if said == DUPLICATE { approved } else { said };
                self.keep(&again, State::Answered, turn.now_ms, (code, answer.trimmed(38))).await
            }
        }
    }

    /// 0420, or 0421 when it was sent before, until the host confirms it.
    pub(super) async fn take_back(&self, now: Now, original: &Exchange, all: &[Exchange]) -> Result<(), AcquirerError> {
        let turn = self.turn(now);
        if original.state == State::Open {
            // Somebody may still wait for its answer.
            self.log.hold(turn, original, false).await.map_err(doubtful)?;
        }
        let earlier = all.iter().find(|e| e.kind == Kind::Reversal && e.original == Some(original.nth));
        let reversal = match earlier {
            Some(reversal) => self.hold(turn, reversal).await?,
            None => {
                let new = New {
                    reference: &original.reference,
                    kind: Kind::Reversal,
                    number: original.number,
                    original: Some(original.nth),
                    amount_minor: original.amount_minor,
                    currency: &original.currency,
                };
                self.begin(turn, new, all, Some(&original.rrn)).await?
            }
        };
        let message = messages::reversal(self.config(), &reversal, original);
        let failed = match self.line.ask(turn, message).await {
            Outcome::Unsent => AcquirerError::Unreachable,
            Outcome::Lost => AcquirerError::TimedOut,
            Outcome::Answer(answer) => {
                let code = answer.trimmed(39).unwrap_or_default();
                if self.config().codes.is_reversed(code) {
                    self.log.reversed(&reversal, original, turn.now_ms, code).await.map_err(doubtful)?;
                    self.counters().reversals.add();
                    return Ok(());
                }
                tracing::warn!(
                    reference = original.reference,
                    code,
                    "the acquirer refuses a reversal; it is sent again"
                );
                AcquirerError::Unreachable
            }
        };
        if original.state == State::Open {
            self.log.leave(original, State::Open, turn.now_ms, None).await.map_err(doubtful)?;
        }
        self.let_go(turn.now_ms, &reversal, failed).await
    }

    /// The approved authorisation that may be captured.
    pub(super) fn standing<'a>(&self, exchanges: &'a [Exchange]) -> Option<&'a Exchange> {
        latest_try(exchanges).filter(|exchange| exchange.state == State::Answered && self.is_approved(exchange))
    }

    /// What the log says of a payment once nothing is open.
    pub(super) fn known(&self, exchanges: &[Exchange]) -> Known {
        let authorisation = latest_try(exchanges);
        let capture = latest(exchanges, Kind::Capture, 0).filter(|e| e.state == State::Answered);
        let is_told = |exchange: &&Exchange| match exchange.state {
            State::Answered => true,
            // Declined, or approved in part and given back: the answer stands. An approval that was given back is none, and what was
            // taken back without an answer is as if it had never been asked for.
            State::Reversed => exchange.code.is_some() && !self.is_approved(exchange),
            State::Open | State::Unsent => false,
        };
        let told = |exchange: &Exchange| (exchange.number, self.decision_of(exchange));
        let refunds = exchanges.iter().filter(|exchange| exchange.kind == Kind::Refund).filter(is_told);
        Known {
            try_number: authorisation.map_or(0, |exchange| exchange.number),
            refunds: refunds.map(told).collect(),
            authorisation: authorisation.filter(is_told).map(|exchange| self.decision_of(exchange)),
            capture: capture.map(|exchange| self.decision_of(exchange)),
            reversed: authorisation.is_some_and(|exchange| exchange.state == State::Reversed),
        }
    }
}

/// Exchanges of a payment that may be open at once; it is a few at most.
const OPEN_MAX: usize = 16;
/// Field 39 of an answer to a message that the host had already.
const DUPLICATE: &str = "94";
