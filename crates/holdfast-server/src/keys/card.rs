//! Decrypting content keys for the jobs: the books say whether a key lives, its store does the work.

use super::store::{KeyStore, KeyStoreError, KeyStores};
use crate::process::{CardKeyFault, CardKeys};
use crate::store::Books;
use holdfast_crypto::envelope::{ContentKey, PublicCardKey, WrappedContentKey};
use holdfast_wire::b64;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The card keys of the books, wherever their private halves are.
#[derive(Debug)]
pub struct BookedCardKeys {
    books: Arc<Books>,
    stores: KeyStores,
    /// Decryptions at once: more threads than a store can use only take the processor from those who write.
    turns: Arc<Semaphore>,
}

impl BookedCardKeys {
    pub fn new(books: Arc<Books>, stores: KeyStores) -> Self {
        let at_once = stores.all().map(|store| store.at_once()).max().unwrap_or(1);
        Self { books, stores, turns: Arc::new(Semaphore::new(at_once)) }
    }
}

impl CardKeys for BookedCardKeys {
    async fn content_key(&self, kid: &str, encrypted_key: &[u8]) -> Result<ContentKey, CardKeyFault> {
        // Asked every time: another process may have destroyed it. Only the books may say that a key is no more; a store that
        // does not find it is a store in trouble, and the payment waits.
        let (n, handle) = match self.books.card_key_handle(kid).await {
            Ok(Some((n, Some(handle)))) => (n, handle),
            Ok(Some((_, None))) => return Err(CardKeyFault::Destroyed),
            Ok(None) => return Err(CardKeyFault::Unknown),
            Err(_) => return Err(CardKeyFault::Unavailable),
        };
        let store = Arc::clone(self.stores.of(&handle).map_err(|error| unavailable(kid, &error))?);
        let (kid, encrypted_key) = (kid.to_owned(), encrypted_key.to_vec());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| CardKeyFault::Unavailable)?;
        let opened = tokio::task::spawn_blocking(move || {
            let opened = open(store.as_ref(), &kid, &n, &handle, &encrypted_key);
            drop(turn);
            opened
        });
        let opened = opened.await;
        opened.unwrap_or(Err(CardKeyFault::Unavailable))
    }
}

/// Decrypts a content key, and tells an envelope that is wrong from a store that is in trouble.
pub(super) fn open(
    store: &dyn KeyStore,
    kid: &str,
    n: &str,
    handle: &[u8],
    encrypted_key: &[u8],
) -> Result<ContentKey, CardKeyFault> {
    let modulus = b64::decode(n).unwrap_or_default();
    // Both are public: no key is spent on a number that no seal can give, and a token's words for it need not be known.
    if encrypted_key.len() != modulus.len() || encrypted_key >= modulus.as_slice() {
        return Err(CardKeyFault::Refused);
    }
    let first = store.content_key(kid, handle, encrypted_key);
    let Err(KeyStoreError::Unclear(said)) = first else { return first.map_err(|error| fault(kid, &error)) };
    // The very same key opens a probe, and refuses this again: then it is the envelope.
    if probe(store, kid, n, handle).is_err() {
        return Err(unavailable(kid, &KeyStoreError::Unclear(said)));
    }
    match store.content_key(kid, handle, encrypted_key) {
        Err(KeyStoreError::Unclear(_)) => Err(CardKeyFault::Refused),
        other => other.map_err(|error| fault(kid, &error)),
    }
}

/// Seals a fresh content key for the public half and lets the store open it.
///
/// # Errors
/// When what comes out is not what went in, or nothing comes out.
pub(super) fn probe(store: &dyn KeyStore, kid: &str, n: &str, handle: &[u8]) -> Result<(), KeyStoreError> {
    let unusable = |error: &dyn std::fmt::Display| KeyStoreError::Setting(error.to_string());
    let public = PublicCardKey::parse(kid, n, "AQAB").map_err(|error| unusable(&error))?;
    let sealed = WrappedContentKey::make(&public, &mut super::SysRng).map_err(|error| unusable(&error))?;
    let opened = store.content_key(kid, handle, sealed.encrypted_key())?;
    if sealed.is_for(&opened) { Ok(()) } else { Err(KeyStoreError::Setting("another content key came out".to_owned())) }
}

fn fault(kid: &str, error: &KeyStoreError) -> CardKeyFault {
    match error {
        KeyStoreError::Refused => CardKeyFault::Refused,
        error => unavailable(kid, error),
    }
}

fn unavailable(kid: &str, error: &KeyStoreError) -> CardKeyFault {
    tracing::error!(kid, %error, "a card key cannot be used: its payments wait");
    CardKeyFault::Unavailable
}

#[cfg(test)]
mod tests;
