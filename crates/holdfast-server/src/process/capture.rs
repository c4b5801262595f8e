//! Authorised -> capturing -> captured, or reversed when the capture is refused.

use super::open::CardKeys;
use super::{Clock, Flow, ProcessError, Processor, Run};
use crate::acquirer::{Acquirer, Decision, FollowUp, Known};
use crate::store::{AttemptKind, Ledger, PaymentOp};
use holdfast_core::payment::{Decline, Event};

const KIND: AttemptKind = AttemptKind::Capture;
/// Response code of a request that repeats another (ISO 8583 field 39).
const DUPLICATE: &str = "94";

impl<L: Ledger, A: Acquirer, K: CardKeys, C: Clock> Processor<L, A, K, C> {
    /// Commits the approval and the intent to capture together: one flush less, and no state in which neither is known. A payment that
    /// was voided meanwhile is not captured.
    pub(super) async fn write_approval(
        &self,
        run: &mut Run,
        approval_code: String,
        mut ops: Vec<PaymentOp>,
    ) -> Result<Flow, ProcessError> {
        let approved = Event::Approved { approval_code };
        if self.is_to_be_voided(run).await? {
            self.write(run, Some(vec![approved]), ops).await?;
            return Ok(Flow::Go);
        }
        ops.push(PaymentOp::Ask { kind: KIND });
        self.write(run, Some(vec![approved, Event::CaptureIntended]), ops).await?;
        self.send_capture(run).await
    }

    /// Commits the intent, then asks.
    pub(super) async fn capture(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        self.write(run, Some(vec![Event::CaptureIntended]), vec![PaymentOp::Ask { kind: KIND }]).await?;
        self.send_capture(run).await
    }

    async fn send_capture(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        if self.may_be_known(run, KIND) {
            // The intent is there: the next step asks first.
            return Ok(Flow::Go);
        }
        let answer = self.heard(self.acquirer.capture(self.clock.now_ms(), follow_up(run)).await);
        match answer {
            Ok(decision) => self.take_capture(run, decision, false).await,
            Err(error) => self.stop_and_come_again(run, error).await,
        }
    }

    /// The intent is there and its answer is not: asks for the reference.
    pub(super) async fn inquire_capture(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        run.inquired.push(KIND);
        let known = self.heard(self.acquirer.inquire(self.clock.now_ms(), run.payment.id).await);
        match known {
            Err(error) => self.stop_and_come_again(run, error).await,
            Ok(Known { capture: Some(decision), reversed, .. }) => self.take_capture(run, decision, reversed).await,
            Ok(Known { capture: None, .. }) => {
                let ops = vec![PaymentOp::Answer { kind: KIND, outcome: "not-at-acquirer".to_owned() }];
                self.write(run, Some(vec![Event::NotAtAcquirer]), ops).await?;
                Ok(Flow::Go)
            }
        }
    }

    async fn take_capture(&self, run: &mut Run, decision: Decision, is_reversed: bool) -> Result<Flow, ProcessError> {
        run.failures = 0;
        match decision {
            Decision::Approved { .. } => {
                let ops = vec![PaymentOp::Answer { kind: KIND, outcome: "approved".to_owned() }, PaymentOp::Done];
                self.write(run, Some(vec![Event::Captured]), ops).await?;
                Ok(Flow::Stop)
            }
            // It was captured before. The reference tells the result.
            Decision::Declined { code } if code == DUPLICATE => {
                tracing::error!(payment = %run.payment.id, "a capture was sent twice and refused by the acquirer");
                Ok(Flow::Go)
            }
            Decision::Declined { code } => self.give_back(run, code, is_reversed).await,
        }
    }

    /// The capture is refused: the authorisation goes back, so that the customer's money is not held.
    async fn give_back(&self, run: &mut Run, code: String, is_reversed: bool) -> Result<Flow, ProcessError> {
        let kind = AttemptKind::Reversal;
        if !is_reversed {
            let answer = PaymentOp::Answer { kind: KIND, outcome: format!("declined {code}") };
            self.write(run, None, vec![answer, PaymentOp::Ask { kind }]).await?;
            let reversal = self.heard(self.acquirer.reverse(self.clock.now_ms(), follow_up(run)).await);
            if let Err(error) = reversal {
                return self.stop_and_come_again(run, error).await;
            }
        }
        let ops = vec![PaymentOp::Answer { kind, outcome: "reversed".to_owned() }, PaymentOp::Done];
        self.write(run, Some(vec![Event::Declined(Decline { code })]), ops).await?;
        Ok(Flow::Stop)
    }
}

pub(super) fn follow_up(run: &Run) -> FollowUp {
    FollowUp {
        reference: run.payment.id,
        amount_minor: run.payment.sale.amount_minor,
        // The currency was checked when the payment was authorised.
        currency: run.payment.sale.currency.parse().unwrap_or(holdfast_core::money::Currency::EUR),
    }
}
