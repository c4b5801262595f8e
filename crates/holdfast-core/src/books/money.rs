//! The rules for money that moves without a payment: payouts of the acquirer, and the cash drawer.

use super::{Account, BookError, Entry, Line, Reason, When};
use crate::limits::BOOKED_MINOR_MAX;

/// What was done with cash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CashMove {
    /// Put into the drawer: the float, change from the bank.
    In,
    /// Taken out of it: to the safe, to the bank.
    Out,
    /// Counted: so much more (or less, if negative) was there than the books say.
    Difference,
}

/// Money that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyEvent {
    /// The acquirer paid out what it owed, less its fees.
    Payout {
        gross_minor: i64,
        fees_minor: i64,
    },
    Cash {
        what: CashMove,
        amount_minor: i64,
    },
}

/// The entry of such an event.
///
/// # Errors
/// When an amount is beyond what the books hold, or negative where that means nothing.
pub fn money(event: MoneyEvent, when: When) -> Result<Entry, BookError> {
    let (reason, lines) = match event {
        MoneyEvent::Payout { gross_minor, fees_minor } => {
            within(-BOOKED_MINOR_MAX, gross_minor)?;
            // Fees may be given back, too.
            within(-BOOKED_MINOR_MAX, fees_minor)?;
            let lines = vec![
                Line::new(Account::Deposits, gross_minor - fees_minor),
                Line::new(Account::Fees, fees_minor),
                Line::new(Account::AcquirerReceivable, -gross_minor),
            ];
            (Reason::Payout, lines)
        }
        MoneyEvent::Cash { what, amount_minor } => {
            let least = if what == CashMove::Difference { -BOOKED_MINOR_MAX } else { 0 };
            within(least, amount_minor)?;
            let (reason, other, drawer_minor) = match what {
                CashMove::In => (Reason::CashIn, Account::CashElsewhere, amount_minor),
                CashMove::Out => (Reason::CashOut, Account::CashElsewhere, -amount_minor),
                CashMove::Difference => (Reason::CashCount, Account::CashDifference, amount_minor),
            };
            (reason, vec![Line::new(Account::CashDrawer, drawer_minor), Line::new(other, -drawer_minor)])
        }
    };
    Entry::new(reason, when, lines)
}

fn within(least: i64, minor: i64) -> Result<(), BookError> {
    if (least..=BOOKED_MINOR_MAX).contains(&minor) { Ok(()) } else { Err(BookError::TooLarge) }
}
