//! `/api/v1`: one module per path.

pub mod batches;
pub mod cash;
pub mod codes;
pub mod deliveries;
pub mod devices;
pub mod enrolments;
pub mod heartbeat;
pub mod instructions;
pub mod keylog;
pub mod keyset;
pub mod merchants;
pub mod missing;
pub mod payments;
pub mod people;
pub mod policy;
pub mod quarantine;
pub mod receipt_mails;
pub mod reconciliations;
pub mod reports;
pub mod sessions;
pub mod shop;
pub mod staff;
pub mod time;
pub mod tombstones;
pub mod webhooks;
