//! Received -> authorising -> authorised or declined.

use super::open::{self, CardKeys, OpenFault};
use super::{Clock, Flow, ProcessError, Processor, Run};
use crate::acquirer::{Acquirer, AcquirerError, AuthorisationRequest, Decision};
use crate::store::{AttemptKind, Ledger, PaymentOp};
use holdfast_core::payment::instruction::retries;
use holdfast_core::payment::{Decline, Event, Retry};
use holdfast_crypto::envelope::CardPlaintext;
use holdfast_crypto::pan_hmac::pan_hmac;
use holdfast_wire::b64;

const KIND: AttemptKind = AttemptKind::Authorisation;

impl<L: Ledger, A: Acquirer, K: CardKeys, C: Clock> Processor<L, A, K, C> {
    /// Opens the envelope, commits the intent, asks, and commits the answer.
    pub(super) async fn authorise(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        // Read again as it was checked when it came in: what is in our own books needs no second look at its signature.
        let record = open::record_of(&run.payment);
        if record.as_ref().is_some_and(|record| record.taken.is_expired(run.payment.received_ms, run.window_ms)) {
            // What will not be authorised must not be kept: the ciphertext goes, the payment stays, with its amount.
            self.write(run, Some(vec![Event::WindowOver]), vec![PaymentOp::Scrub, PaymentOp::Done]).await?;
            return Ok(Flow::Stop);
        }
        let card = match self.open(run, record.as_ref()).await {
            Ok(card) => card,
            Err(OpenFault::Later) => return self.stop_and_come_again(run, AcquirerError::Unreachable).await,
            Err(OpenFault::Never(reason)) => return self.give_up(run, reason).await,
        };
        let Ok(currency) = run.payment.sale.currency.parse() else {
            return self.give_up(run, "currency-unknown").await;
        };
        let hmac = b64::encode(pan_hmac(&self.pan_key, card.pan()));
        let ops = vec![PaymentOp::PanHmac(hmac), PaymentOp::Ask { kind: KIND }];
        self.write(run, Some(vec![Event::AuthoriseIntended]), ops).await?;
        let request = AuthorisationRequest {
            reference: run.payment.id,
            merchant_id: run.payment.merchant_id,
            amount_minor: run.payment.sale.amount_minor,
            currency,
            card: &card,
            offline: run.payment.offline,
            try_number: retries(&run.instructions),
        };
        let may_be_kept = self.may_be_kept(run, &card);
        let answer = self.heard(self.acquirer.authorise(self.clock.now_ms(), request).await);
        drop(card);
        match answer {
            Ok(decision) => self.take_authorisation(run, decision, may_be_kept).await,
            Err(error) => self.stop_and_come_again(run, error).await,
        }
    }

    /// The books came from a copy after this payment was taken: what was lost with the others may have authorised or even captured it.
    pub(super) fn may_be_known(&self, run: &Run, kind: AttemptKind) -> bool {
        !run.inquired.contains(&kind) && run.payment.taken_ms <= self.ledger.restored_ms()
    }

    /// As if an answer were lost: the intent is there, and the acquirer is asked before anything is sent.
    pub(super) async fn doubt(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        self.write(run, Some(vec![Event::AuthoriseIntended]), vec![PaymentOp::Ask { kind: KIND }]).await?;
        Ok(Flow::Go)
    }

    /// The intent is there and its answer is not: asks for the reference.
    pub(super) async fn inquire_authorisation(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        run.inquired.push(KIND);
        let known = self.heard(self.acquirer.inquire(self.clock.now_ms(), run.payment.id).await);
        match known {
            Err(error) => self.stop_and_come_again(run, error).await,
            Ok(known) => match known.authorisation.filter(|_| known.try_number == retries(&run.instructions)) {
                // Whether the card has a track is known only while it is open; it is opened for that, when it matters.
                Some(decision) => {
                    let may_be_kept = self.retries_declined && self.opens_to_be_kept(run).await;
                    self.take_authorisation(run, decision, may_be_kept).await
                }
                None => {
                    let ops = vec![PaymentOp::Answer { kind: KIND, outcome: "not-at-acquirer".to_owned() }];
                    self.write(run, Some(vec![Event::NotAtAcquirer]), ops).await?;
                    Ok(Flow::Go)
                }
            },
        }
    }

    /// Commits the result. From here on the ciphertext is gone, unless the payment is declined and `may_be_kept`.
    async fn take_authorisation(
        &self,
        run: &mut Run,
        decision: Decision,
        may_be_kept: bool,
    ) -> Result<Flow, ProcessError> {
        run.failures = 0;
        match decision {
            Decision::Approved { approval_code } => {
                let ops = vec![PaymentOp::Answer { kind: KIND, outcome: "approved".to_owned() }, PaymentOp::Scrub];
                self.write_approval(run, approval_code, ops).await
            }
            Decision::Declined { code } => {
                let answer = PaymentOp::Answer { kind: KIND, outcome: format!("declined {code}") };
                let decline = Decline { code };
                if may_be_kept && decline.retry() != Retry::Never {
                    self.write(run, Some(vec![Event::Declined(decline)]), vec![answer]).await?;
                    return Ok(Flow::Go);
                }
                let ops = vec![answer, PaymentOp::Scrub, PaymentOp::Done];
                self.write(run, Some(vec![Event::Declined(decline)]), ops).await?;
                Ok(Flow::Stop)
            }
        }
    }

    /// Whether the sealed card may outlive a decline. A track must not (PCI DSS 3.3), and of a card that was declined in front of its
    /// customer the goods may never have left.
    fn may_be_kept(&self, run: &Run, card: &CardPlaintext) -> bool {
        self.retries_declined && run.payment.offline && card.track2().is_none()
    }

    async fn opens_to_be_kept(&self, run: &Run) -> bool {
        let record = open::record_of(&run.payment);
        self.open(run, record.as_ref()).await.is_ok_and(|card| self.may_be_kept(run, &card))
    }

    async fn give_up(&self, run: &mut Run, reason: &'static str) -> Result<Flow, ProcessError> {
        tracing::error!(payment = %run.payment.id, reason, "the payment cannot be processed and waits for the owner");
        let ops = vec![PaymentOp::Quarantine { reason: reason.to_owned() }, PaymentOp::Done];
        self.write(run, Some(vec![Event::Unprocessable { reason: reason.to_owned() }]), ops).await?;
        Ok(Flow::Stop)
    }

    pub(super) async fn stop_and_come_again(&self, run: &mut Run, error: AcquirerError) -> Result<Flow, ProcessError> {
        self.again(run, error).await?;
        Ok(Flow::Stop)
    }
}
