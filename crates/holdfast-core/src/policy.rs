//! What a till may take while offline, and for how long. The server signs nothing of this yet; it is served with the shop.

use crate::card::Entry;
use crate::limits::WAITING_PAYMENTS_MAX;
use crate::money::Amount;
use crate::time::{Reading, UnixMs};

/// A merchant's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How long a payment may wait, at most [`crate::limits::WINDOW_MS_MAX`].
    pub window_ms: i64,
    /// Largest single payment while offline.
    pub payment_minor_max: i64,
    /// Largest keyed payment while offline: keyed entry is the riskier one.
    pub keyed_minor_max: i64,
    /// Largest sum that may wait on this device.
    pub total_minor_max: i64,
}

/// What waits already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    pub count: usize,
    pub total_minor: i64,
}

/// Why an offline payment is refused, in words for the seller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    #[error("the amount must be more than nothing: add an item first")]
    NothingToPay,
    #[error("the amount is above what this shop takes offline in one payment: take cash, or wait for the connection")]
    AbovePayment,
    #[error("the amount is above what this shop takes offline for a keyed card: swipe the card, or take cash")]
    AboveKeyed,
    #[error("this tablet holds as much as the shop allows offline: connect it, or take cash")]
    AboveTotal,
    #[error("this tablet holds as many payments as it can: connect it, or take cash")]
    TooMany,
}

impl Policy {
    /// Whether one more payment may be stored.
    pub fn allows(&self, amount: Amount, entry: Entry, waiting: Waiting) -> Result<(), PolicyRefusal> {
        let minor = amount.minor();
        if minor <= 0 {
            return Err(PolicyRefusal::NothingToPay);
        }
        if waiting.count >= WAITING_PAYMENTS_MAX {
            return Err(PolicyRefusal::TooMany);
        }
        if minor > self.payment_minor_max {
            return Err(PolicyRefusal::AbovePayment);
        }
        if entry == Entry::Keyed && minor > self.keyed_minor_max {
            return Err(PolicyRefusal::AboveKeyed);
        }
        if waiting.total_minor.saturating_add(minor) > self.total_minor_max {
            return Err(PolicyRefusal::AboveTotal);
        }
        Ok(())
    }

    /// When a payment taken now must be with the server, by the till's best knowledge of the time.
    pub fn expires_ms(&self, now: Reading) -> UnixMs {
        now.trusted_ms().saturating_add(self.window_ms)
    }
}

/// The times that a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenAt {
    /// The tablet's wall clock.
    pub created_ms: UnixMs,
    /// The tablet's monotonic clock at that moment.
    pub mono_ms: i64,
    /// The last signed server time the tablet had, and its monotonic clock then; both 0 for none.
    pub server_ms: UnixMs,
    pub server_mono_ms: i64,
}

impl TakenAt {
    /// When the payment was taken, as the server judges it: the signed time carried on, else the tablet's word; never later than the arrival.
    pub fn judged_ms(&self, received_ms: UnixMs) -> UnixMs {
        let said = if self.server_ms > 0 {
            self.server_ms.saturating_add(self.mono_ms.saturating_sub(self.server_mono_ms).max(0))
        } else {
            self.created_ms
        };
        said.min(received_ms)
    }

    /// Whether the window was over when it arrived. Only a signed time can expire a payment: a tablet whose clock stands at 1970 loses no sale.
    pub fn is_expired(&self, received_ms: UnixMs, window_ms: i64) -> bool {
        self.server_ms > 0 && received_ms.saturating_sub(self.judged_ms(received_ms)) > window_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::time::Anchor;

    #[test]
    fn caps_hold() {
        let policy =
            Policy { window_ms: 1, payment_minor_max: 100_000, keyed_minor_max: 20_000, total_minor_max: 150_000 };
        let check = |minor, entry, count, total_minor| {
            policy.allows(Amount::new(minor, Currency::EUR), entry, Waiting { count, total_minor }).err()
        };
        assert_eq!(check(100_000, Entry::Swipe, 0, 0), None);
        assert_eq!(check(0, Entry::Swipe, 0, 0), Some(PolicyRefusal::NothingToPay));
        assert_eq!(check(100_001, Entry::Swipe, 0, 0), Some(PolicyRefusal::AbovePayment));
        assert_eq!(check(20_001, Entry::Keyed, 0, 0), Some(PolicyRefusal::AboveKeyed));
        assert_eq!(check(60_000, Entry::Swipe, 1, 100_000), Some(PolicyRefusal::AboveTotal));
        assert_eq!(check(1, Entry::Swipe, WAITING_PAYMENTS_MAX, 0), Some(PolicyRefusal::TooMany));
    }

    #[test]
    fn a_wrong_clock_neither_cheats_nor_costs_a_sale() {
        let hour = 3_600_000;
        let now = 1_795_392_000_000;
        let taken = |created_ms, server_ms, age_mono| TakenAt {
            created_ms,
            mono_ms: 500 + age_mono,
            server_ms,
            server_mono_ms: 500,
        };
        assert!(taken(now, now - 80 * hour, 0).is_expired(now, 72 * hour), "a clock set forward does not help");
        assert!(!taken(0, now - 80 * hour, 10 * hour).is_expired(now, 72 * hour), "taken 70 hours ago");
        assert!(!taken(0, 0, 0).is_expired(now, 72 * hour), "1970 without a signed time costs no sale");
        let reading = Reading { wall_ms: 0, mono_ms: 100, anchor: Some(Anchor { server_ms: now, at_mono_ms: 100 }) };
        let policy = Policy { window_ms: 72 * hour, payment_minor_max: 1, keyed_minor_max: 1, total_minor_max: 1 };
        assert_eq!(policy.expires_ms(reading), now + 72 * hour);
    }
}
