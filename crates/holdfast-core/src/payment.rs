//! A payment's life on the server, as one state machine. Transitions consume the state; a move that is not allowed is an error
//! that gives the state back unharmed.
//!
//! On the device a payment is first `stored`: that is its presence in the outbox, not a state here.

pub mod again;
pub mod instruction;
mod lifecycle;
mod refunds;
mod retry;

pub use lifecycle::markdown as lifecycle_markdown;
pub use refunds::{GiveBackReason, REFUNDS_MAX, ReasonError, Refund, Refunds, RefundsError};
pub use retry::Retry;

use crate::time::UnixMs;

/// Why a payment was declined: the acquirer's response code (ISO 8583 field 39).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    pub code: String,
}

impl Decline {
    /// The code in words that a seller can say aloud.
    pub fn words(&self) -> &'static str {
        match self.code.as_str() {
            "01" | "02" => "the bank wants a call",
            "04" | "07" | "41" | "43" => "the bank asks to keep the card",
            "14" => "the card number is not known",
            "51" => "not enough funds",
            "54" => "the card has expired",
            "55" | "75" => "the PIN was wrong",
            "57" | "58" => "this card does not allow this payment",
            "61" | "65" => "the card's limit is reached",
            "62" => "the card is restricted",
            "91" | "92" | "96" => "the card's bank cannot be reached",
            _ => "the bank declined it",
        }
    }
}

/// Where a payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// Durably with the server; nothing was sent to the acquirer.
    Received,
    /// The intent to authorise is written; from here on the acquirer may have carried it out.
    Authorising,
    Authorised {
        approval_code: String,
    },
    /// The intent to capture is written.
    Capturing {
        approval_code: String,
    },
    Captured {
        approval_code: String,
        at_ms: UnixMs,
    },
    /// A part of it was paid back.
    PartlyRefunded {
        approval_code: String,
        refunds: Refunds,
    },
    /// All of it was paid back.
    Refunded {
        approval_code: String,
        refunds: Refunds,
    },
    /// Given back before it was captured. The approval code is empty when there was no authorisation yet.
    Voided {
        approval_code: String,
        reason: GiveBackReason,
        at_ms: UnixMs,
    },
    Declined {
        decline: Decline,
        at_ms: UnixMs,
    },
    /// It reached the server after its window.
    Expired {
        at_ms: UnixMs,
    },
    /// It cannot be processed and waits for the owner; the reason's name.
    Quarantined {
        reason: String,
    },
}

/// Something that happened to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    AuthoriseIntended,
    /// The acquirer never heard of it, so the intent can be given up or written anew.
    NotAtAcquirer,
    Approved {
        approval_code: String,
    },
    Declined(Decline),
    CaptureIntended,
    Captured,
    WindowOver,
    Unprocessable {
        reason: String,
    },
    /// It was declined, and is to be tried again.
    RetryIntended,
    /// The acquirer has given the authorisation back, or was never asked for one.
    Voided {
        reason: GiveBackReason,
    },
    /// The acquirer has paid back `amount_minor` of the `captured_minor` that it took.
    Refunded {
        amount_minor: i64,
        captured_minor: i64,
        reason: GiveBackReason,
    },
}

/// A move that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a payment that is {state} cannot take this step; ask the acquirer by reference and look at the payment's attempts"
)]
pub struct MoveError {
    pub state: &'static str,
    pub unchanged: Box<PaymentState>,
}

/// What the server must do next for a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Open the envelope, then write the intent and authorise.
    Authorise,
    /// An intent was written and no answer is known: ask by reference, never send again blind.
    InquireAuthorisation,
    Capture,
    InquireCapture,
    /// Settled, or waiting for a person.
    Nothing,
}

impl PaymentState {
    /// The wire's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Authorising => "authorising",
            Self::Authorised { .. } => "authorised",
            Self::Capturing { .. } => "capturing",
            Self::Captured { .. } => "captured",
            Self::PartlyRefunded { .. } => "partly-refunded",
            Self::Refunded { .. } => "refunded",
            Self::Voided { .. } => "voided",
            Self::Declined { .. } => "declined",
            Self::Expired { .. } => "expired",
            Self::Quarantined { .. } => "quarantined",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_settled(&self) -> bool {
        self.next_step() == NextStep::Nothing
    }

    pub fn next_step(&self) -> NextStep {
        match self {
            Self::Received => NextStep::Authorise,
            Self::Authorising => NextStep::InquireAuthorisation,
            Self::Authorised { .. } => NextStep::Capture,
            Self::Capturing { .. } => NextStep::InquireCapture,
            Self::Captured { .. }
            | Self::PartlyRefunded { .. }
            | Self::Refunded { .. }
            | Self::Voided { .. }
            | Self::Declined { .. }
            | Self::Expired { .. }
            | Self::Quarantined { .. } => NextStep::Nothing,
        }
    }

    /// What was paid back so far.
    pub fn refunded_minor(&self) -> i64 {
        match self {
            Self::PartlyRefunded { refunds, .. } | Self::Refunded { refunds, .. } => refunds.refunded_minor(),
            _ => 0,
        }
    }

    /// Applies an event at a time.
    pub fn apply(self, event: Event, at_ms: UnixMs) -> Result<Self, MoveError> {
        match (self, event) {
            (Self::Received, Event::AuthoriseIntended) => Ok(Self::Authorising),
            (Self::Received, Event::WindowOver) => Ok(Self::Expired { at_ms }),
            (Self::Received | Self::Authorising, Event::Unprocessable { reason }) => Ok(Self::Quarantined { reason }),
            (Self::Authorising, Event::NotAtAcquirer) => Ok(Self::Received),
            (Self::Authorising, Event::Approved { approval_code }) => Ok(Self::Authorised { approval_code }),
            (Self::Authorising, Event::Declined(decline)) => Ok(Self::Declined { decline, at_ms }),
            (Self::Authorised { approval_code }, Event::CaptureIntended) => Ok(Self::Capturing { approval_code }),
            (Self::Capturing { approval_code }, Event::NotAtAcquirer) => Ok(Self::Authorised { approval_code }),
            (Self::Capturing { approval_code }, Event::Captured) => Ok(Self::Captured { approval_code, at_ms }),
            // A late decline: the acquirer refuses the capture of what it had authorised.
            (Self::Capturing { .. }, Event::Declined(decline)) => Ok(Self::Declined { decline, at_ms }),
            (Self::Declined { .. }, Event::RetryIntended) => Ok(Self::Received),
            (Self::Received, Event::Voided { reason }) => {
                Ok(Self::Voided { approval_code: String::new(), reason, at_ms })
            }
            (Self::Authorised { approval_code }, Event::Voided { reason }) => {
                Ok(Self::Voided { approval_code, reason, at_ms })
            }
            (state, Event::Refunded { amount_minor, captured_minor, reason }) => {
                state.refund(captured_minor, Refund { amount_minor, reason, at_ms })
            }
            (state, _) => Err(MoveError { state: state.name(), unchanged: Box::new(state) }),
        }
    }

    /// Pays back; more than was captured, or more often than [`REFUNDS_MAX`], is no move.
    fn refund(self, captured_minor: i64, refund: Refund) -> Result<Self, MoveError> {
        let refunds = match &self {
            Self::Captured { .. } => Refunds::first(captured_minor, refund),
            // What was captured was said with the first refund, and does not change.
            Self::PartlyRefunded { refunds, .. } if refunds.captured_minor() == captured_minor => {
                refunds.clone().and(refund)
            }
            _ => None,
        };
        match (refunds, self) {
            (Some(refunds), Self::Captured { approval_code, .. } | Self::PartlyRefunded { approval_code, .. }) => {
                Ok(if refunds.is_full() {
                    Self::Refunded { approval_code, refunds }
                } else {
                    Self::PartlyRefunded { approval_code, refunds }
                })
            }
            (_, state) => Err(MoveError { state: state.name(), unchanged: Box::new(state) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approved() -> Event {
        Event::Approved { approval_code: "A1".into() }
    }

    fn run(events: &[Event]) -> Result<PaymentState, MoveError> {
        events.iter().cloned().try_fold(PaymentState::Received, |s, e| s.apply(e, 7))
    }

    #[test]
    fn the_ways_a_payment_can_go() {
        use Event::*;
        let decline = Decline { code: "51".into() };
        for (events, name) in [
            (vec![AuthoriseIntended, approved(), CaptureIntended, Captured], "captured"),
            (vec![AuthoriseIntended, NotAtAcquirer, AuthoriseIntended, approved()], "authorised"),
            (vec![AuthoriseIntended, Declined(decline.clone())], "declined"),
            (
                vec![AuthoriseIntended, approved(), CaptureIntended, NotAtAcquirer, CaptureIntended, Captured],
                "captured",
            ),
            (vec![AuthoriseIntended, approved(), CaptureIntended, Declined(decline.clone())], "declined"),
            (vec![AuthoriseIntended, Declined(decline.clone()), RetryIntended], "received"),
            (vec![WindowOver], "expired"),
            (vec![Unprocessable { reason: "x".into() }], "quarantined"),
        ] {
            assert_eq!(run(&events).map(|s| s.name()), Ok(name), "{events:?}");
        }
    }

    #[test]
    fn nothing_is_captured_without_an_intent_and_nothing_twice() {
        use Event::*;
        for events in [
            vec![approved()],
            vec![Captured],
            vec![AuthoriseIntended, approved(), Captured],
            vec![AuthoriseIntended, approved(), CaptureIntended, Captured, Captured],
            vec![AuthoriseIntended, approved(), CaptureIntended, Captured, CaptureIntended],
            vec![AuthoriseIntended, WindowOver],
            vec![WindowOver, AuthoriseIntended],
        ] {
            assert!(run(&events).is_err(), "{events:?}");
        }
    }

    #[test]
    fn money_goes_back_up_to_what_was_captured_and_a_void_only_before() {
        let reason = || "customer-returned".parse::<GiveBackReason>().expect("a reason");
        let refund = |amount_minor| Event::Refunded { amount_minor, captured_minor: 1_060, reason: reason() };
        let captured = || vec![Event::AuthoriseIntended, approved(), Event::CaptureIntended, Event::Captured];
        for (more, name) in [
            (vec![refund(500)], Some("partly-refunded")),
            (vec![refund(500), refund(560)], Some("refunded")),
            (vec![refund(1_060)], Some("refunded")),
            (vec![refund(500), refund(561)], None),
            (vec![refund(1_060), refund(1)], None),
            (vec![refund(0)], None),
            (vec![Event::Voided { reason: reason() }], None),
        ] {
            let events = [captured(), more].concat();
            assert_eq!(run(&events).ok().map(|state| state.name()), name, "{events:?}");
        }
        let void = Event::Voided { reason: reason() };
        let voided = run(&[Event::AuthoriseIntended, approved(), void.clone()]);
        assert!(matches!(voided, Ok(PaymentState::Voided { at_ms: 7, .. })));
        assert_eq!(run(std::slice::from_ref(&void)).map(|state| state.name()), Ok("voided"));
        assert!(run(&[Event::AuthoriseIntended, void.clone()]).is_err(), "first it is asked what became of it");
        assert!(run(&[refund(1)]).is_err());
    }

    #[test]
    fn what_to_do_about_a_decline_follows_its_code() {
        for (code, retry) in [
            ("41", Retry::Never),
            ("14", Retry::Never),
            ("91", Retry::AfterHours(2)),
            ("51", Retry::AfterDays(1)),
            ("54", Retry::AskCustomer),
            ("05", Retry::AskCustomer),
            ("??", Retry::AskCustomer),
        ] {
            assert_eq!(Decline { code: code.into() }.retry(), retry, "{code}");
        }
    }

    #[test]
    fn every_unsettled_state_has_a_next_step() {
        let code = || "A1".to_owned();
        for (state, step) in [
            (PaymentState::Received, NextStep::Authorise),
            (PaymentState::Authorising, NextStep::InquireAuthorisation),
            (PaymentState::Authorised { approval_code: code() }, NextStep::Capture),
            (PaymentState::Capturing { approval_code: code() }, NextStep::InquireCapture),
            (PaymentState::Captured { approval_code: code(), at_ms: 0 }, NextStep::Nothing),
        ] {
            assert_eq!(state.next_step(), step);
        }
    }
}
