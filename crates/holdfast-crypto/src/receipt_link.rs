//! The address of a payment's live receipt: 128 bits that nobody can guess and that tell nothing.
//!
//! A token is the payment's id, enciphered as one block of AES-256 under a key of the server. A block cipher is a permutation: every
//! id has one token, and the server finds the id of a token without keeping a table. Whoever has no key sees random bits; a guess hits
//! one of N payments with probability N / 2^128.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;

use crate::SecretBytes;

/// Tell these uses of the server's key from every other.
const LABEL: &[u8] = b"holdfast receipt link v1";
const BOUNCE_LABEL: &[u8] = b"holdfast return path v1";

/// The key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of the receipts' addresses cannot be used")]
pub struct ReceiptLinkError;

/// Makes tokens of payment ids, and finds the ids again.
pub struct ReceiptLinkKey {
    there: EncryptingKey,
    back: DecryptingKey,
}

impl ReceiptLinkKey {
    /// Derives the key from one of the server's own.
    ///
    /// # Errors
    /// [`ReceiptLinkError`].
    pub fn derive(key: &SecretBytes) -> Result<Self, ReceiptLinkError> {
        Self::derive_as(key, LABEL)
    }

    /// The same for the return paths of letters, whose tokens are those of other ids.
    ///
    /// # Errors
    /// [`ReceiptLinkError`].
    pub fn derive_for_bounces(key: &SecretBytes) -> Result<Self, ReceiptLinkError> {
        Self::derive_as(key, BOUNCE_LABEL)
    }

    fn derive_as(key: &SecretBytes, label: &[u8]) -> Result<Self, ReceiptLinkError> {
        // Opened to derive another key from it, which does not show it.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), label);
        let unbound = || UnboundCipherKey::new(&AES_256, derived.as_ref());
        // One block under one key is all that is ever enciphered, so no mode of operation is at work here.
        let there = unbound().and_then(EncryptingKey::ecb).map_err(|_| ReceiptLinkError)?;
        let back = unbound().and_then(DecryptingKey::ecb).map_err(|_| ReceiptLinkError)?;
        Ok(Self { there, back })
    }

    /// The token of an id.
    ///
    /// # Errors
    /// [`ReceiptLinkError`].
    pub fn token(&self, id: [u8; 16]) -> Result<[u8; 16], ReceiptLinkError> {
        let mut block = id;
        self.there.encrypt(&mut block).map_err(|_| ReceiptLinkError)?;
        Ok(block)
    }

    /// The bytes of which this is the token. For a guess they are noise.
    ///
    /// # Errors
    /// [`ReceiptLinkError`].
    pub fn id(&self, token: [u8; 16]) -> Result<[u8; 16], ReceiptLinkError> {
        let mut block = token;
        self.back.decrypt(&mut block, DecryptionContext::None).map_err(|_| ReceiptLinkError)?;
        Ok(block)
    }
}

impl std::fmt::Debug for ReceiptLinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_its_id_and_to_no_other_key_s() {
        let key = ReceiptLinkKey::derive(&SecretBytes::from(&[7; 32][..])).expect("a key");
        let other = ReceiptLinkKey::derive(&SecretBytes::from(&[8; 32][..])).expect("a key");
        let (one, two) = ([1; 16], [2; 16]);
        let token = key.token(one).expect("a token");
        assert_eq!(key.id(token), Ok(one));
        assert_eq!(key.token(one), Ok(token), "one payment has one address");
        assert_ne!(key.token(two), Ok(token));
        assert_ne!(other.id(token), Ok(one));
        assert_ne!(token, one);
    }
}
