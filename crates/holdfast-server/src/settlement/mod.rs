//! Settlement: the acquirer's account of a day, held against our books.
//!
//! An account is fetched from the acquirer or imported from a [`file`]. Importing it keeps its lines and books its payouts and
//! chargebacks; comparing it ([`holdfast_core::settlement`]) leaves a row for each difference. Nothing of it ever holds up a payment.

pub mod file;
mod import;
mod reconcile;
pub mod runner;
mod sides;

#[cfg(test)]
mod tests;

pub use import::Imported;

use crate::store::{Books, Database};

/// The accounts and what was found out about them.
#[derive(Debug, Clone)]
pub struct Settlements {
    db: Database,
}

impl Settlements {
    pub fn new(books: &Books) -> Self {
        Self { db: books.db().clone() }
    }
}
