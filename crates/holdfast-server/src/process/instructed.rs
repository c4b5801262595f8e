//! What people asked for: refunds, voids, retries.
//!
//! The intent of a refund and of a reversal is committed before the acquirer is asked; on doubt it is asked by reference, and only
//! what it never heard of is sent (again), under the same number.

use super::open::CardKeys;
use super::{Clock, Flow, ProcessError, Processor, Run};
use crate::acquirer::{Acquirer, Decision, Known, RefundRequest};
use crate::store::{AttemptKind, Ledger, PaymentOp};
use holdfast_core::payment::instruction::{Instruction, InstructionKind, Progress, next_number, own_retry_ms, retries};
use holdfast_core::payment::{Event, GiveBackReason, PaymentState};

/// Why a refund is not made: the acquirer has made one under its number, of which these books know nothing.
pub const REFUNDED_BEFORE: &str = "refunded-before";
/// Who asked, when it was the server itself.
pub const BY_SERVER: &str = "server";

impl<L: Ledger, A: Acquirer, K: CardKeys, C: Clock> Processor<L, A, K, C> {
    /// Goes on with the open instruction. `None` when there is none, or when the payment must first get further by itself.
    pub(super) async fn follow(&self, run: &mut Run) -> Result<Option<Flow>, ProcessError> {
        let Some(instruction) = run.instructions.iter().find(|known| known.progress.is_open()).cloned() else {
            return Ok(None);
        };
        let flow = match (instruction.kind, &run.payment.state) {
            (InstructionKind::Refund, PaymentState::Captured { .. } | PaymentState::PartlyRefunded { .. }) => {
                self.refund(run, instruction).await?
            }
            // The acquirer may have authorised and even captured what these books only received: it is asked first.
            (InstructionKind::Void, PaymentState::Received) if self.may_be_known(run, AttemptKind::Authorisation) => {
                return Ok(None);
            }
            (InstructionKind::Void, PaymentState::Received | PaymentState::Authorised { .. }) => {
                self.void(run, instruction).await?
            }
            (InstructionKind::Void, PaymentState::Authorising | PaymentState::Capturing { .. }) => return Ok(None),
            (InstructionKind::Retry, PaymentState::Declined { .. }) => self.retry(run, instruction).await?,
            // The payment went another way meanwhile.
            (_, state) => {
                let code = state.name().to_owned();
                self.refuse(run, instruction, code, Vec::new()).await?
            }
        };
        Ok(Some(flow))
    }

    /// Reads the instructions again and says whether the payment is to be voided, for the moment before a capture.
    pub(super) async fn is_to_be_voided(&self, run: &mut Run) -> Result<bool, ProcessError> {
        run.instructions = self.ledger.instructions(run.payment.id).await?;
        let is_void = |known: &Instruction| known.kind == InstructionKind::Void && known.progress.is_open();
        Ok(run.instructions.iter().any(is_void))
    }

    async fn refund(&self, run: &mut Run, instruction: Instruction) -> Result<Flow, ProcessError> {
        let kind = AttemptKind::Refund;
        let mut ops = Vec::new();
        // Books that came from a copy may lack that it was sent, or a refund that had the number of one that was asked for since.
        let may_be_known = self.may_be_known(run, kind);
        let may_be_another = may_be_known && instruction.asked_ms > self.ledger.restored_ms();
        if instruction.progress == Progress::Sent || may_be_known {
            run.inquired.push(kind);
            match self.heard(self.acquirer.inquire(self.clock.now_ms(), run.payment.id).await) {
                Err(error) => return self.stop_and_come_again(run, error).await,
                Ok(known) => match known.refund(instruction.number).cloned() {
                    Some(_) if may_be_another && instruction.progress == Progress::Asked => {
                        return self.refuse(run, instruction, REFUNDED_BEFORE.to_owned(), ops).await;
                    }
                    Some(decision) => return self.take_refund(run, instruction, decision).await,
                    None => ops.push(PaymentOp::Answer { kind, outcome: "not-at-acquirer".to_owned() }),
                },
            }
        }
        let Ok(currency) = run.payment.sale.currency.parse() else {
            return self.refuse(run, instruction, "currency-unknown".to_owned(), ops).await;
        };
        let request = RefundRequest {
            reference: run.payment.id,
            number: instruction.number,
            amount_minor: instruction.amount_minor,
            currency,
        };
        ops.push(PaymentOp::Ask { kind });
        self.progress(run, &instruction, Progress::Sent, None, ops).await?;
        match self.heard(self.acquirer.refund(self.clock.now_ms(), request).await) {
            Ok(decision) => self.take_refund(run, instruction, decision).await,
            Err(error) => self.stop_and_come_again(run, error).await,
        }
    }

    async fn take_refund(
        &self,
        run: &mut Run,
        instruction: Instruction,
        decision: Decision,
    ) -> Result<Flow, ProcessError> {
        let kind = AttemptKind::Refund;
        match decision {
            Decision::Approved { .. } => {
                let ops = vec![PaymentOp::Answer { kind, outcome: "approved".to_owned() }, PaymentOp::Done];
                let event = Event::Refunded {
                    amount_minor: instruction.amount_minor,
                    captured_minor: run.payment.sale.amount_minor,
                    reason: instruction.reason.clone(),
                };
                self.progress(run, &instruction, Progress::Done, Some(event), ops).await?;
                Ok(Flow::Stop)
            }
            Decision::Declined { code } => {
                let answer = PaymentOp::Answer { kind, outcome: format!("declined {code}") };
                self.refuse(run, instruction, code, vec![answer]).await
            }
        }
    }

    /// What was never authorised is given up here; what was is reversed at the acquirer.
    async fn void(&self, run: &mut Run, instruction: Instruction) -> Result<Flow, ProcessError> {
        if run.payment.state == PaymentState::Received {
            return self.take_void(run, instruction, vec![PaymentOp::Scrub]).await;
        }
        let kind = AttemptKind::Reversal;
        let reversed = || PaymentOp::Answer { kind, outcome: "reversed".to_owned() };
        let mut ops = Vec::new();
        if instruction.progress == Progress::Sent {
            match self.heard(self.acquirer.inquire(self.clock.now_ms(), run.payment.id).await) {
                Err(error) => return self.stop_and_come_again(run, error).await,
                Ok(Known { reversed: true, .. }) => return self.take_void(run, instruction, vec![reversed()]).await,
                Ok(_) => ops.push(PaymentOp::Answer { kind, outcome: "not-at-acquirer".to_owned() }),
            }
        }
        ops.push(PaymentOp::Ask { kind });
        self.progress(run, &instruction, Progress::Sent, None, ops).await?;
        let request = super::capture::follow_up(run);
        match self.heard(self.acquirer.reverse(self.clock.now_ms(), request).await) {
            Err(error) => self.stop_and_come_again(run, error).await,
            Ok(Decision::Approved { .. }) => self.take_void(run, instruction, vec![reversed()]).await,
            Ok(Decision::Declined { code }) => {
                let answer = PaymentOp::Answer { kind, outcome: format!("declined {code}") };
                self.refuse(run, instruction, code, vec![answer]).await
            }
        }
    }

    async fn take_void(
        &self,
        run: &mut Run,
        instruction: Instruction,
        mut ops: Vec<PaymentOp>,
    ) -> Result<Flow, ProcessError> {
        let event = Event::Voided { reason: instruction.reason.clone() };
        ops.push(PaymentOp::Done);
        self.progress(run, &instruction, Progress::Done, Some(event), ops).await?;
        Ok(Flow::Stop)
    }

    /// Back to the beginning, under the next number. The instruction is done with that: what comes of it is the payment's.
    async fn retry(&self, run: &mut Run, instruction: Instruction) -> Result<Flow, ProcessError> {
        if run.payment.record.is_none() {
            return self.refuse(run, instruction, "card-data-wiped".to_owned(), Vec::new()).await;
        }
        self.progress(run, &instruction, Progress::Done, Some(Event::RetryIntended), Vec::new()).await?;
        Ok(Flow::Go)
    }

    async fn refuse(
        &self,
        run: &mut Run,
        instruction: Instruction,
        code: String,
        ops: Vec<PaymentOp>,
    ) -> Result<Flow, ProcessError> {
        tracing::warn!(payment = %run.payment.id, kind = instruction.kind.name(), code, "an instruction was not carried out");
        self.progress(run, &instruction, Progress::Refused { code }, None, ops).await?;
        // Somebody waits for the answer, and no state tells them.
        (self.on_change)(run.payment.id);
        Ok(Flow::Go)
    }

    /// Commits how far an instruction got, with the move of the payment that goes with it.
    async fn progress(
        &self,
        run: &mut Run,
        instruction: &Instruction,
        progress: Progress,
        event: Option<Event>,
        mut ops: Vec<PaymentOp>,
    ) -> Result<(), ProcessError> {
        let now = Instruction { progress, changed_ms: self.clock.now_ms(), ..instruction.clone() };
        // Before `Done` looks whether an instruction is open.
        ops.insert(0, PaymentOp::Instruction(now.clone()));
        self.write(run, event.map(|event| vec![event]), ops).await?;
        run.failures = 0;
        match run.instructions.iter_mut().find(|known| known.id == now.id) {
            Some(known) => *known = now,
            None => run.instructions.push(now),
        }
        Ok(())
    }

    /// Nothing is asked for. Of a declined payment whose sealed data were kept, the server may have a try of its own, and when their
    /// time is over they are wiped.
    pub(super) async fn rest(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        let (PaymentState::Declined { decline, at_ms }, true) =
            (run.payment.state.clone(), run.payment.record.is_some())
        else {
            self.write(run, None, vec![PaymentOp::Done]).await?;
            return Ok(Flow::Stop);
        };
        let now_ms = self.clock.now_ms();
        let until_ms = sealed_until_ms(&run.payment, run.window_ms);
        if now_ms >= until_ms || !self.retries_declined {
            self.write(run, None, vec![PaymentOp::Scrub, PaymentOp::Done]).await?;
            return Ok(Flow::Stop);
        }
        let own_ms = own_retry_ms(&decline, at_ms, until_ms, retries(&run.instructions));
        match (own_ms, BY_SERVER.parse::<GiveBackReason>()) {
            (Some(own_ms), Ok(reason)) if own_ms <= now_ms => {
                let number = next_number(&run.instructions, InstructionKind::Retry);
                let instruction = Instruction {
                    id: format!("{BY_SERVER}-{number}"),
                    kind: InstructionKind::Retry,
                    number,
                    amount_minor: run.payment.sale.amount_minor,
                    reason,
                    by: BY_SERVER.to_owned(),
                    progress: Progress::Asked,
                    asked_ms: now_ms,
                    changed_ms: now_ms,
                };
                self.retry(run, instruction).await
            }
            (own_ms, _) => {
                let due_ms = own_ms.unwrap_or(until_ms);
                self.write(run, None, vec![PaymentOp::Again { due_ms, failures: 0 }]).await?;
                Ok(Flow::Stop)
            }
        }
    }
}

/// The end of a payment's window, by the server's own judgement of when it was taken.
pub fn sealed_until_ms(payment: &crate::store::Payment, window_ms: i64) -> i64 {
    payment.taken_ms.min(payment.received_ms).saturating_add(window_ms)
}
