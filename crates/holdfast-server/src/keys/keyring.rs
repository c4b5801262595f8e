//! The keys of a running server: what is published, what acknowledges, and how it stands with all of them.

use super::root::{RootError, read_public_roots};
use super::selftest::SelfTest;
use super::signer::{AckKey, open_ack_key};
use super::store::{FileStore, KeyStoreError, KeyStores};
use super::{KeyFileError, LocalKeys};
use crate::ingest::{AckSigner, SignError};
use crate::store::{Books, CardKeyRow, Ledger as _, StoreError};
use holdfast_core::keys::{self, HeldKey, KeyState};
use holdfast_core::time::{UnixMs, utc_day};
use holdfast_crypto::es256::Es256Error;
use holdfast_crypto::keywrap::KeyWrapError;
use holdfast_wire::V;
use holdfast_wire::b64::record_hash;
use holdfast_wire::keyset::{Certificate, KeySet, KeySetAnswer};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// Why the keys are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the key-set signer needs a certificate: {0}")]
    Root(#[from] RootError),
    #[error("the signer's certificate is over and there is no root key here: hold a ceremony (docs/keys.md)")]
    SignerOver,
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error(transparent)]
    Wrap(#[from] KeyWrapError),
    #[error(transparent)]
    Es256(#[from] Es256Error),
    #[error("card key {kid}: {source}")]
    CardKey { kid: String, source: KeyStoreError },
    #[error("a task of the runtime ended early")]
    Task,
}

/// What `GET /api/v1/keyset` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub answer: KeySetAnswer,
    pub version: u64,
    pub(super) kids: Vec<String>,
    pub(super) expires_ms: UnixMs,
    /// The epoch of the books that published it.
    epoch: String,
}

impl Published {
    /// The set itself. Our own database: its signature is not checked again.
    pub fn key_set(&self) -> Option<KeySet> {
        KeySet::parse(&self.answer.keyset).ok()?.accept(true).ok()
    }
}

/// What a key ring works with.
#[derive(Debug, Clone)]
pub struct Material {
    pub local: Arc<LocalKeys>,
    pub stores: KeyStores,
    /// Where `root.public.json` is, and `root.private.json` unless it is kept elsewhere.
    pub root_dir: PathBuf,
}

impl Material {
    /// Card keys wrapped in the books.
    pub fn in_files(local: Arc<LocalKeys>, root_dir: PathBuf) -> Self {
        let stores = KeyStores::new(Arc::new(FileStore::new(Arc::clone(&local))), Vec::new());
        Self { local, stores, root_dir }
    }
}

/// How it stands with the keys: for health, metrics and the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHealth {
    /// Where new card keys are made.
    pub store: &'static str,
    pub key_set_version: u64,
    pub key_set_expires_ms: UnixMs,
    /// Keys in each state, and those past their time that an unopened record keeps.
    pub ahead_count: usize,
    pub in_use_count: usize,
    pub accepting_count: usize,
    pub kept_over_count: usize,
    /// When the key in use gives way to the next one.
    pub next_rotation_ms: Option<UnixMs>,
    /// The first day of the oldest key whose private half is still there.
    pub oldest_live_ms: Option<UnixMs>,
    pub self_test: Option<SelfTest>,
    /// What the last sweep could not do.
    pub last_error: Option<String>,
}

impl KeyHealth {
    /// Whether a till can seal, and everything sealed can be opened.
    pub fn is_well(&self, now_ms: UnixMs) -> bool {
        let opens = self.self_test.as_ref().is_some_and(|test| test.failed.is_empty());
        self.in_use_count > 0 && self.key_set_expires_ms > now_ms && opens && self.last_error.is_none()
    }
}

/// The keys of a running server.
#[derive(Debug)]
pub struct Keyring {
    pub(super) books: Arc<Books>,
    pub(super) material: Material,
    pub(super) ack: AckKey,
    published: RwLock<Option<Arc<Published>>>,
    /// One sweep at a time.
    pub(super) sweeping: tokio::sync::Mutex<()>,
    pub(super) self_test: RwLock<Option<SelfTest>>,
    pub(super) last_error: RwLock<Option<String>>,
}

impl AckSigner for Keyring {
    fn kid(&self) -> &str {
        &self.ack.kid
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.ack.key.sign(message).map_err(|_| SignError)
    }
}

impl Keyring {
    /// Loads or makes the acknowledgement key, and today's card key with a key set that has at least it. The days ahead are
    /// the next [`Keyring::sweep`]'s: a first start must not wait for them.
    ///
    /// # Errors
    /// When the database, the key-encryption key, the root key or the key store cannot be used.
    pub async fn open(books: Arc<Books>, material: Material, now_ms: UnixMs) -> Result<Self, KeyError> {
        let ack = open_ack_key(&books, &material.local, now_ms).await?;
        let ring = Self {
            books,
            material,
            ack,
            published: RwLock::new(None),
            sweeping: tokio::sync::Mutex::new(()),
            self_test: RwLock::new(None),
            last_error: RwLock::new(None),
        };
        ring.load_published().await?;
        ring.load_self_test().await?;
        if ring.published().as_ref().is_some_and(|p| !ring.is_of_our_root(&p.answer.cert)) {
            // The app has other roots compiled in than those that certified this set: forget it, and certify anew.
            *ring.published.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if ring.published().is_none_or(|p| p.expires_ms <= now_ms) || !ring.has_key_in_use(now_ms).await? {
            ring.make_todays(now_ms).await?;
        }
        Ok(ring)
    }

    async fn has_key_in_use(&self, now_ms: UnixMs) -> Result<bool, KeyError> {
        let kids = self.published().map(|p| p.kids.clone()).unwrap_or_default();
        let rows = self.books.card_keys().await?;
        Ok(rows.iter().any(|row| kids.contains(&row.kid) && held_key(row).state(now_ms) == KeyState::InUse))
    }

    /// Whether one of the roots in the key directory signed this certificate. Without their file there is nothing to compare.
    pub(crate) fn is_of_our_root(&self, cert: &str) -> bool {
        let Some(roots) = read_public_roots(&self.material.root_dir) else { return true };
        Certificate::parse(cert).is_ok_and(|cert| cert.key(&roots.roots).is_ok())
    }

    /// The newest key set.
    pub fn published(&self) -> Option<Arc<Published>> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves a key set that another process published, say an emergency rotation. Cheap: for a task that looks every few seconds.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        let newest = self.books.newest_key_set().await?.map_or(0, |set| set.version);
        if newest > self.published().map_or(0, |p| p.version) {
            self.load_published().await?;
            tracing::info!(version = newest, "serving a key set that another process published");
        }
        Ok(())
    }

    /// How it stands with the keys.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn health(&self, now_ms: UnixMs) -> Result<KeyHealth, KeyError> {
        let rows = self.books.card_keys().await?;
        let live: Vec<HeldKey> = rows.iter().filter(|row| !row.is_destroyed()).map(held_key).collect();
        let count = |state: KeyState| live.iter().filter(|key| key.state(now_ms) == state).count();
        let published = self.published();
        Ok(KeyHealth {
            store: self.material.stores.newest().name(),
            key_set_version: published.as_ref().map_or(0, |p| p.version),
            key_set_expires_ms: published.as_ref().map_or(0, |p| p.expires_ms),
            ahead_count: count(KeyState::Ahead),
            in_use_count: count(KeyState::InUse),
            accepting_count: count(KeyState::Accepting),
            kept_over_count: count(KeyState::Over),
            next_rotation_ms: live
                .iter()
                .filter(|key| key.state(now_ms) == KeyState::InUse)
                .map(|key| key.times.use_until_ms)
                .min(),
            oldest_live_ms: live.iter().map(|key| key.times.not_before_ms).min(),
            self_test: self.self_test.read().unwrap_or_else(PoisonError::into_inner).clone(),
            last_error: self.last_error.read().unwrap_or_else(PoisonError::into_inner).clone(),
        })
    }

    async fn load_published(&self) -> Result<(), KeyError> {
        let Some(row) = self.books.newest_key_set().await? else { return Ok(()) };
        // Our own database: the signature is not checked again. A set that does not read is simply signed anew.
        let Ok(set) = KeySet::parse(&row.jws) else { return Ok(()) };
        let signer = self.books.signers().await?.into_iter().find(|signer| signer.kid == set.kid());
        if let (Some(signer), Ok(set)) = (signer, set.accept(true)) {
            let epoch = self.books.key_set_epoch().await?.unwrap_or_default();
            self.set_published(signer.cert, row.jws, &set, epoch);
        }
        Ok(())
    }

    pub(super) fn set_published(&self, cert: String, keyset: String, set: &KeySet, epoch: String) {
        let published = Published {
            answer: KeySetAnswer { v: V, cert, keyset },
            version: set.version,
            kids: set.card_keys.iter().map(|k| k.kid.clone()).collect(),
            expires_ms: set.expires_ms,
            epoch,
        };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(published));
    }

    /// What the core's decisions read of the published set.
    pub(super) fn published_keys(&self) -> keys::Published {
        self.published().map_or_else(keys::Published::default, |p| keys::Published {
            kids: p.kids.clone(),
            expires_ms: p.expires_ms,
            is_of_before: p.epoch != self.books.epoch(),
        })
    }

    /// What stands in the names of the keys that these books make.
    pub(super) fn tag(&self) -> String {
        kid_tag(&self.books.epoch())
    }
}

/// A few characters that other books have otherwise.
pub fn kid_tag(epoch: &str) -> String {
    record_hash(epoch).0.iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

/// What the core's decisions read of a key.
pub(super) fn held_key(row: &CardKeyRow) -> HeldKey {
    HeldKey {
        kid: row.kid.clone(),
        times: row.times.clone(),
        withdrawn_ms: row.withdrawn_ms,
        is_destroyed: row.is_destroyed(),
        unopened_count: row.unopened_count,
    }
}

/// The day whose key must be there before the first request.
pub(super) fn today(now_ms: UnixMs) -> i64 {
    utc_day(now_ms)
}
