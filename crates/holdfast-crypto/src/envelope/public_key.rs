//! The public half of a daily card key, as the key set publishes it.

use rsa::BoxedUint;

use super::ENCRYPTED_KEY_BYTES;
use super::header::is_id;
use crate::b64;

/// The RSA-3072 key that a till encrypts content keys for. It comes from a key set whose signature was verified.
#[derive(Clone, Debug)]
pub struct PublicCardKey {
    kid: String,
    pub(super) key: rsa::PublicKey,
}

/// A published card key that cannot be used. Fetch the key set again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardKeyError {
    #[error("the key id is empty, too long or has characters that are not allowed")]
    Kid,
    #[error("the modulus is not that of an RSA-3072 key")]
    Modulus,
    #[error("the public exponent is not 65537")]
    Exponent,
}

impl PublicCardKey {
    /// Reads `n` and `e` in base64url (RFC 7518 section 6.3.1). Exactly 3072 bits and 65537 are taken.
    ///
    /// # Errors
    /// The member that is not as it should be.
    pub fn parse(kid: &str, n: &str, e: &str) -> Result<Self, CardKeyError> {
        if !is_id(kid) {
            return Err(CardKeyError::Kid);
        }
        if e != "AQAB" {
            return Err(CardKeyError::Exponent);
        }
        let n = b64::decode(n).ok_or(CardKeyError::Modulus)?;
        let top_bit_set = n.first().is_some_and(|byte| byte & 0x80 != 0);
        if n.len() != ENCRYPTED_KEY_BYTES || !top_bit_set {
            return Err(CardKeyError::Modulus);
        }
        let n = BoxedUint::from_be_slice_vartime(&n);
        let key = rsa::PublicKey::new(n, BoxedUint::from(65_537_u64)).map_err(|_| CardKeyError::Modulus)?;
        Ok(Self { kid: kid.to_owned(), key })
    }

    /// The key's id in the key set.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rsa_3072_with_65537_is_taken() {
        let n = |len: usize, first: u8| {
            let mut n = vec![0x5a; len];
            n[0] = first;
            n[len - 1] = 0x01;
            b64::encode(n)
        };
        let parse = |kid: &str, n: &str, e: &str| PublicCardKey::parse(kid, n, e).map(|_| ());
        assert_eq!(parse("card-1", &n(384, 0xc3), "AQAB"), Ok(()));
        assert_eq!(parse("", &n(384, 0xc3), "AQAB"), Err(CardKeyError::Kid));
        assert_eq!(parse("card-1", &n(384, 0xc3), "Aw"), Err(CardKeyError::Exponent));
        assert_eq!(parse("card-1", &n(384, 0x43), "AQAB"), Err(CardKeyError::Modulus));
        assert_eq!(parse("card-1", &n(256, 0xc3), "AQAB"), Err(CardKeyError::Modulus));
        assert_eq!(parse("card-1", &n(512, 0xc3), "AQAB"), Err(CardKeyError::Modulus));
        assert_eq!(parse("card-1", "!", "AQAB"), Err(CardKeyError::Modulus));
    }
}
