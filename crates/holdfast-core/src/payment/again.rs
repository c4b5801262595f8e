//! Paying again: whether the customer of a sale that was not paid may pay it anew, with a card of their own choice, on its live receipt.

use super::{PaymentState, Retry};
use crate::limits::{PAY_AGAIN_MAX, PAY_AGAIN_MS_MAX};
use crate::time::UnixMs;

/// What is known of a sale: its first payment, and those that its customer made in its place.
#[derive(Debug, Clone, Copy)]
pub struct AgainFacts<'a> {
    /// Where the last of its payments stands.
    pub last: &'a PaymentState,
    /// How often its customer has paid again.
    pub attempts: usize,
    /// A refund, void or retry of the last payment is on its way.
    pub is_instructed: bool,
    /// The shop says that it was settled in another way.
    pub is_settled: bool,
    /// The books came from a copy since: a payment that was made in its place may be missing from them.
    pub is_unsure: bool,
    /// When the first payment was taken.
    pub taken_ms: UnixMs,
}

/// Why it cannot be paid again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgainError {
    #[error("nothing is owed: it is paid, was paid back, or is looked into by the shop")]
    NotOwed,
    #[error("a payment is on its way: wait for its result")]
    OnItsWay,
    #[error("the books came from a copy, and it may have been paid meanwhile: ask the shop")]
    Unsure,
    #[error("the bank said never to try again: ask the shop how to pay")]
    Never,
    #[error("it is too long ago: ask the shop how to pay")]
    TooLate,
    #[error("it was tried too often: ask the shop how to pay")]
    TooOften,
}

/// Whether a sale may be paid again now.
///
/// # Errors
/// [`AgainError`]: nothing is to be taken.
pub fn may_pay_again(facts: AgainFacts<'_>, now_ms: UnixMs) -> Result<(), AgainError> {
    match facts.last {
        PaymentState::Declined { decline, .. } if decline.retry() == Retry::Never => return Err(AgainError::Never),
        PaymentState::Declined { .. } | PaymentState::Expired { .. } => {}
        state if !state.is_settled() => return Err(AgainError::OnItsWay),
        _ => return Err(AgainError::NotOwed),
    }
    if facts.is_settled {
        return Err(AgainError::NotOwed);
    }
    if facts.is_unsure {
        return Err(AgainError::Unsure);
    }
    if facts.is_instructed {
        return Err(AgainError::OnItsWay);
    }
    if now_ms.saturating_sub(facts.taken_ms) > PAY_AGAIN_MS_MAX {
        return Err(AgainError::TooLate);
    }
    if facts.attempts >= PAY_AGAIN_MAX { Err(AgainError::TooOften) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::Decline;

    #[test]
    fn only_what_is_owed_and_not_on_its_way_is_paid_again() {
        let declined = |code: &str| PaymentState::Declined { decline: Decline { code: code.into() }, at_ms: 5 };
        let captured = PaymentState::Captured { approval_code: "A1".into(), at_ms: 5 };
        let on_hold = PaymentState::Quarantined { reason: "envelope-refused".into() };
        type Change = fn(AgainFacts<'_>) -> AgainFacts<'_>;
        let as_it_is: Change = |facts| facts;
        for (state, change, wanted) in [
            (declined("51"), as_it_is, Ok(())),
            (declined("05"), as_it_is, Ok(())),
            (declined("91"), as_it_is, Ok(())),
            (declined("41"), as_it_is, Err(AgainError::Never)),
            (PaymentState::Expired { at_ms: 5 }, as_it_is, Ok(())),
            (PaymentState::Received, as_it_is, Err(AgainError::OnItsWay)),
            (PaymentState::Authorising, as_it_is, Err(AgainError::OnItsWay)),
            (captured, as_it_is, Err(AgainError::NotOwed)),
            (on_hold, as_it_is, Err(AgainError::NotOwed)),
            (declined("51"), |f| AgainFacts { is_settled: true, ..f }, Err(AgainError::NotOwed)),
            (declined("51"), |f| AgainFacts { is_unsure: true, ..f }, Err(AgainError::Unsure)),
            (declined("51"), |f| AgainFacts { is_instructed: true, ..f }, Err(AgainError::OnItsWay)),
            (declined("51"), |f| AgainFacts { attempts: PAY_AGAIN_MAX - 1, ..f }, Ok(())),
            (declined("51"), |f| AgainFacts { attempts: PAY_AGAIN_MAX, ..f }, Err(AgainError::TooOften)),
            (declined("51"), |f| AgainFacts { taken_ms: -PAY_AGAIN_MS_MAX, ..f }, Err(AgainError::TooLate)),
        ] {
            let (is_instructed, is_settled, is_unsure) = (false, false, false);
            let facts = AgainFacts { last: &state, attempts: 0, is_instructed, is_settled, is_unsure, taken_ms: 1_000 };
            assert_eq!(may_pay_again(change(facts), 1_000), wanted, "{state:?}");
        }
    }
}
