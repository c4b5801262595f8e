//! How acknowledged payments leave the queue: a batch in one strict transaction.

use super::Money;
use super::queue::{row, stone};
use super::tally::{read_tally, retally};
use crate::idb::{CHAIN, OUTBOX, TOMBSTONES};
use futures_util::future::{try_join, try_join_all};
use holdfast_core::outbox::{Entry, StoreFault};
use holdfast_wire::stored::Tombstone;

impl Money {
    /// Deletes exactly these ciphertexts and leaves their tombstones, all or nothing. Another record under the same id stays, and so does an
    /// earlier tombstone of the same epoch.
    pub async fn settle(&self, settled: &[(Entry, Tombstone)]) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[OUTBOX, TOMBSTONES, CHAIN]).await?;
        let tally = read_tally(&writing).await?;
        let found = settled.iter().map(async |(entry, _)| {
            let id = entry.id.to_string();
            try_join(row(&writing, &id), stone(&writing, &id)).await
        });
        let found = try_join_all(found).await?;
        let mut left = tally.unwrap_or_default();
        for ((entry, tombstone), (row, stone)) in settled.iter().zip(found) {
            let id = entry.id.to_string();
            if let Some(row) = row.filter(|row| row.entry.hash == entry.hash) {
                writing.delete(OUTBOX, &id)?;
                if let Some(total_minor) = row.waiting_minor() {
                    left = left.without(total_minor);
                }
            }
            // What a server of another epoch had acknowledged was handed in again.
            if stone.is_none_or(|earlier| earlier.epoch != tombstone.epoch) {
                writing.put_text(TOMBSTONES, &id, &tombstone.to_json())?;
            }
        }
        retally(&writing, tally, |_| left)?;
        writing.commit().await
    }
}
