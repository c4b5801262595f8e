//! Opening: the server's half, on aws-lc-rs.
//!
//! In three steps, so that the RSA step can be an HSM's: [`parse`] (no key involved), the content key's decryption, and
//! [`Parsed::open`]. A sender learns nothing from a refusal: a wrong key, a wrong padding, a wrong tag are one error.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{
    CardPlaintext, ContentKey, ENCRYPTED_KEY_BYTES, ENVELOPE_BYTES_MAX, Header, IV_BYTES, PLAINTEXT_BYTES, Pos,
    TAG_BYTES,
};
use crate::b64;

/// Why an envelope gave no card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is not an envelope of this protocol. Found without any key.
    #[error("not a card envelope: {0}")]
    Unreadable(&'static str),
    /// It cannot be decrypted, for whatever reason. Deliberately not told apart.
    #[error("the envelope cannot be decrypted")]
    Refused,
    /// It was decrypted, and holds no card, or a card meant for another payment than its header says.
    #[error("the card inside was not sealed for this payment")]
    Mismatch,
    /// The server's own private key cannot be used: a fault here, not in the envelope.
    #[error("the private card key cannot be used")]
    PrivateKey,
}

/// An envelope whose form is right. Nothing in it is authenticated yet.
#[derive(Clone, Debug)]
pub struct Parsed {
    header: Header,
    /// The header as it was sent, in base64url: the additional authenticated data (RFC 7516 section 5.2 step 15).
    aad: String,
    encrypted_key: Vec<u8>,
    iv: [u8; IV_BYTES],
    ciphertext_and_tag: Vec<u8>,
}

/// A card, and the payment that it was sealed for.
#[derive(Debug)]
pub struct Opened {
    /// The card as the till read it.
    pub card: CardPlaintext,
    /// The authenticated position. Compare it with the record around the envelope.
    pub pos: Pos,
}

/// Reads a compact JWE, strictly: five parts, exactly the header of the protocol, exact lengths.
///
/// # Errors
/// [`OpenError::Unreadable`], naming the part.
pub fn parse(jwe: &str) -> Result<Parsed, OpenError> {
    if jwe.len() > ENVELOPE_BYTES_MAX {
        return Err(OpenError::Unreadable("too long"));
    }
    let parts: Vec<&str> = jwe.split('.').collect();
    let [aad, encrypted_key, iv, ciphertext, tag] = parts.as_slice() else {
        return Err(OpenError::Unreadable("not five parts"));
    };
    let header = b64::decode(aad)
        .and_then(|json| serde_json::from_slice::<Header>(&json).ok())
        .filter(Header::is_allowed)
        .ok_or(OpenError::Unreadable("header"))?;
    let encrypted_key =
        decode_exactly(encrypted_key, ENCRYPTED_KEY_BYTES).ok_or(OpenError::Unreadable("encrypted key"))?;
    let iv = b64::decode_array(iv).ok_or(OpenError::Unreadable("initialisation vector"))?;
    let mut ciphertext_and_tag =
        decode_exactly(ciphertext, PLAINTEXT_BYTES).ok_or(OpenError::Unreadable("ciphertext"))?;
    ciphertext_and_tag.extend(decode_exactly(tag, TAG_BYTES).ok_or(OpenError::Unreadable("tag"))?);
    Ok(Parsed { header, aad: (*aad).to_owned(), encrypted_key, iv, ciphertext_and_tag })
}

impl Parsed {
    /// The header. Compare its `pos` with the record before a key is spent on it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The content key, RSA-OAEP-256 encrypted for the key that the header names: 384 bytes.
    pub fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }

    /// Decrypts the card and compares the amount, currency and id inside with those in the header.
    ///
    /// # Errors
    /// [`OpenError::Refused`], [`OpenError::Mismatch`].
    pub fn open(self, content_key: ContentKey) -> Result<Opened, OpenError> {
        // To decrypt this envelope is what the key is for.
        let key = UnboundKey::new(&AES_256_GCM, content_key.expose()).map_err(|_| OpenError::Refused)?;
        let mut buffer = Zeroizing::new(self.ciphertext_and_tag);
        let plaintext = LessSafeKey::new(key)
            .open_in_place(Nonce::assume_unique_for_key(self.iv), Aad::from(self.aad.as_bytes()), &mut buffer)
            .map_err(|_| OpenError::Refused)?;
        let card = CardPlaintext::read(plaintext, self.header.pos()).ok_or(OpenError::Mismatch)?;
        Ok(Opened { card, pos: self.header.into_pos() })
    }
}

fn decode_exactly(text: &str, bytes: usize) -> Option<Vec<u8>> {
    b64::decode(text).filter(|decoded| decoded.len() == bytes)
}
