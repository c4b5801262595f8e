//! Jobs: from a stored payment to a captured one.
//!
//! Every call to the acquirer has its intent committed before it, and every doubt is settled by asking for the payment's
//! reference; nothing is ever sent again blind. Nothing here reads a clock by itself, draws a random number or starts a
//! task: the server drives it by [`runner`], the simulation by [`Processor::process_due`].

mod authorise;
mod capture;
mod instructed;
mod open;
mod retry;
pub mod runner;

#[cfg(test)]
mod tests;

pub use instructed::{BY_SERVER, sealed_until_ms};
pub use open::{CardKeyFault, CardKeys};

use crate::acquirer::{Acquirer, AcquirerError};
use crate::store::{AttemptKind, Case, Job, Ledger, Payment, PaymentOp, StoreError};
use holdfast_core::connectivity::AcquirerHealth;
use holdfast_core::id::PaymentId;
use holdfast_core::payment::instruction::Instruction;
use holdfast_core::payment::{Event, MoveError, NextStep, PaymentState};
use holdfast_core::time::UnixMs;
use holdfast_crypto::SecretBytes;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a job is leased. Longer than all calls of one run together.
pub const LEASE_MS: i64 = 120_000;
/// Steps of one run. A payment needs four when all goes well.
const STEPS_MAX: usize = 8;

/// A clock.
pub trait Clock: Send + Sync {
    fn now_ms(&self) -> UnixMs;
}

/// Why a run stopped before the payment was settled. The job stays and comes again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Move(#[from] MoveError),
}

/// Told about every payment that changed.
pub type OnChange = Arc<dyn Fn(PaymentId) + Send + Sync>;

/// Takes payments through their states.
pub struct Processor<L, A, K, C> {
    ledger: Arc<L>,
    acquirer: Arc<A>,
    card_keys: Arc<K>,
    clock: C,
    pan_key: SecretBytes,
    on_change: OnChange,
    retries_declined: bool,
    health: Mutex<AcquirerHealth>,
}

/// A payment on its way through one run.
struct Run {
    payment: Payment,
    instructions: Vec<Instruction>,
    /// The offline window of its merchant.
    window_ms: i64,
    failures: u32,
    /// What the acquirer was asked about in this run.
    inquired: Vec<AttemptKind>,
}

enum Flow {
    Go,
    Stop,
}

impl<L: Ledger, A: Acquirer, K: CardKeys, C: Clock> Processor<L, A, K, C> {
    /// `pan_key` keys the hash by which a card is recognised.
    pub fn new(ledger: Arc<L>, acquirer: Arc<A>, card_keys: Arc<K>, clock: C, pan_key: SecretBytes) -> Self {
        Self {
            ledger,
            acquirer,
            card_keys,
            clock,
            pan_key,
            on_change: Arc::new(|_| {}),
            retries_declined: false,
            health: Mutex::default(),
        }
    }

    /// Sets whether the sealed data of a declined payment are kept for another try, where they may be; without it they are wiped.
    pub fn with_retries_declined(mut self, retries_declined: bool) -> Self {
        self.retries_declined = retries_declined;
        self
    }

    /// Whom it asks.
    pub fn acquirer(&self) -> Arc<A> {
        Arc::clone(&self.acquirer)
    }

    /// Sets who is told about changes.
    pub fn with_on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// What is known of the acquirer.
    pub fn health(&self) -> AcquirerHealth {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether the acquirer is there, while that is in doubt: nobody has to try a payment to find out. What was put off because it was not
    /// is due as soon as it is back.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn probe(&self) -> Result<bool, StoreError> {
        if !self.health().is_in_doubt() {
            return Ok(false);
        }
        let Some(is_there) = self.acquirer.is_reachable().await else { return Ok(false) };
        let is_back = self.note_health(is_there) && is_there;
        if is_back {
            self.ledger.hurry(self.clock.now_ms()).await?;
        }
        Ok(is_back)
    }

    fn note_health(&self, is_answer: bool) -> bool {
        let turned = self.health.lock().unwrap_or_else(PoisonError::into_inner).heard(is_answer);
        if turned {
            tracing::info!(is_up = is_answer, "the acquirer's lamp turned");
        }
        turned
    }

    /// Processes the jobs that are due, one after the other, and says how many there were.
    ///
    /// # Errors
    /// The first error of the store: the process is about to end.
    pub async fn process_due(&self, limit: usize) -> Result<usize, ProcessError> {
        let jobs = self.claim(limit).await?;
        let count = jobs.len();
        for job in jobs {
            self.process(job).await?;
        }
        Ok(count)
    }

    /// Takes on jobs that are due.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn claim(&self, limit: usize) -> Result<Vec<Job>, StoreError> {
        let now_ms = self.clock.now_ms();
        self.ledger.claim_due(now_ms, now_ms + LEASE_MS, limit).await
    }

    /// Takes one payment as far as it goes now.
    ///
    /// # Errors
    /// When the store refuses; the job stays.
    pub async fn process(&self, job: Job) -> Result<(), ProcessError> {
        let Some(case) = self.ledger.case(job.payment_id).await? else { return Ok(()) };
        let Case { payment, instructions, window_ms } = case;
        let mut run = Run { payment, instructions, window_ms, failures: job.failures, inquired: Vec::new() };
        for _ in 0..STEPS_MAX {
            let flow = match self.follow(&mut run).await? {
                Some(flow) => flow,
                None => self.step(&mut run).await?,
            };
            if matches!(flow, Flow::Stop) {
                return Ok(());
            }
        }
        self.again(&mut run, AcquirerError::Unreachable).await
    }

    /// What comes next by itself.
    async fn step(&self, run: &mut Run) -> Result<Flow, ProcessError> {
        match run.payment.state.next_step() {
            NextStep::Authorise if self.may_be_known(run, AttemptKind::Authorisation) => self.doubt(run).await,
            NextStep::Authorise => self.authorise(run).await,
            NextStep::InquireAuthorisation => self.inquire_authorisation(run).await,
            NextStep::Capture => self.capture(run).await,
            NextStep::InquireCapture => self.inquire_capture(run).await,
            NextStep::Nothing => self.rest(run).await,
        }
    }

    /// Gives a job back that stopped with an error of the store, so that it need not wait for the end of its lease.
    ///
    /// # Errors
    /// When the store still refuses.
    pub async fn put_back(&self, job: Job) -> Result<(), StoreError> {
        let Some(payment) = self.ledger.payment(job.payment_id).await? else { return Ok(()) };
        let now_ms = self.clock.now_ms();
        let again = PaymentOp::Again { due_ms: now_ms, failures: job.failures };
        self.ledger.apply(now_ms, job.payment_id, payment.change, vec![again]).await.map(drop)
    }

    /// Commits `ops` with the state after `events`, if there are any.
    async fn write(
        &self,
        run: &mut Run,
        events: Option<Vec<Event>>,
        mut ops: Vec<PaymentOp>,
    ) -> Result<(), ProcessError> {
        let now_ms = self.clock.now_ms();
        let is_change = events.is_some();
        let mut state = run.payment.state.clone();
        for event in events.into_iter().flatten() {
            state = state.apply(event, now_ms)?;
        }
        if is_change {
            ops.push(PaymentOp::State(state.clone()));
        }
        run.payment.change = self.ledger.apply(now_ms, run.payment.id, run.payment.change, ops).await?;
        if is_change {
            self.note(&run.payment, &state);
            run.payment.state = state;
            (self.on_change)(run.payment.id);
        }
        Ok(())
    }

    fn note(&self, payment: &Payment, state: &PaymentState) {
        if state.is_settled() {
            tracing::info!(payment = %payment.id, state = state.name(), "payment settled");
        } else {
            tracing::debug!(payment = %payment.id, state = state.name(), "payment moved");
        }
    }

    /// Remembers whether the acquirer answered.
    fn heard<T>(&self, answer: Result<T, AcquirerError>) -> Result<T, AcquirerError> {
        self.note_health(answer.is_ok());
        answer
    }

    /// Puts the job off after a call without an answer.
    async fn again(&self, run: &mut Run, error: AcquirerError) -> Result<(), ProcessError> {
        let failures = run.failures.saturating_add(1);
        let due_ms = self.clock.now_ms() + retry::delay_ms(error, failures);
        tracing::warn!(payment = %run.payment.id, failures, %error, "no answer from the acquirer");
        self.write(run, None, vec![PaymentOp::Again { due_ms, failures }]).await
    }
}
