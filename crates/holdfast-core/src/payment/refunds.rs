//! What was paid back of a captured payment: amounts, reasons, times.

use crate::time::UnixMs;
use std::fmt;
use std::str::FromStr;

/// Refunds of one payment.
pub const REFUNDS_MAX: usize = 20;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 40;

/// Why something is given back: a short name, `damaged-goods`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBackReason(String);

impl GiveBackReason {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A reason that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 40 small letters, digits and hyphens")]
pub struct ReasonError;

impl FromStr for GiveBackReason {
    type Err = ReasonError;
    fn from_str(text: &str) -> Result<Self, ReasonError> {
        let holds = (1..=REASON_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if holds { Ok(Self(text.to_owned())) } else { Err(ReasonError) }
    }
}

impl fmt::Display for GiveBackReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One refund that the acquirer carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub amount_minor: i64,
    pub reason: GiveBackReason,
    pub at_ms: UnixMs,
}

/// The refunds of a payment, oldest first: at least one, and never more money than was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunds {
    captured_minor: i64,
    list: Vec<Refund>,
}

impl Refunds {
    /// The first refund of a payment that captured `captured_minor`. `None` when it is of nothing, or of more than that.
    pub fn first(captured_minor: i64, refund: Refund) -> Option<Self> {
        Self { captured_minor, list: Vec::new() }.and(refund)
    }

    /// With one more. `None` when more would go back than came in, or at the limit of [`REFUNDS_MAX`].
    pub fn and(mut self, refund: Refund) -> Option<Self> {
        let after = self.refunded_minor().checked_add(refund.amount_minor)?;
        let holds = refund.amount_minor > 0 && after <= self.captured_minor && self.list.len() < REFUNDS_MAX;
        self.list.push(refund);
        holds.then_some(self)
    }

    pub fn list(&self) -> &[Refund] {
        &self.list
    }

    pub fn captured_minor(&self) -> i64 {
        self.captured_minor
    }

    pub fn refunded_minor(&self) -> i64 {
        self.list.iter().map(|refund| refund.amount_minor).sum()
    }

    pub fn is_full(&self) -> bool {
        self.refunded_minor() == self.captured_minor
    }

    /// When the last one was carried out.
    pub fn at_ms(&self) -> UnixMs {
        self.list.last().map_or(0, |refund| refund.at_ms)
    }
}

/// As the books keep it in one column: `1060:500@1795446000000=damaged-goods,560@…=…`.
impl fmt::Display for Refunds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.captured_minor)?;
        for (at, Refund { amount_minor, reason, at_ms }) in self.list.iter().enumerate() {
            let separator = if at == 0 { ':' } else { ',' };
            write!(f, "{separator}{amount_minor}@{at_ms}={reason}")?;
        }
        Ok(())
    }
}

/// A text that is no list of refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no list of refunds")]
pub struct RefundsError;

impl FromStr for Refunds {
    type Err = RefundsError;
    fn from_str(text: &str) -> Result<Self, RefundsError> {
        let (captured, list) = text.split_once(':').ok_or(RefundsError)?;
        let mut refunds = Self { captured_minor: captured.parse().map_err(|_| RefundsError)?, list: Vec::new() };
        for part in list.split(',') {
            let (amount, rest) = part.split_once('@').ok_or(RefundsError)?;
            let (at, reason) = rest.split_once('=').ok_or(RefundsError)?;
            let refund = Refund {
                amount_minor: amount.parse().map_err(|_| RefundsError)?,
                reason: reason.parse().map_err(|_| RefundsError)?,
                at_ms: at.parse().map_err(|_| RefundsError)?,
            };
            refunds = refunds.and(refund).ok_or(RefundsError)?;
        }
        Ok(refunds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refund(amount_minor: i64) -> Refund {
        Refund { amount_minor, reason: "damaged-goods".parse().expect("a reason"), at_ms: 7 }
    }

    #[test]
    fn never_more_goes_back_than_came_in() {
        for amounts in [vec![0], vec![-1], vec![1_061], vec![1_000, 61], vec![i64::MAX, 1], vec![1; REFUNDS_MAX + 1]] {
            let mut refunds = Some(Refunds { captured_minor: 1_060, list: Vec::new() });
            for amount in &amounts {
                refunds = refunds.and_then(|refunds| refunds.and(refund(*amount)));
            }
            assert_eq!(refunds, None, "{amounts:?}");
        }
        let part = Refunds::first(1_060, refund(500)).expect("a part");
        assert!(!part.is_full());
        assert!(part.and(refund(560)).is_some_and(|whole| whole.is_full() && whole.at_ms() == 7));
    }

    #[test]
    fn a_list_is_read_as_it_was_written_and_nothing_else_is() {
        let refunds = Refunds::first(1_060, refund(500)).and_then(|part| part.and(refund(560))).expect("holds");
        assert_eq!(refunds.to_string(), "1060:500@7=damaged-goods,560@7=damaged-goods");
        assert_eq!(refunds.to_string().parse(), Ok(refunds));
        for text in ["", "1060", "1060:", "1060:1061@7=a", "1060:5@7=", "1060:5@7=A", "1060:5@x=a", "x:5@7=a"] {
            assert_eq!(text.parse::<Refunds>(), Err(RefundsError), "{text}");
        }
    }
}
