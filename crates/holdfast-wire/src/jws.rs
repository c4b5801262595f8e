//! JWS in compact form (RFC 7515) with ES256, in two halves: what is to be signed, and what is to be checked.

use crate::{b64, from_json, to_json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The `typ` of each kind of signed document.
pub mod typ {
    pub const CERT: &str = "holdfast-cert+jws";
    pub const SIGNER_REQUEST: &str = "holdfast-signer-request+jws";
    pub const KEYSET: &str = "holdfast-keyset+jws";
    pub const POLICY: &str = "holdfast-policy+jws";
    pub const TIME: &str = "holdfast-time+jws";
    pub const ACK: &str = "holdfast-ack+jws";
    pub const RECORD: &str = "holdfast-record+jws";
    pub const SHOP: &str = "holdfast-shop+jws";
    pub const VOID: &str = "holdfast-void+jws";
}

/// Why a signed document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    #[error("this is not a compact JWS: three base64url parts with dots between are expected")]
    Form,
    #[error("the header is not exactly alg ES256, kid and the expected typ")]
    Header,
    #[error("the signature does not fit the document and its key")]
    Signature,
    #[error("the payload is not what its type promises: {0}")]
    Payload(String),
}

/// An elliptic-curve public key (RFC 7518 section 6.2), P-256 only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Jwk {
    pub kty: String,
    pub crv: String,
    pub x: String,
    pub y: String,
}

impl Jwk {
    /// From the uncompressed point `04 || x || y`.
    pub fn from_point(point: &[u8; 65]) -> Self {
        Self { kty: "EC".into(), crv: "P-256".into(), x: b64::encode(&point[1..33]), y: b64::encode(&point[33..]) }
    }

    /// The uncompressed point, as WebCrypto's "raw" and aws-lc-rs take it.
    pub fn to_point(&self) -> Option<[u8; 65]> {
        let right_kind = self.kty == "EC" && self.crv == "P-256";
        let (x, y): ([u8; 32], [u8; 32]) = (b64::decode_array(&self.x)?, b64::decode_array(&self.y)?);
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&x);
        point[33..].copy_from_slice(&y);
        right_kind.then_some(point)
    }
}

/// A public key with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedKey {
    pub kid: String,
    pub jwk: Jwk,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// A document on its way to be signed.
#[derive(Debug, Clone)]
pub struct ToSign {
    input: String,
}

impl ToSign {
    pub fn new(typ: &str, kid: &str, payload: &impl Serialize) -> Self {
        let header = Header { alg: "ES256".into(), kid: kid.into(), typ: typ.into() };
        Self { input: format!("{}.{}", b64::encode(to_json(&header)), b64::encode(to_json(payload))) }
    }

    /// The bytes that ES256 signs.
    pub fn signing_input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The compact form, with the 64 bytes R || S.
    pub fn with_signature(self, signature: &[u8; 64]) -> String {
        format!("{}.{}", self.input, b64::encode(signature))
    }
}

/// A document that was read and whose signature was not checked yet. Its payload cannot be had before that.
#[derive(Debug, Clone)]
pub struct Unverified<T> {
    kid: String,
    signing_input: String,
    signature: [u8; 64],
    payload: T,
}

impl<T: DeserializeOwned> Unverified<T> {
    /// Reads a compact JWS of the expected `typ`.
    pub fn parse(compact: &str, typ: &str) -> Result<Self, JwsError> {
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Form)?;
        let signature = b64::decode_array(signature).ok_or(JwsError::Form)?;
        let header: Header = from_json(&b64::decode(header).ok_or(JwsError::Form)?).map_err(|_| JwsError::Header)?;
        if header.alg != "ES256" || header.typ != typ {
            return Err(JwsError::Header);
        }
        let payload = b64::decode(payload).ok_or(JwsError::Form)?;
        let payload = from_json(&payload).map_err(|e| JwsError::Payload(e.to_string()))?;
        Ok(Self { kid: header.kid, signing_input: signing_input.to_owned(), signature, payload })
    }
}

impl<T> Unverified<T> {
    /// Which key is said to have signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key with that id, if it is among those that may sign this.
    pub fn key<'a>(&self, keys: &'a [NamedKey]) -> Result<&'a NamedKey, JwsError> {
        keys.iter().find(|k| k.kid == self.kid).ok_or(JwsError::Signature)
    }

    pub fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// Hands the payload out if the caller's check of [`Self::signature`] over [`Self::signing_input`] with the key of
    /// [`Self::kid`] said yes.
    pub fn accept(self, signature_is_right: bool) -> Result<T, JwsError> {
        if signature_is_right { Ok(self.payload) } else { Err(JwsError::Signature) }
    }

    /// The payload as claimed, for routing and for the quarantine's label only; never for a decision that needs trust.
    pub fn claimed(&self) -> &T {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TimePayload;

    fn compact() -> String {
        let payload =
            TimePayload { v: 1, nonce: "n".into(), server_time_ms: 7, epoch: "e".into(), acquirer: "up".into() };
        ToSign::new(typ::TIME, "ack-1", &payload).with_signature(&[9; 64])
    }

    #[test]
    fn a_document_survives_and_gives_its_payload_only_after_the_check() {
        let read = Unverified::<TimePayload>::parse(&compact(), typ::TIME);
        assert!(read.is_ok());
        if let Ok(read) = read {
            assert_eq!((read.kid(), read.signature()), ("ack-1", &[9; 64]));
            assert_eq!(read.clone().accept(false), Err(JwsError::Signature));
            assert_eq!(read.accept(true).map(|p| p.server_time_ms), Ok(7));
        }
    }

    #[test]
    fn other_headers_are_refused() {
        let good = compact();
        let rest = good.split_once('.').map(|(_, r)| r.to_owned()).unwrap_or_default();
        for header in [
            r#"{"alg":"none","kid":"a","typ":"holdfast-time+jws"}"#,
            r#"{"alg":"HS256","kid":"a","typ":"holdfast-time+jws"}"#,
            r#"{"alg":"ES256","kid":"a","typ":"holdfast-ack+jws"}"#,
            r#"{"alg":"ES256","kid":"a","typ":"holdfast-time+jws","crit":["x"]}"#,
            r#"{"alg":"ES256","kid":"a","typ":"holdfast-time+jws","jwk":{}}"#,
            r#"{"alg":"ES256","typ":"holdfast-time+jws"}"#,
        ] {
            let forged = format!("{}.{rest}", b64::encode(header));
            assert_eq!(Unverified::<TimePayload>::parse(&forged, typ::TIME).err(), Some(JwsError::Header), "{header}");
        }
        for bad in ["", ".", "..", "a.b", "a.b.c", &good[..good.len() - 1], &format!("{good}.x"), "<!doctype html>"] {
            assert!(Unverified::<TimePayload>::parse(bad, typ::TIME).is_err(), "{bad}");
        }
    }

    #[test]
    fn points_and_jwks_are_the_same_thing() {
        let mut point = [7; 65];
        point[0] = 4;
        let jwk = Jwk::from_point(&point);
        assert_eq!(jwk.to_point(), Some(point));
        assert_eq!(Jwk { crv: "P-384".into(), ..jwk.clone() }.to_point(), None);
        assert_eq!(Jwk { x: "AA".into(), ..jwk }.to_point(), None);
    }
}
