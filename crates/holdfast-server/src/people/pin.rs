//! PINs of the staff: what a till tries one against. A PIN is a screen lock and no key (docs/decisions/a-pin-is-a-screen-lock.md).

use super::PeopleError;
use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use holdfast_wire::pin::{HASH_BYTES, PinVerifier, SALT_BYTES};
use std::num::NonZeroU32;

/// A verifier with a fresh salt. With the rounds of [`holdfast_core::limits::PIN_ROUNDS`] it takes a good part of a second of one core: call it
/// where blocking is allowed.
///
/// # Errors
/// When the system gives no random numbers.
pub fn verifier(pin: &str, rounds: u32) -> Result<PinVerifier, PeopleError> {
    let mut verifier = PinVerifier { rounds, salt: [0; SALT_BYTES], hash: [0; HASH_BYTES] };
    getrandom::fill(&mut verifier.salt).map_err(|_| PeopleError::Random)?;
    let rounds = NonZeroU32::new(rounds).ok_or(PeopleError::Hash)?;
    derive(PBKDF2_HMAC_SHA256, rounds, &verifier.salt, pin.as_bytes(), &mut verifier.hash);
    Ok(verifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_salted_and_is_what_others_derive() {
        let (one, two) = (verifier("4711", 3).expect("derives"), verifier("4711", 3).expect("derives"));
        assert!(one != two && one.salt != two.salt && one.to_string().starts_with("pbkdf2-sha256$3$"));
        // RFC 7914 section 11: PBKDF2-HMAC-SHA-256 of "passwd" and "salt", one round, its first 32 bytes.
        let mut derived = [0; 32];
        derive(PBKDF2_HMAC_SHA256, NonZeroU32::MIN, b"salt", b"passwd", &mut derived);
        let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
        assert!(verifier("4711", 0).is_err());
    }
}
