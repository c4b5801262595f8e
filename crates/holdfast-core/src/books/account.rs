//! The chart of accounts.

use std::fmt;

/// An account. Those of sales and tax are kept by tax rate, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// What was sold, without tax. A credit.
    Sales { tax_bp: u32 },
    /// What was given back, without tax. A debit.
    Refunds { tax_bp: u32 },
    /// Tax that the shop has taken for the state. A credit.
    TaxPayable { tax_bp: u32 },
    /// Tips that the shop has taken for its staff. A credit.
    Tips,
    /// Sold by card, and the acquirer has not captured it yet: the money that an outage puts at risk. A debit.
    CardInTransit,
    /// Captured: the acquirer owes it. A debit.
    AcquirerReceivable,
    /// Paid out to the shop's bank account. A debit.
    Deposits,
    /// What the acquirer kept. A debit.
    Fees,
    /// Cash in the drawer. A debit.
    CashDrawer,
    /// Cash that was carried between the drawer and the safe or the bank. A debit when it went out.
    CashElsewhere,
    /// What a count of the drawer found too little (a debit) or too much (a credit).
    CashDifference,
    /// Sold while offline, or without an answer in time, and declined after the customer had left. A debit.
    DeclinedLosses,
    /// Sold, and given up for another reason: it came to the server after its window. A debit.
    WriteOffs,
    /// Taken back by the card's bank. A debit.
    Chargebacks,
}

impl Account {
    /// The name without the rate.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sales { .. } => "sales",
            Self::Refunds { .. } => "refunds",
            Self::TaxPayable { .. } => "tax-payable",
            Self::Tips => "tips",
            Self::CardInTransit => "card-in-transit",
            Self::AcquirerReceivable => "acquirer-receivable",
            Self::Deposits => "deposits",
            Self::Fees => "fees",
            Self::CashDrawer => "cash-drawer",
            Self::CashElsewhere => "cash-elsewhere",
            Self::CashDifference => "cash-difference",
            Self::DeclinedLosses => "declined-losses",
            Self::WriteOffs => "write-offs",
            Self::Chargebacks => "chargebacks",
        }
    }

    /// The tax rate of an account that is kept by rate.
    pub fn tax_bp(self) -> Option<u32> {
        match self {
            Self::Sales { tax_bp } | Self::Refunds { tax_bp } | Self::TaxPayable { tax_bp } => Some(tax_bp),
            _ => None,
        }
    }

    /// The account with this name and rate.
    pub fn from_parts(name: &str, tax_bp: Option<u32>) -> Option<Self> {
        let rate = tax_bp.unwrap_or(0);
        let all = [
            Self::Sales { tax_bp: rate },
            Self::Refunds { tax_bp: rate },
            Self::TaxPayable { tax_bp: rate },
            Self::Tips,
            Self::CardInTransit,
            Self::AcquirerReceivable,
            Self::Deposits,
            Self::Fees,
            Self::CashDrawer,
            Self::CashElsewhere,
            Self::CashDifference,
            Self::DeclinedLosses,
            Self::WriteOffs,
            Self::Chargebacks,
        ];
        all.into_iter().find(|account| account.name() == name && account.tax_bp().is_some() == tax_bp.is_some())
    }
}

impl fmt::Display for Account {
    /// `sales:1900`, or the bare name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tax_bp() {
            Some(rate) => write!(f, "{}:{rate}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}
