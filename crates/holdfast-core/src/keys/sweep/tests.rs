//! Sweeps over months, over clocks that jump, and over rotations at any moment.

use super::*;
use crate::keys::card_kid;
use crate::time::DAY_MS;
use std::collections::BTreeSet;

const NOW: UnixMs = 1_795_392_000_000 + 5 * 3_600_000;
/// Of these books.
const TAG: &str = "k7q2";
const HOUR_MS: i64 = 3_600_000;

/// The server's books, in memory.
#[derive(Default)]
struct Books {
    held: Vec<HeldKey>,
    published: Published,
    version: u64,
    made: BTreeSet<String>,
}

impl Books {
    /// Carries operations out as the server does, and checks each against what must never happen.
    fn write(&mut self, ops: &[KeyOp], now_ms: UnixMs) {
        for op in ops {
            match op {
                KeyOp::Create { kid, times } => {
                    assert_eq!(times.check(), Ok(()));
                    assert!(self.made.insert(kid.clone()), "{kid} was given before");
                    self.held.push(HeldKey::new(kid.clone(), times.clone()));
                }
                KeyOp::Withdraw { kid } => self.key(kid).withdrawn_ms = Some(now_ms),
                KeyOp::Destroy { kid } => {
                    let key = self.key(kid);
                    assert!(now_ms >= key.times.accept_until_ms, "{kid} destroyed before its time");
                    assert_eq!(key.unopened_count, 0, "{kid} destroyed while a record needs it");
                    assert!(!key.is_destroyed, "{kid} destroyed twice");
                    key.is_destroyed = true;
                }
                KeyOp::Keep { kid, unopened_count } => assert_eq!(self.key(kid).unopened_count, *unopened_count),
                KeyOp::Publish { kids, .. } => {
                    self.version += 1;
                    self.published =
                        Published { kids: kids.clone(), expires_ms: now_ms + KEYSET_LIFE_MS, is_of_before: false };
                }
            }
        }
    }

    fn key(&mut self, kid: &str) -> &mut HeldKey {
        self.held.iter_mut().find(|key| key.kid == kid).expect("is there")
    }

    fn sweep(&mut self, now_ms: UnixMs) {
        let ops = sweep(&self.held, &self.published, now_ms, TAG);
        self.write(&ops, now_ms);
        self.check(now_ms);
    }

    /// What holds after every sweep.
    fn check(&self, now_ms: UnixMs) {
        let of = |kid: &String| self.held.iter().find(|key| key.kid == *kid).expect("a published key is there");
        let published: Vec<&HeldKey> = self.published.kids.iter().map(of).collect();
        assert_eq!(published.len(), 8, "today and seven days ahead");
        assert!(published.iter().all(|key| key.may_be_published()));
        let states: Vec<KeyState> = published.iter().map(|key| key.state(now_ms)).collect();
        assert_eq!(states.iter().filter(|state| **state == KeyState::InUse).count(), 1, "one key to seal with");
        assert_eq!(states.iter().filter(|state| **state == KeyState::Ahead).count(), 7);
        for key in &self.held {
            let is_due = key.times.accept_until_ms <= now_ms && key.unopened_count == 0;
            assert!(key.is_destroyed || !is_due, "{} outlives its time", key.kid);
        }
        let again = sweep(&self.held, &self.published, now_ms, TAG);
        assert!(again.iter().all(|op| matches!(op, KeyOp::Keep { .. })), "a second sweep has nothing to do: {again:?}");
    }
}

/// SplitMix64: seeds replay, and core needs no generator for its tests.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// Mostly onwards by minutes to a day; sometimes a long stop, sometimes a clock that is set back.
    fn next_clock(&mut self, now_ms: UnixMs) -> UnixMs {
        let span = |dice: &mut Self, most_ms: i64| i64::try_from(dice.roll(most_ms.unsigned_abs())).expect("fits");
        match self.roll(20) {
            0 => now_ms + span(self, 40 * DAY_MS),
            1 => now_ms - span(self, 3 * DAY_MS),
            2 => now_ms - span(self, 30 * DAY_MS),
            3 => utc_day(now_ms) * DAY_MS + DAY_MS - 1,
            4 => utc_day(now_ms) * DAY_MS + DAY_MS,
            _ => now_ms + span(self, DAY_MS),
        }
    }
}

#[test]
fn a_month_of_sweeps_keeps_today_and_seven_days_ahead() {
    let mut books = Books::default();
    for hour in 0..24 * 40 {
        books.sweep(NOW + hour * HOUR_MS);
    }
    // 1 in use, 7 ahead, and those whose window and margin (10 days) still run.
    let live = books.held.iter().filter(|key| !key.is_destroyed).count();
    assert!(live <= 8 + 10 + 1, "{live}");
}

#[test]
fn whatever_the_clock_does_there_is_one_key_to_seal_with_and_none_is_destroyed_early() {
    for seed in 0..400 {
        let (mut dice, mut books, mut now_ms) = (Dice(seed), Books::default(), NOW);
        for _ in 0..60 {
            // A record may come in for any key that is not destroyed, and be opened later.
            let at = usize::try_from(dice.roll(30)).expect("fits");
            if let Some(key) = books.held.get_mut(at).filter(|key| !key.is_destroyed) {
                key.unopened_count = dice.roll(2);
            }
            if dice.roll(12) == 0 {
                let scope = if dice.roll(2) == 0 { Scope::Today } else { Scope::AllPublished };
                let ops = rotate(&books.held, &books.published, now_ms, TAG, scope);
                books.write(&ops, now_ms);
                books.check(now_ms);
            }
            books.sweep(now_ms);
            now_ms = dice.next_clock(now_ms);
        }
    }
}

#[test]
fn a_card_sealed_at_any_moment_opens_until_its_window_and_margin_are_over() {
    use crate::limits::{KEY_MARGIN_MS, WINDOW_MS_MAX};
    let mut dice = Dice(7);
    for _ in 0..20_000 {
        let sealed_ms = NOW + i64::try_from(dice.roll(400 * DAY_MS.unsigned_abs())).expect("fits");
        let times = KeyTimes::of_day(utc_day(sealed_ms));
        assert_eq!(times.state(sealed_ms), KeyState::InUse);
        for late_ms in [0, WINDOW_MS_MAX, WINDOW_MS_MAX + KEY_MARGIN_MS] {
            assert_ne!(times.state(sealed_ms + late_ms), KeyState::Over, "{sealed_ms} and {late_ms} later");
        }
    }
}

#[test]
fn a_key_that_an_unopened_record_names_is_kept_and_said() {
    let times = KeyTimes::of_day(utc_day(NOW) - 60);
    let held = [HeldKey { unopened_count: 2, ..HeldKey::new("card-old".into(), times) }];
    let ops = sweep(&held, &Published::default(), NOW, TAG);
    assert!(ops.contains(&KeyOp::Keep { kid: "card-old".into(), unopened_count: 2 }));
    assert!(!ops.iter().any(|op| matches!(op, KeyOp::Destroy { .. })));
}

#[test]
fn books_that_came_from_a_copy_publish_at_once_and_make_keys_under_other_names() {
    let mut books = Books::default();
    books.sweep(NOW);
    books.published.is_of_before = true;
    let ops = sweep(&books.held, &books.published, NOW + 1, "other");
    assert!(matches!(ops.as_slice(), [KeyOp::Publish { kids, .. }] if *kids == books.published.kids), "{ops:?}");
    // A day later the copy lacks a key that the lost books had made for the same day.
    let ops = sweep(&books.held, &books.published, NOW + DAY_MS, "other");
    let lost = card_kid(utc_day(NOW) + 8, TAG);
    assert!(ops.iter().any(|op| matches!(op, KeyOp::Create { kid, .. } if *kid != lost)), "{ops:?}");
}

#[test]
fn a_rotation_publishes_a_successor_at_once_and_what_was_withdrawn_still_opens() {
    let mut books = Books::default();
    books.sweep(NOW);
    let first = card_kid(utc_day(NOW), TAG);
    let ops = rotate(&books.held, &books.published, NOW + 1, TAG, Scope::Today);
    let second = format!("{first}-2");
    assert!(matches!(&ops[0], KeyOp::Withdraw { kid } if *kid == first), "{ops:?}");
    assert!(matches!(&ops[1], KeyOp::Create { kid, .. } if *kid == second), "{ops:?}");
    assert!(matches!(&ops[2], KeyOp::Publish { kids, .. } if kids[0] == second && !kids.contains(&first)), "{ops:?}");
    assert_eq!(ops.len(), 3);
    books.write(&ops, NOW + 1);
    books.check(NOW + 1);
    let withdrawn = books.key(&first).clone();
    assert_eq!(withdrawn.state(NOW + 1), KeyState::Accepting, "tills that are offline still seal with it today");
    assert_eq!(withdrawn.state(withdrawn.times.accept_until_ms - 1), KeyState::Accepting);
    assert_eq!(withdrawn.state(withdrawn.times.accept_until_ms), KeyState::Over);

    let all = rotate(&books.held, &books.published, NOW + 2, TAG, Scope::AllPublished);
    assert_eq!(all.iter().filter(|op| matches!(op, KeyOp::Withdraw { .. })).count(), 8);
    assert_eq!(all.iter().filter(|op| matches!(op, KeyOp::Create { .. })).count(), 8);
    books.write(&all, NOW + 2);
    books.check(NOW + 2);
    assert_eq!(books.published.kids[0], format!("{first}-3"));
}
