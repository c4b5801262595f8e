//! Webhooks: which events other programs may be told of, and when a delivery that failed is tried again.

use crate::limits::{WEBHOOK_DELAYS_MS, WEBHOOK_JITTER_PERCENT};

/// A type of event, and what it says.
pub type EventType = (&'static str, &'static str);

/// What a test sends; nobody has to choose it.
pub const TEST: &str = "webhook.test";
/// Money came from the acquirer.
pub const PAYOUT_PAID: &str = "payout.paid";

/// Every type that can be chosen.
pub const EVENTS: &[EventType] = &[
    ("payment.received", "The server has a payment, and nobody has authorised it yet"),
    ("payment.authorised", "The card's bank approved it, and it is captured later"),
    ("payment.captured", "It is paid"),
    ("payment.declined", "The card's bank said no"),
    ("payment.expired", "It came too late for its window and was not charged"),
    ("payment.quarantined", "It could not be taken and waits for a person"),
    ("payment.voided", "It was taken back before it was captured"),
    ("payment.refunded", "Money went back, in part or in full"),
    (PAYOUT_PAID, "The acquirer paid out"),
];

/// The event that a payment's coming to a state is. Steps inside the server (`authorising`, `capturing`) are none.
pub fn of_state(name: &str) -> Option<&'static str> {
    let wanted = match name {
        "partly-refunded" => "refunded",
        name => name,
    };
    let is_it = |of: &str| of.strip_prefix("payment.") == Some(wanted);
    EVENTS.iter().map(|(name, _)| *name).find(|name| is_it(name))
}

/// How long after the `failures`-th failure in a row a delivery is tried again; `None` when that was the last. `random` spreads
/// those that failed together.
pub fn retry_after_ms(failures: u32, random: u32) -> Option<i64> {
    let nth = usize::try_from(failures.checked_sub(1)?).ok()?;
    let delay_ms = *WEBHOOK_DELAYS_MS.get(nth)?;
    Some(delay_ms + delay_ms * WEBHOOK_JITTER_PERCENT / 100 * i64::from(random) / i64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_eight_times_within_about_28_hours() {
        let hours = |random| {
            let delays = (1..).map_while(|failures| retry_after_ms(failures, random)).collect::<Vec<_>>();
            assert_eq!(delays.len(), 7, "and the first attempt");
            assert!(delays.windows(2).all(|two| two[0] <= two[1]), "{delays:?}");
            delays.iter().sum::<i64>() / 3_600_000
        };
        assert_eq!((hours(0), hours(u32::MAX)), (27, 33));
        assert_eq!(retry_after_ms(0, 0), None);
        assert_eq!(retry_after_ms(1, 0), Some(5_000));
        assert_eq!(retry_after_ms(1, u32::MAX), Some(6_000));
    }

    #[test]
    fn every_end_of_a_payment_is_an_event_and_no_step_inside_is() {
        for (state, event) in [
            ("received", Some("payment.received")),
            ("authorising", None),
            ("capturing", None),
            ("captured", Some("payment.captured")),
            ("partly-refunded", Some("payment.refunded")),
            ("refunded", Some("payment.refunded")),
            ("voided", Some("payment.voided")),
            ("quarantined", Some("payment.quarantined")),
            ("paid", None),
        ] {
            assert_eq!(of_state(state), event, "{state}");
        }
    }
}
