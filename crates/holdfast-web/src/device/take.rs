//! Taking a payment: under the chain lock, sealed once, stored twice, and only then called stored.

use super::{Device, DeviceError, OnlineOutcome, SealFor, TakeOutcome, TakePayment, TakeRefusal, WaitingPayment};
use crate::clock::mono_ms;
use crate::events::tell_queue_changed;
use crate::http::{Answer, Call};
use crate::money::{Attempt, OutboxRow};
use crate::shared::Identity;
use crate::standing::{Open, ask};
use crate::{locks, recovery, save, upload};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use holdfast_core::id::PaymentId;
use holdfast_core::limits::{POLL_WAIT_MS_MAX, RECORD_BYTES_MAX};
use holdfast_core::outbox::{SaveOutcome, Scope, StoreFault};
use holdfast_core::policy::{Admitted, Asked, DayTally, Policy, Waiting};
use holdfast_wire::history::PaymentView;
use holdfast_wire::keyset::CardKey;
use holdfast_wire::record::{ApprovalWire, CardWire, RecordPayload};
use holdfast_wire::stored::{StoredPayment, Tally};
use holdfast_wire::time::Head;

/// What a payment that may be taken goes on with.
struct Admission {
    /// To seal with, and its key set's version.
    key: (CardKey, u64),
    /// The business day with this payment, where it counts.
    day: Option<DayTally>,
    approval: Option<ApprovalWire>,
}

impl Device {
    /// Seals and stores a payment. `seal` is called at most once, and not at all when the payment of this id is stored already.
    pub async fn take_payment<E>(
        &self,
        take: TakePayment,
        seal: impl FnOnce(&SealFor) -> Result<String, E>,
    ) -> TakeOutcome<E> {
        let _guard = locks::hold(locks::CHAIN).await;
        match self.take_locked(take, seal).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    async fn take_locked<E>(
        &self,
        take: TakePayment,
        seal: impl FnOnce(&SealFor) -> Result<String, E>,
    ) -> Result<TakeOutcome<E>, TakeOutcome<E>> {
        let (shared, money) = (self.shared(), &self.shared().money);
        let identity = shared.identity().ok_or(TakeOutcome::Refused(TakeRefusal::NotEnrolled))?;
        // While it is not known what an earlier attempt left behind, a store that cannot be read must not be called "not stored".
        let in_doubt = self.inner.look_again.get() || self.inner.doubts.borrow().contains(&take.id);
        let unread = |fault| if in_doubt { self.unsure(take.id, fault) } else { TakeOutcome::NotStored(fault) };
        if in_doubt {
            self.took_findings(recovery::run_locked(shared).await.map_err(unread)?);
        }
        let before = money.attempt(take.id).await.map_err(unread)?;
        if is_voided(&before) {
            return Err(TakeOutcome::Refused(TakeRefusal::Voided));
        }
        if before.tombstone.is_some() {
            return Ok(TakeOutcome::AlreadySent);
        }
        let prev = before.head.head;
        if let Some(row) = before.row {
            let outcome = save::save_again(shared, &row.stored, row.entry.hash, &prev).await;
            return Ok(self.saved(&row, outcome));
        }
        // Neither sent nor there: what was in doubt is known not to be kept.
        self.inner.doubts.borrow_mut().remove(&take.id);
        let Admission { key, day, approval } = self.admit(&take, before.tally, before.day).await?;
        let row = self.make_row(&take, &identity, &prev, (key, approval), seal).await?;
        let outcome = save::save(shared, &row.stored, row.entry.hash, &prev, day.as_ref()).await;
        Ok(self.saved(&row, outcome))
    }

    /// Whether the payment may be taken, and what it is sealed and counted with.
    async fn admit<E>(
        &self,
        take: &TakePayment,
        tally: Option<Tally>,
        day: Option<DayTally>,
    ) -> Result<Admission, TakeOutcome<E>> {
        let refused = |refusal: TakeRefusal| TakeOutcome::Refused(refusal);
        if self.standing().is_revoked() {
            return Err(refused(TakeRefusal::Revoked));
        }
        let policy = self.policy().ok_or_else(|| refused(TakeRefusal::NoShop))?;
        let waiting = self.count_waiting(tally).await.map_err(|e| match e {
            DeviceError::Store(fault) => TakeOutcome::NotStored(fault),
            _ => refused(TakeRefusal::NotEnrolled),
        })?;
        let asked = Asked::of(take.amount, &take.card);
        let (day, admitted) = if take.unanswered {
            // Without randomness there is no salt, and nothing is ever sealed either.
            let day = self.today(day).ok_or_else(|| refused(TakeRefusal::CannotSign))?;
            let now_ms = self.reading().trusted_ms();
            let tag = take.tag.filter(|tag| tag.day == day.day).map(|tag| tag.tag);
            let held = self.held(waiting, &day, tag);
            let admitted = policy.admit(asked, held, take.approval.as_ref(), now_ms);
            let admitted = admitted.map_err(|e| refused(e.into()))?;
            (Some(day.with(tag, take.amount.minor(), waiting.count, now_ms)), admitted)
        } else {
            Policy::admit_answered(asked, waiting).map_err(|e| refused(e.into()))?;
            (None, Admitted::default())
        };
        let approval = ApprovalWire::from_core(take.approval.as_ref(), &admitted);
        let key = self.card_key().ok_or_else(|| refused(TakeRefusal::NoCardKey))?;
        Ok(Admission { key, day, approval })
    }

    /// Seals the card and signs the record that follows `prev`.
    async fn make_row<E>(
        &self,
        take: &TakePayment,
        identity: &Identity,
        prev: &Head,
        ((card_key, ksv), approval): ((CardKey, u64), Option<ApprovalWire>),
        seal: impl FnOnce(&SealFor) -> Result<String, E>,
    ) -> Result<OutboxRow, TakeOutcome<E>> {
        let (id, enrolment, now) = (take.id.to_string(), &identity.enrolment, self.reading());
        let seal_for = SealFor {
            card_key,
            mid: enrolment.merchant_id.clone(),
            did: enrolment.device_id.clone(),
            pid: id.clone(),
            seq: prev.seq.saturating_add(1),
            amt: take.amount.minor(),
            cur: take.amount.currency().code().into(),
            ksv,
        };
        let jwe = seal(&seal_for).map_err(TakeOutcome::NotSealed)?;
        let payload = RecordPayload {
            v: holdfast_wire::V,
            id: id.clone(),
            mid: seal_for.mid,
            did: seal_for.did,
            seq: seal_for.seq,
            prev: prev.hash.clone(),
            jwe,
            created_ms: now.wall_ms,
            mono_ms: now.mono_ms,
            server_ms: now.anchor.map_or(0, |a| a.server_ms),
            server_mono_ms: now.anchor.map_or(0, |a| a.at_mono_ms),
            offline: take.offline,
            card: CardWire::from_core(&take.card),
            sale: take.sale.clone(),
            approval,
            void: None,
        };
        let to_sign = payload.to_sign();
        let signature = identity.key.sign(to_sign.signing_input()).await;
        let signature = signature.map_err(|_| TakeOutcome::Refused(TakeRefusal::CannotSign))?;
        let record = to_sign.with_signature(&signature);
        if record.len() > RECORD_BYTES_MAX || payload.to_core().is_none_or(|r| r.amount != take.amount) {
            return Err(TakeOutcome::Refused(TakeRefusal::TooLarge));
        }
        let expires_ms = self.policy().map_or(now.trusted_ms(), |policy| policy.expires_ms(now));
        let mut stored = StoredPayment::new(&id, payload.seq, record, expires_ms);
        let entry = stored.entry().map_err(|_| TakeOutcome::Refused(TakeRefusal::TooLarge))?;
        stored.file = self.shared().journal.take_prepared();
        Ok(OutboxRow { stored, entry, payload })
    }

    fn saved<E>(&self, row: &OutboxRow, outcome: SaveOutcome) -> TakeOutcome<E> {
        match outcome {
            SaveOutcome::Stored => {
                self.inner.doubts.borrow_mut().remove(&row.entry.id);
                self.tidy_up();
                tell_queue_changed();
                TakeOutcome::Stored(WaitingPayment::of(row))
            }
            SaveOutcome::NotStored(fault) => TakeOutcome::NotStored(fault),
            SaveOutcome::Unsure(fault) => self.unsure(row.entry.id, fault),
        }
    }

    /// Remembers the doubt, so that the next attempt under this id looks before it says anything.
    fn unsure<E>(&self, id: PaymentId, fault: StoreFault) -> TakeOutcome<E> {
        self.inner.look_again.set(true);
        self.inner.doubts.borrow_mut().insert(id);
        TakeOutcome::Unsure(fault)
    }

    /// How many payments wait, and their sum: as it was counted with the last change, or else anew.
    pub(super) async fn count_waiting(&self, tally: Option<Tally>) -> Result<Waiting, DeviceError> {
        if let Some(Tally { count, total_minor, .. }) = tally {
            return Ok(Waiting { count: usize::try_from(count).unwrap_or(usize::MAX), total_minor });
        }
        let count = self.read_new_rows().await?;
        let rows = self.inner.rows.borrow();
        let waiting = || rows.values().filter(|row| row.voided_ms.is_none());
        let count = count.saturating_sub(rows.len() - waiting().count());
        let total_minor = waiting().fold(0_i64, |sum, row| sum.saturating_add(row.sale.total_minor));
        Ok(Waiting { count, total_minor })
    }

    /// Sends a stored payment and waits for its result, `timeout_ms` at most ([`holdfast_core::limits::ONLINE_ANSWER_MS_MAX`]).
    pub async fn settle_online(&self, id: PaymentId, timeout_ms: i64) -> OnlineOutcome {
        let until_mono_ms = mono_ms().saturating_add(timeout_ms);
        let (send, settled) = oneshot::channel();
        let device = self.clone();
        // On its own: when the seller stops waiting, the upload still comes to its end.
        wasm_bindgen_futures::spawn_local(async move {
            // Before the record leaves the journal, the journal knows the head: a wipe after that must not repeat its number.
            let _ = recovery::copy_head(device.shared()).await;
            upload::run(device.shared(), Scope::Only(id)).await;
            let _ = send.send(device.poll(id, until_mono_ms).await);
        });
        let wait_ms = u32::try_from(timeout_ms).unwrap_or(0);
        match select(settled, TimeoutFuture::new(wait_ms)).await {
            Either::Left((Ok(Some(view)), _)) => OnlineOutcome::Settled(view),
            Either::Left(_) | Either::Right(_) => OnlineOutcome::StillStored,
        }
    }

    /// Asks for the payment until it is settled or the time is over.
    async fn poll(&self, id: PaymentId, until_mono_ms: i64) -> Option<PaymentView> {
        let identity = self.shared().identity()?;
        // What was not acknowledged is not known to the server: nothing to wait for.
        if self.shared().money.outbox_row(id).await.ok()?.is_some() {
            return None;
        }
        let path = format!("/api/v1/payments/{id}");
        loop {
            let left_ms = until_mono_ms.saturating_sub(mono_ms());
            if left_ms <= 0 {
                return None;
            }
            let query = format!("wait_ms={}", left_ms.min(POLL_WAIT_MS_MAX));
            let call = Call { query: &query, ..Call::get(&path, left_ms.saturating_add(500)) };
            let Answer::Ok { body, .. } = ask(self.shared(), &identity, call, Open::ToGoodOnly).await else {
                return None;
            };
            let view = PaymentView::from_json(&body).ok()?;
            if view.is_settled() {
                let _ = self.inner.shelf.put_history(std::slice::from_ref(&view), None).await;
                return Some(view);
            }
        }
    }
}

/// Whether the payment of an earlier attempt was voided since, on this device.
fn is_voided(before: &Attempt) -> bool {
    let by_row = before.row.as_ref().is_some_and(|row| row.stored.voids.is_some());
    by_row || before.tombstone.as_ref().is_some_and(|stone| stone.voids.is_some())
}
