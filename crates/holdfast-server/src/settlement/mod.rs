//! Settlement: the acquirer's account of a day, held against our books.
//!
//! An account is fetched from the acquirer or imported from a file ([`file`]).

pub mod file;
