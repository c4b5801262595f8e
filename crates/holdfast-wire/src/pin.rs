//! How a PIN is recognised: PBKDF2-HMAC-SHA-256 (RFC 8018) over a salt of its own, as text. The derivation itself is the caller's: WebCrypto in
//! the browser, aws-lc-rs on the server.

use crate::b64;
use holdfast_core::limits::{PIN_DIGITS_MAX, PIN_DIGITS_MIN, PIN_ROUNDS_MAX};
use std::fmt;
use std::str::FromStr;

/// Bytes of a salt, and of what is derived.
pub const SALT_BYTES: usize = 16;
pub const HASH_BYTES: usize = 32;

const NAME: &str = "pbkdf2-sha256";

/// What a till keeps of a PIN. It can be tried against, so it is shown by no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PinVerifier {
    pub rounds: u32,
    pub salt: [u8; SALT_BYTES],
    pub hash: [u8; HASH_BYTES],
}

/// The text is no verifier of a kind that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no verifier of a PIN that this program knows: update the program, or set the PIN anew")]
pub struct PinVerifierError;

impl PinVerifier {
    /// Whether the derived bytes are those of the PIN. Looks at every byte.
    pub fn fits(&self, derived: &[u8]) -> bool {
        let differs = self.hash.iter().zip(derived).fold(0, |differs, (a, b)| differs | (a ^ b));
        derived.len() == HASH_BYTES && differs == 0
    }
}

impl fmt::Display for PinVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}${}${}${}", self.rounds, b64::encode(self.salt), b64::encode(self.hash))
    }
}

impl fmt::Debug for PinVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinVerifier").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

impl FromStr for PinVerifier {
    type Err = PinVerifierError;

    fn from_str(text: &str) -> Result<Self, PinVerifierError> {
        let mut parts = text.split('$');
        let mut next = || parts.next().ok_or(PinVerifierError);
        let (name, rounds, salt, hash) = (next()?, next()?, next()?, next()?);
        let rounds: u32 = rounds.parse().map_err(|_| PinVerifierError)?;
        if name != NAME || parts.next().is_some() || !(1..=PIN_ROUNDS_MAX).contains(&rounds) {
            return Err(PinVerifierError);
        }
        let salt = b64::decode_array(salt).ok_or(PinVerifierError)?;
        Ok(Self { rounds, salt, hash: b64::decode_array(hash).ok_or(PinVerifierError)? })
    }
}

/// Whether this can be a PIN: 4 to 8 digits.
pub fn is_pin(text: &str) -> bool {
    (PIN_DIGITS_MIN..=PIN_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_text_and_only_its_own_hash_fits() {
        let verifier = PinVerifier { rounds: 600_000, salt: [1; 16], hash: [2; 32] };
        let text = verifier.to_string();
        assert_eq!(text, format!("pbkdf2-sha256$600000${}${}", b64::encode([1; 16]), b64::encode([2; 32])));
        assert_eq!(text.parse(), Ok(verifier.clone()));
        assert!(verifier.fits(&[2; 32]));
        let mut other = [2; 32];
        other[31] = 3;
        for wrong in [&other[..], &[2; 31], &[2; 33], &[]] {
            assert!(!verifier.fits(wrong));
        }
        for bad in [
            "",
            "pbkdf2-sha256$1$x$y",
            "argon2id$1$a$b",
            &format!("{text}$"),
            &text.replace("600000", "0"),
            &text.replace("600000", "9000000"),
        ] {
            assert_eq!(bad.parse::<PinVerifier>(), Err(PinVerifierError), "{bad}");
        }
    }

    #[test]
    fn a_pin_is_four_to_eight_digits() {
        for (text, is) in
            [("4711", true), ("12345678", true), ("123", false), ("123456789", false), ("12a4", false), ("", false)]
        {
            assert_eq!(is_pin(text), is, "{text}");
        }
    }
}
