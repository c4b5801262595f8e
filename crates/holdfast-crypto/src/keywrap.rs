//! Private keys at rest: wrapped by a key-encryption key.
//!
//! A wrapped key is `v1.` followed by a 96-bit nonce, the AES-256-GCM ciphertext and its 128-bit tag. The key's id is the
//! additional authenticated data, so one wrapped key cannot be passed off as another.
//!
//! Nonces are random, so one key-encryption key wraps at most 2^32 keys (NIST SP 800-38D section 8.3); at a few a day that
//! is never reached.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::{Secret, SecretBytes};

const MAGIC: &[u8] = b"v1.";

/// A 256-bit key that wraps other keys. Kept in a file, or behind a KMS.
pub struct KeyEncryptionKey(LessSafeKey);

/// Why a key was not wrapped or unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyWrapError {
    #[error("a key-encryption key has 32 bytes")]
    KeyLength,
    #[error("no randomness is to be had")]
    Randomness,
    #[error("the private key cannot be wrapped")]
    Wrap,
    /// Another key-encryption key, another key id, a damaged file: not told apart.
    #[error("the wrapped key cannot be opened with this key-encryption key under this key id")]
    Unwrap,
}

impl KeyEncryptionKey {
    /// Takes a key of 32 bytes.
    ///
    /// # Errors
    /// [`KeyWrapError::KeyLength`].
    pub fn load(key: &SecretBytes) -> Result<Self, KeyWrapError> {
        // The key is opened for the library, which keeps a copy of its own.
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| KeyWrapError::KeyLength)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Draws the 32 bytes of a new key-encryption key, to be stored by the caller.
    ///
    /// # Errors
    /// [`KeyWrapError::Randomness`].
    pub fn make_bytes<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<SecretBytes, KeyWrapError> {
        let mut key = Zeroizing::new(vec![0; 32]);
        rng.try_fill_bytes(&mut key).map_err(|_| KeyWrapError::Randomness)?;
        Ok(Secret::new(std::mem::take(&mut *key)))
    }

    /// Wraps `private_key` for storage under the id `kid`.
    ///
    /// # Errors
    /// [`KeyWrapError::Randomness`], [`KeyWrapError::Wrap`].
    pub fn wrap<R: TryCryptoRng + ?Sized>(
        &self,
        kid: &str,
        private_key: &SecretBytes,
        rng: &mut R,
    ) -> Result<Vec<u8>, KeyWrapError> {
        let mut nonce = [0; NONCE_LEN];
        rng.try_fill_bytes(&mut nonce).map_err(|_| KeyWrapError::Randomness)?;
        // It is encrypted in this very buffer, which never grows.
        let mut buffer = Zeroizing::new(private_key.expose().clone());
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kid.as_bytes()), &mut buffer)
            .map_err(|_| KeyWrapError::Wrap)?;
        Ok([MAGIC, &nonce, &buffer, tag.as_ref()].concat())
    }

    /// Unwraps what [`KeyEncryptionKey::wrap`] made for the same `kid`.
    ///
    /// # Errors
    /// [`KeyWrapError::Unwrap`].
    pub fn unwrap(&self, kid: &str, wrapped: &[u8]) -> Result<SecretBytes, KeyWrapError> {
        let (nonce, ciphertext) = wrapped
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_first_chunk::<NONCE_LEN>())
            .ok_or(KeyWrapError::Unwrap)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let plaintext = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(kid.as_bytes()), &mut buffer)
            .map_err(|_| KeyWrapError::Unwrap)?;
        Ok(SecretBytes::from(&*plaintext))
    }
}

impl std::fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}
