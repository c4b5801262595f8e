//! Voiding a payment that still waits on this device: its sealed record is destroyed, and a signed void goes up in its place.

use super::{Device, DeviceError};
use crate::events::{ROW_REPLACED, tell, tell_queue_changed};
use crate::money::{OutboxRow, Swapped};
use crate::shared::{Identity, Shared};
use crate::{locks, recovery};
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::outbox::{StoreFault, Void, VoidOutcome, VoidRequest, VoidResponse, VoidStep};
use holdfast_wire::stored::StoredPayment;
use holdfast_wire::time::Head;

const REASON: &str = "mistake";

/// How a void of a stored payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredVoid {
    /// It is never charged. Also when it was voided before.
    Voided,
    /// The server may have it: only there it can be voided.
    MaybeSent,
    /// Nothing was changed.
    NotVoided(StoreFault),
    /// It cannot be told now; what the history shows after the next look is true.
    Unsure(StoreFault),
}

impl Device {
    /// Voids a payment that waits here and that nobody has sent.
    pub async fn void_stored(&self, id: PaymentId) -> Result<StoredVoid, DeviceError> {
        let _guard = locks::hold(locks::CHAIN).await;
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        // What an earlier stop left behind is settled first: it may be a void of this very payment.
        if self.inner.look_again.get() {
            self.took_findings(recovery::run_locked(self.shared()).await?);
        }
        let before = self.shared().money.attempt(id).await?;
        let Some(row) = before.row else { return Ok(StoredVoid::MaybeSent) };
        if row.stored.voids.is_some() {
            return Ok(StoredVoid::Voided);
        }
        // A record that another device signed is not this chain's to void.
        if row.payload.did != identity.enrolment.device_id {
            return Ok(StoredVoid::MaybeSent);
        }
        let void = self.make_void(&row, &identity, &before.head.head).await?;
        let outcome = drive(self.shared(), &row, &void, &before.head.head).await;
        Ok(self.voided(&row, outcome))
    }

    /// The signed void that follows `prev`.
    async fn make_void(&self, row: &OutboxRow, identity: &Identity, prev: &Head) -> Result<StoredPayment, DeviceError> {
        let payload = row.payload.voided(&row.stored.hash, prev, self.reading().wall_ms, REASON);
        let to_sign = payload.to_sign();
        let signature = identity.key.sign(to_sign.signing_input()).await.map_err(|_| DeviceError::Crypto)?;
        let mut void = row.stored.voided_by(payload.seq, to_sign.with_signature(&signature));
        void.file = self.shared().journal.take_prepared();
        Ok(void)
    }

    fn voided(&self, row: &OutboxRow, outcome: VoidOutcome) -> StoredVoid {
        self.inner.rows.borrow_mut().remove(&row.stored.id);
        match outcome {
            VoidOutcome::Voided { is_destroyed } => {
                if !is_destroyed {
                    self.inner.look_again.set(true);
                }
                tell(ROW_REPLACED);
                tell_queue_changed();
                self.tidy_up();
                StoredVoid::Voided
            }
            VoidOutcome::Claimed => StoredVoid::MaybeSent,
            VoidOutcome::NotVoided(fault) => StoredVoid::NotVoided(fault),
            VoidOutcome::Unsure(fault) => {
                self.inner.look_again.set(true);
                tell(ROW_REPLACED);
                StoredVoid::Unsure(fault)
            }
        }
    }
}

/// Carries out what the core's [`Void`] asks for. The caller holds the chain lock.
async fn drive(shared: &Shared, row: &OutboxRow, void: &StoredPayment, prev: &Head) -> VoidOutcome {
    let mut step = Void::start(row.entry.hash, hash_of(void));
    loop {
        match step {
            VoidStep::End(outcome) => return outcome,
            VoidStep::Ask(machine, request) => step = machine.next(answer(shared, row, void, prev, request).await),
        }
    }
}

async fn answer(
    shared: &Shared,
    row: &OutboxRow,
    void: &StoredPayment,
    prev: &Head,
    request: VoidRequest,
) -> VoidResponse {
    let (money, journal, name) = (&shared.money, &shared.journal, void.journal_name());
    match request {
        VoidRequest::Journal => done(journal.write(&name, &void.to_json()).await.map(drop)),
        VoidRequest::Swap => match money.swap(void, Some(prev)).await {
            Ok(Swapped::Done) => VoidResponse::Done,
            Ok(Swapped::Claimed) => VoidResponse::Claimed,
            Err(fault) => VoidResponse::Failed(fault),
        },
        VoidRequest::ReadBack => money.read_back(&void.id).await.map_or_else(VoidResponse::Failed, VoidResponse::Hash),
        VoidRequest::UnjournalVoid => done(journal.remove(&name).await),
        VoidRequest::Destroy => done(journal.remove(&row.stored.journal_name()).await),
    }
}

fn hash_of(stored: &StoredPayment) -> RecordHash {
    holdfast_wire::b64::record_hash(&stored.record)
}

fn done(result: Result<(), StoreFault>) -> VoidResponse {
    result.map_or_else(VoidResponse::Failed, |()| VoidResponse::Done)
}
