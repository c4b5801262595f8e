//! The life of a daily card key: three states by the clock, then its private half is destroyed.
//!
//! A key is for one UTC day. With `D` the start of its day and `now` the clock of whoever asks:
//!
//! | state | holds while | a till seals with it | the server opens with it |
//! |---|---|---|---|
//! | [`KeyState::Ahead`] | `now < D` | no | yes, for a till whose clock is ahead |
//! | [`KeyState::InUse`] | `D <= now < use_until`, not withdrawn | yes | yes |
//! | [`KeyState::Accepting`] | `use_until <= now < accept_until`, or withdrawn and `now < accept_until` | no | yes |
//! | [`KeyState::Over`] | `accept_until <= now` | no | no: the private half is destroyed |
//!
//! What must hold, and is checked by [`KeyTimes::check`] or when this file is compiled:
//!
//! 1. `not_before < use_until <= accept_until`, and `use_until = not_before + one day`: one key in use at any time.
//! 2. `accept_until - use_until >= window + margin`: a card sealed in the key's last moment and uploaded in the last moment of
//!    its window is opened, with the margin to spare for a late upload to be recognised.
//! 3. `window <= days ahead`: a till that hears nothing for its whole window has a key for each of those days.
//! 4. `life of a key set > days ahead + 1`: a set does not end before the last key that it names.
//!
//! A withdrawn key (an emergency rotation) goes straight to `Accepting` and keeps its `accept_until`: tills that are offline do
//! not hear of it, and seal with the key until its day ends. An `Over` key that an unopened record names is kept, and said.

mod sweep;

pub use sweep::{HeldKey, KeyOp, Published, Scope, rotate, sweep};

use crate::limits::{KEY_DAYS_AHEAD, KEY_MARGIN_MS, KEYSET_LIFE_MS, WINDOW_MS_MAX};
use crate::time::{DAY_MS, UnixMs, iso_date, utc_day};

// Inequalities 3 and 4.
const _: () = assert!(WINDOW_MS_MAX <= KEY_DAYS_AHEAD as i64 * DAY_MS);
const _: () = assert!(KEYSET_LIFE_MS > (KEY_DAYS_AHEAD as i64 + 1) * DAY_MS);

/// The times of one card key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTimes {
    pub not_before_ms: UnixMs,
    pub use_until_ms: UnixMs,
    pub accept_until_ms: UnixMs,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published ahead of its day.
    Ahead,
    /// Its day: tills seal with it.
    InUse,
    /// Seals no more; opens what was sealed.
    Accepting,
    /// Its time is over: destroyed, or about to be.
    Over,
}

impl KeyState {
    /// A word for lists and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::InUse => "in-use",
            Self::Accepting => "accepting",
            Self::Over => "over",
        }
    }
}

/// The first inequality that a key's times break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyTimesError {
    #[error("a key is for one day: use_until is not not_before and 24 hours")]
    Day,
    #[error("accept_until is before use_until, the window and the margin are over")]
    Accept,
}

impl KeyTimes {
    /// The times of the key of a UTC day (days since the epoch).
    pub fn of_day(day: i64) -> Self {
        let not_before_ms = day * DAY_MS;
        let use_until_ms = not_before_ms + DAY_MS;
        Self { not_before_ms, use_until_ms, accept_until_ms: use_until_ms + WINDOW_MS_MAX + KEY_MARGIN_MS }
    }

    /// By the clock alone; [`HeldKey::state`] knows of a withdrawal too.
    pub fn state(&self, now_ms: UnixMs) -> KeyState {
        if now_ms < self.not_before_ms {
            KeyState::Ahead
        } else if now_ms < self.use_until_ms {
            KeyState::InUse
        } else if now_ms < self.accept_until_ms {
            KeyState::Accepting
        } else {
            KeyState::Over
        }
    }

    /// Inequalities 1 and 2.
    ///
    /// # Errors
    /// The first that is broken.
    pub fn check(&self) -> Result<(), KeyTimesError> {
        if self.use_until_ms != self.not_before_ms.saturating_add(DAY_MS) {
            return Err(KeyTimesError::Day);
        }
        if self.accept_until_ms < self.use_until_ms.saturating_add(WINDOW_MS_MAX + KEY_MARGIN_MS) {
            return Err(KeyTimesError::Accept);
        }
        Ok(())
    }

    /// The UTC day that it is for.
    pub fn day(&self) -> i64 {
        utc_day(self.not_before_ms)
    }
}

/// The id of a day's first key in the books of this tag: `card-2026-11-23-k7q2`. Books that came from a copy have another tag, so that the
/// keys they make are never taken for those that were lost.
pub fn card_kid(day: i64, tag: &str) -> String {
    format!("card-{}-{tag}", iso_date(day))
}

/// The id of a day's key after `earlier_count` others of that day: `card-2026-11-23-k7q2-2` follows `card-2026-11-23-k7q2`.
pub fn card_kid_after(day: i64, tag: &str, earlier_count: usize) -> String {
    match earlier_count {
        0 => card_kid(day, tag),
        count => format!("{}-{}", card_kid(day, tag), count + 1),
    }
}

/// The version of the key set after version `newest`: the seconds since 1970, and always higher. Books that came from an older copy go on
/// above whatever the lost ones had published, so that no till refuses their sets as older than its own.
pub fn next_version(newest: Option<u64>, now_ms: UnixMs) -> u64 {
    let seconds = u64::try_from(now_ms / 1_000).unwrap_or(0);
    seconds.max(newest.map_or(1, |newest| newest.saturating_add(1)))
}

/// Whether the daily self-test is due: once a UTC day, and after a clock that went back.
pub fn is_self_test_due(last_ms: Option<UnixMs>, now_ms: UnixMs) -> bool {
    last_ms.is_none_or(|last| utc_day(last) != utc_day(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inequalities_hold_for_every_day_and_nothing_less_passes() {
        for day in [-1, 0, 20_000, 30_000] {
            let good = KeyTimes::of_day(day);
            assert_eq!((good.check(), good.day()), (Ok(()), day));
            let late = KeyTimes { use_until_ms: good.use_until_ms + 1, ..good.clone() };
            assert_eq!(late.check(), Err(KeyTimesError::Day));
            let short = KeyTimes { accept_until_ms: good.accept_until_ms - 1, ..good.clone() };
            assert_eq!(short.check(), Err(KeyTimesError::Accept));
        }
        let extreme = KeyTimes { not_before_ms: i64::MAX, use_until_ms: i64::MAX, accept_until_ms: i64::MIN };
        assert!(extreme.check().is_err());
    }

    #[test]
    fn states_follow_each_other_and_days_join_without_a_gap() {
        let (today, tomorrow) = (KeyTimes::of_day(100), KeyTimes::of_day(101));
        assert_eq!(today.use_until_ms, tomorrow.not_before_ms);
        for (at, state) in [
            (today.not_before_ms - 1, KeyState::Ahead),
            (today.not_before_ms, KeyState::InUse),
            (today.use_until_ms - 1, KeyState::InUse),
            (today.use_until_ms, KeyState::Accepting),
            (today.accept_until_ms - 1, KeyState::Accepting),
            (today.accept_until_ms, KeyState::Over),
            (i64::MAX, KeyState::Over),
            (i64::MIN, KeyState::Ahead),
        ] {
            assert_eq!(today.state(at), state, "{at}");
        }
    }

    #[test]
    fn kids_of_a_day_are_numbered_from_the_second() {
        assert_eq!(card_kid_after(20_780, "a", 0), card_kid(20_780, "a"));
        assert_eq!(card_kid_after(20_780, "a", 1), format!("{}-2", card_kid(20_780, "a")));
        assert_ne!(card_kid(20_780, "a"), card_kid(20_780, "b"), "other books, another key");
    }

    #[test]
    fn a_version_is_above_the_one_before_and_above_those_of_books_that_were_lost() {
        for (newest, now_ms, next) in [
            (None, 0, 1),
            (None, -5_000, 1),
            (None, 9_000_999, 9_000),
            (Some(12), 9_000_000, 9_000),
            (Some(9_000), 9_000_000, 9_001),
        ] {
            assert_eq!(next_version(newest, now_ms), next, "{newest:?} {now_ms}");
        }
        // A rotation after the copy was made, then a restore on the same day.
        let copied = next_version(Some(12), 1_000_000_000);
        let lost = next_version(Some(copied), 1_000_060_000);
        assert!(next_version(Some(copied), 1_000_120_000) > lost);
    }

    #[test]
    fn the_self_test_is_due_once_a_day() {
        for (last, now, due) in [
            (None, 5, true),
            (Some(5), DAY_MS - 1, false),
            (Some(DAY_MS - 1), DAY_MS, true),
            (Some(9 * DAY_MS), 2 * DAY_MS, true),
        ] {
            assert_eq!(is_self_test_due(last, now), due, "{last:?} {now}");
        }
    }
}
