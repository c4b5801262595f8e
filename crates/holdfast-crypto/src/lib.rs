//! The cryptography of Holdfast: the card envelope, keys at rest, signatures and secret types.
//!
//! The shapes are those of `docs/protocol.md`, sections 1 and 5. Two halves live here, and the feature `native` is the line
//! between them:
//!
//! * Always: [`Secret`] and what a till needs to **seal** ([`envelope`]), in pure Rust, so that it runs in WebAssembly.
//! * With `native`: what the server needs to **open**, to make and wrap keys, and to sign and verify, on aws-lc-rs. Its RSA
//!   decryption is constant-time; the `rsa` crate's is not, so that crate never sees a private key outside tests.
//!
//! Nothing here reads a file, a socket or a clock. Randomness is an argument wherever the primitive allows it. aws-lc-rs
//! draws from its own generator when it makes RSA and EC keys and signs; those functions say so.
//!
//! A browser verifies nothing with this crate: the key set and acknowledgements are verified by WebCrypto.

mod b64;
pub mod card_tag;
pub mod envelope;
mod secret;

#[cfg(feature = "native")]
pub mod es256;
#[cfg(feature = "native")]
pub mod keywrap;
#[cfg(feature = "native")]
pub mod pan_hmac;
#[cfg(feature = "native")]
pub mod receipt_link;

pub use secret::{Secret, SecretBytes, SecretString};
