//! What to do about a decline. The groups are those of the card brands' rules for trying a declined card again: never, not now, or
//! with better data. (Visa calls them categories 1 to 4; Mastercard says the same by advice codes.)

use super::Decline;

/// Whether a declined payment may be tried again, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The issuer will never approve it. Brands fine those who try.
    Never,
    /// A fault of a system that passes.
    AfterHours(u32),
    /// The card may be good on another day.
    AfterDays(u32),
    /// Only the customer can change what is wrong: another card, a call to the bank.
    AskCustomer,
}

impl Decline {
    /// When the same card may be asked for the same payment again.
    pub fn retry(&self) -> Retry {
        match self.code.as_str() {
            // Kept, lost or stolen; a card or issuer that does not exist; not permitted; closed; stopped by the cardholder.
            "04" | "07" | "12" | "14" | "15" | "41" | "43" | "46" | "57" | "R0" | "R1" | "R3" => Retry::Never,
            // Enter again; the issuer or a switch is not there; a system's fault.
            "19" | "91" | "92" | "96" => Retry::AfterHours(2),
            // Not enough funds; the amount's or the count's limit.
            "51" | "61" | "65" => Retry::AfterDays(1),
            // Restricted, suspected, blocked for a first use: may be lifted.
            "59" | "62" | "78" | "93" => Retry::AfterDays(3),
            // Everything else, above all 05 (no reason given), 01 and 02 (call), 54 (expired), 55 and 75 (PIN), 1A (prove who you are).
            _ => Retry::AskCustomer,
        }
    }

    /// What the shop may do, in words.
    pub fn advice(&self) -> &'static str {
        match self.retry() {
            Retry::Never => "never: do not try this card again",
            Retry::AfterHours(_) => "later: in some hours",
            Retry::AfterDays(_) => "later: on another day",
            Retry::AskCustomer => "ask the customer for another card or a call to the bank",
        }
    }
}
