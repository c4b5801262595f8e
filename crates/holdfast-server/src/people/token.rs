//! Tokens: 256 random bits as text, kept by their hash.

use super::PeopleError;
use holdfast_wire::b64;

/// A fresh token.
///
/// # Errors
/// When the system gives no random numbers.
pub fn make() -> Result<String, PeopleError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| PeopleError::Random)?;
    Ok(b64::encode(bytes))
}

/// By which a token is kept and found. It has 256 random bits, so a plain hash is enough, and looking for a hash tells nothing
/// by its time.
pub fn hash(token: &str) -> String {
    b64::encode(b64::sha256(token))
}
