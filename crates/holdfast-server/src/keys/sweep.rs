//! Carrying out what the core's sweep decided: making, publishing and destroying keys, each step logged in its transaction.

use super::root::{RootError, jwk_of, named, read_public_roots, read_root_key};
use super::{LocalKeys, SysRng};
use crate::ingest::{AckSigner, SignError};
use crate::store::StoreError;
use crate::store::{AckKeyRow, Books, CardKeyRow, KeyWrite, SignerRow};
use holdfast_core::keys::{self, HeldKey, KeyOp, KeyTimes};
use holdfast_core::limits::{KEYSET_LIFE_MS, SIGNER_LIFE_MS};
use holdfast_core::time::{UnixMs, utc_day};
use holdfast_crypto::envelope::{CardKeyPair, OpenError, make_card_key};
use holdfast_crypto::es256::{Es256Error, SigningKey};
use holdfast_crypto::keywrap::KeyWrapError;
use holdfast_wire::V;
use holdfast_wire::jws::{NamedKey, ToSign, typ};
use holdfast_wire::keyset::{CardKey, Certificate, KeySet, KeySetAnswer};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// A signer is renewed this long before its certificate ends: a key set it signs must not outlive it.
const SIGNER_RENEW_MS: i64 = 2 * KEYSET_LIFE_MS;

/// Why the keys are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the key-set signer needs a certificate: {0}")]
    Root(#[from] RootError),
    #[error(transparent)]
    Wrap(#[from] KeyWrapError),
    #[error(transparent)]
    Es256(#[from] Es256Error),
    #[error("a card key could not be made: {0}")]
    CardKey(#[from] OpenError),
    #[error("a task of the runtime ended early")]
    Task,
}

/// What `GET /api/v1/keyset` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub answer: KeySetAnswer,
    pub version: u64,
    kids: Vec<String>,
    expires_ms: UnixMs,
}

/// The keys of a running server.
#[derive(Debug)]
pub struct Keyring {
    ledger: Arc<Books>,
    local: Arc<LocalKeys>,
    root_dir: PathBuf,
    ack: AckKey,
    published: RwLock<Option<Arc<Published>>>,
    /// One sweep at a time.
    sweeping: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct AckKey {
    kid: String,
    key: SigningKey,
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
    /// When the database, the key-encryption key or the root key cannot be used.
    pub async fn open(
        ledger: Arc<Books>,
        local: Arc<LocalKeys>,
        root_dir: PathBuf,
        now_ms: UnixMs,
    ) -> Result<Self, KeyError> {
        let ack = open_ack_key(&ledger, &local, now_ms).await?;
        let ring =
            Self { ledger, local, root_dir, ack, published: RwLock::new(None), sweeping: tokio::sync::Mutex::new(()) };
        ring.load_published().await?;
        let today = keys::card_kid(utc_day(now_ms));
        let published = ring.published();
        if published.as_ref().is_some_and(|p| !ring.is_of_our_root(&p.answer.cert)) {
            // The app has other roots compiled in than those that certified this set: forget it, and certify anew.
            *ring.published.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if ring.published().is_none_or(|p| !p.kids.contains(&today) || p.expires_ms <= now_ms) {
            ring.carry_out(now_ms, Some(&today)).await?;
        }
        Ok(ring)
    }

    /// Whether one of the roots in the key directory signed this certificate. Without their file there is nothing to compare.
    fn is_of_our_root(&self, cert: &str) -> bool {
        let Some(roots) = read_public_roots(&self.root_dir) else { return true };
        Certificate::parse(cert).is_ok_and(|cert| cert.key(&roots.roots).is_ok())
    }

    /// The newest key set.
    pub fn published(&self) -> Option<Arc<Published>> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over the key set that another replica published since.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        let held = self.published().map_or(0, |published| published.version);
        if self.ledger.newest_key_set().await?.is_some_and(|set| set.version > held) {
            self.load_published().await?;
        }
        Ok(())
    }

    /// Does what is due now.
    ///
    /// # Errors
    /// When a key cannot be made or written. What was written before stands; the next sweep goes on.
    pub async fn sweep(&self, now_ms: UnixMs) -> Result<(), KeyError> {
        self.carry_out(now_ms, None).await
    }

    /// With `only`, makes and publishes that one key of the missing ones.
    async fn carry_out(&self, now_ms: UnixMs, only: Option<&str>) -> Result<(), KeyError> {
        let _guard = self.sweeping.lock().await;
        let held = self.ledger.card_keys().await?;
        let published = self.published();
        let decided = keys::sweep(&held_keys(&held), &published_keys(published.as_deref()), now_ms);
        let mut writes = Vec::new();
        let mut all = held;
        let mut reason = None;
        for op in decided {
            match op {
                KeyOp::Create { kid, times } if only.is_none_or(|only| only == kid) => {
                    let made = self.make(kid, times).await?;
                    all.push(made.0);
                    writes.push(made.1);
                }
                // A sweep withdraws nothing.
                KeyOp::Create { .. } | KeyOp::Withdraw { .. } => {}
                KeyOp::Destroy { kid } => writes.push(KeyWrite::Destroy { kid }),
                KeyOp::Keep { kid, unopened_count } => {
                    tracing::warn!(
                        kid,
                        unopened_count,
                        "a card key is past its time and kept: unopened records name it"
                    );
                }
                KeyOp::Publish { kids, reason: why } => reason = Some((kids, why)),
            }
        }
        if let Some((kids, why)) = reason {
            self.publish(now_ms, &all, &kids, why, writes).await
        } else {
            if !writes.is_empty() {
                self.ledger.write_keys(now_ms, writes).await?;
            }
            Ok(())
        }
    }

    async fn make(&self, kid: String, times: KeyTimes) -> Result<(CardKeyRow, KeyWrite), KeyError> {
        let pair = tokio::task::spawn_blocking(make_card_key).await.map_err(|_| KeyError::Task)??;
        let CardKeyPair { pkcs8, n, e } = pair;
        let private = self.local.kek.wrap(&kid, &pkcs8, &mut SysRng)?;
        let row = CardKeyRow {
            kid: kid.clone(),
            n: n.clone(),
            e: e.clone(),
            times: times.clone(),
            is_destroyed: false,
            unopened_count: 0,
        };
        Ok((row, KeyWrite::CardKey { kid, n, e, private, times }))
    }

    /// Signs a key set with the next version and writes it in one transaction with what goes before it.
    async fn publish(
        &self,
        now_ms: UnixMs,
        all: &[CardKeyRow],
        kids: &[String],
        reason: &str,
        mut writes: Vec<KeyWrite>,
    ) -> Result<(), KeyError> {
        let (signer, new_signer) = self.signer(now_ms).await?;
        writes.extend(new_signer.map(KeyWrite::Signer));
        let version = self.ledger.newest_key_set().await?.map_or(1, |set| set.version + 1);
        let set = KeySet {
            v: V,
            version,
            issued_ms: now_ms,
            expires_ms: now_ms + KEYSET_LIFE_MS,
            ack_keys: vec![NamedKey { kid: self.ack.kid.clone(), jwk: jwk_of(self.ack.key.verifying_key()) }],
            card_keys: all.iter().filter(|k| kids.contains(&k.kid) && !k.is_destroyed).map(card_key).collect(),
            log: None,
        };
        let jws = sign(typ::KEYSET, &signer.kid, &set, &signer.key)?;
        writes.push(KeyWrite::KeySet {
            version,
            jws: jws.clone(),
            expires_ms: set.expires_ms,
            reason: reason.to_owned(),
        });
        self.ledger.write_keys(now_ms, writes).await?;
        tracing::info!(version, keys = set.card_keys.len(), reason, "key set published");
        self.set_published(signer.cert, jws, &set);
        Ok(())
    }

    /// The signer, made and certified by the root when there is none, or its end is near.
    async fn signer(&self, now_ms: UnixMs) -> Result<(Signer, Option<SignerRow>), KeyError> {
        let row = self.ledger.newest_signer().await?;
        let holds = |row: &SignerRow| row.not_before_ms <= now_ms && now_ms + SIGNER_RENEW_MS < row.not_after_ms;
        if let Some(row) = row.filter(|row| holds(row) && self.is_of_our_root(&row.cert)) {
            let pkcs8 = self.local.kek.unwrap(&row.kid, &row.private)?;
            return Ok((Signer { kid: row.kid, cert: row.cert, key: SigningKey::load(&pkcs8)? }, None));
        }
        let root = read_root_key(&self.root_dir)?;
        let (key, pkcs8) = SigningKey::make()?;
        let kid = named("signer", key.verifying_key());
        let certificate = Certificate {
            v: V,
            kid: kid.clone(),
            jwk: jwk_of(key.verifying_key()),
            not_before_ms: now_ms,
            not_after_ms: now_ms + SIGNER_LIFE_MS,
        };
        let cert = sign(typ::CERT, &root.kid, &certificate, &root.key)?;
        let private = self.local.kek.wrap(&kid, &pkcs8, &mut SysRng)?;
        let row = SignerRow {
            kid: kid.clone(),
            private,
            cert: cert.clone(),
            not_before_ms: certificate.not_before_ms,
            not_after_ms: certificate.not_after_ms,
        };
        Ok((Signer { kid, cert, key }, Some(row)))
    }

    async fn load_published(&self) -> Result<(), KeyError> {
        let (Some(row), Some(signer)) = (self.ledger.newest_key_set().await?, self.ledger.newest_signer().await?)
        else {
            return Ok(());
        };
        // Our own database: the signature is not checked again. A set that does not read is simply signed anew.
        let read =
            KeySet::parse(&row.jws).ok().filter(|set| set.kid() == signer.kid).and_then(|set| set.accept(true).ok());
        if let Some(set) = read {
            self.set_published(signer.cert, row.jws, &set);
        }
        Ok(())
    }

    fn set_published(&self, cert: String, keyset: String, set: &KeySet) {
        let published = Published {
            answer: KeySetAnswer { v: V, cert, keyset },
            version: set.version,
            kids: set.card_keys.iter().map(|k| k.kid.clone()).collect(),
            expires_ms: set.expires_ms,
        };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(published));
    }
}

struct Signer {
    kid: String,
    cert: String,
    key: SigningKey,
}

async fn open_ack_key(ledger: &Books, local: &LocalKeys, now_ms: UnixMs) -> Result<AckKey, KeyError> {
    if let Some(row) = ledger.newest_ack_key().await? {
        let pkcs8 = local.kek.unwrap(&row.kid, &row.private)?;
        return Ok(AckKey { kid: row.kid, key: SigningKey::load(&pkcs8)? });
    }
    let (key, pkcs8) = SigningKey::make()?;
    let kid = named("ack", key.verifying_key());
    let private = local.kek.wrap(&kid, &pkcs8, &mut SysRng)?;
    let (x, y) = (key.verifying_key().x(), key.verifying_key().y());
    ledger.write_keys(now_ms, vec![KeyWrite::AckKey(AckKeyRow { kid: kid.clone(), private, x, y })]).await?;
    Ok(AckKey { kid, key })
}

fn sign<T: serde::Serialize>(typ: &str, kid: &str, payload: &T, key: &SigningKey) -> Result<String, Es256Error> {
    let to_sign = ToSign::new(typ, kid, payload);
    let signature = key.sign(to_sign.signing_input())?;
    Ok(to_sign.with_signature(&signature))
}

fn held_keys(rows: &[CardKeyRow]) -> Vec<HeldKey> {
    let held = |row: &CardKeyRow| HeldKey {
        kid: row.kid.clone(),
        times: row.times.clone(),
        withdrawn_ms: None,
        is_destroyed: row.is_destroyed,
        unopened_count: row.unopened_count,
    };
    rows.iter().map(held).collect()
}

fn published_keys(published: Option<&Published>) -> keys::Published {
    published
        .map_or_else(keys::Published::default, |p| keys::Published { kids: p.kids.clone(), expires_ms: p.expires_ms })
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
