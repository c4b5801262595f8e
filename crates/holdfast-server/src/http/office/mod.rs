//! `/office`: the back office in the till's own look, rendered on the server. Its one small script prints a page and keeps in step what
//! changes by itself; everything works without it, and the way in allows none.

pub mod again;
pub mod cash;
mod chart;
pub mod devices;
mod format;
mod hours;
pub mod letters;
mod mails;
pub mod missing;
mod needs;
pub mod page;
pub mod payment;
pub mod payments;
pub mod people;
pub mod policy;
pub mod quarantine;
pub mod reconciliation;
mod report_table;
pub mod reports;
pub mod shops;
pub mod sign_in;
mod slip;
pub mod staff;
mod story;
pub mod style;
pub mod today;
pub mod webhook;
pub mod webhooks;
pub mod welcome;
