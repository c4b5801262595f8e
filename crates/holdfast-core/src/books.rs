//! The shop's books: double entry in whole minor units, each entry with its reason.
//!
//! [`payment`] turns what happened to a payment into balanced entries, [`money`] does it for what happens besides payments (payouts,
//! the cash drawer). Both are plain functions: they read what is booked already and return what is to be added. An entry is never
//! changed; what was wrong is taken back by another one. [`sums`] says what an entry adds to every report.
//!
//! A debit is positive and a credit is negative, so the lines of an entry add up to nothing.

mod account;
mod entry;
mod happening;
mod money;
mod payment;
mod sold;
mod sums;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use entry::{BookError, Detail, Entry, Line, Reason, When};
pub use happening::{Happening, Place, Standing};
pub use money::{CashMove, MoneyEvent, money};
pub use payment::{Event, payment};
pub use sold::{Sold, SoldLine, Tender};
pub use sums::{Figures, Kind, Labels, Sum, sums};
