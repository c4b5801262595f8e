//! A card as a till recognises it for one business day ([`holdfast_core::policy::DayTally`]).

use hmac::{Hmac, KeyInit as _, Mac as _};
use holdfast_core::card::CardNumber;
use holdfast_core::policy::{CardTag, SALT_BYTES};
use sha2::Sha256;

/// The first 24 bits of HMAC-SHA-256 of the card number under the day's salt.
///
/// So few bits do not lead back to a number, even with the salt: many numbers share each tag. They are enough to notice the same card again.
pub fn card_tag(salt: &[u8; SALT_BYTES], number: &CardNumber) -> CardTag {
    // A key of any length is taken; the other arm is never reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt) else { return CardTag([0; 3]) };
    // Opened for the hash, of which three bytes stay.
    mac.update(number.expose().as_bytes());
    let mac: [u8; 32] = mac.finalize().into_bytes().into();
    let [a, b, c, ..] = mac;
    CardTag([a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(salt: u8, number: &str) -> CardTag {
        card_tag(&[salt; SALT_BYTES], &number.parse().expect("a test number"))
    }

    #[test]
    fn a_card_is_known_again_on_its_day_and_not_on_another() {
        let first = tag(1, "4242424242424242");
        assert_eq!(first, tag(1, "4242 4242 4242 4242"));
        assert_ne!(first, tag(1, "5555555555554444"));
        assert_ne!(first, tag(2, "4242424242424242"));
    }

    /// Against another implementation: Python's hmac.new(bytes([1] * 32), b"4242424242424242", "sha256").
    #[test]
    fn the_tag_is_the_head_of_a_standard_hmac() {
        assert_eq!(tag(1, "4242424242424242"), CardTag([0x89, 0x84, 0xa9]));
    }
}
