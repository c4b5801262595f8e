//! A manager's word that a sale may go above a cap.

use crate::limits::APPROVAL_MS_MAX;
use crate::time::UnixMs;

/// Who let a sale through, up to which amount and when. It is made by a PIN, holds for the sale at the counter, and goes into the payment's
/// record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The manager, by the id that the shop's staff list gives.
    pub by: String,
    /// The sale's amount when the PIN was entered: a sale that grew since needs another word.
    pub amount_minor: i64,
    /// Trusted time.
    pub at_ms: UnixMs,
}

impl Override {
    /// Whether it still covers a payment of this amount.
    pub fn covers(&self, amount_minor: i64, now_ms: UnixMs) -> bool {
        let age_ms = now_ms.saturating_sub(self.at_ms);
        amount_minor <= self.amount_minor && (0..=APPROVAL_MS_MAX).contains(&age_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_covers_the_sale_at_the_counter_and_nothing_else() {
        let approval = Override { by: "m".into(), amount_minor: 900, at_ms: 1_000 };
        for (minor, now_ms, covers) in [
            (900, 1_000, true),
            (1, 1_000 + APPROVAL_MS_MAX, true),
            (901, 1_000, false),
            (900, 1_001 + APPROVAL_MS_MAX, false),
            (900, 999, false),
        ] {
            assert_eq!(approval.covers(minor, now_ms), covers, "{minor} {now_ms}");
        }
    }
}
