//! base64url without padding (RFC 4648 section 5), and plain base64 where HTTP fields want it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use holdfast_core::id::RecordHash;
use sha2::{Digest, Sha256};

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes; refuses padding, white space and non-canonical last characters, so that one value has one spelling.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// Plain base64 with padding, as RFC 9421 and RFC 9530 use it in HTTP fields.
pub fn encode_standard(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub fn decode_standard(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes.as_ref()).into()
}

/// The hash of a record: SHA-256 over the ASCII of its compact JWS.
pub fn record_hash(jws: &str) -> RecordHash {
    RecordHash(sha256(jws))
}

/// A record's hash as it is written in messages.
pub fn hash_text(hash: RecordHash) -> String {
    encode(hash.0)
}

pub fn hash_from_text(text: &str) -> Option<RecordHash> {
    decode_array(text).map(RecordHash)
}
