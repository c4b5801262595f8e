//! Whether one more payment may be taken without an answer, and if not, why: in words for the seller, with the figure.

use super::{Caps, Level, Override, Policy, SwipedChip};
use crate::card::{Brand, CardSummary, Entry};
use crate::limits::WAITING_PAYMENTS_MAX;
use crate::money::Amount;
use crate::time::UnixMs;

/// What is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub minor: i64,
    pub brand: Brand,
    pub entry: Entry,
    /// The card has a chip that was not read.
    pub chip: bool,
}

impl Asked {
    pub fn of(amount: Amount, card: &CardSummary) -> Self {
        Self { minor: amount.minor(), brand: card.brand, entry: card.entry, chip: card.chip }
    }
}

/// How many payments wait on this device, and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    pub count: usize,
    pub total_minor: i64,
}

/// What the device holds and has taken already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    pub waiting: Waiting,
    /// Taken without an answer on this business day: in all, and by this card.
    pub day_minor: i64,
    pub card_minor: i64,
    pub outage_ms: i64,
    /// The browser promises to keep what is stored.
    pub is_kept: bool,
}

/// A payment that may be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admitted {
    /// What a manager let through.
    pub lifted: Vec<PolicyRefusal>,
    /// A chip card was swiped, and the shop wants to know.
    pub is_flagged: bool,
}

/// Why a payment is refused. Sums are the cap that stands in the way, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    #[error("the amount must be more than nothing: add an item first")]
    NothingToPay,
    #[error("this tablet holds as many payments as it can: connect it, or take cash")]
    TooMany,
    #[error("this shop takes no card of this brand offline: ask for another card, or take cash")]
    Brand,
    #[error(
        "this card has a chip and was swiped, which this shop does not take offline: ask for another card, or take cash"
    )]
    SwipedChip,
    #[error("the amount is above what this shop takes offline in one payment: take cash, or ask a manager")]
    AbovePayment { minor_max: i64 },
    #[error("the amount is above what this shop takes offline for a keyed card: swipe the card, or ask a manager")]
    AboveKeyed { minor_max: i64 },
    #[error(
        "this card has paid as much as the shop takes offline from one card a day: ask for another card, or a manager"
    )]
    AboveCard { minor_max: i64 },
    #[error("this tablet holds as much as the shop allows offline: connect it, take cash, or ask a manager")]
    AboveTotal { minor_max: i64 },
    #[error(
        "this browser does not promise to keep what waits, so this tablet may hold little: install the till, connect it, or take cash"
    )]
    Unkept { minor_max: i64 },
    #[error("this tablet has taken as much offline today as the shop allows: connect it, take cash, or ask a manager")]
    AboveDay { minor_max: i64 },
}

impl PolicyRefusal {
    /// A word for records and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingToPay => "nothing-to-pay",
            Self::TooMany => "too-many",
            Self::Brand => "brand",
            Self::SwipedChip => "swiped-chip",
            Self::AbovePayment { .. } => "above-payment",
            Self::AboveKeyed { .. } => "above-keyed",
            Self::AboveCard { .. } => "above-card",
            Self::AboveTotal { .. } => "above-total",
            Self::Unkept { .. } => "unkept",
            Self::AboveDay { .. } => "above-day",
        }
    }

    /// Whether a manager may let the payment through. Not where the device could lose it, or has no room.
    pub fn can_be_lifted(self) -> bool {
        !matches!(self, Self::NothingToPay | Self::TooMany | Self::Brand | Self::Unkept { .. })
    }

    /// The cap that stands in the way.
    pub fn minor_max(self) -> Option<i64> {
        match self {
            Self::AbovePayment { minor_max }
            | Self::AboveKeyed { minor_max }
            | Self::AboveCard { minor_max }
            | Self::AboveTotal { minor_max }
            | Self::Unkept { minor_max }
            | Self::AboveDay { minor_max } => Some(minor_max),
            Self::NothingToPay | Self::TooMany | Self::Brand | Self::SwipedChip => None,
        }
    }
}

impl Policy {
    /// Whether one more payment may be taken without an answer.
    ///
    /// # Errors
    /// The first reason that no manager's word covers.
    pub fn admit(
        &self,
        asked: Asked,
        held: Held,
        approval: Option<&Override>,
        now_ms: UnixMs,
    ) -> Result<Admitted, PolicyRefusal> {
        let covers = approval.is_some_and(|approval| approval.covers(asked.minor, now_ms));
        let mut admitted = Admitted { lifted: Vec::new(), is_flagged: self.flags(asked) };
        for reason in self.reasons(asked, held) {
            if !(covers && reason.can_be_lifted()) {
                return Err(reason);
            }
            admitted.lifted.push(reason);
        }
        Ok(admitted)
    }

    /// Whether a payment is noted for the owner: a chip card that was swiped.
    pub fn flags(&self, asked: Asked) -> bool {
        asked.chip && self.swiped_chip == SwipedChip::Flag
    }

    /// Whether a payment may be taken that is answered at once: then the bank bears the risk, and only room is asked for.
    ///
    /// # Errors
    /// The reason.
    pub fn admit_answered(asked: Asked, waiting: Waiting) -> Result<(), PolicyRefusal> {
        room(asked, waiting).map_or(Ok(()), Err)
    }

    /// Everything that stands in the way, what no manager can lift first.
    fn reasons(&self, asked: Asked, held: Held) -> impl Iterator<Item = PolicyRefusal> {
        let (caps, minor) = (self.caps_at(held.outage_ms), asked.minor);
        let above = |so_far: i64, max: i64| so_far.saturating_add(minor) > max;
        let is_keyed = asked.entry == Entry::Keyed;
        let Caps { payment_minor_max, keyed_minor_max, total_minor_max, day_minor_max, card_minor_max, .. } = caps;
        let unkept_minor_max = caps.unkept_minor_max.min(total_minor_max);
        let total_minor = held.waiting.total_minor;
        [
            room(asked, held.waiting),
            (!self.takes(asked.brand)).then_some(PolicyRefusal::Brand),
            (!held.is_kept && above(total_minor, unkept_minor_max))
                .then_some(PolicyRefusal::Unkept { minor_max: unkept_minor_max }),
            (asked.chip && self.swiped_chip == SwipedChip::Refuse).then_some(PolicyRefusal::SwipedChip),
            above(0, payment_minor_max).then_some(PolicyRefusal::AbovePayment { minor_max: payment_minor_max }),
            (is_keyed && above(0, keyed_minor_max)).then_some(PolicyRefusal::AboveKeyed { minor_max: keyed_minor_max }),
            above(held.card_minor, card_minor_max).then_some(PolicyRefusal::AboveCard { minor_max: card_minor_max }),
            above(total_minor, total_minor_max).then_some(PolicyRefusal::AboveTotal { minor_max: total_minor_max }),
            above(held.day_minor, day_minor_max).then_some(PolicyRefusal::AboveDay { minor_max: day_minor_max }),
        ]
        .into_iter()
        .flatten()
    }

    /// What is said to the cashier while payments wait: whether to go on as usual.
    pub fn level(&self, held: Held) -> Level {
        let caps = self.caps_at(held.outage_ms);
        let total_minor_max =
            if held.is_kept { caps.total_minor_max } else { caps.unkept_minor_max.min(caps.total_minor_max) };
        // The share that is left of a cap, in percent.
        let left = |so_far: i64, max: i64| {
            let left = i128::from(max.saturating_sub(so_far).max(0)) * 100;
            left.checked_div(i128::from(max.max(1))).unwrap_or(0)
        };
        let room = left(held.waiting.total_minor, total_minor_max).min(left(held.day_minor, caps.day_minor_max));
        let is_late = i128::from(held.outage_ms) * 3 >= i128::from(self.window_ms) * 2;
        match room {
            0 => Level::Stop,
            _ if held.waiting.count >= WAITING_PAYMENTS_MAX || held.outage_ms >= self.window_ms.max(1) => Level::Stop,
            _ if room < CAREFUL_PERCENT || is_late => Level::Careful,
            _ => Level::Fine,
        }
    }
}

/// Below this share of a cap that is left, the cashier is told to be careful.
const CAREFUL_PERCENT: i128 = 25;

/// What holds for every payment, answered or not.
fn room(asked: Asked, waiting: Waiting) -> Option<PolicyRefusal> {
    if asked.minor <= 0 {
        return Some(PolicyRefusal::NothingToPay);
    }
    (waiting.count >= WAITING_PAYMENTS_MAX).then_some(PolicyRefusal::TooMany)
}

#[cfg(test)]
mod tests;
