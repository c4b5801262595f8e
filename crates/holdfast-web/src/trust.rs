//! What this till believes: the roots that were compiled in, and the newest key set that they vouch for.

use crate::device_key::verify;
use crate::http::{Answer, Call, send};
use crate::money::Money;
use futures_util::future::join_all;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::jws::{JwsError, NamedKey, Unverified};
use holdfast_wire::keyset::{Certificate, KeySet, KeySetAnswer, KeySetRefusal, Roots};
use holdfast_wire::policy::{PolicyAnswer, PolicyDocument, PolicyDocumentRefusal};
use std::cell::RefCell;

const KEYSET_MS_MAX: i64 = 10_000;

/// Why no (newer) key set was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("something else than Holdfast answered")]
    NotHoldfast,
    #[error(transparent)]
    Jws(#[from] JwsError),
    #[error(transparent)]
    Refused(#[from] KeySetRefusal),
    #[error(transparent)]
    Policy(#[from] PolicyDocumentRefusal),
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Roots and key set.
pub struct Trust {
    roots: Roots,
    set: RefCell<Option<KeySet>>,
}

impl Trust {
    /// With the set that was stored, if any.
    pub async fn open(roots: Roots, money: &Money) -> Result<Self, StoreFault> {
        Ok(Self { roots, set: RefCell::new(money.keyset().await?) })
    }

    pub fn set(&self) -> Option<KeySet> {
        self.set.borrow().clone()
    }

    /// Asks the server for its set. `true` when it was newer than what was held.
    pub async fn refresh(&self, money: &Money) -> Result<bool, TrustError> {
        let body = match send(Call::get("/api/v1/keyset", KEYSET_MS_MAX), None).await {
            Answer::Ok { body, .. } => body,
            Answer::Unreachable => return Err(TrustError::Unreachable),
            Answer::NotHoldfast | Answer::Problem { .. } => return Err(TrustError::NotHoldfast),
        };
        let answer: KeySetAnswer = serde_json::from_slice(&body).map_err(|_| TrustError::NotHoldfast)?;
        self.offer(&answer, money).await
    }

    /// Root vouches for signer, signer for the set; then it is kept, unless it is older.
    pub async fn offer(&self, answer: &KeySetAnswer, money: &Money) -> Result<bool, TrustError> {
        let cert = accept(Certificate::parse(&answer.cert)?, &self.roots.roots).await?;
        let set = accept(KeySet::parse(&answer.keyset)?, &[cert.signer()]).await?;
        // The stored one counts too: another page or the worker may have seen a newer.
        let stored = money.keyset().await?.map_or(0, |s| s.version);
        let held = self.set.borrow().as_ref().map_or(0, |s| s.version).max(stored);
        set.check(&cert, held)?;
        if set.version > stored {
            money.put_keyset(&set).await?;
        }
        let is_newer = self.set.borrow().as_ref().is_none_or(|s| s.version < set.version);
        *self.set.borrow_mut() = Some(set);
        Ok(is_newer)
    }

    /// Gives a policy if root, signer and version are right. `held_version`: the highest that was seen.
    pub async fn policy(
        &self,
        answer: &PolicyAnswer,
        merchant_id: &str,
        held_version: u64,
    ) -> Result<PolicyDocument, TrustError> {
        let cert = accept(Certificate::parse(&answer.cert)?, &self.roots.roots).await?;
        let policy = accept(PolicyDocument::parse(&answer.policy)?, &[cert.signer()]).await?;
        policy.check(&cert, merchant_id, held_version)?;
        policy.to_core().map_err(|_| TrustError::NotHoldfast)?;
        Ok(policy)
    }

    /// Checks what an acknowledgement key must have signed. A key id that is not known yet is asked for once.
    pub async fn accept<T>(&self, document: Unverified<T>, money: &Money) -> Result<T, JwsError> {
        if document.key(&self.ack_keys()).is_err() {
            let _ = self.refresh(money).await;
        }
        accept(document, &self.ack_keys()).await
    }

    /// The same for many at once; those that no key has signed are left out. Key ids that are not known yet are asked for once.
    pub async fn accept_all<T>(&self, documents: Vec<Unverified<T>>, money: &Money) -> Vec<T> {
        let keys = self.ack_keys();
        if documents.iter().any(|document| document.key(&keys).is_err()) {
            let _ = self.refresh(money).await;
        }
        let keys = self.ack_keys();
        let accepted = join_all(documents.into_iter().map(|document| accept(document, &keys))).await;
        accepted.into_iter().filter_map(Result::ok).collect()
    }

    fn ack_keys(&self) -> Vec<NamedKey> {
        self.set.borrow().as_ref().map(|s| s.ack_keys.clone()).unwrap_or_default()
    }
}

/// Hands a document's payload out if one of these keys signed it.
pub async fn accept<T>(document: Unverified<T>, keys: &[NamedKey]) -> Result<T, JwsError> {
    let key = document.key(keys)?.jwk.clone();
    let is_right = verify(&key, document.signing_input(), document.signature()).await;
    document.accept(is_right)
}
