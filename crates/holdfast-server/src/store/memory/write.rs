//! The writes of the books in memory. Each is all or nothing: what can fail is checked before the first change.

use super::{Attempt, JobRow, State};
use crate::store::books::row::state_columns;
use crate::store::{
    AckedPayment, IngestOp, IngestQuery, IngestSnapshot, Job, Payment, PaymentEvent, PaymentOp, Quarantined, StoreError,
};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::Instruction;
use holdfast_core::time::UnixMs;

impl State {
    pub(super) fn snapshot(&self, query: &IngestQuery) -> IngestSnapshot {
        let of_device = || self.payments.values().filter(|p| p.device_id == query.device_id);
        let quarantined = || self.quarantine.iter().filter(|(device, _)| *device == query.device_id).map(|(_, q)| q);
        IngestSnapshot {
            by_id: query.ids.iter().filter_map(|id| Some((*id, self.payments.get(id)?.record_hash))).collect(),
            seqs: of_device()
                .map(|p| p.seq)
                .chain(of_device().filter_map(|p| self.voids.get(&p.id)).map(|void| void.seq))
                .filter(|seq| query.seqs.contains(seq))
                .collect(),
            quarantined: quarantined()
                .filter(|q| query.hashes.contains(&q.record_hash))
                .map(|q| (q.record_hash, q.reason.clone()))
                .collect(),
            quarantine_count: quarantined().count() as u64,
            head: of_device()
                .map(|p| (self.voids.get(&p.id).map_or(p.seq, |void| void.seq), p.record_hash))
                .max_by_key(|(seq, _)| *seq),
            voided: query.ids.iter().filter_map(|id| Some((*id, self.voids.get(id)?.voided))).collect(),
        }
    }

    pub(super) fn ingest(&mut self, now_ms: UnixMs, device_id: DeviceId, ops: Vec<IngestOp>) -> Result<(), StoreError> {
        let mut fresh: Vec<(PaymentId, u64)> = Vec::new();
        for op in &ops {
            if let IngestOp::Store(new) | IngestOp::StoreVoid(new, _) = op {
                let taken = self.payments.contains_key(&new.id)
                    || self.payments.values().any(|p| p.device_id == new.device_id && p.seq == new.seq)
                    || fresh.iter().any(|(id, seq)| *id == new.id || *seq == new.seq);
                if taken {
                    return Err(StoreError::Database("UNIQUE constraint failed: payments".to_owned()));
                }
                fresh.push((new.id, new.seq));
            }
        }
        for op in ops {
            match op {
                IngestOp::Store(mut payment) => {
                    payment.change = self.next_change();
                    payment.changed_ms = now_ms;
                    self.jobs.insert(
                        payment.id,
                        JobRow { due_ms: payment.first_due_ms(now_ms), lease_until_ms: 0, failures: 0 },
                    );
                    self.tell(&payment);
                    self.payments.insert(payment.id, *payment);
                }
                // Nothing here reads it again.
                IngestOp::Approve(..) => {}
                IngestOp::StoreVoid(mut payment, void) => {
                    payment.change = self.next_change();
                    payment.changed_ms = now_ms;
                    self.tell(&payment);
                    self.voids.insert(payment.id, void);
                    self.payments.insert(payment.id, *payment);
                }
                IngestOp::Quarantine(quarantined) => self.quarantine(device_id, quarantined),
            }
        }
        Ok(())
    }

    /// Whether this payment is here. One that is not is noted.
    pub(super) fn holds(&mut self, merchant_id: MerchantId, payment: AckedPayment) -> bool {
        let hash = payment.record_hash;
        let is_here =
            self.payments.get(&payment.id).is_some_and(|p| p.record_hash == hash && p.merchant_id == merchant_id)
                || self.quarantine.iter().any(|(_, q)| q.record_hash == hash);
        if !is_here {
            self.missing.insert((payment.id, hash), payment);
        }
        is_here
    }

    fn quarantine(&mut self, device_id: DeviceId, quarantined: Quarantined) {
        let is_there = self.quarantine.iter().any(|(d, q)| *d == device_id && q.record_hash == quarantined.record_hash);
        if !is_there {
            self.quarantine.push((device_id, quarantined));
        }
    }

    pub(super) fn claim(&mut self, now_ms: UnixMs, lease_until_ms: UnixMs, limit: usize) -> Vec<Job> {
        let mut due: Vec<(UnixMs, PaymentId)> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.due_ms <= now_ms && job.lease_until_ms <= now_ms)
            .map(|(id, job)| (job.due_ms, *id))
            .collect();
        due.sort_unstable();
        due.truncate(limit);
        let mut claimed = Vec::with_capacity(due.len());
        for (_, payment_id) in due {
            if let Some(job) = self.jobs.get_mut(&payment_id) {
                job.lease_until_ms = lease_until_ms;
                claimed.push(Job { payment_id, failures: job.failures });
            }
        }
        claimed
    }

    pub(super) fn apply(
        &mut self,
        now_ms: UnixMs,
        id: PaymentId,
        change: i64,
        ops: Vec<PaymentOp>,
    ) -> Result<i64, StoreError> {
        if self.payments.get(&id).is_none_or(|p| p.change != change) {
            return Err(StoreError::Conflict);
        }
        for op in ops {
            self.apply_one(now_ms, id, op);
        }
        Ok(self.payments.get(&id).map_or(change, |p| p.change))
    }

    fn apply_one(&mut self, now_ms: UnixMs, id: PaymentId, op: PaymentOp) {
        match op {
            PaymentOp::State(state) => self.set_state(now_ms, id, state),
            PaymentOp::Ask { kind } => {
                self.attempts.push(Attempt { payment_id: id, kind, asked_ms: now_ms, outcome: None });
            }
            PaymentOp::Answer { kind, outcome } => {
                for attempt in
                    self.attempts.iter_mut().filter(|a| a.payment_id == id && a.kind == kind && a.outcome.is_none())
                {
                    attempt.outcome = Some(outcome.clone());
                }
            }
            PaymentOp::PanHmac(hmac) => self.with(id, |p| p.card.pan_hmac = Some(hmac)),
            PaymentOp::Scrub => self.with(id, |p| {
                p.record = None;
                p.card_key_kid = None;
            }),
            PaymentOp::Quarantine { reason } => self.quarantine_payment(id, reason),
            PaymentOp::Again { due_ms, failures } => {
                self.jobs.insert(id, JobRow { due_ms, lease_until_ms: 0, failures });
            }
            PaymentOp::Instruction(instruction) => self.keep(id, instruction),
            PaymentOp::Done => {
                let is_open = |list: &Vec<Instruction>| list.iter().any(|known| known.progress.is_open());
                if self.instructions.get(&id).is_some_and(is_open) {
                    self.jobs.insert(id, JobRow { due_ms: now_ms, lease_until_ms: 0, failures: 0 });
                } else {
                    self.jobs.remove(&id);
                }
            }
        }
    }

    /// Writes an instruction as it stands now.
    pub(super) fn keep(&mut self, id: PaymentId, instruction: Instruction) {
        let list = self.instructions.entry(id).or_default();
        match list.iter_mut().find(|known| known.id == instruction.id) {
            Some(known) => *known = instruction,
            None => list.push(instruction),
        }
    }

    /// Makes the payment's job due, without taking it from whoever works on it.
    pub(super) fn call(&mut self, now_ms: UnixMs, id: PaymentId) {
        let job = self.jobs.entry(id).or_insert(JobRow { due_ms: now_ms, lease_until_ms: 0, failures: 0 });
        job.due_ms = now_ms;
    }

    fn set_state(&mut self, now_ms: UnixMs, id: PaymentId, state: PaymentState) {
        let change = self.next_change();
        self.with(id, |p| {
            p.state = state;
            p.changed_ms = now_ms;
            p.change = change;
        });
        if let Some(payment) = self.payments.get(&id).cloned() {
            self.tell(&payment);
        }
    }

    fn tell(&mut self, payment: &Payment) {
        let (state, reason, ..) = state_columns(&payment.state);
        self.events.push(PaymentEvent {
            merchant_id: payment.merchant_id,
            change: payment.change,
            payment_id: payment.id,
            state: state.to_owned(),
            reason,
            amount_minor: payment.sale.amount_minor,
            currency: payment.sale.currency.clone(),
            at_ms: payment.changed_ms,
        });
    }

    fn quarantine_payment(&mut self, id: PaymentId, reason: String) {
        let Some(payment) = self.payments.get_mut(&id) else { return };
        payment.card_key_kid = None;
        let quarantined = Quarantined {
            record_hash: payment.record_hash,
            payment_id: Some(id),
            reason,
            raw: payment.record.take().unwrap_or_default().into_bytes(),
            card_key_kid: None,
        };
        let device_id = payment.device_id;
        self.quarantine(device_id, quarantined);
    }

    fn with(&mut self, id: PaymentId, change: impl FnOnce(&mut Payment)) {
        if let Some(payment) = self.payments.get_mut(&id) {
            change(payment);
        }
    }

    fn next_change(&mut self) -> i64 {
        self.last_change += 1;
        self.last_change
    }
}
