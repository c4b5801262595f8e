//! Carrying out what the core decided: making, withdrawing, publishing and destroying keys, each step logged in its transaction.
//!
//! A key is made in its store first and proves there that it opens, then the books take it, then it is published. Destroying goes the other way:
//! the books let go in a transaction that makes sure that no record needs the key, then the store destroys it, and says so in the log. A crash in
//! between leaves a key that no book names; [`Keyring::clear_stores`] finds it at the next sweep.

use super::card::probe;
use super::keyring::{held_key, today};
use super::root::jwk_of;
use super::signer::sign;
use super::store::{HeldHandle, MadeKey};
use super::{KeyError, Keyring};
use crate::store::{CardKeyRow, KeyWrite, Ledger as _};
use holdfast_core::keys::{self, HeldKey, KeyOp, KeyTimes, Scope};
use holdfast_core::limits::KEYSET_LIFE_MS;
use holdfast_core::time::UnixMs;
use holdfast_wire::V;
use holdfast_wire::jws::{NamedKey, typ};
use holdfast_wire::keyset::{CardKey, KeySet};
use std::sync::{Arc, PoisonError};

/// What to do, with what is needed to do it.
struct Plan<'a> {
    now_ms: UnixMs,
    decided: Vec<KeyOp>,
    /// Makes only the key of this day, of those that are missing.
    only_day: Option<i64>,
    /// Why keys are withdrawn. Then all is done or nothing: a key is not withdrawn before its successor is there.
    withdraw: Option<&'a str>,
}

impl Keyring {
    /// Does what is due now.
    ///
    /// # Errors
    /// When a key cannot be made or written. What was written before stands; the next sweep goes on.
    pub async fn sweep(&self, now_ms: UnixMs) -> Result<(), KeyError> {
        let _guard = self.sweeping.lock().await;
        let held = self.books.card_keys().await?;
        let decided = keys::sweep(&held_keys(&held), &self.published_keys(), now_ms, &self.tag());
        let done = self.carry_out(held, Plan { now_ms, decided, only_day: None, withdraw: None }).await;
        let done = match self.clear_stores(now_ms).await {
            Err(error) if done.is_ok() => Err(error),
            _ => done,
        };
        let error = done.as_ref().err().map(ToString::to_string);
        *self.last_error.write().unwrap_or_else(PoisonError::into_inner) = error;
        done
    }

    /// The emergency rotation: withdraws, and publishes successors at once. Gives the new version.
    ///
    /// # Errors
    /// As [`Keyring::sweep`].
    pub async fn rotate(&self, now_ms: UnixMs, scope: Scope, reason: &str) -> Result<u64, KeyError> {
        let _guard = self.sweeping.lock().await;
        self.refresh().await?;
        let held = self.books.card_keys().await?;
        let decided = keys::rotate(&held_keys(&held), &self.published_keys(), now_ms, &self.tag(), scope);
        self.carry_out(held, Plan { now_ms, decided, only_day: None, withdraw: Some(reason) }).await?;
        Ok(self.published().map_or(0, |published| published.version))
    }

    /// Makes and publishes today's key and no other.
    pub(super) async fn make_todays(&self, now_ms: UnixMs) -> Result<(), KeyError> {
        let _guard = self.sweeping.lock().await;
        let held = self.books.card_keys().await?;
        let decided = keys::sweep(&held_keys(&held), &self.published_keys(), now_ms, &self.tag());
        self.carry_out(held, Plan { now_ms, decided, only_day: Some(today(now_ms)), withdraw: None }).await
    }

    async fn carry_out(&self, mut all: Vec<CardKeyRow>, plan: Plan<'_>) -> Result<(), KeyError> {
        let Plan { now_ms, decided, only_day, withdraw } = plan;
        let (mut writes, mut destroyed, mut publish, mut failed) = (Vec::new(), Vec::new(), None, None);
        for op in decided {
            match op {
                KeyOp::Create { times, .. } if only_day.is_some_and(|day| day != times.day()) => {}
                // One that cannot be made holds up neither the others nor what is to be destroyed.
                KeyOp::Create { kid, times } => match self.make(kid, times).await {
                    Ok((row, write)) => {
                        all.push(row);
                        writes.push(write);
                    }
                    Err(error) if withdraw.is_some() => return Err(error),
                    Err(error) => failed = Some(error),
                },
                KeyOp::Withdraw { kid } => {
                    writes.push(KeyWrite::Withdraw { kid, reason: withdraw.unwrap_or_default().to_owned() });
                }
                KeyOp::Destroy { kid } => {
                    destroyed.extend(all.iter().find(|row| row.kid == kid).cloned());
                    writes.push(KeyWrite::Destroy { kid });
                }
                KeyOp::Keep { kid, unopened_count } => {
                    tracing::warn!(
                        kid,
                        unopened_count,
                        "a card key is past its time and kept: unopened records name it"
                    );
                }
                KeyOp::Publish { kids, reason } => publish = Some((kids, reason)),
            }
        }
        let published = match publish {
            Some((kids, why)) => self.publish(now_ms, &all, &kids, why, &mut writes).await,
            None => Ok(None),
        };
        // What could not be published must not keep a key from being destroyed.
        let (to_serve, published) = match published {
            Ok(to_serve) => (to_serve, Ok(())),
            Err(error) if withdraw.is_some() => return Err(error),
            Err(error) => (None, Err(error)),
        };
        if !writes.is_empty() {
            self.books.write_keys(now_ms, writes).await?;
        }
        if let Some((cert, jws, set, epoch)) = to_serve {
            tracing::info!(version = set.version, keys = set.card_keys.len(), "key set published");
            self.set_published(cert, jws, &set, epoch);
        }
        for row in destroyed {
            self.destroy(now_ms, row).await?;
        }
        published?;
        failed.map_or(Ok(()), Err)
    }

    /// Makes a key, which must open a probe before it is taken.
    async fn make(&self, kid: String, times: KeyTimes) -> Result<(CardKeyRow, KeyWrite), KeyError> {
        let store = Arc::clone(self.material.stores.newest());
        let (kid, made) = blocking(move || {
            let made = store.make(&kid).and_then(|made| {
                let opens = probe(store.as_ref(), &kid, &made.n, &made.handle);
                if opens.is_err() {
                    let _ = store.destroy(&kid, &made.handle);
                }
                opens.map(|()| made)
            });
            (kid, made)
        })
        .await?;
        let MadeKey { n, e, handle } = made.map_err(|source| KeyError::CardKey { kid: kid.clone(), source })?;
        let row = CardKeyRow {
            kid: kid.clone(),
            n: n.clone(),
            e: e.clone(),
            times: times.clone(),
            withdrawn_ms: None,
            destroyed_ms: None,
            handle: Some(handle.clone()),
            unopened_count: 0,
        };
        Ok((row, KeyWrite::CardKey { kid, n, e, handle, times }))
    }

    /// Signs a key set with the next version, to be written in one transaction with what goes before it. `None` when there is nothing new
    /// to say, because the keys that are missing could not be made.
    async fn publish(
        &self,
        now_ms: UnixMs,
        all: &[CardKeyRow],
        kids: &[String],
        reason: &str,
        writes: &mut Vec<KeyWrite>,
    ) -> Result<Option<(String, String, KeySet, String)>, KeyError> {
        let card_keys: Vec<CardKey> = kids
            .iter()
            .filter_map(|kid| all.iter().find(|row| row.kid == *kid && !row.is_destroyed()))
            .map(card_key)
            .collect();
        let before = self.published_keys();
        let is_news = !card_keys.iter().map(|key| &key.kid).eq(&before.kids);
        let is_due = is_news || before.is_of_before || before.expires_ms - now_ms < KEYSET_LIFE_MS / 2;
        if card_keys.is_empty() || !is_due {
            return Ok(None);
        }
        let (signer, new_signer) = self.signer(now_ms).await?;
        writes.extend(new_signer.map(KeyWrite::Signer));
        writes.push(KeyWrite::DestroySignersBut { kid: signer.kid.clone() });
        let epoch = self.books.epoch();
        let version = keys::next_version(self.books.newest_key_set().await?.map(|set| set.version), now_ms);
        let set = KeySet {
            v: V,
            version,
            issued_ms: now_ms,
            expires_ms: now_ms + KEYSET_LIFE_MS,
            ack_keys: vec![NamedKey { kid: self.ack.kid.clone(), jwk: jwk_of(self.ack.key.verifying_key()) }],
            card_keys,
            log: self.books.key_log_head().await?,
        };
        let jws = sign(typ::KEYSET, &signer.kid, &set, &signer.key)?;
        let (expires_ms, reason) = (set.expires_ms, reason.to_owned());
        writes.push(KeyWrite::KeySet { version, jws: jws.clone(), expires_ms, reason, epoch: epoch.clone() });
        Ok(Some((signer.cert, jws, set, epoch)))
    }

    /// Has the store destroy a key that the books let go. A record that came in between keeps it.
    async fn destroy(&self, now_ms: UnixMs, row: CardKeyRow) -> Result<(), KeyError> {
        let (kid, Some(handle)) = (row.kid, row.handle) else { return Ok(()) };
        if !matches!(self.books.card_key_handle(&kid).await?, Some((_, None))) {
            return Ok(());
        }
        self.erase(now_ms, HeldHandle { kid, handle }, "the books let it go").await
    }

    async fn erase(&self, now_ms: UnixMs, key: HeldHandle, reason: &str) -> Result<(), KeyError> {
        let HeldHandle { kid, handle } = key;
        let store = self.material.stores.of(&handle).map(Arc::clone);
        let store = store.map_err(|source| KeyError::CardKey { kid: kid.clone(), source })?;
        let name = store.name();
        let (kid, erased) = blocking(move || {
            let erased = store.destroy(&kid, &handle);
            (kid, erased)
        })
        .await?;
        erased.map_err(|source| KeyError::CardKey { kid: kid.clone(), source })?;
        tracing::info!(kid, store = name, "the private half of a card key is destroyed");
        let reason = format!("gone from the {name} store: {reason}");
        self.books.write_keys(now_ms, vec![KeyWrite::Note { kid, event: "erased", reason }]).await?;
        Ok(())
    }

    /// Destroys what stores hold for keys that the books say are destroyed, or hold under another handle: left behind by a crash or a race.
    /// A key that the books do not know at all may be one that another process is about to write: it is left, and the audit tells.
    async fn clear_stores(&self, now_ms: UnixMs) -> Result<(), KeyError> {
        let rows = self.books.card_keys().await?;
        for store in self.material.stores.all() {
            let (store, prefix) = (Arc::clone(store), store.prefix());
            let held = blocking(move || store.held()).await?;
            let held = held.map_err(|source| KeyError::CardKey { kid: "all".to_owned(), source })?;
            for left in held.unwrap_or_default() {
                let row = rows.iter().find(|row| row.kid == left.kid);
                let is_wanted = row.is_none_or(|row| row.handle.as_ref() == Some(&left.handle));
                if !is_wanted && left.handle.starts_with(prefix) {
                    self.erase(now_ms, left, "no book names it").await?;
                }
            }
        }
        Ok(())
    }
}

/// Runs what may block for seconds away from the requests.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, KeyError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| KeyError::Task)
}

fn held_keys(rows: &[CardKeyRow]) -> Vec<HeldKey> {
    rows.iter().map(held_key).collect()
}

fn card_key(row: &CardKeyRow) -> CardKey {
    CardKey {
        kid: row.kid.clone(),
        n: row.n.clone(),
        e: row.e.clone(),
        not_before_ms: row.times.not_before_ms,
        use_until_ms: row.times.use_until_ms,
        accept_until_ms: row.times.accept_until_ms,
    }
}
