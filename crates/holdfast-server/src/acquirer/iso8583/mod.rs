//! An acquirer that speaks ISO 8583 over TCP or TLS.
//!
//! Such a host has no question "what became of this reference?". So every request is written to a log in the books before it leaves
//! ([`log`]), and a doubt is settled by what the host does understand: an authorisation without an answer is reversed (0420,
//! repeated as 0421 until it is answered) and may then be asked for anew under new numbers; a capture without an answer is repeated
//! (0221, same numbers), which is what an advice is for. An answer that comes too late finds its request reversed and changes
//! nothing. Money neither doubles nor vanishes, also across a restart, and also when another server goes on.

pub mod config;
pub mod counters;
mod line;
mod log;
mod messages;
mod settle;
mod sweep;
mod tls;
mod turn;

#[cfg(test)]
mod tests;

pub use config::{Config, ConfigError};

use super::{Acquirer, AcquirerError, AuthorisationRequest, Decision, FollowUp, Known, RefundRequest};
use crate::clock::SystemClock;
use crate::process::Clock as _;
use crate::store::Books;
use counters::Counters;
use holdfast_core::id::PaymentId;
use holdfast_core::time::UnixMs;
use holdfast_iso8583::Message;
use line::{Line, Outcome};
use log::{Exchange, Kind, Log, LogError, New, State};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use turn::{Now, Turn};

/// Code of our own making, for a request that cannot be carried out (field 39: unable to locate the record).
const NOT_FOUND: &str = "25";

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The acquirer behind one host.
pub struct Iso8583 {
    line: Line,
    log: Arc<Log>,
    /// Payments with a request on the line: nothing is settled about them meanwhile.
    busy: Mutex<HashSet<String>>,
}

impl std::fmt::Debug for Iso8583 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iso8583").field("counters", self.counters()).finish_non_exhaustive()
    }
}

impl Iso8583 {
    /// Begins to connect, with the log in `books`. Needs a runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config, books: Arc<Books>, clock: SystemClock) -> Result<Arc<Self>, StartError> {
        let log = Arc::new(Log::new(books));
        log.release(clock.now_ms()).await?;
        let line = Line::open(config, Arc::clone(&log), clock)?;
        let acquirer = Arc::new(Self { line, log, busy: Mutex::default() });
        tokio::spawn(sweep::run(Arc::downgrade(&acquirer), clock));
        Ok(acquirer)
    }

    pub fn counters(&self) -> &Counters {
        &self.line.shared.counters
    }

    fn config(&self) -> &Config {
        &self.line.shared.config
    }

    /// Keeps a payment to one caller at a time. The lease of its job does so too, unless a caller is very slow.
    fn take(&self, reference: &str) -> Result<Busy<'_>, AcquirerError> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.insert(reference.to_owned()) {
            Ok(Busy { acquirer: self, reference: reference.to_owned() })
        } else {
            Err(AcquirerError::TimedOut)
        }
    }

    /// A message's turn, from now on.
    fn turn(&self, now: Now) -> Turn {
        Turn::begin(self.config(), now)
    }

    /// Sends what was begun for the first time and commits its answer. `Err(TimedOut)` leaves the exchange open.
    async fn send(&self, turn: Turn, exchange: &Exchange, message: Message) -> Result<Decision, AcquirerError> {
        let now_ms = turn.now_ms;
        match self.line.ask(turn, message).await {
            Outcome::Unsent => {
                self.log.leave(exchange, State::Unsent, now_ms, None).await.map_err(doubtful)?;
                Err(AcquirerError::Unreachable)
            }
            Outcome::Lost => self.let_go(now_ms, exchange, AcquirerError::TimedOut).await,
            Outcome::Answer(answer) => {
                let code = answer.trimmed(39).unwrap_or_default();
                let is_partial = self.config().codes.is_partial(code);
                let approval_code = answer.trimmed(38);
                // An approval in part is still to be taken back.
                let state = if is_partial { State::Open } else { State::Answered };
                self.keep(exchange, state, now_ms, (code, approval_code)).await?;
                if is_partial {
                    return Err(AcquirerError::TimedOut);
                }
                Ok(self.decision(Some(code), approval_code))
            }
        }
    }

    /// Commits an answer. Once another server has taken the exchange over, nobody may build on it.
    async fn keep(
        &self,
        exchange: &Exchange,
        state: State,
        now_ms: UnixMs,
        answer: (&str, Option<&str>),
    ) -> Result<(), AcquirerError> {
        if self.log.leave(exchange, state, now_ms, Some(answer)).await.map_err(doubtful)? {
            return Ok(());
        }
        tracing::warn!(
            reference = exchange.reference,
            "an answer came after another server had taken the exchange over"
        );
        self.line.shared.came_late(exchange, answer.0).await.map_err(doubtful)?;
        Err(AcquirerError::TimedOut)
    }

    /// No answer can come any more: any server may go on with it. Gives `error` back.
    async fn let_go<T>(&self, now_ms: UnixMs, exchange: &Exchange, error: AcquirerError) -> Result<T, AcquirerError> {
        self.log.leave(exchange, State::Open, now_ms, None).await.map_err(doubtful)?;
        Err(error)
    }

    /// Takes an open exchange on, to send it again.
    async fn hold(&self, turn: Turn, exchange: &Exchange) -> Result<Exchange, AcquirerError> {
        self.log.hold(turn, exchange, true).await.map_err(doubtful)?;
        Ok(Exchange { sends: exchange.sends + 1, ..exchange.clone() })
    }

    fn decision(&self, code: Option<&str>, approval_code: Option<&str>) -> Decision {
        let code = code.unwrap_or_default();
        if self.config().codes.is_approved(code) {
            Decision::Approved { approval_code: approval_code.unwrap_or_default().to_owned() }
        } else {
            Decision::Declined { code: code.to_owned() }
        }
    }

    fn decision_of(&self, exchange: &Exchange) -> Decision {
        self.decision(exchange.code.as_deref(), exchange.approval_code.as_deref())
    }

    fn is_approved(&self, exchange: &Exchange) -> bool {
        self.config().codes.is_approved(exchange.code.as_deref().unwrap_or_default())
    }

    /// Commits that something is about to be sent.
    async fn begin(
        &self,
        turn: Turn,
        new: New<'_>,
        earlier: &[Exchange],
        shared_rrn: Option<&str>,
    ) -> Result<Exchange, AcquirerError> {
        let (style, reference) = (self.config().rrn, new.reference);
        let rrn = |stan, tries| messages::rrn(style, reference, turn.sent_ms, stan, tries);
        match self.log.begin(turn, new, earlier, shared_rrn, rrn).await {
            Ok(exchange) => Ok(exchange),
            Err(LogError::Taken) => Err(AcquirerError::TimedOut),
            Err(error) => {
                tracing::error!(%error, "nothing is sent to the acquirer");
                Err(AcquirerError::Unreachable)
            }
        }
    }

    async fn exchanges(&self, reference: &str) -> Result<Vec<Exchange>, AcquirerError> {
        self.log.of(reference).await.map_err(doubtful)
    }
}

/// What happened is not in the log, so nobody may build on it.
fn doubtful(error: LogError) -> AcquirerError {
    if matches!(error, LogError::Taken) {
        tracing::debug!("another server is at this exchange");
        return AcquirerError::TimedOut;
    }
    tracing::error!(%error, "what the acquirer answered is not known for sure");
    AcquirerError::TimedOut
}

/// A payment's turn, which ends with it.
struct Busy<'a> {
    acquirer: &'a Iso8583,
    reference: String,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.acquirer.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.reference);
    }
}

/// The latest exchange of a kind that left, or may have left.
fn latest(exchanges: &[Exchange], kind: Kind, number: u32) -> Option<&Exchange> {
    let fits =
        |exchange: &&Exchange| exchange.kind == kind && exchange.number == number && exchange.state != State::Unsent;
    exchanges.iter().rev().find(fits)
}

/// The latest try to authorise that left, or may have left. A payment is tried again only after a decline, so this is the one that counts.
fn latest_try(exchanges: &[Exchange]) -> Option<&Exchange> {
    let fits = |exchange: &&Exchange| exchange.kind == Kind::Authorisation && exchange.state != State::Unsent;
    exchanges.iter().rev().find(fits)
}

impl Acquirer for Iso8583 {
    /// A connection is signed on, and the host answered its last echo.
    async fn is_reachable(&self) -> Option<bool> {
        Some(self.line.is_ready())
    }

    async fn authorise(&self, now_ms: UnixMs, request: AuthorisationRequest<'_>) -> Result<Decision, AcquirerError> {
        let (now, reference) = (Now::said(now_ms), request.reference.to_string());
        let _busy = self.take(&reference)?;
        let earlier = self.exchanges(&reference).await?;
        let may_stand = |exchange: &Exchange| matches!(exchange.kind, Kind::Authorisation | Kind::Reversal);
        if earlier.iter().any(|exchange| exchange.state == State::Open && may_stand(exchange)) {
            return Err(AcquirerError::TimedOut);
        }
        let known = self.known(&earlier);
        match known.authorisation {
            // Asked for again, or approved before: money is asked for once.
            Some(decision) if known.try_number == request.try_number => return Ok(decision),
            Some(decision @ Decision::Approved { .. }) => return Ok(decision),
            _ => {}
        }
        let new = New {
            reference: &reference,
            kind: Kind::Authorisation,
            number: request.try_number,
            original: None,
            amount_minor: request.amount_minor,
            currency: request.currency.code(),
        };
        let turn = self.turn(now);
        let exchange = self.begin(turn, new, &earlier, None).await?;
        let message = messages::authorisation(self.config(), &exchange, &request);
        self.send(turn, &exchange, message).await
    }

    async fn capture(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        let (now, reference) = (Now::said(now_ms), request.reference.to_string());
        let _busy = self.take(&reference)?;
        let earlier = self.exchanges(&reference).await?;
        match latest(&earlier, Kind::Capture, 0) {
            Some(exchange) if exchange.state == State::Answered => return Ok(self.decision_of(exchange)),
            Some(_) => return Err(AcquirerError::TimedOut),
            None => {}
        }
        let Some(authorisation) = self.standing(&earlier) else {
            tracing::error!(reference, "there is no authorisation to capture; did the books come from a copy?");
            return Err(AcquirerError::Unreachable);
        };
        let new = New {
            reference: &reference,
            kind: Kind::Capture,
            number: 0,
            original: Some(authorisation.nth),
            amount_minor: request.amount_minor,
            currency: request.currency.code(),
        };
        let turn = self.turn(now);
        let exchange = self.begin(turn, new, &earlier, Some(&authorisation.rrn)).await?;
        let message = messages::capture(self.config(), &exchange, authorisation);
        self.send(turn, &exchange, message).await
    }

    /// The host cannot be asked, so whatever is open is settled first: see [`settle`].
    async fn inquire(&self, now_ms: UnixMs, reference: PaymentId) -> Result<Known, AcquirerError> {
        let (now, reference) = (Now::said(now_ms), reference.to_string());
        let _busy = self.take(&reference)?;
        self.settle(now, &reference).await?;
        Ok(self.known(&self.exchanges(&reference).await?))
    }

    async fn reverse(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        let (now, reference) = (Now::said(now_ms), request.reference.to_string());
        let _busy = self.take(&reference)?;
        let earlier = self.exchanges(&reference).await?;
        let is_captured = latest(&earlier, Kind::Capture, 0)
            .is_some_and(|exchange| exchange.state == State::Open || self.is_approved(exchange));
        if is_captured {
            // Captured money goes back by a refund.
            return Ok(Decision::Declined { code: "12".to_owned() });
        }
        match latest_try(&earlier) {
            Some(original) if original.state != State::Reversed => {
                self.take_back(now, original, &earlier).await?;
                Ok(Decision::Approved { approval_code: String::new() })
            }
            Some(_) => Ok(Decision::Approved { approval_code: String::new() }),
            None => Ok(Decision::Declined { code: NOT_FOUND.to_owned() }),
        }
    }

    async fn refund(&self, now_ms: UnixMs, request: RefundRequest) -> Result<Decision, AcquirerError> {
        let (now, reference) = (Now::said(now_ms), request.reference.to_string());
        let _busy = self.take(&reference)?;
        let mut earlier = self.exchanges(&reference).await?;
        match latest(&earlier, Kind::Refund, request.number) {
            Some(exchange) if exchange.state == State::Answered => return Ok(self.decision_of(exchange)),
            // Without an answer it is taken back first, and then asked for anew.
            Some(exchange) if exchange.state == State::Open => {
                self.take_back(now, exchange, &earlier).await?;
                earlier = self.exchanges(&reference).await?;
            }
            _ => {}
        }
        let captured = latest(&earlier, Kind::Capture, 0).filter(|exchange| exchange.state == State::Answered);
        let Some(capture) = captured.filter(|exchange| self.is_approved(exchange)) else {
            return Ok(Decision::Declined { code: NOT_FOUND.to_owned() });
        };
        let new = New {
            reference: &reference,
            kind: Kind::Refund,
            number: request.number,
            original: Some(capture.nth),
            amount_minor: request.amount_minor,
            currency: request.currency.code(),
        };
        let turn = self.turn(now);
        let exchange = self.begin(turn, new, &earlier, None).await?;
        let message = messages::refund(self.config(), &exchange, capture);
        self.send(turn, &exchange, message).await
    }
}
