//! Keys: root -> signer's certificate -> key set -> card keys, and the acknowledgement key.
//!
//! The core decides what should exist ([`holdfast_core::keys::sweep`]); the [`Keyring`] carries it out. Private halves of card keys are in
//! a [`store`]; those of the signer and the acknowledgement key are wrapped by the key-encryption key. None ever leaves the server.

pub mod audit;
mod card;
mod carry_out;
pub mod ceremony;
mod files;
mod keyring;
pub mod root;
mod selftest;
mod signer;
pub mod store;

#[cfg(test)]
mod tests;

pub use card::BookedCardKeys;
pub use files::{KeyFileError, LocalKeys};
pub use keyring::{KeyError, KeyHealth, Keyring, Material, Published, kid_tag};
pub use selftest::SelfTest;

/// aws-lc-rs's and the system's generator behind the trait that the crypto crate takes.
pub(crate) use getrandom::SysRng;
