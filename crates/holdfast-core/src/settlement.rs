//! Settlement: an acquirer's own account of a day, and what differs between it and our books.
//!
//! An acquirer tells once a day what it carried out, what it kept as its fee, and what it pays out. [`compare`] holds that against
//! what the books say of the same day. Both sides are read by others; nothing here does IO.
//!
//! Amounts are signed as the shop sees them: a capture is positive, a refund and a chargeback negative. A fee is what the acquirer
//! keeps, and positive.

mod chargeback;
mod compare;
mod words;

#[cfg(test)]
mod tests;

pub use chargeback::ChargebackReason;
pub use compare::{Compared, Day, Known, Occasion, Payout, compare};

use crate::time::UnixMs;

/// What a line of an acquirer's account is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    Capture,
    Refund,
    Chargeback,
    /// What the acquirer pays out for the day, or takes if it is negative.
    Payout,
}

impl ItemKind {
    pub const ALL: [Self; 4] = [Self::Capture, Self::Refund, Self::Chargeback, Self::Payout];

    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Chargeback => "chargeback",
            Self::Payout => "payout",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What names one movement of money on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: ItemKind,
    /// The payment's id; of a payout, the acquirer's name for it.
    pub reference: String,
    /// Which refund or chargeback of the payment, from 1. A capture and a payout have 1.
    pub number: u32,
}

/// One line of an acquirer's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands in the file, from 1.
    pub line: u32,
    pub key: Key,
    /// Signed, before the fee.
    pub amount_minor: i64,
    pub fee_minor: i64,
    pub currency: String,
    pub at_ms: UnixMs,
    /// Of a chargeback: why, as the acquirer says it.
    pub reason: Option<String>,
}

impl Item {
    pub fn net_minor(&self) -> i64 {
        self.amount_minor.saturating_sub(self.fee_minor)
    }
}

/// A line that could not be read. Its words tell what is wrong and never what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u32,
    pub words: String,
}

/// An acquirer's account of one day, whatever it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The shop's business day, as days since 1970-01-01.
    pub day: i64,
    pub items: Vec<Item>,
    pub faults: Vec<Fault>,
    /// It was read to its end. Of a torn one nobody can say what is missing in it.
    pub is_complete: bool,
}

/// How the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// In our books, and not in the acquirer's account.
    MissingAtAcquirer,
    /// In the acquirer's account, and unknown to our books.
    MissingInOurBooks,
    AmountDiffers,
    /// The acquirer moved money for a payment that stands elsewhere in our books.
    StateDiffers,
    /// The acquirer tells the same movement more than once.
    Double,
    /// A payout is told otherwise than it was when it was booked, or is not told any more.
    PayoutChanged,
}

impl DifferenceKind {
    pub const ALL: [Self; 6] = [
        Self::MissingAtAcquirer,
        Self::MissingInOurBooks,
        Self::AmountDiffers,
        Self::StateDiffers,
        Self::Double,
        Self::PayoutChanged,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::MissingAtAcquirer => "missing-at-acquirer",
            Self::MissingInOurBooks => "missing-in-our-books",
            Self::AmountDiffers => "amount-differs",
            Self::StateDiffers => "state-differs",
            Self::Double => "double",
            Self::PayoutChanged => "payout-changed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub kind: DifferenceKind,
    pub key: Key,
    /// Tells several doubles of one movement apart, from 2; 1 for everything else.
    pub occurrence: u32,
    pub ours_minor: Option<i64>,
    pub theirs_minor: Option<i64>,
    pub currency: String,
    /// Where the payment stands in our books, if it is there.
    pub state: Option<String>,
    /// The line of the file, if it is about one.
    pub line: Option<u32>,
}
