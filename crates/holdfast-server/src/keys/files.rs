//! Keys in files of the data directory: the key-encryption key, and the key of the card hash.

use holdfast_crypto::keywrap::{KeyEncryptionKey, KeyWrapError};
use holdfast_crypto::{Secret, SecretBytes};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{path} cannot be read or written: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path} can be read by others than its owner: run `chmod 600` on it, and ask who read it")]
    Permissions { path: PathBuf },
    #[error("{path} is not a key of 32 bytes: put the right file back from your copy")]
    Length { path: PathBuf },
    #[error(transparent)]
    Wrap(#[from] KeyWrapError),
}

/// The keys of the data directory.
#[derive(Debug)]
pub struct LocalKeys {
    pub kek: KeyEncryptionKey,
    /// Keys the hash by which a card is recognised.
    pub pan_key: SecretBytes,
}

impl LocalKeys {
    /// Reads the files, or makes them when they are not there.
    ///
    /// # Errors
    /// When a file is unreadable, readable by others, or no key.
    pub fn open(data: &Path) -> Result<Self, KeyFileError> {
        let kek = KeyEncryptionKey::load(&read_or_make(&data.join("key-encryption.key"))?)?;
        Ok(Self { kek, pan_key: read_or_make(&data.join("card-hash.key"))? })
    }
}

fn read_or_make(path: &Path) -> Result<SecretBytes, KeyFileError> {
    match File::open(path) {
        Ok(file) => read(path, file),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = KeyEncryptionKey::make_bytes(&mut super::SysRng)?;
            // Only its owner's file is what the key is opened for.
            write_private(path, key.expose())?;
            Ok(key)
        }
        Err(source) => Err(KeyFileError::Io { path: path.to_owned(), source }),
    }
}

fn read(path: &Path, mut file: File) -> Result<SecretBytes, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    refuse_others(path, &file)?;
    let mut key = Vec::with_capacity(64);
    file.read_to_end(&mut key).map_err(io)?;
    let key = Secret::new(key);
    if key.expose().len() != 32 {
        return Err(KeyFileError::Length { path: path.to_owned() });
    }
    Ok(key)
}

/// Refuses a file that group or world may read.
pub(super) fn refuse_others(path: &Path, file: &File) -> Result<(), KeyFileError> {
    let meta = file.metadata().map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Permissions { path: path.to_owned() });
    }
    Ok(())
}

/// Writes a new file that only its owner can read, and flushes it: a key that is lost after its first use is money lost.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_kept_to_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = LocalKeys::open(folder.path()).expect("makes them");
        let again = LocalKeys::open(folder.path()).expect("reads them");
        assert!(first.pan_key.ct_eq(&again.pan_key));
        let path = folder.path().join("key-encryption.key");
        assert_eq!(std::fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("changes");
            assert!(matches!(LocalKeys::open(folder.path()), Err(KeyFileError::Permissions { .. })), "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changes");
        std::fs::write(&path, [1; 31]).expect("writes");
        assert!(matches!(LocalKeys::open(folder.path()), Err(KeyFileError::Length { .. })));
    }
}
