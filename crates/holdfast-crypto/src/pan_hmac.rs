//! A card's fingerprint for the server: what stays when the envelope is wiped, to recognise a card without knowing it.

use aws_lc_rs::hmac;

use crate::{SecretBytes, SecretString};

/// HMAC-SHA-256 of the digits of a card number under a key of the server.
///
/// Card numbers are few enough to be tried one by one, so this is only as secret as the key: use 32 random bytes, and keep
/// them apart from the database.
pub fn pan_hmac(key: &SecretBytes, pan: &SecretString) -> [u8; 32] {
    // Both are opened for the library; the result does not show either.
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), pan.expose().as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}
