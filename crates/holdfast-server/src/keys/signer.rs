//! The keys that sign: the acknowledgement key, and the key-set signer with its certificate.

use super::root::{RootError, RootKey, jwk_of, named, read_root_key};
use super::{KeyError, KeyFileError, Keyring, LocalKeys, SysRng};
use crate::store::{AckKeyRow, Books, KeyWrite, SignerRow};
use holdfast_core::limits::{KEYSET_LIFE_MS, SIGNER_LIFE_MS};
use holdfast_core::time::{DAY_MS, UnixMs, iso_date, utc_day};
use holdfast_crypto::es256::{Es256Error, SigningKey};
use holdfast_wire::V;
use holdfast_wire::jws::{ToSign, typ};
use holdfast_wire::keyset::Certificate;
use holdfast_wire::policy::PolicyDocument;
use std::io::ErrorKind;

/// A signer is renewed this long before its certificate ends: a key set it signs must not outlive it.
pub const SIGNER_RENEW_MS: i64 = 2 * KEYSET_LIFE_MS;

#[derive(Debug)]
pub(super) struct AckKey {
    pub kid: String,
    pub key: SigningKey,
}

pub(super) struct Signer {
    pub kid: String,
    pub cert: String,
    pub key: SigningKey,
}

impl Keyring {
    /// The signer. With the root key at hand it is made and certified when there is none, or its end is near; without, it is used until its
    /// end, and the operator is told in time to hold a ceremony.
    pub(super) async fn signer(&self, now_ms: UnixMs) -> Result<(Signer, Option<SignerRow>), KeyError> {
        let row = self.books.newest_signer().await?;
        let holds = |row: &SignerRow| (row.not_before_ms..row.not_after_ms).contains(&now_ms);
        let usable = row.filter(|row| holds(row) && self.is_of_our_root(&row.cert));
        let is_fresh = usable.as_ref().is_some_and(|row| now_ms + SIGNER_RENEW_MS < row.not_after_ms);
        let root =
            if is_fresh { None } else { root_if_there(read_root_key(&self.material.root_dir), usable.is_some())? };
        match (usable, root) {
            (_, Some(root)) => self.certify_new(now_ms, &root),
            (Some(row), None) => {
                if !is_fresh {
                    let (days, until) = ((row.not_after_ms - now_ms) / DAY_MS, iso_date(utc_day(row.not_after_ms)));
                    tracing::warn!(days, until, "the signer's certificate ends: hold a ceremony (docs/keys.md)");
                }
                let pkcs8 = self.material.local.kek.unwrap(&row.kid, &row.private)?;
                Ok((Signer { kid: row.kid, cert: row.cert, key: SigningKey::load(&pkcs8)? }, None))
            }
            (None, None) => Err(KeyError::SignerOver),
        }
    }

    /// Signs a policy as a key set is signed, and gives the certificate with it.
    ///
    /// # Errors
    /// When there is no signer and none can be certified.
    pub async fn sign_policy(&self, now_ms: UnixMs, policy: &PolicyDocument) -> Result<(String, String), KeyError> {
        let _guard = self.sweeping.lock().await;
        let (signer, new_signer) = self.signer(now_ms).await?;
        if let Some(row) = new_signer {
            self.books.write_keys(now_ms, vec![KeyWrite::Signer(row)]).await?;
        }
        let jws = sign(typ::POLICY, &signer.kid, policy, &signer.key)?;
        Ok((signer.cert, jws))
    }

    fn certify_new(&self, now_ms: UnixMs, root: &RootKey) -> Result<(Signer, Option<SignerRow>), KeyError> {
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
        let private = self.material.local.kek.wrap(&kid, &pkcs8, &mut SysRng)?;
        let row = SignerRow {
            kid: kid.clone(),
            private,
            cert: cert.clone(),
            not_before_ms: certificate.not_before_ms,
            not_after_ms: certificate.not_after_ms,
        };
        Ok((Signer { kid, cert, key }, Some(row)))
    }
}

/// A root key that is not there is no fault as long as a signer holds: it belongs in a safe.
fn root_if_there(read: Result<RootKey, RootError>, can_do_without: bool) -> Result<Option<RootKey>, KeyError> {
    match read {
        Ok(root) => Ok(Some(root)),
        Err(RootError::File(KeyFileError::Io { source, .. }))
            if can_do_without && source.kind() == ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn open_ack_key(books: &Books, local: &LocalKeys, now_ms: UnixMs) -> Result<AckKey, KeyError> {
    if let Some(row) = books.newest_ack_key().await? {
        let pkcs8 = local.kek.unwrap(&row.kid, &row.private)?;
        return Ok(AckKey { kid: row.kid, key: SigningKey::load(&pkcs8)? });
    }
    let (key, pkcs8) = SigningKey::make()?;
    let kid = named("ack", key.verifying_key());
    let private = local.kek.wrap(&kid, &pkcs8, &mut SysRng)?;
    let (x, y) = (key.verifying_key().x(), key.verifying_key().y());
    books.write_keys(now_ms, vec![KeyWrite::AckKey(AckKeyRow { kid: kid.clone(), private, x, y })]).await?;
    Ok(AckKey { kid, key })
}

pub(super) fn sign<T: serde::Serialize>(
    typ: &str,
    kid: &str,
    payload: &T,
    key: &SigningKey,
) -> Result<String, Es256Error> {
    let to_sign = ToSign::new(typ, kid, payload);
    let signature = key.sign(to_sign.signing_input())?;
    Ok(to_sign.with_signature(&signature))
}
