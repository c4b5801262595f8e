//! Who is calling: the HTTP message signature of an enrolled device (RFC 9421, docs/protocol.md section 2).

use super::Server;
use super::body::bytes;
use super::problem::ApiError;
use super::rates::DeviceLane;
use crate::store::{Device, Ledger as _};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Uri};
use holdfast_core::id::DeviceId;
use holdfast_crypto::es256::VerifyingKey;
use holdfast_wire::httpsig::{self, HttpSigError, ToCheck};

/// Bytes of a body that is no batch.
pub const SMALL_BODY_BYTES_MAX: usize = 16_384;

/// A request with its body, whose signature fields were read and not checked yet.
pub struct Received {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    signature: ToCheck,
}

/// A request of an enrolled device.
pub struct Signed {
    pub device: Device,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Reads body and signature fields. `too_large` is what a longer body gets.
pub async fn receive(request: Request<Body>, body_bytes_max: usize, too_large: ApiError) -> Result<Received, ApiError> {
    let (parts, body) = request.into_parts();
    let body = bytes(body, body_bytes_max, too_large).await?;
    let field = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let signed = httpsig::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        body: &body,
    };
    let signature = httpsig::read(&signed, field("content-digest"), field("signature-input"), field("signature"));
    let signature = signature.map_err(|error| match error {
        HttpSigError::Missing => ApiError::SIGNATURE_MISSING,
        HttpSigError::Input | HttpSigError::Digest => ApiError::SIGNATURE_WRONG,
    })?;
    Ok(Received { uri: parts.uri, headers: parts.headers, body, signature })
}

impl Received {
    /// The key id that the request claims.
    pub fn keyid(&self) -> &str {
        &self.signature.keyid
    }

    /// Whether `key` signed it.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verify(&self.signature.signing_input, &self.signature.signature).is_ok()
    }

    /// The enrolled device that signed it, revoked or not. An unknown device and a wrong signature look the same. It is for the caller to
    /// [`Server::count`] it, now that it is proven: whoever names a device without its key takes nothing of what it may ask.
    pub async fn of_device(self, server: &Server) -> Result<Signed, ApiError> {
        let id: DeviceId = self.keyid().parse().map_err(|_| ApiError::SIGNATURE_WRONG)?;
        let device = server.ledger.device(id).await?.ok_or(ApiError::SIGNATURE_WRONG)?;
        if !self.is_signed_by(&device.key) {
            return Err(ApiError::SIGNATURE_WRONG);
        }
        Ok(Signed { device, uri: self.uri, headers: self.headers, body: self.body })
    }
}

/// A request of an active device, with a small body or none.
pub async fn active(server: &Server, request: Request<Body>) -> Result<Signed, ApiError> {
    let signed = receive(request, SMALL_BODY_BYTES_MAX, ApiError::BODY_TOO_LARGE).await?.of_device(server).await?;
    server.count(DeviceLane::Requests, signed.device.id)?;
    if signed.device.revoked_ms.is_some() {
        return Err(ApiError::DEVICE_REVOKED);
    }
    Ok(signed)
}
