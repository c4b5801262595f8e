//! Acknowledgements: the only thing that lets a till delete ciphertext.

use crate::b64;
use crate::jws::{JwsError, Unverified, typ};
use holdfast_core::outbox::{Ack, AckStatus, StoneAnswer, StoneStanding};
use serde::{Deserialize, Serialize};

/// Payload of `holdfast-ack+jws`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckPayload {
    pub v: u32,
    /// The payment's id; empty when the record could not be read.
    pub id: String,
    pub record_hash: String,
    /// `stored`, `duplicate` or `quarantined`; in answer to an offer of tombstones `known` or `missing`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub epoch: String,
    pub server_time_ms: i64,
}

impl AckPayload {
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::ACK)
    }

    /// For the engine. `None` for a version, status or hash that this code does not know: such an acknowledgement deletes nothing.
    pub fn to_core(&self) -> Option<Ack> {
        if self.v != crate::V {
            return None;
        }
        let status = match self.status.as_str() {
            "stored" => AckStatus::Stored,
            "duplicate" => AckStatus::Duplicate,
            "quarantined" => AckStatus::Quarantined(self.reason.clone().unwrap_or_default()),
            _ => return None,
        };
        Some(Ack { id: self.id.parse().ok(), hash: b64::hash_from_text(&self.record_hash)?, status })
    }
}

impl AckPayload {
    /// The answer to an offered tombstone. It never deletes ciphertext: [`AckPayload::to_core`] gives `None` for it.
    pub fn to_stone_answer(&self) -> Option<StoneAnswer> {
        if self.v != crate::V {
            return None;
        }
        let standing = match self.status.as_str() {
            "known" => StoneStanding::Known,
            "missing" => StoneStanding::Missing,
            _ => return None,
        };
        let hash = b64::hash_from_text(&self.record_hash)?;
        Some(StoneAnswer { id: self.id.parse().ok()?, hash, standing, epoch: self.epoch.clone() })
    }
}

/// The names of [`AckPayload::reason`].
pub mod reason {
    pub const UNREADABLE: &str = "unreadable";
    /// Goods and tip are not the amount.
    pub const AMOUNT_MISMATCH: &str = "amount-mismatch";
    pub const SIGNATURE_WRONG: &str = "record-signature-wrong";
    pub const NOT_THIS_DEVICE: &str = "not-this-device";
    pub const ID_CONFLICT: &str = "id-conflict";
    pub const SEQUENCE_CONFLICT: &str = "sequence-conflict";
    pub const DEVICE_REVOKED: &str = "device-revoked";
    pub const TOO_LARGE: &str = "too-large";
    /// A void of a payment that was here before it.
    pub const VOID_TOO_LATE: &str = "void-too-late";
}
