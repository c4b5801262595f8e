//! How often a card may be charged. Cards are told apart by a hash under a key that is made anew at every start, in memory only: a
//! script is forgotten with the process too.

use super::script::Velocity;
use holdfast_core::id::PaymentId;
use holdfast_core::time::UnixMs;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// Cards that are remembered. A demo has a handful; at the limit the count begins anew.
const CARDS_MAX: usize = 10_000;

/// The charges of the last while.
#[derive(Debug, Default)]
pub struct Charges {
    key: RandomState,
    by_card: HashMap<u64, VecDeque<(UnixMs, PaymentId)>>,
}

impl Charges {
    /// Whether this charge is one too many. A repeated reference is one charge.
    pub fn is_too_many(&mut self, rule: &Velocity, pan: &str, reference: PaymentId, now_ms: UnixMs) -> bool {
        if self.by_card.len() >= CARDS_MAX {
            self.by_card.clear();
        }
        let charges = self.by_card.entry(self.key.hash_one(pan)).or_default();
        charges.retain(|(at_ms, _)| now_ms.saturating_sub(*at_ms) < rule.window_ms);
        if charges.iter().any(|(_, known)| *known == reference) {
            return false;
        }
        if charges.len() >= usize::try_from(rule.charges_max).unwrap_or(usize::MAX) {
            return true;
        }
        charges.push_back((now_ms, reference));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_charge_within_the_window_is_one_too_many() {
        let rule = Velocity { charges_max: 2, window_ms: 1_000 };
        let mut charges = Charges::default();
        let mut charge = |card, n, at_ms| charges.is_too_many(&rule, card, PaymentId::make(0, [n; 10]), at_ms);
        assert!(!charge("4242424242424242", 1, 0) && !charge("4242424242424242", 2, 500));
        // The first again, after a lost answer.
        assert!(!charge("4242424242424242", 1, 600));
        assert!(charge("4242424242424242", 3, 999));
        assert!(!charge("5555555555554444", 4, 999));
        assert!(!charge("4242424242424242", 3, 1_000));
    }
}
