//! The loss meter: what the payments that wait may cost, by the shop's own history of declines.
//!
//! A shop with few declines behind it knows little, so its history is mixed with a stated prior: as if [`PRIOR_COUNT`] payments had been tried
//! before, of which the prior's share was declined. It is about what the field reports for payments that were stored and forwarded: three in a
//! hundred swiped, seven in a hundred keyed. After a few hundred of its own the shop's figure is its own.

use super::Policy;
use crate::card::{Brand, Entry};
use crate::time::UnixMs;
use std::collections::BTreeMap;

/// How many payments the prior counts for.
pub const PRIOR_COUNT: u64 = 50;
/// One hundredth of a percent, and the whole.
const BP: i64 = 10_000;

/// What became of the payments of one brand and entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tried {
    pub count: u64,
    pub declined_count: u64,
}

impl Tried {
    /// The share of declines to reckon with, in basis points.
    pub fn declined_bp(self, entry: Entry) -> u32 {
        let prior_bp = u128::from(prior_bp(entry));
        let declined = u128::from(self.declined_count.min(self.count)) * 10_000 + prior_bp * u128::from(PRIOR_COUNT);
        let tried = u128::from(self.count) + u128::from(PRIOR_COUNT);
        u32::try_from((declined + tried / 2) / tried).unwrap_or(10_000)
    }
}

fn prior_bp(entry: Entry) -> u32 {
    match entry {
        Entry::Swipe => 300,
        Entry::Keyed => 700,
    }
}

/// How often cards of a brand are declined, by entry, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub brand: Brand,
    pub entry: Entry,
    pub declined_bp: u32,
}

/// How much of its window a payment has used: thirds of it, and past it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    First,
    Second,
    Last,
    /// The server will not authorise it any more.
    Over,
}

impl Age {
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Last, Self::Over];

    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Last => "last",
            Self::Over => "over",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|age| age.name() == name)
    }

    /// By the time that is left of a window.
    pub fn of(expires_ms: UnixMs, now_ms: UnixMs, window_ms: i64) -> Self {
        let (left_ms, third_ms) = (expires_ms.saturating_sub(now_ms), window_ms.max(3) / 3);
        match left_ms {
            ..=0 => Self::Over,
            left_ms if left_ms <= third_ms => Self::Last,
            left_ms if left_ms <= 2 * third_ms => Self::Second,
            _ => Self::First,
        }
    }
}

/// A payment that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtRisk {
    pub brand: Brand,
    pub entry: Entry,
    pub minor: i64,
    pub expires_ms: UnixMs,
}

/// What waits of one brand, entry and age, and what of it may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub brand: Brand,
    pub entry: Entry,
    pub age: Age,
    pub count: usize,
    pub minor: i64,
    pub loss_minor: i64,
}

/// The meter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meter {
    /// What waits.
    pub minor: i64,
    /// What of it may be lost: the one figure.
    pub loss_minor: i64,
    /// By brand, entry and age; the largest loss first.
    pub cells: Vec<Cell>,
}

impl Meter {
    /// What waits, and what may be lost, of one age.
    pub fn of_age(&self, age: Age) -> (i64, i64) {
        let cells = self.cells.iter().filter(|cell| cell.age == age);
        cells.fold((0, 0), |(minor, loss), c| {
            (i64::saturating_add(minor, c.minor), i64::saturating_add(loss, c.loss_minor))
        })
    }
}

/// What is said to a cashier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Go on as usual.
    #[default]
    Fine,
    /// A cap or the window's end is near.
    Careful,
    /// Hardly anything more can be taken.
    Stop,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Careful => "careful",
            Self::Stop => "stop",
        }
    }
}

impl Policy {
    /// The share of declines to reckon with for a card, in basis points.
    pub fn declined_bp(&self, brand: Brand, entry: Entry) -> u32 {
        let known = self.rates.iter().find(|rate| rate.brand == brand && rate.entry == entry);
        known.map_or(prior_bp(entry), |rate| rate.declined_bp).min(10_000)
    }

    /// What may be lost of a sum of one kind. What is past its window is lost whole.
    pub fn loss_minor(&self, brand: Brand, entry: Entry, age: Age, minor: i64) -> i64 {
        let bp = if age == Age::Over { 10_000 } else { i128::from(self.declined_bp(brand, entry)) };
        let loss = (i128::from(minor.max(0)) * bp + i128::from(BP) / 2) / i128::from(BP);
        i64::try_from(loss).unwrap_or(i64::MAX)
    }

    /// The meter of sums that are known by kind.
    pub fn meter_of(&self, sums: impl IntoIterator<Item = (Brand, Entry, Age, usize, i64)>) -> Meter {
        let mut meter = Meter::default();
        for (brand, entry, age, count, minor) in sums {
            let loss_minor = self.loss_minor(brand, entry, age, minor);
            meter.minor = meter.minor.saturating_add(minor);
            meter.loss_minor = meter.loss_minor.saturating_add(loss_minor);
            meter.cells.push(Cell { brand, entry, age, count, minor, loss_minor });
        }
        meter.cells.sort_by_key(|cell| (-cell.loss_minor, cell.age, cell.brand.name(), cell.entry.name()));
        meter
    }
}

/// The meter of what waits now.
pub fn measure(policy: &Policy, waiting: impl IntoIterator<Item = AtRisk>, now_ms: UnixMs) -> Meter {
    let mut sums: BTreeMap<(&str, &str, Age), (AtRisk, usize, i64)> = BTreeMap::new();
    for one in waiting {
        let age = Age::of(one.expires_ms, now_ms, policy.window_ms);
        let (_, count, minor) = sums.entry((one.brand.name(), one.entry.name(), age)).or_insert((one, 0, 0));
        *count += 1;
        *minor = minor.saturating_add(one.minor.max(0));
    }
    policy
        .meter_of(sums.into_iter().map(|((_, _, age), (one, count, minor))| (one.brand, one.entry, age, count, minor)))
}

#[cfg(test)]
mod tests {
    use super::super::Caps;
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn policy() -> Policy {
        let rates = vec![
            Rate { brand: Brand::Visa, entry: Entry::Swipe, declined_bp: 200 },
            Rate { brand: Brand::Visa, entry: Entry::Keyed, declined_bp: 1_000 },
        ];
        Policy { rates, ..Policy::new(72 * HOUR, Caps::of(1, 1, 1)) }
    }

    #[test]
    fn few_payments_say_little_and_many_say_all() {
        for (count, declined_count, entry, bp) in [
            (0, 0, Entry::Swipe, 300),
            (0, 0, Entry::Keyed, 700),
            (1, 1, Entry::Swipe, 490),
            (10, 0, Entry::Swipe, 250),
            (10_000, 500, Entry::Swipe, 499),
            (10_000, 0, Entry::Keyed, 3),
            (5, 9, Entry::Swipe, 1_182),
            (u64::MAX, u64::MAX, Entry::Swipe, 10_000),
        ] {
            assert_eq!(Tried { count, declined_count }.declined_bp(entry), bp, "{count} {declined_count}");
        }
    }

    #[test]
    fn one_figure_by_brand_entry_and_age() {
        let one = |brand, entry, minor, left_hours| AtRisk { brand, entry, minor, expires_ms: left_hours * HOUR };
        let waiting = [
            one(Brand::Visa, Entry::Swipe, 10_000, 70),
            one(Brand::Visa, Entry::Swipe, 5_000, 60),
            one(Brand::Visa, Entry::Keyed, 3_000, 30),
            one(Brand::Amex, Entry::Swipe, 1_000, 10),
            one(Brand::Visa, Entry::Swipe, 777, -1),
        ];
        let meter = measure(&policy(), waiting, 0);
        assert_eq!((meter.minor, meter.loss_minor), (19_777, 300 + 300 + 30 + 777));
        let first = meter.cells[0];
        assert_eq!((first.age, first.loss_minor, first.count), (Age::Over, 777, 1), "past its window, lost whole");
        assert_eq!(meter.of_age(Age::First), (15_000, 300));
        assert_eq!((meter.of_age(Age::Second), meter.of_age(Age::Last)), ((3_000, 300), (1_000, 30)));
        assert_eq!(measure(&policy(), [], 0), Meter::default());
    }

    #[test]
    fn a_window_has_three_thirds_and_an_end() {
        for (left_ms, age) in [
            (72 * HOUR, Age::First),
            (48 * HOUR + 1, Age::First),
            (48 * HOUR, Age::Second),
            (24 * HOUR, Age::Last),
            (1, Age::Last),
            (0, Age::Over),
            (-HOUR, Age::Over),
        ] {
            assert_eq!(Age::of(left_ms, 0, 72 * HOUR), age, "{left_ms}");
            assert_eq!(Age::from_name(age.name()), Some(age));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The loss is never negative and never more than what waits, and each part is within the whole.
        #[test]
        fn a_loss_is_a_part_of_what_waits(sums in prop::collection::vec((0_i64..1_000_000_000, -10 * HOUR..80 * HOUR, any::<bool>()), 0..30)) {
            let waiting = sums.iter().map(|(minor, expires_ms, keyed)| AtRisk {
                brand: Brand::Visa,
                entry: if *keyed { Entry::Keyed } else { Entry::Swipe },
                minor: *minor,
                expires_ms: *expires_ms,
            });
            let meter = measure(&policy(), waiting, 0);
            prop_assert_eq!(meter.minor, sums.iter().map(|(minor, ..)| minor).sum::<i64>());
            prop_assert!(meter.loss_minor >= 0 && meter.loss_minor <= meter.minor);
            let by_age: i64 = Age::ALL.into_iter().map(|age| meter.of_age(age).1).sum();
            prop_assert_eq!(by_age, meter.loss_minor);
        }
    }
}
