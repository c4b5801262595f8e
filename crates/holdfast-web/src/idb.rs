//! The money database: own thin bindings, because every write here must be strict and its end must be known.
//!
//! Decision page: docs/decisions/two-databases.md.

mod connection;
mod request;
mod schema;
mod transaction;

pub use connection::Connection;
pub use schema::{CHAIN, DEVICE, KEYSET, MONEY_DB, MONEY_VERSION, OUTBOX, TOMBSTONES};
pub use transaction::Transaction;
