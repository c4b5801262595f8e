//! What can happen to a payment, as far as the books care, and where its money stands.

use super::{Account, Reason};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// The server has it.
    Received,
    Authorised,
    Captured,
    Declined,
    /// A card was declined with which its customer wanted to pay an earlier sale again.
    DeclinedAgain,
    /// It came after its window.
    Expired,
    /// It waits for a person.
    Quarantined,
    Voided,
    /// A payment was voided with which its customer wanted to pay an earlier sale again.
    VoidedAgain,
    /// So much was given back by now, all refunds together.
    Refunded {
        total_minor: i64,
    },
    /// The card's bank took this much back.
    ChargedBack {
        amount_minor: i64,
    },
    /// Something that moves no money.
    Nothing,
}

/// Where the money of a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Nothing is booked.
    #[default]
    NotSold,
    InTransit,
    AtAcquirer,
    InDrawer,
    Lost,
    WrittenOff,
    /// The sale was taken back.
    TakenBack,
}

impl Place {
    /// The account that holds it.
    pub fn account(self) -> Option<Account> {
        match self {
            Self::NotSold | Self::TakenBack => None,
            Self::InTransit => Some(Account::CardInTransit),
            Self::AtAcquirer => Some(Account::AcquirerReceivable),
            Self::InDrawer => Some(Account::CashDrawer),
            Self::Lost => Some(Account::DeclinedLosses),
            Self::WrittenOff => Some(Account::WriteOffs),
        }
    }
}

/// What is booked of a payment: read from the journal, entry by entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    pub place: Place,
    pub refunded_minor: i64,
}

impl Standing {
    /// Where a payment begins that takes this one's place: what was lost with this one can be recovered by the other.
    #[must_use]
    pub fn for_another(self) -> Self {
        match self.place {
            Place::Lost | Place::WrittenOff => Self { place: self.place, refunded_minor: 0 },
            _ => Self::default(),
        }
    }

    /// Goes on by one entry of the payment. `refund_minor` is what a refund gave back.
    #[must_use]
    pub fn after(self, reason: Reason, is_cash: bool, refund_minor: i64) -> Self {
        let at = |place| Self { place, ..self };
        match reason {
            Reason::Sale if is_cash => at(Place::InDrawer),
            Reason::Sale => at(Place::InTransit),
            Reason::Capture | Reason::Recovered => at(Place::AtAcquirer),
            Reason::DeclinedAfterTheFact => at(Place::Lost),
            Reason::Expired => at(Place::WrittenOff),
            Reason::Void => at(Place::TakenBack),
            Reason::Refund => Self { refunded_minor: self.refunded_minor.saturating_add(refund_minor), ..self },
            Reason::Chargeback | Reason::Payout | Reason::CashIn | Reason::CashOut | Reason::CashCount => self,
        }
    }
}
