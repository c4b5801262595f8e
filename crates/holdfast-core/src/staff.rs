//! Who sells at a till: roles, when a till opens locked, how wrong PINs are slowed down, and a manager's word.
//!
//! A PIN is a screen lock and no key: nothing on the tablet is sealed with it, and the queue does not know it. Whoever holds a stolen
//! tablet can try every PIN outside of the till (docs/decisions/a-pin-is-a-screen-lock.md).

use crate::id::StaffId;
use crate::limits::{PIN_FREE_MAX, PIN_WAIT_MS_MAX, PIN_WAIT_MS_MIN};
use crate::time::UnixMs;

/// What somebody may do at a till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum StaffRole {
    #[default]
    Cashier,
    /// Lets others in, and approves what a cashier may not do alone.
    Manager,
}

impl StaffRole {
    pub const ALL: [Self; 2] = [Self::Cashier, Self::Manager];

    pub fn name(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Manager => "manager",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Somebody who can sign in at a till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    pub id: StaffId,
    pub name: String,
    pub role: StaffRole,
}

impl Seller {
    /// What a receipt calls them.
    pub fn first_name(&self) -> &str {
        first_name(&self.name)
    }
}

/// The first word of a name.
pub fn first_name(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or_default()
}

/// Everybody who can sign in, and how the till's lock behaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Team {
    pub sellers: Vec<Seller>,
    /// Whether nobody sells without having signed in.
    pub must_sign_in: bool,
    /// The till locks itself after this long without a touch; 0 for never.
    pub idle_lock_ms: i64,
    /// Whether a receipt says who served.
    pub on_receipts: bool,
}

impl Team {
    pub fn is_empty(&self) -> bool {
        self.sellers.is_empty()
    }

    pub fn seller(&self, id: StaffId) -> Option<&Seller> {
        self.sellers.iter().find(|seller| seller.id == id)
    }

    /// Who can give a manager's word.
    pub fn managers(&self) -> impl Iterator<Item = &Seller> {
        self.sellers.iter().filter(|seller| seller.role == StaffRole::Manager)
    }

    /// Whether a till that starts now must ask who is there. Where signing in is left to the staff, the first who does it switches the lock on
    /// for this tablet. A shop without staff has no lock.
    pub fn opens_locked(&self, signed_in_before: bool) -> bool {
        !self.is_empty() && (self.must_sign_in || signed_in_before)
    }

    /// Whether a till that nobody touched for so long locks itself.
    pub fn locks_after(&self, idle_ms: i64) -> bool {
        self.idle_lock_ms > 0 && idle_ms >= self.idle_lock_ms
    }
}

/// That a manager allowed something: who, and when by the till's best knowledge of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    pub by: StaffId,
    pub at_ms: UnixMs,
}

/// Wrong PINs of one person at one tablet. An attempt is written down before it is judged, so that neither a reload nor a crash makes it
/// unhappened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    pub failures: u32,
    /// When the last one was made.
    pub last_ms: UnixMs,
}

impl Attempts {
    /// How long to wait before the next attempt; 0: now. Never more than the wait itself, so that a clock that was wrong locks nobody out.
    pub fn left_ms(self, now_ms: UnixMs) -> i64 {
        let wait_ms = self.wait_ms();
        self.last_ms.saturating_add(wait_ms).saturating_sub(now_ms).clamp(0, wait_ms)
    }

    /// After one more.
    #[must_use]
    pub fn and_one(self, now_ms: UnixMs) -> Self {
        Self { failures: self.failures.saturating_add(1), last_ms: now_ms }
    }

    fn wait_ms(self) -> i64 {
        match self.failures.checked_sub(PIN_FREE_MAX) {
            None => 0,
            Some(doublings) => {
                let times = 1_i64.checked_shl(doublings.min(32)).unwrap_or(i64::MAX);
                PIN_WAIT_MS_MIN.saturating_mul(times).min(PIN_WAIT_MS_MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(roles: &[StaffRole]) -> Team {
        let seller = |(n, role): (u8, &StaffRole)| Seller {
            id: StaffId::make([n; 16]),
            name: format!("Ada {n} Lovelace"),
            role: *role,
        };
        Team { sellers: (1..).zip(roles).map(seller).collect(), ..Team::default() }
    }

    #[test]
    fn waits_grow_survive_a_wrong_clock_and_never_lock_anybody_out() {
        let now = 1_795_392_000_000;
        for (failures, wait_s) in
            [(0, 0), (2, 0), (3, 30), (4, 60), (5, 120), (7, 480), (8, 900), (40, 900), (u32::MAX, 900)]
        {
            let attempts = Attempts { failures, last_ms: now };
            assert_eq!(attempts.left_ms(now), wait_s * 1_000, "{failures}");
            assert_eq!(attempts.left_ms(now + wait_s * 1_000), 0, "{failures}: over");
            // The tablet's clock was years ahead at the last attempt.
            assert_eq!(attempts.left_ms(5), wait_s * 1_000, "{failures}: no longer than the wait");
        }
        let after = (0..4).fold(Attempts::default(), |attempts, _| attempts.and_one(now));
        assert_eq!((after.failures, after.left_ms(now + 59_999)), (4, 1));
    }

    #[test]
    fn a_shop_without_staff_has_no_lock_and_one_with_staff_has_it_as_it_wants() {
        let with = |must_sign_in| Team { must_sign_in, ..team(&[StaffRole::Cashier]) };
        for (team, used, locked) in [
            (Team { must_sign_in: true, ..Team::default() }, true, false),
            (with(true), false, true),
            (with(false), false, false),
            (with(false), true, true),
        ] {
            assert_eq!(team.opens_locked(used), locked, "{team:?} {used}");
        }
        let idle = Team { idle_lock_ms: 60_000, ..with(true) };
        assert!(!idle.locks_after(59_999) && idle.locks_after(60_000) && !with(true).locks_after(i64::MAX));
    }

    #[test]
    fn only_managers_give_a_managers_word() {
        let team = team(&[StaffRole::Cashier, StaffRole::Manager]);
        assert_eq!(team.managers().map(|m| m.id).collect::<Vec<_>>(), [StaffId::make([2; 16])]);
        assert_eq!(team.seller(StaffId::make([1; 16])).map(Seller::first_name), Some("Ada"));
        assert_eq!(StaffRole::from_name("owner"), None);
    }
}
