//! What lies in the money database, by what is done with it. Every change is one strict transaction.

mod claims;
mod day;
mod queue;
mod row;
mod settle;
mod stones;
mod tally;

pub use claims::Swapped;
pub use queue::{Attempt, tombstone_key};
pub use row::OutboxRow;
pub use stones::Marked;
pub use tally::tally;

use crate::idb::{CHAIN, Connection, DEVICE, KEYSET, MONEY_DB, MONEY_VERSION};
use futures_util::future::{try_join, try_join3};
use holdfast_core::outbox::StoreFault;
use holdfast_wire::enrolment::Enrolment;
use holdfast_wire::keyset::KeySet;
use holdfast_wire::stored::{ChainHead, Revocation, Tally};
use wasm_bindgen::JsValue;

const HEAD: &str = "head";
const KEYS: &str = "keys";
const ENROLMENT: &str = "enrolment";
const REVOCATION: &str = "revocation";
const CURRENT: &str = "current";

/// What is known of this device.
pub struct DeviceRow {
    /// The CryptoKeyPair.
    pub keys: Option<JsValue>,
    pub enrolment: Option<Enrolment>,
    pub revocation: Option<Revocation>,
}

/// The database.
pub struct Money {
    connection: Connection,
}

impl Default for Money {
    fn default() -> Self {
        Self::at(MONEY_DB, MONEY_VERSION)
    }
}

impl Money {
    /// A database of another name or version: for tests.
    pub fn at(name: &str, version: u32) -> Self {
        Self { connection: Connection::new(name, version) }
    }

    /// The head of the chain; the beginning when there is none.
    pub async fn head(&self) -> Result<ChainHead, StoreFault> {
        Ok(self.head_if_any().await?.unwrap_or_else(beginning))
    }

    /// The head of the chain, if there is one.
    pub async fn head_if_any(&self) -> Result<Option<ChainHead>, StoreFault> {
        let reading = self.connection.read(&[CHAIN]).await?;
        read_head(&reading).await
    }

    /// The head of the chain, and what waits.
    pub async fn head_and_tally(&self) -> Result<(ChainHead, Option<Tally>), StoreFault> {
        let reading = self.connection.read(&[CHAIN]).await?;
        let (head, tally) = try_join(read_head(&reading), tally::read_tally(&reading)).await?;
        Ok((head.unwrap_or_else(beginning), tally))
    }

    /// Puts this head, unless the one that is there has a higher sequence.
    pub async fn raise_head(&self, head: &ChainHead) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[CHAIN]).await?;
        let held = read_head(&writing).await?.unwrap_or_else(beginning);
        if held.head.seq <= head.head.seq {
            let sale_number = held.sale_number.max(head.sale_number);
            writing.put_text(CHAIN, HEAD, &ChainHead { sale_number, ..head.clone() }.to_json())?;
        }
        writing.commit().await
    }

    /// Counts one sale and gives its number. It is durable before it is given, so it is never given again.
    pub async fn next_sale_number(&self) -> Result<u64, StoreFault> {
        let writing = self.connection.write(&[CHAIN]).await?;
        let mut head = read_head(&writing).await?.unwrap_or_else(beginning);
        head.sale_number = head.sale_number.saturating_add(1);
        writing.put_text(CHAIN, HEAD, &head.to_json())?;
        writing.commit().await?;
        Ok(head.sale_number)
    }

    /// The CryptoKeyPair.
    pub async fn keys(&self) -> Result<Option<JsValue>, StoreFault> {
        self.connection.read(&[DEVICE]).await?.get(DEVICE, KEYS).await
    }

    pub async fn put_keys(&self, keys: &JsValue) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[DEVICE]).await?;
        writing.put(DEVICE, KEYS, keys)?;
        writing.commit().await
    }

    /// Everything about this device, at one moment.
    pub async fn device(&self) -> Result<DeviceRow, StoreFault> {
        let reading = self.connection.read(&[DEVICE]).await?;
        let (keys, enrolment, revocation) = try_join3(
            reading.get(DEVICE, KEYS),
            reading.get_text(DEVICE, ENROLMENT),
            reading.get_text(DEVICE, REVOCATION),
        )
        .await?;
        Ok(DeviceRow {
            keys,
            enrolment: enrolment.and_then(|text| serde_json::from_str(&text).ok()),
            revocation: revocation.and_then(|text| Revocation::from_json(&text).ok()),
        })
    }

    /// Keeps that this device is revoked; `None`: that it is not.
    pub async fn put_revocation(&self, revocation: Option<&Revocation>) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[DEVICE]).await?;
        match revocation {
            Some(revocation) => writing.put_text(DEVICE, REVOCATION, &revocation.to_json())?,
            None => writing.delete(DEVICE, REVOCATION)?,
        }
        writing.commit().await
    }

    /// Keeps the enrolment and begins its chain. A new enrolment is a new device: nobody has revoked it.
    pub async fn put_enrolment(&self, enrolment: &Enrolment) -> Result<(), StoreFault> {
        let text = serde_json::to_string(enrolment).map_err(|_| StoreFault::Broken)?;
        let writing = self.connection.write(&[DEVICE, CHAIN]).await?;
        writing.put_text(DEVICE, ENROLMENT, &text)?;
        writing.delete(DEVICE, REVOCATION)?;
        writing.put_text(CHAIN, HEAD, &beginning().to_json())?;
        writing.commit().await
    }

    pub async fn keyset(&self) -> Result<Option<KeySet>, StoreFault> {
        let text = self.connection.read(&[KEYSET]).await?.get_text(KEYSET, CURRENT).await?;
        Ok(text.and_then(|t| KeySet::from_stored(&t).ok()))
    }

    /// Keeps a set that was verified, unless a newer one came in between.
    pub async fn put_keyset(&self, set: &KeySet) -> Result<(), StoreFault> {
        let text = serde_json::to_string(set).map_err(|_| StoreFault::Broken)?;
        let writing = self.connection.write(&[KEYSET]).await?;
        let held = writing.get_text(KEYSET, CURRENT).await?.and_then(|t| KeySet::from_stored(&t).ok());
        if held.is_none_or(|held| held.version <= set.version) {
            writing.put_text(KEYSET, CURRENT, &text)?;
        }
        writing.commit().await
    }
}

/// Before the first record.
fn beginning() -> ChainHead {
    ChainHead { v: holdfast_wire::V, ..ChainHead::default() }
}

async fn read_head(transaction: &crate::idb::Transaction) -> Result<Option<ChainHead>, StoreFault> {
    let Some(text) = transaction.get_text(CHAIN, HEAD).await? else { return Ok(None) };
    // A head that cannot be read must not be taken for the beginning: sequence numbers would repeat.
    ChainHead::from_json(&text).map(Some).map_err(|_| StoreFault::Broken)
}
