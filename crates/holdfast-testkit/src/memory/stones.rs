//! Tombstones after the server's epoch changed, as a till's database marks them.

use super::{MemoryStore, Op};
use holdfast_core::outbox::StoreFault;
use holdfast_wire::stored::{MISSING, StoredPayment, Tombstone};

/// What becomes of one tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    Known,
    Missing,
    /// It is missing there, and its sealed record is still here: back into the queue.
    Again(Box<StoredPayment>),
}

impl MemoryStore {
    /// In one transaction, for tombstones of these ids and hashes. One that was replaced in between stays as it is.
    ///
    /// # Errors
    /// When the store fails: nothing is marked.
    pub fn mark_stones(&self, epoch: &str, marked: &[(String, String, Marked)]) -> Result<(), StoreFault> {
        self.write(Op::MarkStones, 0, |disk| {
            for (id, hash, what) in marked {
                let held = disk.tombstones.get(id).and_then(|text| Tombstone::from_json(text).ok());
                let Some(mut held) = held.filter(|held| held.hash == *hash) else { continue };
                if let Marked::Again(stored) = what {
                    disk.tombstones.remove(id);
                    disk.rows.entry(id.clone()).or_insert_with(|| stored.to_json());
                    continue;
                }
                if *what == Marked::Missing {
                    held.status = MISSING.to_owned();
                }
                epoch.clone_into(&mut held.epoch);
                disk.tombstones.insert(id.clone(), held.to_json());
            }
        })
    }

    /// How many tombstones there are, for a judge.
    pub fn stone_count(&self) -> usize {
        self.disk.borrow().tombstones.len()
    }
}
