//! A payment as it is shown: in the history, on a receipt.

use holdfast_core::card::Entry;
use holdfast_core::money::Amount;

/// A line of a sale as it is shown and printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineView {
    pub name: String,
    pub quantity: u32,
    pub unit: Amount,
    pub total: Amount,
}

/// A card as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    pub brand: String,
    pub last4: String,
    pub entry: Entry,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub shop: String,
    pub footer: String,
    /// Whether the shop wants it to say who served.
    pub says_seller: bool,
    pub payment: Payment,
}

/// A payment as the history knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: String,
    /// Sale number, e.g. `1-0042`.
    pub number: String,
    pub state: PaymentStage,
    pub amount: Amount,
    pub tax: Amount,
    /// The tip in the amount.
    pub tip: Amount,
    /// The id of who sold, and the name where the server told it.
    pub seller: Option<(String, Option<String>)>,
    /// What was paid back so far.
    pub refunded: Amount,
    pub card: CardView,
    pub offline: bool,
    pub device: String,
    pub taken_ms: i64,
    pub received_ms: Option<i64>,
    pub changed_ms: Option<i64>,
    pub approval_code: Option<String>,
    pub lines: Vec<LineView>,
    /// Path of the live receipt, once the server has the payment.
    pub live: Option<String>,
    /// When the card may be tried again, of a declined payment whose sealed card the server kept.
    pub retry: Option<RetryWindow>,
    /// Ids of the payment that this one was made in place of, and of the one in its place: its customer paid again on the live receipt.
    pub replaces: Option<String>,
    pub replaced_by: Option<String>,
    /// What the card's bank took back: how much, its code, and when.
    pub taken_back: Vec<(Amount, String, i64)>,
}

/// From when until when a declined card may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryWindow {
    pub from_ms: i64,
    pub until_ms: i64,
    /// The server does it without being asked.
    pub by_itself: bool,
}

/// Where a payment stands, the device's own state included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentStage {
    /// On this device, sealed; `by_ms` is the end of its window.
    Stored {
        by_ms: i64,
    },
    Received,
    Authorising,
    Authorised,
    Capturing,
    Captured,
    PartlyRefunded,
    Refunded,
    Voided,
    Declined {
        code: String,
    },
    Expired,
    Quarantined {
        reason: String,
    },
}

/// What a state means for the person who looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Waiting,
    Paid,
    /// Given up before it was charged.
    Void,
    Trouble,
}

impl Tone {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Waiting => "waiting",
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Trouble => "trouble",
        }
    }
}

impl PaymentStage {
    /// The value of `data-state`: the wire's names, and `stored` for what is still on this device.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stored { .. } => "stored",
            Self::Received => "received",
            Self::Authorising => "authorising",
            Self::Authorised => "authorised",
            Self::Capturing => "capturing",
            Self::Captured => "captured",
            Self::PartlyRefunded => "partly-refunded",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
            Self::Declined { .. } => "declined",
            Self::Expired => "expired",
            Self::Quarantined { .. } => "quarantined",
        }
    }

    pub fn tone(&self) -> Tone {
        match self {
            Self::Stored { .. } => Tone::Waiting,
            Self::Received | Self::Authorising | Self::Authorised | Self::Capturing => Tone::Plain,
            // What was given back is over, and needs nobody.
            Self::Captured | Self::PartlyRefunded | Self::Refunded => Tone::Paid,
            Self::Voided => Tone::Void,
            Self::Declined { .. } | Self::Expired | Self::Quarantined { .. } => Tone::Trouble,
        }
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }
}

/// What can be done about a payment, by its state and the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Refund(Amount),
    Void,
    Retry,
}

/// `None`: nothing can be asked for.
pub fn way(payment: &Payment, now_ms: i64) -> Option<Way> {
    match &payment.state {
        PaymentStage::Captured | PaymentStage::PartlyRefunded => left_to_refund(payment).map(Way::Refund),
        PaymentStage::Stored { .. }
        | PaymentStage::Received
        | PaymentStage::Authorising
        | PaymentStage::Authorised
        | PaymentStage::Capturing => Some(Way::Void),
        PaymentStage::Declined { .. } => {
            payment.retry.is_some_and(|r| (r.from_ms..r.until_ms).contains(&now_ms)).then_some(Way::Retry)
        }
        PaymentStage::Refunded | PaymentStage::Voided | PaymentStage::Expired | PaymentStage::Quarantined { .. } => {
            None
        }
    }
}

/// Whether it was voided on its tablet, before it went up: the server heard of it and of its end at once.
pub fn is_voided_before_upload(payment: &Payment) -> bool {
    let at_once = payment.received_ms.is_none() || payment.changed_ms.is_none_or(|ms| payment.received_ms == Some(ms));
    payment.state == PaymentStage::Voided && at_once
}

/// What is left to be paid back, where something can be.
pub fn left_to_refund(payment: &Payment) -> Option<Amount> {
    let is_charged = matches!(payment.state, PaymentStage::Captured | PaymentStage::PartlyRefunded);
    let left = Amount::new(payment.amount.minor() - payment.refunded.minor(), payment.amount.currency());
    (is_charged && left.is_positive()).then_some(left)
}

/// What was typed, if it can be paid back.
pub fn typed_refund(text: &str, left: Amount) -> Option<Amount> {
    Amount::from_plain(text, left.currency()).filter(|amount| amount.is_positive() && amount.minor() <= left.minor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_follows_the_state_and_the_clock() {
        let euros = |minor| Amount::new(minor, "EUR".parse().expect("a currency"));
        let retry = Some(RetryWindow { from_ms: 10, until_ms: 20, by_itself: false });
        let declined = || PaymentStage::Declined { code: "05".into() };
        for (state, retry, now_ms, expected) in [
            (PaymentStage::Captured, None, 0, Some(Way::Refund(euros(1_060)))),
            (PaymentStage::Stored { by_ms: 9 }, None, 0, Some(Way::Void)),
            (PaymentStage::Received, None, 0, Some(Way::Void)),
            (PaymentStage::Capturing, None, 0, Some(Way::Void)),
            (PaymentStage::Voided, None, 0, None),
            (declined(), None, 15, None),
            (declined(), retry, 9, None),
            (declined(), retry, 10, Some(Way::Retry)),
            (declined(), retry, 20, None),
            (PaymentStage::Expired, retry, 15, None),
        ] {
            let payment = Payment {
                id: String::new(),
                number: String::new(),
                state,
                amount: euros(1_060),
                tax: euros(0),
                tip: euros(0),
                seller: None,
                refunded: euros(0),
                card: CardView { brand: String::new(), last4: String::new(), entry: Entry::Keyed },
                offline: true,
                device: String::new(),
                taken_ms: 0,
                received_ms: None,
                changed_ms: None,
                approval_code: None,
                lines: Vec::new(),
                live: None,
                retry,
                replaces: None,
                replaced_by: None,
                taken_back: Vec::new(),
            };
            assert_eq!(way(&payment, now_ms), expected, "{:?} at {now_ms}", payment.state);
        }
    }

    #[test]
    fn only_what_is_left_can_be_typed() {
        let left = Amount::new(660, "EUR".parse().expect("a currency"));
        for (text, minor) in [
            ("6.60", Some(660)),
            ("6,6", Some(660)),
            (" 4 ", Some(400)),
            ("6.61", None),
            ("0", None),
            ("", None),
            ("-1", None),
            ("1.234", None),
            ("1e2", None),
        ] {
            assert_eq!(typed_refund(text, left).map(|amount| amount.minor()), minor, "{text}");
        }
    }
}
