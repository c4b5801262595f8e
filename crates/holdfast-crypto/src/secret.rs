//! Values that must not be seen by accident: opened by name, wiped on drop, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret. It has no `Display`, no `Serialize`, no `Clone`, no `==`, and its `Debug` tells nothing.
///
/// Reading it takes [`Secret::expose`], which a reviewer can search for.
///
/// Wiping is best effort: a `String` or `Vec` that grew before it came here has left copies behind. Build it at its
/// final size.
pub struct Secret<T: Zeroize>(T);

/// Secret text, such as a card number.
pub type SecretString = Secret<String>;

/// Secret bytes, such as a private key.
pub type SecretBytes = Secret<Vec<u8>>;

impl<T: Zeroize> Secret<T> {
    /// Takes the value in; from here on it is wiped when dropped.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the secret. Say beside the call why this place may see it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Compares in time that depends on the lengths only.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        let pan = SecretString::from("4242424242424242");
        assert_eq!(format!("{pan:?} {:?}", Some(&pan)), "[secret] Some([secret])");
    }

    #[test]
    fn equality_is_by_content() {
        let a = SecretString::from("4242");
        assert!(a.ct_eq(&SecretString::from("4242")));
        assert!(!a.ct_eq(&SecretString::from("4243")));
        assert!(!a.ct_eq(&SecretString::from("424")));
    }

    #[test]
    fn a_drop_wipes() {
        // The value wiped is seen through a type that reports it, since reading freed memory would be undefined behaviour.
        struct Probe<'a>(&'a std::cell::Cell<bool>);
        impl Zeroize for Probe<'_> {
            fn zeroize(&mut self) {
                self.0.set(true);
            }
        }
        let wiped = std::cell::Cell::new(false);
        drop(Secret::new(Probe(&wiped)));
        assert!(wiped.get());
    }
}
