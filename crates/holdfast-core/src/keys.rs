//! The daily card keys: which should exist, which may seal, which may open, and when one is destroyed.
//!
//! A key is for one UTC day. With `D` the start of its day:
//!
//! | state | holds while | a till seals with it | the server opens with it |
//! |---|---|---|---|
//! | `Future` | `now < D` | no | (yes, for a till whose clock is ahead) |
//! | `Current` | `D <= now < use_until` (= D + 24 h) | yes | yes |
//! | `Accepting` | `use_until <= now < accept_until` (= use_until + window + margin) | no | yes |
//! | `Over` | `accept_until <= now` | no | no: the private half is destroyed |
//!
//! `not_before <= use_until <= accept_until` always. An `Over` key that an unopened record still names is kept, and said.

use crate::limits::{KEY_DAYS_AHEAD, KEY_MARGIN_MS, KEYSET_LIFE_MS, WINDOW_MS_MAX};
use crate::time::{DAY_MS, UnixMs, iso_date, utc_day};

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
    Future,
    Current,
    Accepting,
    Over,
}

impl KeyTimes {
    /// The times of the key of a UTC day (days since the epoch).
    pub fn of_day(day: i64) -> Self {
        let not_before_ms = day * DAY_MS;
        let use_until_ms = not_before_ms + DAY_MS;
        Self { not_before_ms, use_until_ms, accept_until_ms: use_until_ms + WINDOW_MS_MAX + KEY_MARGIN_MS }
    }

    pub fn state(&self, now_ms: UnixMs) -> KeyState {
        if now_ms < self.not_before_ms {
            KeyState::Future
        } else if now_ms < self.use_until_ms {
            KeyState::Current
        } else if now_ms < self.accept_until_ms {
            KeyState::Accepting
        } else {
            KeyState::Over
        }
    }
}

/// The id of a day's key: `card-2026-11-23`.
pub fn card_kid(day: i64) -> String {
    format!("card-{}", iso_date(day))
}

/// A key that the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    pub kid: String,
    pub times: KeyTimes,
    /// Records that name this key and were not opened yet.
    pub unopened_count: u64,
}

/// What the published key set looks like now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Published {
    pub kids: Vec<String>,
    pub expires_ms: UnixMs,
}

/// One thing to do, with its reason. The sweep decides; the server writes them in one transaction and logs each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOp {
    Create {
        kid: String,
        times: KeyTimes,
    },
    Destroy {
        kid: String,
    },
    /// Over, but an unopened record names it: kept, and the operator is told.
    Keep {
        kid: String,
        unopened_count: u64,
    },
    /// Sign a new key set with the next version number.
    Publish {
        kids: Vec<String>,
        reason: &'static str,
    },
}

/// Decides what must be done so that today's key and the days ahead exist and are published, and what is over is destroyed.
pub fn sweep(held: &[HeldKey], published: &Published, now_ms: UnixMs) -> Vec<KeyOp> {
    let today = utc_day(now_ms);
    let wanted = today..=today + i64::from(KEY_DAYS_AHEAD);
    let mut ops = Vec::new();
    for day in wanted.clone() {
        let kid = card_kid(day);
        if !held.iter().any(|k| k.kid == kid) {
            ops.push(KeyOp::Create { kid, times: KeyTimes::of_day(day) });
        }
    }
    for key in held.iter().filter(|k| k.times.state(now_ms) == KeyState::Over) {
        ops.push(match key.unopened_count {
            0 => KeyOp::Destroy { kid: key.kid.clone() },
            unopened_count => KeyOp::Keep { kid: key.kid.clone(), unopened_count },
        });
    }
    let kids: Vec<String> = wanted.map(card_kid).collect();
    if published.kids != kids {
        ops.push(KeyOp::Publish { kids, reason: "the days ahead have changed" });
    } else if published.expires_ms - now_ms < KEYSET_LIFE_MS / 2 {
        ops.push(KeyOp::Publish { kids, reason: "the key set would expire" });
    }
    ops
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_795_392_000_000 + 5 * 3_600_000;

    /// Carries the operations out in memory, as the server does in its database.
    fn write(held: &mut Vec<HeldKey>, published: &mut Published, ops: &[KeyOp], now_ms: UnixMs) {
        for op in ops {
            match op {
                KeyOp::Create { kid, times } => {
                    held.push(HeldKey { kid: kid.clone(), times: times.clone(), unopened_count: 0 })
                }
                KeyOp::Destroy { kid } => held.retain(|k| k.kid != *kid),
                KeyOp::Keep { .. } => {}
                KeyOp::Publish { kids, .. } => {
                    *published = Published { kids: kids.clone(), expires_ms: now_ms + KEYSET_LIFE_MS }
                }
            }
        }
    }

    #[test]
    fn a_month_of_sweeps_keeps_today_and_seven_days_ahead() {
        let (mut held, mut published) = (Vec::new(), Published::default());
        for hour in 0..24 * 40 {
            let now = NOW + hour * 3_600_000;
            let ops = sweep(&held, &published, now);
            write(&mut held, &mut published, &ops, now);
            assert_eq!(sweep(&held, &published, now), vec![], "a second sweep has nothing to do");
            assert_eq!(held.iter().filter(|k| k.times.state(now) == KeyState::Current).count(), 1);
            assert_eq!(held.iter().filter(|k| k.times.state(now) == KeyState::Future).count(), 7);
            assert!(held.iter().all(|k| k.times.state(now) != KeyState::Over));
            assert_eq!(published.kids.len(), 8);
        }
        // 1 current + 7 future + those whose window and margin (10 days) still run.
        assert!(held.len() <= 8 + 10 + 1, "{}", held.len());
    }

    #[test]
    fn a_key_that_an_unopened_record_names_is_kept_and_said() {
        let times = KeyTimes::of_day(utc_day(NOW) - 60);
        let held = [HeldKey { kid: "card-old".into(), times, unopened_count: 2 }];
        let ops = sweep(&held, &Published::default(), NOW);
        assert!(ops.contains(&KeyOp::Keep { kid: "card-old".into(), unopened_count: 2 }));
        assert!(!ops.iter().any(|o| matches!(o, KeyOp::Destroy { .. })));
    }

    #[test]
    fn the_inequalities_hold() {
        for day in [0, 20_000, 30_000] {
            let t = KeyTimes::of_day(day);
            assert!(t.not_before_ms <= t.use_until_ms && t.use_until_ms <= t.accept_until_ms);
            assert!(t.accept_until_ms - t.use_until_ms >= WINDOW_MS_MAX);
        }
    }
}
