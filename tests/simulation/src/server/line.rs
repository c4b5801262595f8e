//! The seam between the server's jobs and the acquirer. It hands everything through, unless a bug is planted here.

use super::Acquirer as Simulator;
use crate::plant::Plant;
use holdfast_core::id::PaymentId;
use holdfast_core::time::UnixMs;
use holdfast_server::acquirer::{
    Acquirer, AcquirerError, AuthorisationRequest, Decision, FollowUp, Known, RefundRequest,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Line {
    inner: Arc<Simulator>,
    plant: Option<Plant>,
    calls: AtomicU32,
}

impl Line {
    pub fn new(inner: Arc<Simulator>, plant: Option<Plant>) -> Self {
        Self { inner, plant, calls: AtomicU32::new(0) }
    }

    /// A number of its own for every call: no call is known for a repeat of another.
    fn another(&self, plant: Plant, number: u32) -> u32 {
        if self.plant != Some(plant) {
            return number;
        }
        1_000 + self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

impl Acquirer for Line {
    async fn authorise(&self, now_ms: UnixMs, request: AuthorisationRequest<'_>) -> Result<Decision, AcquirerError> {
        let try_number = self.another(Plant::TryRenumbered, request.try_number);
        self.inner.authorise(now_ms, AuthorisationRequest { try_number, ..request }).await
    }

    async fn capture(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        self.inner.capture(now_ms, request).await
    }

    async fn inquire(&self, now_ms: UnixMs, reference: PaymentId) -> Result<Known, AcquirerError> {
        self.inner.inquire(now_ms, reference).await
    }

    async fn reverse(&self, now_ms: UnixMs, request: FollowUp) -> Result<Decision, AcquirerError> {
        if self.plant == Some(Plant::VoidUnsaid) {
            return Ok(Decision::Approved { approval_code: String::new() });
        }
        self.inner.reverse(now_ms, request).await
    }

    async fn refund(&self, now_ms: UnixMs, request: RefundRequest) -> Result<Decision, AcquirerError> {
        let number = self.another(Plant::RefundRenumbered, request.number);
        self.inner.refund(now_ms, RefundRequest { number, ..request }).await
    }
}
