//! The acquirer of a running server.

use super::iso8583::Iso8583;
use super::simulator::{RealPause, Simulator, SqlBook};
use super::{Account, Acquirer, AcquirerError, AuthorisationRequest, Decision, FollowUp, Known, RefundRequest};
use holdfast_core::id::PaymentId;
use holdfast_core::settlement::Statement;
use holdfast_core::time::UnixMs;
use std::sync::Arc;

/// The simulator as the demo runs it.
pub type DemoSimulator = Simulator<SqlBook, RealPause>;

/// Which acquirer this server has.
#[derive(Debug, Clone)]
pub enum Configured {
    /// None yet: payments are kept, and wait.
    None,
    Simulator(Arc<DemoSimulator>),
    Iso8583(Arc<Iso8583>),
}

impl Acquirer for Configured {
    async fn authorise(&self, now_ms: UnixMs, request: AuthorisationRequest<'_>) -> Result<Decision, AcquirerError> {
        match self {
            Self::None => Err(AcquirerError::Unreachable),
            Self::Simulator(simulator) => simulator.authorise(now_ms, request).await,
            Self::Iso8583(host) => host.authorise(now_ms, request).await,
        }
    }

    async fn capture(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        match self {
            Self::None => Err(AcquirerError::Unreachable),
            Self::Simulator(simulator) => simulator.capture(now_ms, request).await,
            Self::Iso8583(host) => host.capture(now_ms, request).await,
        }
    }

    async fn inquire(&self, now_ms: UnixMs, reference: PaymentId) -> Result<Known, AcquirerError> {
        match self {
            Self::None => Err(AcquirerError::Unreachable),
            Self::Simulator(simulator) => simulator.inquire(now_ms, reference).await,
            Self::Iso8583(host) => host.inquire(now_ms, reference).await,
        }
    }

    async fn reverse(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        match self {
            Self::None => Err(AcquirerError::Unreachable),
            Self::Simulator(simulator) => simulator.reverse(now_ms, request).await,
            Self::Iso8583(host) => host.reverse(now_ms, request).await,
        }
    }

    async fn refund(&self, now_ms: UnixMs, request: RefundRequest) -> Result<Decision, AcquirerError> {
        match self {
            Self::None => Err(AcquirerError::Unreachable),
            Self::Simulator(simulator) => simulator.refund(now_ms, request).await,
            Self::Iso8583(host) => host.refund(now_ms, request).await,
        }
    }

    async fn is_reachable(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Simulator(simulator) => simulator.is_reachable().await,
            Self::Iso8583(host) => host.is_reachable().await,
        }
    }

    async fn settlement(&self, now_ms: UnixMs, account: Account) -> Result<Option<Statement>, AcquirerError> {
        match self {
            Self::None => Ok(None),
            Self::Simulator(simulator) => simulator.settlement(now_ms, account).await,
            Self::Iso8583(host) => host.settlement(now_ms, account).await,
        }
    }
}
