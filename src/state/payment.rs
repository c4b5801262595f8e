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
    Trouble,
}

impl Tone {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Waiting => "waiting",
            Self::Paid => "paid",
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
            Self::Captured | Self::PartlyRefunded | Self::Refunded | Self::Voided => Tone::Paid,
            Self::Declined { .. } | Self::Expired | Self::Quarantined { .. } => Tone::Trouble,
        }
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }
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
