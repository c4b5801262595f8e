//! How the taking of a card ended, and what is worth doing next.

use super::payment::{PaymentStage, Receipt};
use holdfast_core::money::Amount;
use holdfast_core::outbox::StoreFault;

/// How the taking of a card ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub amount: Amount,
    pub said: Said,
    /// There is one whenever something was paid or stored.
    pub receipt: Option<Receipt>,
}

/// What is told to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Approved,
    /// Durable on this device; `by_ms` is the end of its window.
    Stored {
        by_ms: i64,
    },
    Declined {
        code: String,
    },
    /// With the server, after its window: it was not charged and never will be.
    Expired,
    /// With the server, kept for the owner: it was not charged.
    Quarantined,
    NotStored(StoreFault),
    /// It may or may not be stored: the same payment id goes on with the next attempt.
    Unsure,
}

impl Said {
    /// The value of `data-state`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Stored { .. } => "stored",
            Self::Declined { .. } => "declined",
            Self::Expired => "expired",
            Self::Quarantined => "quarantined",
            Self::NotStored(_) => "not-stored",
            Self::Unsure => "unsure",
        }
    }

    /// What a payment at the server means for the customer at the counter. `None`: it is still on its way.
    pub fn of(state: &PaymentStage) -> Option<Self> {
        match state {
            // Paid back since, which is another story.
            PaymentStage::Captured | PaymentStage::PartlyRefunded | PaymentStage::Refunded => Some(Self::Approved),
            PaymentStage::Declined { code } => Some(Self::Declined { code: code.clone() }),
            PaymentStage::Expired => Some(Self::Expired),
            PaymentStage::Quarantined { .. } => Some(Self::Quarantined),
            PaymentStage::Stored { .. }
            | PaymentStage::Received
            // Somebody gave it up while the customer waits: the sale goes on under its id, and finds out.
            | PaymentStage::Voided
            | PaymentStage::Authorising
            | PaymentStage::Authorised
            | PaymentStage::Capturing => None,
        }
    }

    /// What is worth doing about it.
    pub fn way_on(&self) -> WayOn {
        match self {
            Self::Approved | Self::Stored { .. } => WayOn::NewSale,
            Self::Declined { .. } | Self::Quarantined => WayOn::AnotherCard,
            Self::Expired | Self::Unsure => WayOn::SameCard,
            Self::NotStored(_) => WayOn::TryAgain,
        }
    }

    /// Whether the server has said its last word about this payment, so that the next card is another payment of the same sale.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Declined { .. } | Self::Expired | Self::Quarantined)
    }

    /// Whether the sale is over and a new one begins.
    pub fn ends_sale(&self) -> bool {
        self.way_on() == WayOn::NewSale
    }
}

/// The next step after an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOn {
    NewSale,
    AnotherCard,
    SameCard,
    TryAgain,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An outcome that another card would not help must not ask for one, and one that may be charged later must not end the sale.
    #[test]
    fn every_end_has_its_own_word_and_way_on() {
        for (state, name, way_on) in [
            (PaymentStage::Captured, "approved", WayOn::NewSale),
            (PaymentStage::Declined { code: "51".into() }, "declined", WayOn::AnotherCard),
            (PaymentStage::Expired, "expired", WayOn::SameCard),
            (PaymentStage::Quarantined { reason: "unreadable".into() }, "quarantined", WayOn::AnotherCard),
        ] {
            let said = Said::of(&state).expect("a last word");
            assert_eq!((said.name(), said.way_on()), (name, way_on));
            assert_eq!(said.is_final(), !said.ends_sale(), "{name}");
        }
        assert_eq!(Said::of(&PaymentStage::Capturing), None);
        for said in [Said::Unsure, Said::NotStored(StoreFault::Full)] {
            assert!(!said.ends_sale() && !said.is_final(), "{said:?}");
        }
    }
}
