//! What a till may take when nobody can be asked, and for how long.
//!
//! The server signs a merchant's policy, the till keeps the newest it has seen, and every decision about it is here: whether one more
//! payment may be taken ([`admit`]), who may say so above a cap ([`Override`]), what is known of today's cards without knowing a card
//! ([`DayTally`]), and what all of it may cost ([`meter`]).

mod admit;

mod day;
mod meter;
mod over;
mod taken;

pub use admit::{Admitted, Asked, Held, PolicyRefusal, Waiting};

pub use day::{CardTag, DayTally, SALT_BYTES};
pub use meter::{Age, AtRisk, Cell, Level, Meter, Rate, Tried, measure};
pub use over::Override;
pub use taken::TakenAt;

use crate::card::Brand;
use crate::limits::WINDOW_MS_MAX;
use crate::time::{DAY_MS, Reading, UnixMs};

/// A merchant's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Of the signed document; 0 for one that no server signed.
    pub version: u64,
    /// How long a payment may wait, at most [`WINDOW_MS_MAX`].
    pub window_ms: i64,
    pub caps: Caps,
    /// Brands that are taken without an answer; none means every brand that the till knows.
    pub brands: Vec<Brand>,
    pub swiped_chip: SwipedChip,
    /// What is left of each cap at the end of the window, in percent: 100 leaves them as they are.
    pub left_percent: u8,
    /// What to add to a time so that the shop's business days are whole days: its zone's offset less the hour at which its day begins.
    pub day_offset_ms: i64,
    /// How often the shop's cards are declined.
    pub rates: Vec<Rate>,
}

/// The largest sums that may be taken without an answer, in minor units of the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// One payment.
    pub payment_minor_max: i64,
    /// One payment of a keyed card: the riskier entry.
    pub keyed_minor_max: i64,
    /// All that waits on a device.
    pub total_minor_max: i64,
    /// All that a device takes without an answer on one business day, also what has gone up since. It stands for the shift, as long as there
    /// are none.
    pub day_minor_max: i64,
    /// All that one card pays without an answer on one business day.
    pub card_minor_max: i64,
    /// All that waits on a device whose browser does not promise to keep it.
    pub unkept_minor_max: i64,
}

/// What to do with a card that has a chip and was swiped (service code 2 or 6): whoever takes it bears the fraud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SwipedChip {
    /// Taken, and said: the record names it.
    #[default]
    Flag,
    Refuse,
}

impl SwipedChip {
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Refuse => "refuse",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Flag, Self::Refuse].into_iter().find(|c| c.name() == name)
    }
}

impl Caps {
    /// From the three that a shop must choose: twice the total on one day, two large payments of one card, and a tenth of the total, or one
    /// large payment, where the browser may delete what waits.
    pub const fn of(payment_minor_max: i64, keyed_minor_max: i64, total_minor_max: i64) -> Self {
        Self {
            payment_minor_max,
            keyed_minor_max,
            total_minor_max,
            day_minor_max: total_minor_max.saturating_mul(2),
            card_minor_max: payment_minor_max.saturating_mul(2),
            unkept_minor_max: {
                let tenth = total_minor_max / 10;
                let least = if payment_minor_max > tenth { payment_minor_max } else { tenth };
                if least < total_minor_max { least } else { total_minor_max }
            },
        }
    }

    /// Each cap after `change`.
    #[must_use]
    fn map(self, change: impl Fn(i64) -> i64) -> Self {
        Self {
            payment_minor_max: change(self.payment_minor_max),
            keyed_minor_max: change(self.keyed_minor_max),
            total_minor_max: change(self.total_minor_max),
            day_minor_max: change(self.day_minor_max),
            card_minor_max: change(self.card_minor_max),
            unkept_minor_max: change(self.unkept_minor_max),
        }
    }
}

impl Policy {
    /// One with these caps and this window, and everything else as a new shop has it.
    pub const fn new(window_ms: i64, caps: Caps) -> Self {
        Self {
            version: 0,
            window_ms,
            caps,
            brands: Vec::new(),
            swiped_chip: SwipedChip::Flag,
            left_percent: 100,
            day_offset_ms: 0,
            rates: Vec::new(),
        }
    }

    /// The caps of an outage that is `age_ms` old: they shrink evenly until the window's end.
    pub fn caps_at(&self, age_ms: i64) -> Caps {
        let window_ms = self.window_ms.clamp(1, WINDOW_MS_MAX);
        let (age_ms, left) = (age_ms.clamp(0, window_ms), i128::from(self.left_percent.min(100)));
        let (age, window) = (i128::from(age_ms), i128::from(window_ms));
        // Percent times window, so that nothing is rounded before the last division.
        let share = 100 * window - (100 - left) * age;
        self.caps.map(|cap| i64::try_from(i128::from(cap.max(0)) * share / (100 * window)).unwrap_or(cap))
    }

    /// When a payment taken now must be with the server, by the till's best knowledge of the time.
    pub fn expires_ms(&self, now: Reading) -> UnixMs {
        now.trusted_ms().saturating_add(self.window_ms)
    }

    /// The business day of an instant, as a number that grows by one a day.
    pub fn day(&self, at_ms: UnixMs) -> i64 {
        at_ms.saturating_add(self.day_offset_ms).div_euclid(DAY_MS)
    }

    /// Whether a brand is taken without an answer.
    pub fn takes(&self, brand: Brand) -> bool {
        brand != Brand::Unknown && (self.brands.is_empty() || self.brands.contains(&brand))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Anchor;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn caps_shrink_evenly_until_the_windows_end_and_no_further() {
        let policy = Policy { left_percent: 25, ..Policy::new(72 * HOUR, Caps::of(40_000, 8_000, 400_000)) };
        for (age_ms, payment, total) in [
            (-5, 40_000, 400_000),
            (0, 40_000, 400_000),
            (36 * HOUR, 25_000, 250_000),
            (72 * HOUR, 10_000, 100_000),
            (i64::MAX, 10_000, 100_000),
        ] {
            let caps = policy.caps_at(age_ms);
            assert_eq!((caps.payment_minor_max, caps.total_minor_max), (payment, total), "{age_ms}");
        }
        let steady = Policy { left_percent: 100, ..policy.clone() };
        assert_eq!(steady.caps_at(72 * HOUR), steady.caps);
        assert_eq!(Policy { left_percent: 0, ..policy }.caps_at(72 * HOUR).payment_minor_max, 0);
        let odd = Policy::new(0, Caps::of(i64::MAX, -1, i64::MAX));
        assert_eq!(odd.caps_at(HOUR).payment_minor_max, i64::MAX);
        assert_eq!(odd.caps_at(HOUR).keyed_minor_max, 0);
    }

    #[test]
    fn a_business_day_begins_when_the_shop_says() {
        // Dublin in winter, from four in the morning.
        let policy = Policy { day_offset_ms: -4 * HOUR, ..Policy::new(1, Caps::of(1, 1, 1)) };
        let four = 20_780 * DAY_MS + 4 * HOUR;
        assert_eq!((policy.day(four - 1), policy.day(four)), (20_779, 20_780));
    }

    #[test]
    fn the_window_ends_by_trusted_time() {
        let now = 1_795_392_000_000;
        let anchor = Some(Anchor { server_ms: now, at_mono_ms: 100 });
        let reading = Reading { wall_ms: 0, mono_ms: 100, anchor, kept: None };
        assert_eq!(Policy::new(72 * HOUR, Caps::of(1, 1, 1)).expires_ms(reading), now + 72 * HOUR);
    }

    #[test]
    fn brands_are_those_that_are_named_or_all_that_are_known() {
        let all = Policy::new(1, Caps::of(1, 1, 1));
        let two = Policy { brands: vec![Brand::Visa, Brand::Amex], ..all.clone() };
        assert!(all.takes(Brand::Jcb) && !all.takes(Brand::Unknown));
        assert!(two.takes(Brand::Amex) && !two.takes(Brand::Jcb) && !two.takes(Brand::Unknown));
    }
}
