//! OAEP decoding (RFC 8017 section 7.1.2 step 3) with SHA-256 and MGF1 with SHA-256, for a token that does only the raw RSA step.
//!
//! Why by hand: no crate that we could find offers the decoding apart from a private key, and the one that has it inside (`rsa`) ignores the
//! first octet. It is small because the length of the message is known: a content key has 32 bytes, so every byte of the padded
//! message has one place and nothing is searched for.
//!
//! Timing: control flow and memory access depend on lengths only. The three checks (first octet, hash of the label, zeros and the
//! one) are gathered into one [`Choice`], and nothing tells which failed; an attacker who could tell would have Manger's attack.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::{ContentKey, ENCRYPTED_KEY_BYTES, OpenError};
use crate::Secret;

const HASH_BYTES: usize = 32;

/// The content key inside what a token's raw RSA decryption gave: 384 bytes, which are wiped here.
///
/// # Errors
/// [`OpenError::Refused`], whatever was wrong with it.
pub fn oaep_sha256_content_key(mut padded: Zeroizing<[u8; ENCRYPTED_KEY_BYTES]>) -> Result<ContentKey, OpenError> {
    let mut content_key = [0; 32];
    let is_right = decode(padded.as_mut_slice(), &[], &mut content_key);
    // One branch, on the outcome of all checks together: the caller learns it anyway.
    if bool::from(is_right) {
        let secret = Secret::new(content_key);
        content_key.zeroize();
        Ok(secret)
    } else {
        content_key.zeroize();
        Err(OpenError::Refused)
    }
}

/// Decodes a message of exactly `message.len()` bytes from `padded`, which is overwritten. `message` means nothing unless the result is true.
pub fn decode(padded: &mut [u8], label: &[u8], message: &mut [u8]) -> Choice {
    // Lengths are public.
    let Some(zeros) = padded.len().checked_sub(2 * HASH_BYTES + 2 + message.len()) else { return Choice::from(0) };
    let (first, rest) = padded.split_at_mut(1);
    let (seed, block) = rest.split_at_mut(HASH_BYTES);
    // Step 3c to 3f: the seed is masked with the block as it came, the block with the seed as it was.
    mask(seed, block);
    mask(block, seed);
    let (label_hash, rest) = block.split_at(HASH_BYTES);
    let (padding, rest) = rest.split_at(zeros);
    let (one, content) = rest.split_at(1);
    message.copy_from_slice(content);
    // Step 3g, all of it, without stopping early.
    let padding = padding.iter().fold(0, |all, byte| all | byte);
    first.ct_eq(&[0]) & label_hash.ct_eq(Sha256::digest(label).as_slice()) & padding.ct_eq(&0) & one.ct_eq(&[1])
}

/// XORs `target` with MGF1 of `seed` (RFC 8017 appendix B.2.1).
fn mask(target: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(target.chunks_mut(HASH_BYTES)) {
        let mut hash = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(hash.iter()).for_each(|(byte, mask)| *byte ^= mask);
        hash.zeroize();
    }
}
