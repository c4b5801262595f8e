//! When to try again after a call without an answer.

use crate::acquirer::AcquirerError;
use holdfast_core::limits::{ACQUIRER_RETRY_MS_MAX, ACQUIRER_RETRY_MS_MIN};

/// The delay after the `failures`-th failure in a row.
///
/// A first lost answer is asked for at once: somebody stands at the till. After that the delay doubles to its limit.
pub fn delay_ms(error: AcquirerError, failures: u32) -> i64 {
    match (error, failures) {
        (AcquirerError::TimedOut, 0 | 1) => 0,
        (_, failures) => {
            let doublings = failures.saturating_sub(1).min(20);
            (ACQUIRER_RETRY_MS_MIN << doublings).min(ACQUIRER_RETRY_MS_MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_their_limit() {
        assert_eq!(delay_ms(AcquirerError::TimedOut, 1), 0);
        assert_eq!(delay_ms(AcquirerError::Unreachable, 1), ACQUIRER_RETRY_MS_MIN);
        assert_eq!(delay_ms(AcquirerError::TimedOut, 2), 2 * ACQUIRER_RETRY_MS_MIN);
        for failures in 9..=u32::MAX.ilog2() {
            assert_eq!(delay_ms(AcquirerError::Unreachable, failures), ACQUIRER_RETRY_MS_MAX);
        }
        assert_eq!(delay_ms(AcquirerError::Unreachable, u32::MAX), ACQUIRER_RETRY_MS_MAX);
    }
}
