//! The private half of a daily card key: making it, and decrypting content keys with it.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::KeyPair as _;
use zeroize::Zeroizing;

use super::{ContentKey, ENCRYPTED_KEY_BYTES, OpenError};
use crate::{Secret, SecretBytes, b64};

/// A new card key: the private half to be wrapped at once, the public half to be published.
#[derive(Debug)]
pub struct CardKeyPair {
    /// PKCS#8 DER (RFC 5958).
    pub pkcs8: SecretBytes,
    /// Modulus, base64url (RFC 7518 section 6.3.1.1).
    pub n: String,
    /// Public exponent, base64url: always `AQAB`.
    pub e: String,
}

/// Makes an RSA-3072 key with aws-lc-rs's own generator. Takes from a tenth of a second to seconds: not on a request's path.
///
/// # Errors
/// [`OpenError::PrivateKey`] when the library gives none.
pub fn make_card_key() -> Result<CardKeyPair, OpenError> {
    let pair = KeyPair::generate(KeySize::Rsa3072).map_err(|_| OpenError::PrivateKey)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| OpenError::PrivateKey)?;
    let public = pair.public_key();
    Ok(CardKeyPair {
        pkcs8: pkcs8.as_ref().into(),
        n: b64::encode(public.modulus().big_endian_without_leading_zero()),
        e: b64::encode(public.exponent().big_endian_without_leading_zero()),
    })
}

/// A card key's private half, parsed and checked once, to decrypt many content keys. aws-lc wipes its numbers when it is dropped.
pub struct CardPrivateKey(OaepPrivateDecryptingKey);

impl CardPrivateKey {
    /// Reads PKCS#8 DER. Costs several times as much as a decryption.
    ///
    /// # Errors
    /// [`OpenError::PrivateKey`] when the key is not RSA-3072 in PKCS#8.
    pub fn load(pkcs8_der: &SecretBytes) -> Result<Self, OpenError> {
        // The key is opened for the library, which keeps and wipes a copy of its own.
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8_der.expose()).map_err(|_| OpenError::PrivateKey)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| OpenError::PrivateKey)?;
        if key.key_size_bytes() != ENCRYPTED_KEY_BYTES {
            return Err(OpenError::PrivateKey);
        }
        Ok(Self(key))
    }

    /// Decrypts a content key with RSA-OAEP, SHA-256 and MGF1 with SHA-256 (RFC 7518 section 4.3), in constant time.
    ///
    /// # Errors
    /// [`OpenError::Refused`] for everything, so that a wrong padding cannot be told from a content key of a wrong length.
    pub fn unwrap_key(&self, encrypted_key: &[u8]) -> Result<ContentKey, OpenError> {
        let mut buffer = Zeroizing::new([0; ENCRYPTED_KEY_BYTES]);
        let plaintext = self
            .0
            .decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, buffer.as_mut_slice(), None)
            .map_err(|_| OpenError::Refused)?;
        let content_key = <[u8; 32]>::try_from(&*plaintext).map_err(|_| OpenError::Refused)?;
        Ok(Secret::new(content_key))
    }
}

impl std::fmt::Debug for CardPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// [`CardPrivateKey::load`] and [`CardPrivateKey::unwrap_key`] in one, for a single envelope.
///
/// # Errors
/// As those two.
pub fn rsa_oaep_unwrap(private_pkcs8_der: &SecretBytes, encrypted_key: &[u8]) -> Result<ContentKey, OpenError> {
    CardPrivateKey::load(private_pkcs8_der)?.unwrap_key(encrypted_key)
}
