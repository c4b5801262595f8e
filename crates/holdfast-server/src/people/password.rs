//! Passwords: argon2id with the crate's parameters (19 MiB, two passes), as OWASP's password storage sheet asks for.

use super::PeopleError;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// Shorter ones are refused (NIST SP 800-63B section 3.1.1.2 asks for 15 where it is the only factor, 8 beside a second).
pub const CHARS_MIN: usize = 12;
/// Longer ones are refused: hashing is work.
pub const CHARS_MAX: usize = 256;

/// Whether a new password may be taken: by its length alone, as the same paper says.
pub fn is_long_enough(password: &str) -> bool {
    (CHARS_MIN..=CHARS_MAX).contains(&password.chars().count())
}

/// The text to keep, with a fresh salt. Takes some 30 ms of one core and 19 MiB: call it where blocking is allowed.
///
/// # Errors
/// When the system gives no random numbers.
pub fn hash(password: &str) -> Result<String, PeopleError> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| PeopleError::Hash)
}

/// Whether `password` is the one that was hashed. Compares in constant time.
pub fn is_right(password: &str, kept: &str) -> bool {
    let Ok(kept) = PasswordHash::new(kept) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &kept).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_is_right() {
        let kept = hash("correct horse battery").expect("hashes");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("correct horse battery", &kept));
        for wrong in ["", "correct horse", "correct horse battery ", "Correct horse battery"] {
            assert!(!is_right(wrong, &kept), "{wrong}");
        }
        assert!(!is_right("correct horse battery", "no hash"));
        assert_ne!(kept, hash("correct horse battery").expect("hashes"), "salted");
    }

    #[test]
    fn length_is_all_that_is_asked_of_a_new_one() {
        assert!(!is_long_enough("elevenchars"));
        assert!(is_long_enough("twelve chars"));
        assert!(!is_long_enough(&"x".repeat(CHARS_MAX + 1)));
    }
}
