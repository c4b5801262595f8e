//! The built-in acquirer for demo and tests: a script of what to answer, rules by test card, duplicate detection by
//! reference, and a ledger of its own to reconcile with.
//!
//! The ledger is written before an answer is given, so an answer that is lost or a process that is killed leaves a request
//! that *was* carried out: the case that a payment system must get right. It keeps the last four digits of a card; the card
//! number itself is looked at in memory only.

mod book;
mod plan;
mod rules;
mod script;
mod sql;
#[cfg(test)]
mod tests;
mod velocity;

pub use book::{Book, Entry, EntryKind, LedgerView, MemoryBook, Request};
pub use plan::{Dispute, Plan};
pub use script::{Script, Step, Velocity};
pub use sql::SqlBook;

use super::{Account, Acquirer, AcquirerError, AuthorisationRequest, Decision, FollowUp, Known, RefundRequest};
use holdfast_core::id::PaymentId;
use holdfast_core::settlement::Statement;
use holdfast_core::time::UnixMs;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

/// How an answer is made to wait. The simulation has no time to wait, so it only counts.
pub trait Pause: Send + Sync {
    fn pause(&self, duration_ms: u64) -> impl Future<Output = ()> + Send;
}

/// Waits by the runtime's clock.
#[derive(Debug, Clone, Copy)]
pub struct RealPause;

impl Pause for RealPause {
    async fn pause(&self, duration_ms: u64) {
        tokio::time::sleep(Duration::from_millis(duration_ms)).await;
    }
}

/// Does not wait at all.
#[derive(Debug, Clone, Copy)]
pub struct NoPause;

impl Pause for NoPause {
    async fn pause(&self, _duration_ms: u64) {}
}

/// The simulator over a book that keeps its ledger.
#[derive(Debug)]
pub struct Simulator<B, P> {
    book: B,
    pause: P,
    script: Mutex<Script>,
    charges: Mutex<velocity::Charges>,
    /// How long a caller waits for an answer.
    time_out_ms: u64,
    /// How long it is before a lost answer is taken for lost. Shorter, so that a demonstration need not wait.
    lost_answer_ms: u64,
}

impl<B: Book, P: Pause> Simulator<B, P> {
    pub fn new(book: B, pause: P, time_out_ms: u64) -> Self {
        Self {
            book,
            pause,
            script: Mutex::default(),
            charges: Mutex::default(),
            time_out_ms,
            lost_answer_ms: time_out_ms,
        }
    }

    /// Sets how long it is before a lost answer is taken for lost.
    pub fn with_lost_answer_ms(mut self, lost_answer_ms: u64) -> Self {
        self.lost_answer_ms = lost_answer_ms;
        self
    }

    /// The script as it stands: what was used up is gone from `next`.
    pub fn script(&self) -> Script {
        self.lock().clone()
    }

    pub fn set_script(&self, script: Script) {
        *self.lock() = script;
    }

    /// Everything the simulator carried out.
    pub async fn ledger(&self) -> Result<LedgerView, AcquirerError> {
        self.book.view().await
    }

    pub fn book(&self) -> &B {
        &self.book
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Script> {
        // A script is plain data: a panic elsewhere leaves nothing half done in it.
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether the script's velocity rule stops this charge.
    fn is_too_many(&self, pan: &str, reference: PaymentId, now_ms: UnixMs) -> bool {
        let Some(rule) = self.lock().velocity.clone() else { return false };
        let mut charges = self.charges.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        charges.is_too_many(&rule, pan, reference, now_ms)
    }

    /// Carries `entry` out, then delivers the answer as the step says.
    async fn carry_out(&self, step: Step, entry: Entry, plan: Option<Plan>) -> Result<Decision, AcquirerError> {
        if step == Step::Unreachable {
            return Err(AcquirerError::Unreachable);
        }
        let answer = self.book.carry_out(Request { entry, plan }).await?;
        match step {
            Step::DropAnswer => {
                self.pause.pause(self.lost_answer_ms).await;
                Err(AcquirerError::TimedOut)
            }
            Step::Delay { ms } if ms >= self.time_out_ms => {
                self.pause.pause(self.time_out_ms).await;
                Err(AcquirerError::TimedOut)
            }
            Step::Delay { ms } => {
                self.pause.pause(ms).await;
                Ok(answer)
            }
            Step::Approve
            | Step::Decline { .. }
            | Step::LateDecline { .. }
            | Step::Chargeback { .. }
            | Step::Unreachable
            | Step::ByCard => Ok(answer),
        }
    }

    fn follow_up(kind: EntryKind, now_ms: UnixMs, request: FollowUp) -> Entry {
        Entry {
            reference: request.reference.to_string(),
            kind,
            number: 0,
            amount_minor: request.amount_minor,
            currency: request.currency.code().to_owned(),
            result: book::Outcome::Approved,
            code: "00".to_owned(),
            last4: String::new(),
            at_ms: now_ms,
            approval_code: None,
        }
    }
}

impl<B: Book, P: Pause> Acquirer for Simulator<B, P> {
    async fn authorise(&self, now_ms: UnixMs, request: AuthorisationRequest<'_>) -> Result<Decision, AcquirerError> {
        let step = self.lock().take_for_authorisation();
        // Deciding on a card takes its number; only the last four digits go further.
        let pan = request.card.pan().expose();
        let code = match &step {
            // A request that does not arrive counts nowhere.
            Step::Unreachable => return Err(AcquirerError::Unreachable),
            Step::Approve | Step::LateDecline { .. } | Step::Chargeback { .. } => "00".to_owned(),
            Step::Decline { code } => code.clone(),
            _ => rules::code_for(pan).to_owned(),
        };
        let code =
            if code == "00" && self.is_too_many(pan, request.reference, now_ms) { "65".to_owned() } else { code };
        let plan = rules::plan_for(pan, Plan::of(request.merchant_id)).with_step(&step);
        let last4 = pan.get(pan.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        let entry = Entry {
            reference: request.reference.to_string(),
            kind: EntryKind::Authorisation,
            number: request.try_number,
            amount_minor: request.amount_minor,
            currency: request.currency.code().to_owned(),
            result: if code == "00" { book::Outcome::Approved } else { book::Outcome::Declined },
            approval_code: (code == "00").then(|| rules::approval_code(&request.reference)),
            code,
            last4,
            at_ms: now_ms,
        };
        self.carry_out(step, entry, Some(plan)).await
    }

    async fn capture(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        let step = self.lock().take_for_delivery();
        self.carry_out(step, Self::follow_up(EntryKind::Capture, now_ms, request), None).await
    }

    async fn is_reachable(&self) -> Option<bool> {
        Some(self.lock().is_reachable())
    }

    async fn settlement(&self, now_ms: UnixMs, account: Account) -> Result<Option<Statement>, AcquirerError> {
        let entries = self.book.of_account(account).await?;
        Ok(Some(plan::statement(now_ms, account, &entries)))
    }

    async fn inquire(&self, _now_ms: UnixMs, reference: PaymentId) -> Result<Known, AcquirerError> {
        if self.lock().take_for_inquiry() == Step::Unreachable {
            return Err(AcquirerError::Unreachable);
        }
        self.book.known(&reference.to_string()).await
    }

    async fn reverse(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        let step = self.lock().take_for_delivery();
        self.carry_out(step, Self::follow_up(EntryKind::Reversal, now_ms, request), None).await
    }

    async fn refund(&self, now_ms: UnixMs, request: RefundRequest) -> Result<Decision, AcquirerError> {
        let RefundRequest { reference, number, amount_minor, currency } = request;
        let step = self.lock().take_for_delivery();
        let follow_up = FollowUp { reference, amount_minor, currency };
        let entry = Entry { number, ..Self::follow_up(EntryKind::Refund, now_ms, follow_up) };
        self.carry_out(step, entry, None).await
    }
}
