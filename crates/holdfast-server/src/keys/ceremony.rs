//! The ceremony: an offline root certifies a server's signer, with files that are carried between the two machines.
//!
//! The server makes a signer whose private half never leaves it and hands out a request, signed by that very key ([`request`]). On the
//! machine that holds the root, [`certify`] checks the request and answers with a certificate. The server takes it ([`install`]), and
//! destroys the signers before it. docs/keys.md tells it step by step.

use super::root::{RootError, jwk_of, named, read_root_key};
use super::signer::sign;
use super::{KeyError, LocalKeys, SysRng};
use crate::store::{Books, KeyWrite, SignerRequestRow, SignerRow};
use holdfast_core::time::{DAY_MS, UnixMs};
use holdfast_crypto::es256::{SigningKey, VerifyingKey};
use holdfast_wire::V;
use holdfast_wire::jws::{JwsError, NamedKey, Unverified, typ};
use holdfast_wire::keyset::{Certificate, Roots, SignerRequest};
use std::path::Path;

/// Longest life of a certificate that is given, in days.
pub const DAYS_MAX: u16 = 400;

/// Why a step of the ceremony was not done.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("the request cannot be used: {0}")]
    Request(JwsError),
    #[error("the certificate cannot be used: {0}")]
    Certificate(JwsError),
    #[error("no signer of this server waits for this certificate: begin again with `holdfast keys ceremony request`")]
    NotAwaited,
    #[error("the certificate is for another time than now")]
    NotNow,
    #[error("a certificate lives 1 to {DAYS_MAX} days")]
    Days,
}

/// Makes a signer that waits for its certificate, and the request for it.
///
/// # Errors
/// When the books or the key-encryption key cannot be used.
pub async fn request(books: &Books, local: &LocalKeys, now_ms: UnixMs) -> Result<String, CeremonyError> {
    let (key, pkcs8) = SigningKey::make().map_err(KeyError::from)?;
    let kid = named("signer", key.verifying_key());
    let asked = SignerRequest { v: V, kid: kid.clone(), jwk: jwk_of(key.verifying_key()), asked_ms: now_ms };
    let request = sign(typ::SIGNER_REQUEST, &kid, &asked, &key).map_err(KeyError::from)?;
    let private = local.kek.wrap(&kid, &pkcs8, &mut SysRng).map_err(KeyError::from)?;
    let row = SignerRequestRow { kid, private, x: asked.jwk.x, y: asked.jwk.y };
    books.write_keys(now_ms, vec![KeyWrite::SignerRequest(row)]).await.map_err(KeyError::from)?;
    Ok(request)
}

/// Reads a request and checks that whoever made it holds the key that it names.
///
/// # Errors
/// When it is no request, or the signature is not by that key.
pub fn read_request(text: &str) -> Result<SignerRequest, CeremonyError> {
    let read = SignerRequest::parse(text.trim()).map_err(CeremonyError::Request)?;
    let own = NamedKey { kid: read.claimed().kid.clone(), jwk: read.claimed().jwk.clone() };
    opened(read, &[own]).map_err(CeremonyError::Request)
}

/// Certifies a request with the root in `root_dir`, from the moment it was asked for. The clock of an offline machine is not used.
///
/// # Errors
/// When the root cannot be read, or the request is no good.
pub fn certify(root_dir: &Path, request: &SignerRequest, days: u16) -> Result<String, CeremonyError> {
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(CeremonyError::Days);
    }
    let root = read_root_key(root_dir)?;
    let certificate = Certificate {
        v: V,
        kid: request.kid.clone(),
        jwk: request.jwk.clone(),
        not_before_ms: request.asked_ms,
        not_after_ms: request.asked_ms + i64::from(days) * DAY_MS,
    };
    Ok(sign(typ::CERT, &root.kid, &certificate, &root.key).map_err(KeyError::from)?)
}

/// Takes a certificate, and destroys every signer before it.
///
/// # Errors
/// When no root of `roots` made it, no signer here waits for it, or it does not hold now.
pub async fn install(books: &Books, roots: &Roots, cert: &str, now_ms: UnixMs) -> Result<Certificate, CeremonyError> {
    let cert = cert.trim();
    let read = Certificate::parse(cert).map_err(CeremonyError::Certificate)?;
    let certificate = opened(read, &roots.roots).map_err(CeremonyError::Certificate)?;
    let row = books.signer_request(&certificate.kid).await.map_err(KeyError::from)?;
    let is_its = |row: &SignerRequestRow| row.x == certificate.jwk.x && row.y == certificate.jwk.y;
    let row = row.filter(is_its).ok_or(CeremonyError::NotAwaited)?;
    if !(certificate.not_before_ms..certificate.not_after_ms).contains(&now_ms) {
        return Err(CeremonyError::NotNow);
    }
    let signer = SignerRow {
        kid: row.kid.clone(),
        private: row.private,
        cert: cert.to_owned(),
        not_before_ms: certificate.not_before_ms,
        not_after_ms: certificate.not_after_ms,
    };
    let writes = vec![KeyWrite::Signer(signer), KeyWrite::DestroySignersBut { kid: row.kid }];
    books.write_keys(now_ms, writes).await.map_err(KeyError::from)?;
    Ok(certificate)
}

/// The payload of a document that one of `keys` signed.
pub(super) fn opened<T: serde::de::DeserializeOwned>(
    document: Unverified<T>,
    keys: &[NamedKey],
) -> Result<T, JwsError> {
    let jwk = &document.key(keys)?.jwk;
    let key = VerifyingKey::parse(&jwk.x, &jwk.y).map_err(|_| JwsError::Signature)?;
    let is_right = key.verify(document.signing_input(), document.signature()).is_ok();
    document.accept(is_right)
}
