//! When a payment was taken, as the server judges it: neither the tablet's clock nor its owner can move it.

use crate::time::UnixMs;

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
    }
}
