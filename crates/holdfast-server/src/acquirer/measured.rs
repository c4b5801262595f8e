//! An acquirer whose calls are counted and timed.

use super::{
    Account, Acquirer, AcquirerError, AuthorisationRequest, Decision, FollowUp, Known, RefundRequest, Statement,
};
use crate::ops::Metrics;
use crate::telemetry;
use holdfast_core::id::PaymentId;
use holdfast_core::time::UnixMs;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

/// Passes every call on and notes how it went.
#[derive(Debug)]
pub struct Measured<A> {
    acquirer: A,
    metrics: Arc<Metrics>,
}

impl<A: Acquirer> Measured<A> {
    pub fn new(acquirer: A, metrics: Arc<Metrics>) -> Self {
        Self { acquirer, metrics }
    }

    async fn note<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T, AcquirerError>>,
        outcome: fn(&T) -> &'static str,
    ) -> Result<T, AcquirerError> {
        let (started, trace) = (Instant::now(), telemetry::of_call(call));
        let answer = answer.instrument(trace.clone()).await;
        let outcome = match &answer {
            Ok(value) => outcome(value),
            Err(AcquirerError::Unreachable) => "unreachable",
            Err(AcquirerError::TimedOut) => "timed-out",
        };
        self.metrics.acquirer_called(call, outcome, started.elapsed());
        telemetry::called(&trace, outcome, answer.is_err());
        answer
    }
}

fn decided(decision: &Decision) -> &'static str {
    match decision {
        Decision::Approved { .. } => "approved",
        Decision::Declined { .. } => "declined",
    }
}

impl<A: Acquirer> Acquirer for Measured<A> {
    async fn authorise(&self, now_ms: UnixMs, request: AuthorisationRequest<'_>) -> Result<Decision, AcquirerError> {
        self.note("authorise", self.acquirer.authorise(now_ms, request), decided).await
    }

    async fn capture(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        self.note("capture", self.acquirer.capture(now_ms, request), decided).await
    }

    async fn inquire(&self, now_ms: UnixMs, reference: PaymentId) -> Result<Known, AcquirerError> {
        self.note("inquire", self.acquirer.inquire(now_ms, reference), |_| "answered").await
    }

    async fn reverse(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        self.note("reverse", self.acquirer.reverse(now_ms, request), decided).await
    }

    async fn refund(&self, now_ms: UnixMs, request: RefundRequest) -> Result<Decision, AcquirerError> {
        self.note("refund", self.acquirer.refund(now_ms, request), decided).await
    }

    async fn is_reachable(&self) -> Option<bool> {
        self.acquirer.is_reachable().await
    }

    async fn settlement(&self, now_ms: UnixMs, account: Account) -> Result<Option<Statement>, AcquirerError> {
        self.note("settlement", self.acquirer.settlement(now_ms, account), |_| "answered").await
    }
}
