//! Sealing: the till's half, in pure Rust for WebAssembly.

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use rand_core::TryCryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{CardPlaintext, ContentKey, Header, IV_BYTES, PLAINTEXT_BYTES, Pos, PosError, PublicCardKey};
use crate::{Secret, b64};

/// Why a card could not be sealed. Nothing was made; the sale stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("no randomness is to be had")]
    Randomness,
    #[error("the card key cannot encrypt")]
    CardKey,
    #[error(transparent)]
    Pos(#[from] PosError),
    #[error("the card data does not fit into an envelope")]
    TooLong,
    #[error("the cipher refused")]
    Cipher,
}

/// A fresh content key with its RSA-OAEP-256 encryption: the slow part of sealing, to be made ahead at idle.
///
/// It is good for one envelope. It cannot be cloned, and [`seal`] takes it away:
///
/// ```compile_fail,E0382
/// # use holdfast_crypto::envelope::{CardPlaintext, Pos, WrappedContentKey, seal};
/// fn twice(wrapped: WrappedContentKey, pos: &Pos, card: &CardPlaintext, rng: &mut getrandom::SysRng) {
///     let _first = seal(wrapped, pos, card, rng);
///     let _second = seal(wrapped, pos, card, rng);
/// }
/// ```
///
/// The content key is held in memory until then; drop what was prepared when its card key's time of use ends.
#[derive(Debug)]
#[must_use]
pub struct WrappedContentKey {
    kid: String,
    content_key: ContentKey,
    encrypted_key: Vec<u8>,
}

impl WrappedContentKey {
    /// Draws a 256-bit content key and encrypts it for `card_key`.
    ///
    /// # Errors
    /// [`SealError::Randomness`], [`SealError::CardKey`].
    pub fn make<R: TryCryptoRng + ?Sized>(card_key: &PublicCardKey, rng: &mut R) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(key.as_mut_slice()).map_err(|_| SealError::Randomness)?;
        // To be encrypted for the server is what it is for.
        let encrypted_key =
            card_key.key.oaep_encrypt_with_rng::<Sha256, _>(rng, key.as_slice()).map_err(|_| SealError::CardKey)?;
        Ok(Self { kid: card_key.kid().to_owned(), content_key: Secret::new(*key), encrypted_key })
    }

    /// Id of the card key that it was made for.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The content key as it travels: 384 bytes.
    pub fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }

    /// Whether `content_key` is the one inside: for a server that tests its keys with a probe.
    pub fn is_for(&self, content_key: &ContentKey) -> bool {
        self.content_key.ct_eq(content_key)
    }
}

/// Seals `card` for the payment at `pos` into a compact JWE. The initialisation vector is drawn from `rng`.
///
/// # Errors
/// [`SealError`]; the content key is gone then too, so take the next one for another try.
pub fn seal<R: TryCryptoRng + ?Sized>(
    wrapped: WrappedContentKey,
    pos: &Pos,
    card: &CardPlaintext,
    rng: &mut R,
) -> Result<String, SealError> {
    pos.check()?;
    let header = serde_json::to_vec(&Header::new(&wrapped.kid, pos)).map_err(|_| SealError::TooLong)?;
    let header = b64::encode(header);
    let mut iv = [0; IV_BYTES];
    rng.try_fill_bytes(&mut iv).map_err(|_| SealError::Randomness)?;

    let mut buffer = Zeroizing::new([0; PLAINTEXT_BYTES]);
    if !card.write(pos, &mut buffer) {
        return Err(SealError::TooLong);
    }
    // The key is opened for its one use.
    let cipher = Aes256Gcm::new(wrapped.content_key.expose().into());
    let tag = cipher
        .encrypt_inout_detached(&iv.into(), header.as_bytes(), InOutBuf::from(&mut buffer[..]))
        .map_err(|_| SealError::Cipher)?;

    let parts =
        [header, b64::encode(&wrapped.encrypted_key), b64::encode(iv), b64::encode(&buffer[..]), b64::encode(tag)];
    Ok(parts.join("."))
}
