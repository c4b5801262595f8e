//! Who is asked for a PIN, why, and how far they have come. The digits themselves are not in here: they never reach the page.

use holdfast_core::limits::PIN_DIGITS_MIN;
use holdfast_core::staff::{Seller, StaffRole};

/// Why somebody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The till is locked: nothing is sold before somebody signs in.
    Unlock,
    /// Somebody else takes over, or the first one signs in of their own accord.
    Switch,
    /// A manager's word is wanted; in words what for.
    Approve { why: String },
}

impl Purpose {
    /// Whether one may leave without a PIN.
    pub fn can_be_left(&self) -> bool {
        *self != Self::Unlock
    }

    pub fn asks(&self, seller: &Seller) -> bool {
        !matches!(self, Self::Approve { .. }) || seller.role == StaffRole::Manager
    }

    /// The value of `data-purpose`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unlock => "unlock",
            Self::Switch => "switch",
            Self::Approve { .. } => "approve",
        }
    }
}

/// What was wrong with the last PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinProblem {
    Wrong,
    /// Too many were wrong; by the till's clock.
    Wait {
        until_ms: i64,
    },
    /// The shop took this name off the list.
    Gone,
    /// The attempt could not be written down, so it was not judged.
    NotKept,
}

/// The lock as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    pub purpose: Purpose,
    /// Whose PIN is typed; `None` while a name is chosen.
    pub seller: Option<Seller>,
    pub typed: usize,
    /// A PIN is being tried.
    pub busy: bool,
    pub problem: Option<PinProblem>,
}

impl Asking {
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, seller: None, typed: 0, busy: false, problem: None }
    }

    /// Milliseconds until the next PIN may be tried.
    pub fn left_ms(&self, now_ms: i64) -> i64 {
        match self.problem {
            Some(PinProblem::Wait { until_ms }) => (until_ms - now_ms).max(0),
            _ => 0,
        }
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.problem, Some(PinProblem::Wait { .. }))
    }

    pub fn can_try(&self, now_ms: i64) -> bool {
        !self.busy && self.typed >= PIN_DIGITS_MIN && self.left_ms(now_ms) == 0
    }
}

/// Two letters that stand for a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::id::StaffId;

    #[test]
    fn a_lock_is_not_left_and_only_managers_are_asked_for_their_word() {
        let seller = |role| Seller { id: StaffId::make([1; 16]), name: "Ada".into(), role };
        let approve = Purpose::Approve { why: "above the cap".into() };
        for (purpose, left, cashier) in
            [(Purpose::Unlock, false, true), (Purpose::Switch, true, true), (approve, true, false)]
        {
            assert_eq!(
                (purpose.can_be_left(), purpose.asks(&seller(StaffRole::Cashier))),
                (left, cashier),
                "{purpose:?}"
            );
            assert!(purpose.asks(&seller(StaffRole::Manager)));
        }
    }

    #[test]
    fn a_pin_is_tried_when_it_is_long_enough_and_the_wait_is_over() {
        let asking = Asking { typed: 4, ..Asking::new(Purpose::Unlock) };
        let waiting = Asking { problem: Some(PinProblem::Wait { until_ms: 30_000 }), ..asking.clone() };
        assert!(
            asking.can_try(0)
                && !Asking { typed: 3, ..asking.clone() }.can_try(0)
                && !Asking { busy: true, ..asking }.can_try(0)
        );
        assert_eq!((waiting.left_ms(1), waiting.can_try(29_999), waiting.can_try(30_000)), (29_999, false, true));
    }

    #[test]
    fn initials_are_of_the_first_and_the_last_name() {
        for (name, letters) in
            [("Ada Byrne", "AB"), ("ada", "A"), ("Jean Luc de Vries", "JV"), ("", ""), ("ليلى حداد", "لح")]
        {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
