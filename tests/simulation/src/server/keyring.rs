//! The server's keys, by the core's own sweep: made, published and destroyed by the clock.

use crate::crypto::{ACK_KID, ROOT_KID, SIGNER_KID, keys, named, sign};
use holdfast_core::keys::{HeldKey, KeyOp, Published, next_version, sweep};
use holdfast_core::limits::{KEYSET_LIFE_MS, SIGNER_LIFE_MS};
use holdfast_core::time::{DAY_MS, utc_day};
use holdfast_crypto::envelope::ContentKey;
use holdfast_server::process::{CardKeyFault, CardKeys};
use holdfast_server::store::Payment;
use holdfast_wire::jws::{ToSign, typ};
use holdfast_wire::keyset::{CardKey, Certificate, KeySet, KeySetAnswer};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The keys as they stand in a copy of the books.
#[derive(Debug, Clone)]
pub struct KeyringCopy {
    held: Vec<HeldKey>,
    published: Published,
    version: u64,
    answer: String,
    private: BTreeMap<String, bool>,
}

#[derive(Default)]
pub struct Keyring {
    held: Vec<HeldKey>,
    published: Published,
    version: u64,
    swept_day: i64,
    answer: String,
    private: Arc<SimCardKeys>,
    /// How often the books came from a copy: keys that are made after that have other names.
    restored_count: u32,
}

/// The private halves: which names still open.
#[derive(Default)]
pub struct SimCardKeys(Mutex<BTreeMap<String, bool>>);

impl CardKeys for SimCardKeys {
    async fn content_key(&self, kid: &str, encrypted_key: &[u8]) -> Result<ContentKey, CardKeyFault> {
        let is_there = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(kid).copied();
        match is_there {
            None => Err(CardKeyFault::Unknown),
            Some(false) => Err(CardKeyFault::Destroyed),
            Some(true) => keys().content_key(encrypted_key).ok_or(CardKeyFault::Refused),
        }
    }
}

impl Keyring {
    pub fn private(&self) -> Arc<SimCardKeys> {
        Arc::clone(&self.private)
    }

    /// `GET /api/v1/keyset`.
    pub fn answer(&self) -> String {
        self.answer.clone()
    }

    pub fn copy(&self) -> KeyringCopy {
        let private = self.private.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        KeyringCopy {
            held: self.held.clone(),
            published: self.published.clone(),
            version: self.version,
            answer: self.answer.clone(),
            private,
        }
    }

    /// Keys are in the books: those that were made after the copy are gone, those that were destroyed since are back.
    pub fn put_back(&mut self, copy: &KeyringCopy, restored_count: u32) {
        let copy = copy.clone();
        *self = Self {
            held: copy.held,
            published: Published { is_of_before: true, ..copy.published },
            version: copy.version,
            // Another day than any: it is swept at once.
            swept_day: i64::MIN,
            answer: copy.answer,
            private: Arc::new(SimCardKeys(Mutex::new(copy.private))),
            restored_count,
        };
    }

    pub fn is_due(&self, now_ms: i64) -> bool {
        utc_day(now_ms) != self.swept_day
    }

    pub fn sweep(&mut self, now_ms: i64, payments: &[Payment]) {
        self.swept_day = utc_day(now_ms);
        for key in &mut self.held {
            let names_it = |p: &&Payment| p.card_key_kid.as_deref() == Some(key.kid.as_str());
            key.unopened_count = payments.iter().filter(names_it).count() as u64;
        }
        // Of the books, in the names of their keys.
        let tag = format!("5eed{:02}", self.restored_count);
        for op in sweep(&self.held, &self.published, now_ms, &tag) {
            let mut private = self.private.0.lock().unwrap_or_else(PoisonError::into_inner);
            match op {
                KeyOp::Create { kid, times } => {
                    private.insert(kid.clone(), true);
                    self.held.push(HeldKey::new(kid, times));
                }
                KeyOp::Destroy { kid } => {
                    for key in self.held.iter_mut().filter(|k| k.kid == kid) {
                        key.is_destroyed = true;
                    }
                    private.insert(kid, false);
                }
                KeyOp::Withdraw { .. } | KeyOp::Keep { .. } => {}
                KeyOp::Publish { kids, .. } => {
                    drop(private);
                    self.publish(kids, now_ms);
                }
            }
        }
    }

    fn publish(&mut self, kids: Vec<String>, now_ms: i64) {
        self.version = next_version(Some(self.version), now_ms);
        let expires_ms = now_ms + KEYSET_LIFE_MS;
        let card = |k: &HeldKey| CardKey {
            kid: k.kid.clone(),
            n: keys().card.n.clone(),
            e: keys().card.e.clone(),
            not_before_ms: k.times.not_before_ms,
            use_until_ms: k.times.use_until_ms,
            accept_until_ms: k.times.accept_until_ms,
        };
        let set = KeySet {
            v: holdfast_wire::V,
            version: self.version,
            issued_ms: now_ms,
            expires_ms,
            ack_keys: vec![named(ACK_KID, &keys().ack)],
            card_keys: self.held.iter().filter(|k| kids.contains(&k.kid)).map(card).collect(),
            log: None,
        };
        let signer = named(SIGNER_KID, &keys().signer);
        let cert = Certificate {
            v: holdfast_wire::V,
            kid: signer.kid,
            jwk: signer.jwk,
            not_before_ms: now_ms - DAY_MS,
            not_after_ms: now_ms + SIGNER_LIFE_MS,
        };
        let cert = sign(&keys().root, ToSign::new(typ::CERT, ROOT_KID, &cert));
        let keyset = sign(&keys().signer, ToSign::new(typ::KEYSET, SIGNER_KID, &set));
        let answer = KeySetAnswer { v: holdfast_wire::V, cert, keyset };
        self.answer = serde_json::to_string(&answer).unwrap_or_default();
        self.published = Published { kids, expires_ms, is_of_before: false };
    }
}
