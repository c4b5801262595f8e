//! The card envelope: a compact JWE (RFC 7516) with `alg` RSA-OAEP-256 and `enc` A256GCM.
//!
//! The till: a [`PublicCardKey`] of the verified key set, a [`WrappedContentKey`] made ahead at idle, then [`seal`].
//! The server, with the feature `native`: `parse`, `CardPrivateKey::unwrap_key` (or an HSM in its place, with `oaep` behind it
//! when it does the bare RSA step only), `Parsed::open`.
//!
//! Every length below is fixed by the algorithms and the protocol, so an envelope of any other length is refused before
//! any key is touched, and a ciphertext says nothing about the card inside.

mod card;
mod header;
mod public_key;
mod seal;

#[cfg(feature = "native")]
pub mod oaep;
#[cfg(feature = "native")]
mod open;
#[cfg(feature = "native")]
mod private_key;

pub use card::{CardError, CardPlaintext};
pub use header::{Header, Pos, PosError};
pub use holdfast_core::card::Entry;
pub use public_key::{CardKeyError, PublicCardKey};
pub use seal::{SealError, WrappedContentKey, seal};

#[cfg(feature = "native")]
pub use open::{OpenError, Opened, Parsed, parse};
#[cfg(feature = "native")]
pub use private_key::{CardKeyPair, CardPrivateKey, make_card_key, rsa_oaep_unwrap};

use crate::Secret;

/// Length of the padded plaintext and of the ciphertext, in bytes.
pub const PLAINTEXT_BYTES: usize = 512;
/// Length of an RSA-3072 modulus, and so of the encrypted content key, in bytes.
pub const ENCRYPTED_KEY_BYTES: usize = 384;
/// Length of the A256GCM initialisation vector, in bytes (RFC 7518 section 5.3).
pub const IV_BYTES: usize = 12;
/// Length of the A256GCM tag, in bytes (RFC 7518 section 5.3).
pub const TAG_BYTES: usize = 16;
/// The longest envelope that is looked at, in bytes of its compact form. A real one has about 1,600.
pub const ENVELOPE_BYTES_MAX: usize = 2048;

/// A 256-bit content encryption key, good for one envelope.
pub type ContentKey = Secret<[u8; 32]>;
