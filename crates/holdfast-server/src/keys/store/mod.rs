//! Where the private halves of card keys live: the seam between the key ring and a file, a token, or a cloud's KMS.
//!
//! A [`KeyStore`] makes a key, decrypts content keys with it and destroys it. It names each key by a handle of its own, which the books
//! keep beside the public half; a handle begins with the store's [`KeyStore::prefix`], so that the keys of an earlier store still open
//! after a change of store. docs/keys.md tells how to add one.

mod file;
mod pkcs11;

pub use file::FileStore;
pub use pkcs11::{Mechanism, Pin, TokenSettings, TokenStore};

use holdfast_crypto::envelope::ContentKey;
use std::fmt;
use std::sync::Arc;

/// Keeps private card keys. Calls block, for a token or a network may be slow: never call them from an async task.
pub trait KeyStore: Send + Sync + fmt::Debug {
    /// For lists and logs.
    fn name(&self) -> &'static str;

    /// What this store's handles begin with, and no other store's.
    fn prefix(&self) -> &'static [u8];

    /// Makes an RSA-3072 key for `kid`. A key that an earlier call made for it, and whose handle was lost, may be given again.
    ///
    /// # Errors
    /// When it cannot.
    fn make(&self, kid: &str) -> Result<MadeKey, KeyStoreError>;

    /// Decrypts a content key, RSA-OAEP with SHA-256 in both places. `encrypted_key` is a number below the key's modulus.
    ///
    /// # Errors
    /// [`KeyStoreError::Refused`] only when the key worked and the padding is wrong.
    fn content_key(&self, kid: &str, handle: &[u8], encrypted_key: &[u8]) -> Result<ContentKey, KeyStoreError>;

    /// Destroys the private half, and says only then that it did when it is gone. A key that is gone already is destroyed.
    ///
    /// # Errors
    /// When it may still be there.
    fn destroy(&self, kid: &str, handle: &[u8]) -> Result<(), KeyStoreError>;

    /// How many calls it can use at once. Here: the cores of this machine.
    fn at_once(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// The handles and kids of every card key that the store itself holds; `None` for a store whose handle is the key.
    ///
    /// # Errors
    /// When it cannot look.
    fn held(&self) -> Result<Option<Vec<HeldHandle>>, KeyStoreError>;
}

/// A key that was made.
#[derive(Debug)]
pub struct MadeKey {
    /// Modulus, base64url.
    pub n: String,
    /// Public exponent, base64url.
    pub e: String,
    pub handle: Vec<u8>,
}

/// A key that a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldHandle {
    pub kid: String,
    pub handle: Vec<u8>,
}

/// Why a store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyStoreError {
    /// Not sealed with this key. Final.
    #[error("the envelope was not sealed with this key")]
    Refused,
    /// The store said no in a way that may be the envelope's fault or its own: try the key on a probe to tell.
    #[error("the key store refused, and it is not clear why: {0}")]
    Unclear(String),
    /// A fault of ours that may pass. Payments wait.
    #[error("the key store cannot be used now: {0}")]
    Unavailable(String),
    /// A fault that stays until somebody changes a setting.
    #[error("the key store is not set up right: {0}")]
    Setting(String),
}

/// The stores of a server: one makes new keys, all of them open.
#[derive(Debug, Clone)]
pub struct KeyStores {
    newest: Arc<dyn KeyStore>,
    others: Vec<Arc<dyn KeyStore>>,
}

impl KeyStores {
    /// New keys come from `newest`; handles of `others` still open.
    pub fn new(newest: Arc<dyn KeyStore>, others: Vec<Arc<dyn KeyStore>>) -> Self {
        Self { newest, others }
    }

    /// The store that makes new keys.
    pub fn newest(&self) -> &Arc<dyn KeyStore> {
        &self.newest
    }

    /// The store that made a handle.
    ///
    /// # Errors
    /// [`KeyStoreError::Setting`] when it is of a store that was not set up.
    pub fn of(&self, handle: &[u8]) -> Result<&Arc<dyn KeyStore>, KeyStoreError> {
        self.all().find(|store| handle.starts_with(store.prefix())).ok_or_else(|| {
            let kind = String::from_utf8_lossy(handle.get(..4).unwrap_or_default()).into_owned();
            KeyStoreError::Setting(format!("a key is in a store that was not set up (its handle begins with `{kind}`)"))
        })
    }

    /// Every store.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn KeyStore>> {
        std::iter::once(&self.newest).chain(&self.others)
    }
}
