//! The embedded store: a private half is wrapped by the key-encryption key, and the wrapped bytes are the handle.
//!
//! The key-encryption key is a file that only its owner may read ([`LocalKeys`]). Parsed keys are kept for the next payment: parsing
//! costs several decryptions. The cache is bounded, its keys wipe themselves when dropped, and a destroyed key is dropped at once.

use super::{HeldHandle, KeyStore, KeyStoreError, MadeKey};
use crate::keys::{LocalKeys, SysRng};
use holdfast_crypto::envelope::{CardKeyPair, CardPrivateKey, ContentKey, OpenError, make_card_key};
use std::sync::{Arc, Mutex, PoisonError};

/// Parsed keys that are kept. About 18 are alive at a time; rotations add a few.
const PARSED_MAX: usize = 32;

/// Private card keys wrapped in the books.
#[derive(Debug)]
pub struct FileStore {
    local: Arc<LocalKeys>,
    /// The one used last is last.
    parsed: Mutex<Vec<(String, Arc<CardPrivateKey>)>>,
}

impl FileStore {
    pub fn new(local: Arc<LocalKeys>) -> Self {
        Self { local, parsed: Mutex::new(Vec::new()) }
    }

    fn parsed(&self, kid: &str, handle: &[u8]) -> Result<Arc<CardPrivateKey>, KeyStoreError> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = parsed.iter().position(|(known, _)| known == kid) {
            let found = parsed.remove(at);
            let key = Arc::clone(&found.1);
            parsed.push(found);
            return Ok(key);
        }
        drop(parsed);
        let unusable = |error: &dyn std::fmt::Display| KeyStoreError::Unavailable(error.to_string());
        let pkcs8 = self.local.kek.unwrap(kid, handle).map_err(|error| unusable(&error))?;
        let key = Arc::new(CardPrivateKey::load(&pkcs8).map_err(|error| unusable(&error))?);
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() >= PARSED_MAX {
            parsed.remove(0);
        }
        parsed.push((kid.to_owned(), Arc::clone(&key)));
        Ok(key)
    }
}

impl KeyStore for FileStore {
    fn name(&self) -> &'static str {
        "file"
    }

    fn prefix(&self) -> &'static [u8] {
        b"v1."
    }

    fn make(&self, kid: &str) -> Result<MadeKey, KeyStoreError> {
        let unusable = |error: &dyn std::fmt::Display| KeyStoreError::Unavailable(error.to_string());
        let CardKeyPair { pkcs8, n, e } = make_card_key().map_err(|error| unusable(&error))?;
        let handle = self.local.kek.wrap(kid, &pkcs8, &mut SysRng).map_err(|error| unusable(&error))?;
        Ok(MadeKey { n, e, handle })
    }

    fn content_key(&self, kid: &str, handle: &[u8], encrypted_key: &[u8]) -> Result<ContentKey, KeyStoreError> {
        self.parsed(kid, handle)?.unwrap_key(encrypted_key).map_err(|error| match error {
            OpenError::PrivateKey => KeyStoreError::Unavailable(error.to_string()),
            _ => KeyStoreError::Refused,
        })
    }

    /// The books have overwritten the wrapped key; what is left is the parsed one.
    fn destroy(&self, kid: &str, _handle: &[u8]) -> Result<(), KeyStoreError> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != kid);
        Ok(())
    }

    fn held(&self) -> Result<Option<Vec<HeldHandle>>, KeyStoreError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed_keys_are_kept_within_a_bound_and_dropped_when_destroyed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(Arc::new(LocalKeys::open(folder.path()).expect("keys")));
        let pair = make_card_key().expect("a key");
        let wrap = |kid: &str| store.local.kek.wrap(kid, &pair.pkcs8, &mut SysRng).expect("wraps");
        let kids: Vec<String> = (0..PARSED_MAX + 3).map(|at| format!("card-{at}")).collect();
        let garbage = [1; 384];
        for kid in &kids {
            let refused = store.content_key(kid, &wrap(kid), &garbage).map(|_| ());
            assert_eq!(refused, Err(KeyStoreError::Refused));
        }
        let known = || store.parsed.lock().expect("a lock").iter().map(|(kid, _)| kid.clone()).collect::<Vec<_>>();
        assert_eq!(known(), kids[3..]);
        // One that is kept needs its handle no more; one that is not does.
        assert_eq!(store.content_key(&kids[5], b"", &garbage).map(|_| ()), Err(KeyStoreError::Refused));
        assert!(matches!(store.content_key(&kids[0], b"", &garbage), Err(KeyStoreError::Unavailable(_))));
        assert_eq!(store.destroy(&kids[5], b""), Ok(()));
        assert!(!known().contains(&kids[5]));
        assert!(matches!(store.content_key(&kids[5], b"", &garbage), Err(KeyStoreError::Unavailable(_))));
    }
}
