//! What a till keeps in its own stores. Every version ever released stays readable; `fixtures/` pins their bytes.

use crate::record::{CardWire, RecordPayload, SaleWire};
use crate::time::Head;
use crate::{WireError, b64, check_version, from_json, to_json};
use holdfast_core::outbox::Entry;
use serde::{Deserialize, Serialize};

/// A sealed payment that waits: a row of the database's `outbox` store and a file of the journal, byte for byte the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPayment {
    pub v: u32,
    pub id: String,
    pub seq: u64,
    /// Hash of `record`, so that a torn write is recognised.
    pub hash: String,
    /// The compact JWS that is uploaded as it is.
    pub record: String,
    pub expires_ms: i64,
}

impl StoredPayment {
    pub fn new(id: &str, seq: u64, record: String, expires_ms: i64) -> Self {
        let hash = b64::hash_text(b64::record_hash(&record));
        Self { v: crate::V, id: id.into(), seq, hash, record, expires_ms }
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Reads a row or a journal file; refuses one whose hash does not fit.
    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let stored: Self = from_json(text.as_bytes())?;
        check_version(stored.v)?;
        if stored.hash != b64::hash_text(b64::record_hash(&stored.record)) {
            return Err(WireError::Field("hash"));
        }
        Ok(stored)
    }

    /// For the engine.
    pub fn entry(&self) -> Result<Entry, WireError> {
        Ok(Entry {
            id: self.id.parse().map_err(|_| WireError::Field("id"))?,
            hash: b64::hash_from_text(&self.hash).ok_or(WireError::Field("hash"))?,
            seq: self.seq,
            bytes: self.record.len(),
            expires_ms: self.expires_ms,
        })
    }

    /// What the till shows of it: the record's own clear fields. Our own record, so its signature is not checked again.
    pub fn payload(&self) -> Result<RecordPayload, WireError> {
        Ok(RecordPayload::parse(&self.record)?.claimed().clone())
    }

    /// The journal's file name: sorts by sequence.
    pub fn journal_name(&self) -> String {
        journal_name(self.seq, &self.id)
    }
}

/// The journal's file name of a payment.
pub fn journal_name(seq: u64, id: &str) -> String {
    format!("{seq:012}-{id}.json")
}

/// What is left of a payment after its acknowledgement: a row of `tombstones`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub v: u32,
    pub id: String,
    pub seq: u64,
    pub hash: String,
    /// `stored`, `duplicate` or `quarantined`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub epoch: String,
    pub at_ms: i64,
    /// Enough to show the payment until the history brings it.
    pub card: CardWire,
    pub sale: SaleWire,
    pub created_ms: i64,
}

impl Tombstone {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let stone: Self = from_json(text.as_bytes())?;
        check_version(stone.v)?;
        Ok(stone)
    }
}

/// The row of `chain`: the head of this device's chain and the counter of its sales.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChainHead {
    pub v: u32,
    pub head: Head,
    /// The last sale number given. Numbers are never reused, so it only grows.
    pub sale_number: u64,
}

impl ChainHead {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let head: Self = from_json(text.as_bytes())?;
        check_version(head.v)?;
        Ok(head)
    }
}

/// That the owner has revoked this device, as its server said: a row of `device`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub v: u32,
    /// The tablet's clock when it first heard of it.
    pub at_ms: i64,
    /// The server's words.
    pub detail: String,
}

impl Revocation {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let revocation: Self = from_json(text.as_bytes())?;
        check_version(revocation.v)?;
        Ok(revocation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::payload;

    #[test]
    fn a_torn_row_is_recognised() {
        let p = payload();
        let stored = StoredPayment::new(&p.id, p.seq, p.to_sign().with_signature(&[1; 64]), 9);
        let text = stored.to_json();
        assert_eq!(StoredPayment::from_json(&text), Ok(stored.clone()));
        assert!(stored.payload().is_ok_and(|q| q == p));
        assert!(stored.entry().is_ok_and(|e| e.seq == 2 && e.expires_ms == 9));
        for cut in 0..text.len() {
            assert!(StoredPayment::from_json(&text[..cut]).is_err(), "cut at {cut}");
        }
        let spoilt = text.replace("\"record\":\"ey", "\"record\":\"ez");
        assert_eq!(StoredPayment::from_json(&spoilt), Err(WireError::Field("hash")));
        let newer = text.replace("\"v\":1", "\"v\":2");
        assert_eq!(StoredPayment::from_json(&newer), Err(WireError::Version { found: 2, known: 1 }));
    }

    #[test]
    fn every_version_ever_released_is_read() {
        let text = include_str!("../fixtures/stored-payment.v1.json");
        assert!(StoredPayment::from_json(text.trim()).is_ok_and(|s| s.payload().is_ok() && s.seq == 2));
        let text = include_str!("../fixtures/tombstone.v1.json");
        assert!(Tombstone::from_json(text.trim()).is_ok());
        let text = include_str!("../fixtures/chain-head.v1.json");
        assert!(ChainHead::from_json(text.trim()).is_ok_and(|c| c.sale_number == 42));
        let text = include_str!("../fixtures/revocation.v1.json");
        assert!(Revocation::from_json(text.trim()).is_ok_and(|r| r.to_json() == text.trim()));
    }
}
