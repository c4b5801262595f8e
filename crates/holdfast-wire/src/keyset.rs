//! The signed key set: root certifies signer, signer signs the set (docs/protocol.md section 4).

use crate::jws::{Jwk, JwsError, NamedKey, Unverified, typ};
use crate::keylog::KeyLogHead;
use crate::{WireError, check_version, from_json};
use holdfast_core::keys::{KeyState, KeyTimes};
use holdfast_core::time::UnixMs;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/keyset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeySetAnswer {
    pub v: u32,
    /// JWS by a root.
    pub cert: String,
    /// JWS by the certified signer.
    pub keyset: String,
}

/// The roots that are compiled into the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roots {
    pub roots: Vec<NamedKey>,
}

impl Roots {
    pub fn from_json(text: &str) -> Result<Self, WireError> {
        from_json(text.as_bytes())
    }
}

/// Payload of `holdfast-signer-request+jws`: a server's signer asks an offline root for a certificate, and shows by its own signature that it
/// holds the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerRequest {
    pub v: u32,
    pub kid: String,
    pub jwk: Jwk,
    pub asked_ms: i64,
}

impl SignerRequest {
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::SIGNER_REQUEST)
    }
}

/// Payload of `holdfast-cert+jws`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub v: u32,
    pub kid: String,
    pub jwk: Jwk,
    pub not_before_ms: i64,
    pub not_after_ms: i64,
}

impl Certificate {
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::CERT)
    }

    /// The signer's key. The certificate's own time is judged when a key set is taken, by [`KeySet::check`].
    pub fn signer(&self) -> NamedKey {
        NamedKey { kid: self.kid.clone(), jwk: self.jwk.clone() }
    }
}

/// Payload of `holdfast-keyset+jws`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    pub v: u32,
    pub version: u64,
    pub issued_ms: i64,
    pub expires_ms: i64,
    pub ack_keys: Vec<NamedKey>,
    pub card_keys: Vec<CardKey>,
    /// Where the key log stood when this set was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<KeyLogHead>,
}

/// A day's card key: RSA (RFC 7518 section 6.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardKey {
    pub kid: String,
    pub n: String,
    pub e: String,
    pub not_before_ms: i64,
    pub use_until_ms: i64,
    pub accept_until_ms: i64,
}

impl CardKey {
    pub fn times(&self) -> KeyTimes {
        KeyTimes {
            not_before_ms: self.not_before_ms,
            use_until_ms: self.use_until_ms,
            accept_until_ms: self.accept_until_ms,
        }
    }
}

/// Why a key set that is properly signed is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetRefusal {
    #[error(
        "the key set is older (version {offered}) than the one this till has ({held}): the server must not go back"
    )]
    Older { held: u64, offered: u64 },
    #[error("the signer's certificate was not valid when the key set was issued: the operator must renew it")]
    Certificate,
    #[error("the key set has no acknowledgement key")]
    NoAckKey,
}

impl KeySet {
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::KEYSET)
    }

    /// Checks a verified set against its certificate and the highest version that this till has seen. `held_version` is 0 for none.
    pub fn check(&self, cert: &Certificate, held_version: u64) -> Result<(), KeySetRefusal> {
        if self.version < held_version {
            return Err(KeySetRefusal::Older { held: held_version, offered: self.version });
        }
        if !(cert.not_before_ms..cert.not_after_ms).contains(&self.issued_ms) {
            return Err(KeySetRefusal::Certificate);
        }
        if self.ack_keys.is_empty() {
            return Err(KeySetRefusal::NoAckKey);
        }
        Ok(())
    }

    /// The card key to seal with now, if any.
    pub fn card_key_at(&self, now_ms: UnixMs) -> Option<&CardKey> {
        self.card_keys.iter().find(|k| k.times().state(now_ms) == KeyState::InUse)
    }

    /// Reads what the till stored of a set that it had verified.
    pub fn from_stored(text: &str) -> Result<Self, WireError> {
        let set: Self = from_json(text.as_bytes())?;
        check_version(set.v)?;
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(version: u64, issued_ms: i64) -> KeySet {
        let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: String::new(), y: String::new() };
        let key = |day| {
            let t = KeyTimes::of_day(day);
            CardKey {
                kid: holdfast_core::keys::card_kid(day, "k7q2"),
                n: String::new(),
                e: "AQAB".into(),
                not_before_ms: t.not_before_ms,
                use_until_ms: t.use_until_ms,
                accept_until_ms: t.accept_until_ms,
            }
        };
        KeySet {
            v: 1,
            version,
            issued_ms,
            expires_ms: 0,
            ack_keys: vec![NamedKey { kid: "ack-1".into(), jwk }],
            card_keys: (10..18).map(key).collect(),
            log: None,
        }
    }

    #[test]
    fn a_lower_version_and_a_foreign_time_are_refused() {
        let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: String::new(), y: String::new() };
        let cert = Certificate { v: 1, kid: "signer-1".into(), jwk, not_before_ms: 100, not_after_ms: 200 };
        assert_eq!(set(7, 150).check(&cert, 7), Ok(()));
        assert_eq!(set(6, 150).check(&cert, 7), Err(KeySetRefusal::Older { held: 7, offered: 6 }));
        assert_eq!(set(8, 200).check(&cert, 7), Err(KeySetRefusal::Certificate));
        assert_eq!(set(8, 99).check(&cert, 7), Err(KeySetRefusal::Certificate));
        assert_eq!(KeySet { ack_keys: vec![], ..set(8, 150) }.check(&cert, 7), Err(KeySetRefusal::NoAckKey));
    }

    #[test]
    fn every_day_has_its_key_and_after_the_last_there_is_none() {
        let day = holdfast_core::time::DAY_MS;
        let kid = |at: i64| set(1, 0).card_key_at(at).map(|k| k.kid.clone());
        assert_eq!(kid(10 * day), Some("card-1970-01-11-k7q2".into()));
        assert_eq!(kid(18 * day - 1), Some("card-1970-01-18-k7q2".into()));
        assert_eq!((kid(18 * day), kid(10 * day - 1)), (None, None));
    }
}
