//! What must be known to use a token. The PIN comes from a file or the environment, never from the command line.

use crate::keys::KeyFileError;
use crate::keys::files::refuse_others;
use cryptoki::types::AuthPin;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest PIN file that is read.
const PIN_BYTES_MAX: u64 = 1024;

/// Where the OAEP padding is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Mechanism {
    /// In the token: CKM_RSA_PKCS_OAEP with SHA-256 and MGF1 with SHA-256.
    #[default]
    OaepSha256,
    /// Here, in constant time: the token does CKM_RSA_X_509.
    Raw,
}

/// A token.
#[derive(Debug)]
pub struct TokenSettings {
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    pub pin: Pin,
    pub mechanism: Mechanism,
}

/// The user's PIN of a token.
pub struct Pin(pub(super) AuthPin);

impl Pin {
    pub fn new(pin: &str) -> Self {
        Self(AuthPin::new(pin.into()))
    }

    /// Reads the first line of a file that only its owner may read.
    ///
    /// # Errors
    /// When it cannot be read, or others can read it.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let io = |source| KeyFileError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        refuse_others(path, &file)?;
        // At its final size, so that no copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(PIN_BYTES_MAX as usize));
        file.take(PIN_BYTES_MAX).read_to_string(&mut text).map_err(io)?;
        Ok(Self::new(text.lines().next().unwrap_or_default()))
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_pin_is_its_files_first_line_and_shows_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pin");
        std::fs::write(&path, "1234\nsecond line\n").expect("writes");
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("changes");
        mode(0o640);
        assert!(matches!(Pin::read(&path), Err(KeyFileError::Permissions { .. })));
        mode(0o600);
        let pin = Pin::read(&path).expect("reads");
        assert_eq!(format!("{pin:?}"), "[secret]");
        use cryptoki::types::AuthPin;
        let AuthPin { .. } = &pin.0;
        assert!(matches!(Pin::read(&folder.path().join("none")), Err(KeyFileError::Io { .. })));
    }
}
