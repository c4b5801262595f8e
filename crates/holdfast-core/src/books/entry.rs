//! An entry of the journal: lines that add up to nothing, and why they are there.

use super::Account;
use crate::time::UnixMs;

/// Why something cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    #[error("the amount is larger than the books can hold: look at the payment and at the device that sent it")]
    TooLarge,
    #[error(
        "the lines of an entry do not add up to nothing: this is a fault of the rule, keep the payment's id and report it"
    )]
    Unbalanced,
}

/// When something counts: the shop's business day, and the hour on the shop's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    pub at_ms: UnixMs,
    /// Days since 1970-01-01.
    pub day: i64,
    /// 0 to 23.
    pub hour: u8,
}

/// Why an entry is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Goods were handed out against a card or cash.
    Sale,
    /// The acquirer captured it.
    Capture,
    /// Declined after the customer had left.
    DeclinedAfterTheFact,
    /// It reached the server after its window.
    Expired,
    /// A payment that was given up was captured after all.
    Recovered,
    /// The sale was taken back as a whole before it was paid out.
    Void,
    Refund,
    Chargeback,
    Payout,
    CashIn,
    CashOut,
    CashCount,
}

impl Reason {
    pub const ALL: [Self; 12] = [
        Self::Sale,
        Self::Capture,
        Self::DeclinedAfterTheFact,
        Self::Expired,
        Self::Recovered,
        Self::Void,
        Self::Refund,
        Self::Chargeback,
        Self::Payout,
        Self::CashIn,
        Self::CashOut,
        Self::CashCount,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Capture => "capture",
            Self::DeclinedAfterTheFact => "declined-after-the-fact",
            Self::Expired => "expired",
            Self::Recovered => "recovered",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Chargeback => "chargeback",
            Self::Payout => "payout",
            Self::CashIn => "cash-in",
            Self::CashOut => "cash-out",
            Self::CashCount => "cash-count",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What a line is about, for the reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// The item's name as it was sold; empty where the line is about no item.
    pub item: String,
    pub category: String,
    pub quantity: i64,
}

/// One line of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub account: Account,
    /// A debit is positive, a credit negative.
    pub amount_minor: i64,
    pub detail: Detail,
}

impl Line {
    pub fn new(account: Account, amount_minor: i64) -> Self {
        Self { account, amount_minor, detail: Detail::default() }
    }
}

/// An entry. It can only be made of lines that add up to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    reason: Reason,
    when: When,
    lines: Vec<Line>,
}

impl Entry {
    /// Puts lines together. Those of nothing are left out, unless they count something.
    ///
    /// # Errors
    /// [`BookError::Unbalanced`] when they do not add up to nothing.
    pub fn new(reason: Reason, when: When, lines: Vec<Line>) -> Result<Self, BookError> {
        if lines.iter().map(|line| i128::from(line.amount_minor)).sum::<i128>() != 0 {
            return Err(BookError::Unbalanced);
        }
        let lines = lines.into_iter().filter(|line| line.amount_minor != 0 || line.detail.quantity != 0).collect();
        Ok(Self { reason, when, lines })
    }

    pub fn reason(&self) -> Reason {
        self.reason
    }

    pub fn when(&self) -> When {
        self.when
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What a refund gave back; nothing for any other entry.
    pub fn refunded_minor(&self) -> i64 {
        let is_given =
            |line: &&Line| matches!(line.account, Account::Refunds { .. } | Account::TaxPayable { .. } | Account::Tips);
        match self.reason {
            Reason::Refund => self.lines.iter().filter(is_given).map(|line| line.amount_minor).sum(),
            _ => 0,
        }
    }

    /// What an account gains (debit) or loses (credit) by this entry.
    pub fn of(&self, account: Account) -> i64 {
        self.lines.iter().filter(|line| line.account == account).map(|line| line.amount_minor).sum()
    }
}
