//! The shop's policy on this device: the signed document, what was taken under it, and what that may cost.

use super::enrol::failure;
use super::{DayTag, Device, DeviceError, WaitingPayment};
use crate::http::{Answer, Call};
use crate::rng;
use crate::standing::{Open, ask};
use holdfast_core::card::{Brand, Entry};
use holdfast_core::outbox::StoreFault;
use holdfast_core::policy::{AtRisk, CardTag, DayTally, Held, Level, Meter, Policy, SALT_BYTES, Waiting, measure};
use holdfast_wire::policy::PolicyAnswer;
use holdfast_wire::stored::{StoredTime, Tally};

const CALL_MS_MAX: i64 = 15_000;
/// Setting: the trusted time as it was last.
pub(super) const TIME: &str = "trusted-time";
/// Setting: the ETag of the policy that is held.
const ETAG: &str = "policy-etag";

/// What waits on this device, and whether to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Risk {
    pub meter: Meter,
    pub level: Level,
}

impl Device {
    /// What may be taken without an answer: the signed policy, or what came with the shop where this till has never seen one.
    pub fn policy(&self) -> Option<Policy> {
        let merchant_id = self.enrolled()?.merchant_id;
        let signed = self.inner.policy.borrow();
        let signed = signed.as_ref().filter(|policy| policy.merchant_id == merchant_id);
        signed.and_then(|policy| policy.to_core().ok()).or_else(|| self.shop().map(|shop| shop.policy()))
    }

    /// Asks for the policy, verifies and keeps it. `true` when it changed.
    pub async fn refresh_policy(&self) -> Result<bool, DeviceError> {
        let (shared, shelf) = (self.shared(), &self.inner.shelf);
        let identity = shared.identity().ok_or(DeviceError::NotEnrolled)?;
        let merchant_id = &identity.enrolment.merchant_id;
        // Another page may have seen a newer one.
        let held = shared.money.policy().await?.filter(|held| held.merchant_id == *merchant_id);
        let etag = if held.is_some() { shelf.setting(ETAG).await? } else { None };
        let call = Call { if_none_match: etag.as_deref(), ..Call::get("/api/v1/policy", CALL_MS_MAX) };
        let (body, etag) = match ask(shared, &identity, call, Open::ToGoodOnly).await {
            Answer::Ok { status: 304, .. } => {
                *self.inner.policy.borrow_mut() = held;
                return Ok(false);
            }
            Answer::Ok { body, etag, .. } => (body, etag),
            other => return Err(failure(other)),
        };
        let answer: PolicyAnswer = serde_json::from_slice(&body).map_err(|_| DeviceError::NotHoldfast)?;
        let held_version = held.as_ref().map_or(0, |held| held.version);
        let policy = shared.trust.policy(&answer, merchant_id, held_version).await?;
        shared.money.put_policy(&policy).await?;
        shelf.put_setting(ETAG, &etag.unwrap_or_default()).await?;
        let is_news = held.as_ref() != Some(&policy);
        *self.inner.policy.borrow_mut() = Some(policy);
        Ok(is_news)
    }

    /// The business day with its salt, for the tag of a card. A day that is over is forgotten here, with its salt and its tags.
    pub async fn business_day(&self) -> Option<DayTally> {
        self.turn_day().await.ok()
    }

    /// Counts a payment that was to be answered and was not, so that the caps know of it.
    pub async fn note_unanswered(&self, tag: Option<DayTag>, minor: i64) -> Result<(), DeviceError> {
        let (policy, now_ms, fresh) = self.day_parts().ok_or(DeviceError::NotEnrolled)?;
        let waiting = self.count_waiting(self.shared().money.tally().await?).await?;
        let turn = |held: Option<DayTally>| {
            let day = day_on(held, &policy, now_ms, fresh);
            let tag = tag.filter(|tag| tag.day == day.day).map(|tag| tag.tag);
            day.with(tag, minor, waiting.count.saturating_sub(1), now_ms)
        };
        Ok(self.shared().money.turn_day(turn).await.map(drop)?)
    }

    async fn turn_day(&self) -> Result<DayTally, DeviceError> {
        let (policy, now_ms, fresh) = self.day_parts().ok_or(DeviceError::NotEnrolled)?;
        let turn = |held: Option<DayTally>| day_on(held, &policy, now_ms, fresh);
        Ok(self.shared().money.turn_day(turn).await?)
    }

    fn day_parts(&self) -> Option<(Policy, i64, [u8; SALT_BYTES])> {
        Some((self.policy()?, self.reading().trusted_ms(), rng::bytes().ok()?))
    }

    /// The day that a payment belongs to which is taken now.
    pub(super) fn today(&self, held: Option<DayTally>) -> Option<DayTally> {
        let (policy, now_ms, fresh) = self.day_parts()?;
        Some(day_on(held, &policy, now_ms, fresh))
    }

    /// What a payment by this card is judged by.
    pub(super) fn held(&self, waiting: Waiting, day: &DayTally, tag: Option<CardTag>) -> Held {
        Held {
            waiting,
            day_minor: day.total_minor,
            card_minor: day.card_minor(tag),
            outage_ms: day.outage_ms(waiting.count, self.reading().trusted_ms()),
            is_kept: self.inner.is_kept.get(),
        }
    }

    /// What waits may cost, and whether to go on taking cards without an answer.
    pub async fn risk(&self) -> Result<Risk, DeviceError> {
        let Some(policy) = self.policy() else { return Ok(Risk::default()) };
        let waiting = self.waiting().await?;
        let now_ms = self.reading().trusted_ms();
        let meter = measure(&policy, waiting.iter().map(at_risk), now_ms);
        let day = self.today(self.shared().money.day().await?).ok_or(DeviceError::Store(StoreFault::Broken))?;
        let tally = Tally { v: holdfast_wire::V, count: waiting.len() as u64, total_minor: meter.minor };
        let held = self.held(self.count_waiting(Some(tally)).await?, &day, None);
        Ok(Risk { meter, level: policy.level(held) })
    }

    /// Keeps the trusted time for the next start, and forgets a business day that is over.
    pub async fn keep_time(&self) {
        if let Some(kept) = self.shared().clock.to_keep() {
            // If it cannot be kept, the next page goes by what was kept before.
            let _ = self.inner.shelf.put_setting(TIME, &StoredTime::of(kept).to_json()).await;
        }
        if matches!(self.shared().money.day().await, Ok(Some(_))) {
            let _ = self.turn_day().await;
        }
    }
}

fn day_on(held: Option<DayTally>, policy: &Policy, now_ms: i64, fresh: [u8; SALT_BYTES]) -> DayTally {
    match held {
        Some(day) => day.on(policy, now_ms, fresh),
        None => DayTally::begin(policy, now_ms, fresh),
    }
}

fn at_risk(waiting: &WaitingPayment) -> AtRisk {
    AtRisk {
        brand: Brand::from_name(&waiting.card.brand),
        entry: Entry::from_name(&waiting.card.entry).unwrap_or(Entry::Keyed),
        minor: waiting.sale.total_minor,
        expires_ms: waiting.expires_ms,
    }
}
