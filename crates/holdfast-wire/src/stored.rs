//! What a till keeps in its own stores. Every version ever released stays readable; `fixtures/` pins their bytes.

mod day;

pub use day::{StoredDay, StoredTime};

use crate::record::{CardWire, RecordPayload, SaleWire};
use crate::time::Head;
use crate::{WireError, b64, check_version, from_json, to_json};
use holdfast_core::outbox::Entry;
use serde::{Deserialize, Serialize};

/// A sealed payment that waits, or the void of one: a row of the database's `outbox` store and a file of the journal, byte for byte the same.
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
    /// The journal's file, where one was prepared before its payment was known ([`prepared_name`]); else the name is made of sequence and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Hash of the record whose place this one has taken: a void, with nothing sealed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voids: Option<String>,
}

impl StoredPayment {
    pub fn new(id: &str, seq: u64, record: String, expires_ms: i64) -> Self {
        let hash = b64::hash_text(b64::record_hash(&record));
        Self { v: crate::V, id: id.into(), seq, hash, record, expires_ms, file: None, voids: None }
    }

    /// The void that is to take this payment's place, signed.
    #[must_use]
    pub fn voided_by(&self, seq: u64, record: String) -> Self {
        Self { voids: Some(self.hash.clone()), ..Self::new(&self.id, seq, record, self.expires_ms) }
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
        if stored.file.as_deref().is_some_and(|name| prepared_at_ms(name).is_none()) {
            return Err(WireError::Field("file"));
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
            voids: match &self.voids {
                Some(hash) => Some(b64::hash_from_text(hash).ok_or(WireError::Field("voids"))?),
                None => None,
            },
        })
    }

    /// What the till shows of it: the record's own clear fields. Our own record, so its signature is not checked again.
    pub fn payload(&self) -> Result<RecordPayload, WireError> {
        Ok(RecordPayload::parse(&self.record)?.claimed().clone())
    }

    /// The journal's file name.
    pub fn journal_name(&self) -> String {
        self.file.clone().unwrap_or_else(|| journal_name(self.seq, &self.id))
    }
}

/// The name of a payment's journal file that was not prepared: sorts by sequence.
pub fn journal_name(seq: u64, id: &str) -> String {
    format!("{seq:012}-{id}.json")
}

const PREPARED: &str = "ready-";

/// The name of a journal file that is prepared for whichever payment comes next. While it is empty it is nobody's; a payment that is written
/// into it names it ([`StoredPayment::file`]), so each proves the other.
pub fn prepared_name(at_ms: i64, random: [u8; 8]) -> String {
    format!("{PREPARED}{:013}-{:016x}.json", at_ms.max(0), u64::from_be_bytes(random))
}

/// When a file of this name was prepared; `None`: it is not the name of a prepared file.
pub fn prepared_at_ms(name: &str) -> Option<i64> {
    let (at, random) = name.strip_prefix(PREPARED)?.strip_suffix(".json")?.split_once('-')?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    (is_plain(random) && is_plain(at)).then(|| at.parse().ok())?
}

/// What is left of a payment after its acknowledgement: a row of `tombstones`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub v: u32,
    pub id: String,
    pub seq: u64,
    pub hash: String,
    /// `stored`, `duplicate` or `quarantined`; [`MISSING`] once a server of another epoch said so.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of the acknowledgement, or of the server that was offered it last.
    pub epoch: String,
    pub at_ms: i64,
    /// Enough to show the payment until the history brings it.
    pub card: CardWire,
    pub sale: SaleWire,
    pub created_ms: i64,
    /// Of a void: the hash of the record whose place it had taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voids: Option<String>,
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

/// How many payments wait and their sum, kept up to date in the transactions that change them: a row of `chain`. Counting them anew for
/// every sale would take longer the longer the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub v: u32,
    pub count: u64,
    pub total_minor: i64,
}

impl Tally {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let tally: Self = from_json(text.as_bytes())?;
        check_version(tally.v)?;
        Ok(tally)
    }

    #[must_use]
    pub fn with(self, total_minor: i64) -> Self {
        let total_minor = self.total_minor.saturating_add(total_minor);
        Self { count: self.count.saturating_add(1), total_minor, ..self }
    }

    #[must_use]
    pub fn without(self, total_minor: i64) -> Self {
        let total_minor = self.total_minor.saturating_sub(total_minor);
        Self { count: self.count.saturating_sub(1), total_minor, ..self }
    }
}

/// [`Tombstone::status`] of a payment that the server does not know any more.
pub const MISSING: &str = "missing";

/// The epoch of the server to which every tombstone was offered, and how many payments it missed since: a row of `device`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfferedEpoch {
    pub v: u32,
    pub epoch: String,
    pub missing_count: u64,
}

impl OfferedEpoch {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let offered: Self = from_json(text.as_bytes())?;
        check_version(offered.v)?;
        Ok(offered)
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
    use crate::record::tests::{payload, void};

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
        let name = prepared_name(1_795_000_000_000, [7; 8]);
        assert_eq!(
            (name.as_str(), prepared_at_ms(&name)),
            ("ready-1795000000000-0707070707070707.json", Some(1_795_000_000_000))
        );
        let prepared = StoredPayment { file: Some(name.clone()), ..stored.clone() };
        assert_eq!(StoredPayment::from_json(&prepared.to_json()).map(|p| p.journal_name()), Ok(name));
        for other in ["../x", "ready-1-../x.json", "ready-x-1.json", "000000000002-1.json", "ready-1-.json"] {
            let text = StoredPayment { file: Some(other.into()), ..stored.clone() }.to_json();
            assert_eq!(StoredPayment::from_json(&text), Err(WireError::Field("file")), "{other}");
        }
        let newer = text.replace("\"v\":1", "\"v\":2");
        assert_eq!(StoredPayment::from_json(&newer), Err(WireError::Version { found: 2, known: 1 }));
    }

    #[test]
    fn every_version_ever_released_is_read() {
        let text = include_str!("../fixtures/stored-payment.v1.json");
        assert!(
            StoredPayment::from_json(text.trim()).is_ok_and(|s| s.payload().is_ok() && s.seq == 2 && s.file.is_none())
        );
        let text = include_str!("../fixtures/stored-payment.v1-prepared.json");
        let stored = StoredPayment::from_json(text.trim()).expect("a stored payment");
        assert!(
            stored.payload().is_ok() && stored.journal_name().starts_with("ready-") && stored.to_json() == text.trim()
        );
        let text = include_str!("../fixtures/stored-payment.v1-void.json");
        let stored = StoredPayment::from_json(text.trim()).expect("a void");
        assert_eq!(stored.to_json(), text.trim());
        assert!(stored.payload().is_ok_and(|p| p == void()) && stored.entry().is_ok_and(|e| e.voids.is_some()));
        let text = include_str!("../fixtures/tombstone.v1.json");
        assert!(Tombstone::from_json(text.trim()).is_ok_and(|t| t.voids.is_none()));
        let text = include_str!("../fixtures/tombstone.v1-void.json");
        assert!(Tombstone::from_json(text.trim()).is_ok_and(|t| t.to_json() == text.trim() && t.voids.is_some()));
        let text = include_str!("../fixtures/chain-head.v1.json");
        assert!(ChainHead::from_json(text.trim()).is_ok_and(|c| c.sale_number == 42));
        let text = include_str!("../fixtures/tally.v1.json");
        assert!(Tally::from_json(text.trim()).is_ok_and(|t| t.to_json() == text.trim() && t.count == 3));
        let text = include_str!("../fixtures/offered-epoch.v1.json");
        assert!(OfferedEpoch::from_json(text.trim()).is_ok_and(|o| o.to_json() == text.trim() && o.missing_count == 2));
        let text = include_str!("../fixtures/stored-payment.v1-tip.json");
        let stored = StoredPayment::from_json(text.trim()).expect("a stored payment");
        let record = stored.payload().ok().and_then(|payload| payload.to_core()).expect("a record");
        assert_eq!((record.sale.tip_minor, record.amount.minor(), record.staff.is_some()), (160, 1_000, true));
        assert_eq!(stored.to_json(), text.trim());
        let text = include_str!("../fixtures/tombstone.v1-tip.json");
        let stone = Tombstone::from_json(text.trim()).expect("a tombstone");
        assert!(stone.sale.adds_up() && stone.sale.staff.is_some() && stone.to_json() == text.trim());
        let text = include_str!("../fixtures/revocation.v1.json");
        assert!(Revocation::from_json(text.trim()).is_ok_and(|r| r.to_json() == text.trim()));
    }
}
