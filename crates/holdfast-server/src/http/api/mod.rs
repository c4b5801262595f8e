//! `/api/v1`: one module per path.

pub mod batches;
pub mod enrolments;
pub mod heartbeat;
pub mod keylog;
pub mod keyset;
pub mod payments;
pub mod receipt_mails;
pub mod reports;
pub mod shop;
pub mod time;
