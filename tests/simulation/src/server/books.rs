//! The seam between the server's code and its books. It hands everything through, unless a bug is planted here.

use crate::plant::Plant;
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::Instruction;
use holdfast_core::time::UnixMs;
use holdfast_server::store::memory::MemoryLedger;
use holdfast_server::store::{
    AckedPayment, Case, Device, IngestOp, IngestQuery, IngestSnapshot, Job, Ledger, Payment, PaymentEvent, PaymentOp,
    StoreError,
};
use holdfast_testkit::ready::ready;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Books {
    inner: Arc<MemoryLedger>,
    plant: Option<Plant>,
    held: Mutex<Held>,
}

/// What a planted bug has not written yet. A crash loses it.
#[derive(Default)]
struct Held {
    batches: Vec<(UnixMs, IngestQuery, Vec<IngestOp>)>,
    intents: BTreeMap<PaymentId, Vec<PaymentOp>>,
}

impl Books {
    pub fn new(inner: Arc<MemoryLedger>, plant: Option<Plant>) -> Self {
        Self { inner, plant, held: Mutex::default() }
    }

    /// The moment in which [`Plant::AckBeforeCommit`] writes.
    pub fn write_what_is_held(&self) {
        let batches = std::mem::take(&mut self.held().batches);
        for (now_ms, query, ops) in batches {
            let _ = ready(self.inner.ingest(now_ms, query, move |_| (ops, ())));
        }
    }

    pub fn forget_what_is_held(&self) {
        *self.held() = Held::default();
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for Books {
    fn epoch(&self) -> String {
        self.inner.epoch()
    }

    fn restored_ms(&self) -> UnixMs {
        if self.plant == Some(Plant::RestoredNotAsked) { 0 } else { self.inner.restored_ms() }
    }

    async fn offered(
        &self,
        now_ms: UnixMs,
        device: &Device,
        acked: Vec<AckedPayment>,
    ) -> Result<Vec<Option<bool>>, StoreError> {
        self.inner.offered(now_ms, device, acked).await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.inner.device(id).await
    }

    async fn ingest<T, D>(&self, now_ms: UnixMs, query: IngestQuery, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(&IngestSnapshot) -> (Vec<IngestOp>, T) + Send + 'static,
    {
        if self.plant != Some(Plant::AckBeforeCommit) {
            return self.inner.ingest(now_ms, query, decide).await;
        }
        let keep = query.clone();
        let (ops, answer) = self.inner.ingest(now_ms, query, move |snapshot| (Vec::new(), decide(snapshot))).await?;
        self.held().batches.push((now_ms, keep, ops));
        Ok(answer)
    }

    async fn claim_due(&self, now_ms: UnixMs, lease_until_ms: UnixMs, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.inner.claim_due(now_ms, lease_until_ms, limit).await
    }

    async fn next_due_ms(&self) -> Result<Option<UnixMs>, StoreError> {
        self.inner.next_due_ms().await
    }

    async fn release_leases(&self) -> Result<(), StoreError> {
        self.inner.release_leases().await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.inner.payment(id).await
    }

    async fn case(&self, id: PaymentId) -> Result<Option<Case>, StoreError> {
        self.inner.case(id).await
    }

    async fn apply(&self, now_ms: UnixMs, id: PaymentId, change: i64, ops: Vec<PaymentOp>) -> Result<i64, StoreError> {
        if self.plant != Some(Plant::CallBeforeIntent) {
            return self.inner.apply(now_ms, id, change, ops).await;
        }
        let mut all = self.held().intents.remove(&id).unwrap_or_default();
        let is_intent = ops.iter().any(|op| matches!(op, PaymentOp::Ask { .. }));
        all.extend(ops);
        if is_intent {
            self.held().intents.insert(id, all);
            return Ok(change);
        }
        self.inner.apply(now_ms, id, change, all).await
    }

    async fn instructions(&self, id: PaymentId) -> Result<Vec<Instruction>, StoreError> {
        self.inner.instructions(id).await
    }

    async fn instruct<T, D>(&self, now_ms: UnixMs, id: PaymentId, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(Option<&Payment>, &[Instruction]) -> (Option<Instruction>, T) + Send + 'static,
    {
        let plant = self.plant;
        let decide = move |payment: Option<&Payment>, earlier: &[Instruction]| match plant {
            // A second click is taken for another wish.
            Some(Plant::ClickedTwice) => {
                let unknown = |known: &Instruction| Instruction { id: format!("{}-then", known.id), ..known.clone() };
                decide(payment, &earlier.iter().map(unknown).collect::<Vec<_>>())
            }
            // What was paid back before is not looked at.
            Some(Plant::RefundUnchecked) => {
                let as_captured = payment.map(|payment| match &payment.state {
                    PaymentState::PartlyRefunded { .. } => Payment {
                        state: PaymentState::Captured { approval_code: String::new(), at_ms: payment.changed_ms },
                        ..payment.clone()
                    },
                    _ => payment.clone(),
                });
                decide(as_captured.as_ref(), earlier)
            }
            _ => decide(payment, earlier),
        };
        self.inner.instruct(now_ms, id, decide).await
    }

    async fn changed_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<Payment>, StoreError> {
        self.inner.changed_after(merchant_id, cursor, limit).await
    }

    async fn events_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<PaymentEvent>, StoreError> {
        self.inner.events_after(merchant_id, cursor, limit).await
    }

    async fn window_ms(&self, at_ms: UnixMs, merchant_id: MerchantId) -> Result<i64, StoreError> {
        self.inner.window_ms(at_ms, merchant_id).await
    }
}
