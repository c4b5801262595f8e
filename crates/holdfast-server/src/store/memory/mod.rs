//! The books in memory, for the deterministic simulation and for tests. Its state is what a disk would hold: it survives a
//! [`MemoryLedger::crash`], and a switch makes any operation the last one before it.

mod write;

use super::{
    AckedPayment, Case, Device, IngestOp, IngestQuery, IngestSnapshot, Job, Ledger, Payment, PaymentEvent, PaymentOp,
    Quarantined, StoreError, VoidPlace,
};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId, RecordHash};
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::payment::instruction::Instruction;
use holdfast_core::time::UnixMs;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The books in memory.
#[derive(Debug)]
pub struct MemoryLedger {
    window_ms: i64,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    epoch: String,
    restored_ms: UnixMs,
    /// What devices were told is stored and is not here.
    missing: BTreeMap<(PaymentId, RecordHash), AckedPayment>,
    devices: BTreeMap<DeviceId, Device>,
    payments: BTreeMap<PaymentId, Payment>,
    voids: BTreeMap<PaymentId, VoidPlace>,
    jobs: BTreeMap<PaymentId, JobRow>,
    attempts: Vec<Attempt>,
    instructions: BTreeMap<PaymentId, Vec<Instruction>>,
    events: Vec<PaymentEvent>,
    quarantine: Vec<(DeviceId, Quarantined)>,
    last_change: i64,
    operations: u64,
    crash: Option<Crash>,
    is_down: bool,
}

#[derive(Debug, Clone, Copy)]
struct JobRow {
    due_ms: UnixMs,
    lease_until_ms: UnixMs,
    failures: u32,
}

/// A question to the acquirer, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub payment_id: PaymentId,
    pub kind: super::AttemptKind,
    pub asked_ms: UnixMs,
    pub outcome: Option<String>,
}

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Operations that still succeed.
    pub after: u64,
    /// Whether the last operation reaches the disk before the process dies, so that only its answer is lost.
    pub is_written: bool,
}

/// A copy of the books.
#[derive(Debug)]
pub struct BooksCopy(State);

impl MemoryLedger {
    pub fn new(epoch: &str) -> Self {
        let state = State { epoch: epoch.to_owned(), ..State::default() };
        Self { window_ms: WINDOW_MS_MAX, state: Mutex::new(state) }
    }

    pub fn with_window_ms(mut self, window_ms: i64) -> Self {
        self.window_ms = window_ms;
        self
    }

    pub fn add_device(&self, device: Device) {
        self.lock().devices.insert(device.id, device);
    }

    pub fn revoke(&self, id: DeviceId, at_ms: UnixMs) {
        if let Some(device) = self.lock().devices.get_mut(&id) {
            device.revoked_ms = Some(at_ms);
        }
    }

    /// Sets the operation at which the process dies. From then on every operation fails until [`MemoryLedger::restart`].
    pub fn fail_after(&self, crash: Crash) {
        self.lock().crash = Some(crash);
    }

    /// The process dies now.
    pub fn crash(&self) {
        self.lock().is_down = true;
    }

    pub fn is_down(&self) -> bool {
        self.lock().is_down
    }

    /// A new process opens the same books.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.is_down = false;
        state.crash = None;
    }

    /// A copy as it would be written now, for [`MemoryLedger::put_back`].
    pub fn copy(&self) -> BooksCopy {
        BooksCopy(self.lock().clone())
    }

    /// Puts a copy in the place of the books, which get this epoch. Devices stay as they are.
    pub fn put_back(&self, copy: &BooksCopy, epoch: &str, now_ms: UnixMs) {
        let mut state = self.lock();
        let fresh = State {
            epoch: epoch.to_owned(),
            restored_ms: now_ms,
            devices: std::mem::take(&mut state.devices),
            operations: state.operations,
            crash: None,
            is_down: state.is_down,
            ..copy.0.clone()
        };
        *state = fresh;
        state.jobs.values_mut().for_each(|job| job.lease_until_ms = 0);
    }

    /// What devices were told is stored and is not here, for a judge.
    pub fn missing(&self) -> Vec<(PaymentId, RecordHash)> {
        self.lock().missing.keys().copied().collect()
    }

    /// Operations so far, reads included.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Every payment, for a judge.
    pub fn payments(&self) -> Vec<Payment> {
        self.lock().payments.values().cloned().collect()
    }

    pub fn quarantine(&self) -> Vec<(DeviceId, Quarantined)> {
        self.lock().quarantine.clone()
    }

    pub fn attempts(&self) -> Vec<Attempt> {
        self.lock().attempts.clone()
    }

    /// Every instruction about a payment, for a judge.
    pub fn instructions_of(&self, id: PaymentId) -> Vec<Instruction> {
        self.lock().instructions.get(&id).cloned().unwrap_or_default()
    }

    pub fn job_count(&self) -> usize {
        self.lock().jobs.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one operation through the crash switch.
    fn operate<T>(&self, work: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = self.lock();
        if state.is_down {
            return Err(StoreError::Closed);
        }
        state.operations += 1;
        match state.crash {
            Some(Crash { after: 0, is_written }) => {
                state.is_down = true;
                if is_written {
                    let _ = work(&mut state);
                }
                Err(StoreError::Closed)
            }
            Some(crash) => {
                state.crash = Some(Crash { after: crash.after - 1, ..crash });
                work(&mut state)
            }
            None => work(&mut state),
        }
    }
}

impl Ledger for MemoryLedger {
    fn epoch(&self) -> String {
        self.lock().epoch.clone()
    }

    fn restored_ms(&self) -> UnixMs {
        self.lock().restored_ms
    }

    async fn offered(
        &self,
        _now_ms: UnixMs,
        device: &Device,
        acked: Vec<AckedPayment>,
    ) -> Result<Vec<Option<bool>>, StoreError> {
        let merchant_id = device.merchant_id;
        self.operate(|state| Ok(acked.into_iter().map(|payment| Some(state.holds(merchant_id, payment))).collect()))
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.operate(|state| Ok(state.devices.get(&id).cloned()))
    }

    async fn ingest<T, D>(&self, now_ms: UnixMs, query: IngestQuery, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(&IngestSnapshot) -> (Vec<IngestOp>, T) + Send + 'static,
    {
        self.operate(|state| {
            let (ops, answer) = decide(&state.snapshot(&query));
            state.ingest(now_ms, query.device_id, ops)?;
            Ok(answer)
        })
    }

    async fn claim_due(&self, now_ms: UnixMs, lease_until_ms: UnixMs, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.operate(|state| Ok(state.claim(now_ms, lease_until_ms, limit)))
    }

    async fn next_due_ms(&self) -> Result<Option<UnixMs>, StoreError> {
        self.operate(|state| Ok(state.jobs.values().map(|job| job.due_ms.max(job.lease_until_ms)).min()))
    }

    async fn release_leases(&self) -> Result<(), StoreError> {
        self.operate(|state| {
            state.jobs.values_mut().for_each(|job| job.lease_until_ms = 0);
            Ok(())
        })
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.operate(|state| Ok(state.payments.get(&id).cloned()))
    }

    async fn case(&self, id: PaymentId) -> Result<Option<Case>, StoreError> {
        self.operate(|state| {
            let Some(payment) = state.payments.get(&id).cloned() else { return Ok(None) };
            let instructions = state.instructions.get(&id).cloned().unwrap_or_default();
            Ok(Some(Case { payment, instructions, window_ms: self.window_ms }))
        })
    }

    async fn apply(&self, now_ms: UnixMs, id: PaymentId, change: i64, ops: Vec<PaymentOp>) -> Result<i64, StoreError> {
        self.operate(|state| state.apply(now_ms, id, change, ops))
    }

    async fn instructions(&self, id: PaymentId) -> Result<Vec<Instruction>, StoreError> {
        self.operate(|state| Ok(state.instructions.get(&id).cloned().unwrap_or_default()))
    }

    async fn instruct<T, D>(&self, now_ms: UnixMs, id: PaymentId, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(Option<&Payment>, &[Instruction]) -> (Option<Instruction>, T) + Send + 'static,
    {
        self.operate(|state| {
            let earlier = state.instructions.get(&id).cloned().unwrap_or_default();
            let (chosen, answer) = decide(state.payments.get(&id), &earlier);
            if let Some(instruction) = chosen {
                state.keep(id, instruction);
                state.call(now_ms, id);
            }
            Ok(answer)
        })
    }

    async fn changed_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<Payment>, StoreError> {
        self.operate(|state| {
            let mut changed: Vec<Payment> = state
                .payments
                .values()
                .filter(|p| p.merchant_id == merchant_id && p.change > cursor)
                .cloned()
                .collect();
            changed.sort_by_key(|p| p.change);
            changed.truncate(limit);
            Ok(changed)
        })
    }

    async fn events_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<PaymentEvent>, StoreError> {
        self.operate(|state| {
            let later = state.events.iter().filter(|e| e.merchant_id == merchant_id && e.change > cursor);
            Ok(later.take(limit).cloned().collect())
        })
    }

    async fn window_ms(&self, _at_ms: UnixMs, _merchant_id: MerchantId) -> Result<i64, StoreError> {
        self.operate(|_| Ok(self.window_ms))
    }
}
