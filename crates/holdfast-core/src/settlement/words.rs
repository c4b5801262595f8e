//! A difference in words, for whoever has to do something about it.

use super::{Difference, DifferenceKind, ItemKind};
use crate::money::{Amount, Currency};

impl Difference {
    /// What differs, in one or two sentences.
    pub fn words(&self) -> String {
        let amount = |minor: Option<i64>| money(minor.unwrap_or_default(), &self.currency);
        let (ours, theirs) = (amount(self.ours_minor), amount(self.theirs_minor));
        let (what, state) = (self.what(), self.state.as_deref().unwrap_or("unknown"));
        match self.kind {
            DifferenceKind::AmountDiffers if self.key.kind == ItemKind::Payout => {
                format!("The acquirer pays out {theirs}. The lines of its account come to {ours}.")
            }
            DifferenceKind::PayoutChanged if self.theirs_minor.is_none() => {
                format!(
                    "A payout of {ours} was booked from an earlier account of this day. The account that counts now does not tell it. Ask the acquirer."
                )
            }
            DifferenceKind::PayoutChanged => {
                format!(
                    "A payout of {ours} after fees was booked from an earlier account of this day. The account that counts now tells {theirs}. The books keep what was booked; look at the bank's statement."
                )
            }
            DifferenceKind::MissingAtAcquirer => {
                format!(
                    "Our books have {what} of {ours}. The acquirer's account does not: it is not paid out. Ask the acquirer by reference."
                )
            }
            DifferenceKind::MissingInOurBooks => {
                format!("The acquirer tells {what} of {theirs}. Our books do not know this payment.")
            }
            DifferenceKind::AmountDiffers => {
                format!("The acquirer tells {what} of {theirs}. In our books it is {ours}.")
            }
            DifferenceKind::StateDiffers => {
                format!("The acquirer tells {what} of {theirs}. In our books the payment is {state}.")
            }
            DifferenceKind::Double => {
                format!("The acquirer tells {what} of {theirs} once more: time number {}.", self.occurrence)
            }
        }
    }

    fn what(&self) -> &'static str {
        match self.key.kind {
            ItemKind::Capture => "a capture",
            ItemKind::Refund => "a refund",
            ItemKind::Chargeback => "a chargeback",
            ItemKind::Payout => "a payout",
        }
    }
}

fn money(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(known) => format!("{} {currency}", Amount::new(minor, known).to_plain()),
        Err(_) => format!("{minor} minor units of {currency}"),
    }
}
