//! Doubts settled: a capture is repeated, everything else is taken back.

use super::line::Outcome;
use super::log::{Exchange, Kind, New, State};
use super::{Iso8583, doubtful, latest, latest_try, messages};
use crate::acquirer::{AcquirerError, Known};
use holdfast_core::time::UnixMs;

impl Iso8583 {
    /// Settles what is open of a payment. An error says that it is still open, and to come again.
    pub(super) async fn settle(&self, now_ms: UnixMs, reference: &str) -> Result<(), AcquirerError> {
        let exchanges = self.exchanges(reference).await?;
        for exchange in exchanges.iter().filter(|exchange| exchange.state == State::Open) {
            match exchange.kind {
                Kind::Capture => self.repeat_capture(now_ms, exchange, &exchanges).await?,
                Kind::Authorisation => self.take_back(now_ms, exchange, &exchanges).await?,
                // A reversal is open with its original, or after the authorisation was given back in vain.
                Kind::Reversal => {
                    let original = exchanges.iter().find(|original| Some(original.id) == exchange.original);
                    // It may have been confirmed a moment ago, with the original before it in this very list.
                    if let Some(original) = original.filter(|original| original.state == State::Answered) {
                        self.take_back(now_ms, original, &exchanges).await?;
                    }
                }
                // Whoever asked for the refund may then ask anew.
                Kind::Refund => self.take_back(now_ms, exchange, &exchanges).await?,
            }
        }
        Ok(())
    }

    /// 0221, with the numbers of the first: the host recognises it and carries it out at most once.
    async fn repeat_capture(&self, now_ms: UnixMs, exchange: &Exchange, all: &[Exchange]) -> Result<(), AcquirerError> {
        let Some(authorisation) = all.iter().find(|original| Some(original.id) == exchange.original) else {
            return Err(AcquirerError::TimedOut);
        };
        self.log.repeat(exchange.id).await.map_err(doubtful)?;
        let again = Exchange { sends: exchange.sends + 1, ..exchange.clone() };
        let message = messages::capture(self.config(), &again, authorisation);
        match self.line.ask(message).await {
            Outcome::Unsent => Err(AcquirerError::Unreachable),
            Outcome::Lost => Err(AcquirerError::TimedOut),
            Outcome::Answer(answer) => {
                // "Repeated" is no refusal: the first one arrived.
                let said = answer.trimmed(39).unwrap_or_default();
                let approved = self.config().codes.approved.first().map_or("00", String::as_str);
                let code = if said == DUPLICATE { approved } else { said };
                self.log.answered(exchange.id, now_ms, code, answer.trimmed(38), false).await.map_err(doubtful)
            }
        }
    }

    /// 0420, or 0421 when it was sent before, until the host confirms it.
    pub(super) async fn take_back(
        &self,
        now_ms: UnixMs,
        original: &Exchange,
        all: &[Exchange],
    ) -> Result<(), AcquirerError> {
        let earlier = all.iter().find(|e| e.kind == Kind::Reversal && e.original == Some(original.id));
        let reversal = match earlier {
            Some(reversal) => {
                self.log.repeat(reversal.id).await.map_err(doubtful)?;
                Exchange { sends: reversal.sends + 1, ..reversal.clone() }
            }
            None => {
                let new = New {
                    reference: &original.reference,
                    kind: Kind::Reversal,
                    number: original.number,
                    original: Some(original.id),
                    amount_minor: original.amount_minor,
                    currency: &original.currency,
                };
                self.begin(now_ms, new, Some(&original.rrn)).await?
            }
        };
        let message = messages::reversal(self.config(), &reversal, original);
        match self.line.ask(message).await {
            Outcome::Unsent => Err(AcquirerError::Unreachable),
            Outcome::Lost => Err(AcquirerError::TimedOut),
            Outcome::Answer(answer) => {
                let code = answer.trimmed(39).unwrap_or_default();
                if !self.config().codes.is_reversed(code) {
                    tracing::warn!(
                        reference = original.reference,
                        code,
                        "the acquirer refuses a reversal; it is sent again"
                    );
                    return Err(AcquirerError::Unreachable);
                }
                self.log.reversed(reversal.id, original.id, now_ms, code).await.map_err(doubtful)?;
                self.counters().reversals.add();
                Ok(())
            }
        }
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

/// Field 39 of an answer to a message that the host had already.
const DUPLICATE: &str = "94";
