//! Tombstones after the server's epoch changed: what it knows keeps its stone under the new epoch, what it lost is said so.

use super::Money;
use super::queue::{row, stone};
use super::tally::{read_tally, retally};
use crate::idb::{CHAIN, DEVICE, OUTBOX, TOMBSTONES};
use holdfast_core::outbox::StoreFault;
use holdfast_wire::stored::{MISSING, OfferedEpoch, StoredPayment};

const OFFERED: &str = "offered-epoch";

/// What becomes of one tombstone.
pub enum Marked {
    Known,
    Missing,
    /// It is missing there, and its sealed record is still here: back into the queue.
    Again(StoredPayment),
}

impl Money {
    /// The epoch to which everything was offered last.
    pub async fn offered_epoch(&self) -> Result<Option<OfferedEpoch>, StoreFault> {
        let text = self.connection.read(&[DEVICE]).await?.get_text(DEVICE, OFFERED).await?;
        Ok(text.and_then(|text| OfferedEpoch::from_json(&text).ok()))
    }

    pub async fn put_offered_epoch(&self, offered: &OfferedEpoch) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[DEVICE]).await?;
        writing.put_text(DEVICE, OFFERED, &offered.to_json())?;
        writing.commit().await
    }

    /// In one transaction, for tombstones of these ids and hashes. One that was replaced in between stays as it is.
    pub async fn mark_stones(&self, epoch: &str, marked: &[(String, String, Marked)]) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[OUTBOX, TOMBSTONES, CHAIN]).await?;
        let tally = read_tally(&writing).await?;
        let mut waiting = tally.unwrap_or_default();
        for (id, hash, what) in marked {
            let Some(mut held) = stone(&writing, id).await?.filter(|held| held.hash == *hash) else { continue };
            if let Marked::Again(stored) = what {
                writing.delete(TOMBSTONES, id)?;
                if row(&writing, id).await?.is_none() {
                    writing.put_text(OUTBOX, id, &stored.to_json())?;
                    if held.voids.is_none() {
                        waiting = waiting.with(held.sale.total_minor);
                    }
                }
                continue;
            }
            if matches!(what, Marked::Missing) {
                held.status = MISSING.to_owned();
            }
            epoch.clone_into(&mut held.epoch);
            writing.put_text(TOMBSTONES, id, &held.to_json())?;
        }
        retally(&writing, tally, |_| waiting)?;
        writing.commit().await
    }
}
