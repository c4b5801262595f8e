//! Keys: root -> signer's certificate -> key set -> card keys, and the acknowledgement key.
//!
//! The core decides what should exist ([`holdfast_core::keys::sweep`]); [`sweep`] carries it out. Private halves are wrapped by
//! the key-encryption key before they reach the database, and never leave the server.

mod card;
mod files;
pub mod root;
mod sweep;

#[cfg(test)]
mod tests;

pub use card::WrappedCardKeys;
pub use files::{KeyFileError, LocalKeys};
pub use sweep::{KeyError, Keyring, Published};

/// aws-lc-rs's and the system's generator behind the trait that the crypto crate takes.
pub(crate) use getrandom::SysRng;
