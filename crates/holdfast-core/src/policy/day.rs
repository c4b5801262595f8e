//! What a device took without an answer on its business day: in all, and by card.
//!
//! No card is kept. A card is a [`CardTag`]: 24 bits of a keyed hash of its number, whose key is a salt of this device and this day. Thousands
//! of the numbers that a brand can issue share each tag, so a tag leads back to none of them, and two cards of one day share one about once in
//! seventeen million pairs: then their sums are counted together, and a manager lets the sale through. With the day the salt goes, and with it
//! the last that could be tried against the tags.

use super::Policy;
use crate::limits::CARD_TAGS_MAX;
use crate::time::UnixMs;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Bytes of a day's salt.
pub const SALT_BYTES: usize = 32;

/// A card as a device recognises it for a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardTag(pub [u8; 3]);

/// The business day's tally.
#[derive(Clone, PartialEq, Eq)]
pub struct DayTally {
    pub day: i64,
    pub salt: Zeroizing<[u8; SALT_BYTES]>,
    pub total_minor: i64,
    pub cards: BTreeMap<CardTag, i64>,
    /// When the outage began: the first payment that waits without a break was taken then. Kept over the days.
    pub outage_since_ms: Option<UnixMs>,
}

impl std::fmt::Debug for DayTally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DayTally(day {}, {} cards)", self.day, self.cards.len())
    }
}

impl DayTally {
    /// An empty one for the day of `now_ms`.
    pub fn begin(policy: &Policy, now_ms: UnixMs, salt: [u8; SALT_BYTES]) -> Self {
        Self {
            day: policy.day(now_ms),
            salt: Zeroizing::new(salt),
            total_minor: 0,
            cards: BTreeMap::new(),
            outage_since_ms: None,
        }
    }

    /// The one of the day of `now_ms`: this, or an empty one with `fresh_salt`. A clock that went back stays on the later day, so that setting it
    /// back and forth does not empty the caps.
    #[must_use]
    pub fn on(self, policy: &Policy, now_ms: UnixMs, fresh_salt: [u8; SALT_BYTES]) -> Self {
        if policy.day(now_ms) <= self.day {
            return self;
        }
        Self { outage_since_ms: self.outage_since_ms, ..Self::begin(policy, now_ms, fresh_salt) }
    }

    /// What a card has paid; a tag of another salt is of no card.
    pub fn card_minor(&self, tag: Option<CardTag>) -> i64 {
        tag.and_then(|tag| self.cards.get(&tag)).copied().unwrap_or(0)
    }

    /// How old the outage is. With nothing that waits there is none.
    pub fn outage_ms(&self, waiting_count: usize, now_ms: UnixMs) -> i64 {
        match self.outage_since_ms {
            Some(since_ms) if waiting_count > 0 => now_ms.saturating_sub(since_ms).max(0),
            _ => 0,
        }
    }

    /// With one more payment. `waiting_count`: how many waited before it.
    #[must_use]
    pub fn with(mut self, tag: Option<CardTag>, minor: i64, waiting_count: usize, now_ms: UnixMs) -> Self {
        self.total_minor = self.total_minor.saturating_add(minor);
        if let Some(tag) = tag
            && (self.cards.len() < CARD_TAGS_MAX || self.cards.contains_key(&tag))
        {
            let paid = self.cards.entry(tag).or_default();
            *paid = paid.saturating_add(minor);
        }
        if waiting_count == 0 || self.outage_since_ms.is_none() {
            self.outage_since_ms = Some(now_ms);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::Caps;
    use super::*;
    use crate::time::DAY_MS;

    const A: Option<CardTag> = Some(CardTag([1, 2, 3]));
    const B: Option<CardTag> = Some(CardTag([1, 2, 4]));

    fn policy() -> Policy {
        Policy::new(DAY_MS, Caps::of(1, 1, 1))
    }

    #[test]
    fn cards_are_counted_for_a_day_and_forgotten_with_its_salt() {
        let day = DayTally::begin(&policy(), DAY_MS, [1; SALT_BYTES]);
        let day = day.with(A, 500, 0, DAY_MS).with(B, 20, 1, DAY_MS + 5).with(A, 7, 2, DAY_MS + 9);
        assert_eq!((day.card_minor(A), day.card_minor(B), day.card_minor(None), day.total_minor), (507, 20, 0, 527));
        let same = day.clone().on(&policy(), 2 * DAY_MS - 1, [2; SALT_BYTES]);
        assert_eq!(same, day);
        assert_eq!(day.clone().on(&policy(), 5, [2; SALT_BYTES]), day, "a clock that went back");
        let next = day.on(&policy(), 2 * DAY_MS, [2; SALT_BYTES]);
        assert_eq!((next.total_minor, next.cards.len(), *next.salt), (0, 0, [2; SALT_BYTES]));
        assert_eq!(next.outage_since_ms, Some(DAY_MS), "the outage is older than the day");
    }

    #[test]
    fn an_outage_begins_with_the_first_that_waits() {
        let day = DayTally::begin(&policy(), 0, [0; SALT_BYTES]);
        assert_eq!(day.outage_ms(0, 50), 0);
        let day = day.with(A, 1, 0, 100).with(A, 1, 1, 200);
        assert_eq!((day.outage_ms(2, 350), day.outage_ms(0, 350), day.outage_ms(2, 50)), (250, 0, 0));
        assert_eq!(day.with(B, 1, 0, 900).outage_ms(1, 1_000), 100, "all had gone up in between");
    }

    #[test]
    fn tags_have_a_limit_and_nothing_shows_the_salt() {
        let mut day = DayTally::begin(&policy(), 0, [77; SALT_BYTES]);
        for n in 0..u32::try_from(CARD_TAGS_MAX).unwrap_or(0) + 5 {
            let [_, a, b, c] = n.to_be_bytes();
            day = day.with(Some(CardTag([a, b, c])), 1, 1, 0);
        }
        assert_eq!(day.cards.len(), CARD_TAGS_MAX);
        assert_eq!(day.total_minor, i64::try_from(CARD_TAGS_MAX).unwrap_or(0) + 5, "the day's cap still counts them");
        assert!(!format!("{day:?}").contains("77"));
    }
}
