//! `/office`: a plain back office in the till's own look, rendered on the server. It has no script, so its policy allows none.

pub mod cash;
pub mod devices;
mod format;
pub mod missing;
pub mod page;
pub mod payment;
pub mod payments;
pub mod people;
pub mod quarantine;
pub mod reconciliation;
pub mod shops;
pub mod sign_in;
pub mod today;
pub mod webhook;
pub mod webhooks;
pub mod welcome;
