//! What the stores hold, as the core's recovery wants to know it.

use super::head_file::{is_head, read_head};
use crate::money::{OutboxRow, tally, tombstone_key};
use crate::shared::Shared;
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::outbox::{ChainPoint, Found, RecoverOp, StoreFault, head_to_copy, recover};
use holdfast_wire::b64;
use holdfast_wire::stored::{ChainHead, StoredPayment, Tally, Tombstone, prepared_at_ms};
use std::collections::{BTreeMap, BTreeSet};

/// A journal of more files than this is compared with the database by name alone: reading thousands of files would hold up the
/// start, and the rows that they are copies of were read and are whole. Files without a row are read always.
const FILES_READ_MAX: usize = 200;

/// Everything that was found.
#[derive(Default)]
pub(super) struct Seen {
    found: Found,
    /// The same as far as this device signed it: only that moves its chain.
    own: Found,
    pub rows: BTreeMap<String, StoredPayment>,
    pub files: BTreeMap<String, StoredPayment>,
    pub empty: BTreeSet<String>,
    /// Files that are prepared for a payment that has not come: empty, and nobody's.
    pub prepared: Vec<String>,
    pub tombstones: Vec<Tombstone>,
    pub tally: Tally,
}

impl Seen {
    pub async fn look(shared: &Shared) -> Result<Self, StoreFault> {
        let device_id = shared.identity().map(|i| i.enrolment.device_id.clone());
        let is_own = |row: &OutboxRow| device_id.as_ref() == Some(&row.payload.did);
        let mut seen = Self::default();
        let mut by_name = BTreeMap::new();
        let rows = shared.money.outbox().await?;
        seen.tally = tally(rows.len(), &rows);
        for row in rows {
            seen.own.rows.extend(is_own(&row).then(|| row.entry.clone()));
            seen.found.rows.push(row.entry.clone());
            seen.rows.insert(row.stored.id.clone(), row.stored.clone());
            by_name.insert(row.stored.journal_name(), row);
        }
        let names: Vec<String> = shared.journal.list().await?.into_iter().filter(|name| !is_head(name)).collect();
        let reads_all = names.len() <= FILES_READ_MAX;
        for name in names {
            let row = match by_name.remove(&name).filter(|_| !reads_all) {
                Some(row) => row,
                None => match seen.read(shared, &name).await? {
                    Some(row) => row,
                    None => continue,
                },
            };
            seen.own.journal.extend(is_own(&row).then(|| row.entry.clone()));
            seen.found.journal.push(row.entry);
            seen.files.insert(name, row.stored);
        }
        // Names of prepared files say nothing of the order.
        seen.found.journal.sort_by_key(|entry| entry.seq);
        seen.tombstones = shared.money.tombstones().await?;
        seen.found.tombstones = seen.tombstones.iter().filter_map(tombstone_key).collect();
        seen.found.voided = seen.tombstones.iter().filter_map(voided_key).collect();
        seen.found.unsent = seen.unsent(shared).await?;
        // A void that came too late is no part of the chain.
        seen.own.tombstones.clone_from(&seen.found.tombstones);
        seen.own.unsent.clone_from(&seen.found.unsent);
        seen.own.head = shared.money.head_if_any().await?.and_then(|h| point(&h));
        if let Some(device_id) = &device_id {
            seen.own.journal_head = read_head(&shared.journal, device_id).await?.and_then(|h| point(&h));
        }
        Ok(seen)
    }

    /// The names of the files that hold this record: two, if it was written again under another name.
    pub fn files_of(&self, id: &str, hash: &str) -> Vec<String> {
        let of = self.files.iter().filter(|(_, stored)| stored.id == id && stored.hash == hash);
        of.map(|(name, _)| name.clone()).collect()
    }

    /// A file's record; a torn file is noted.
    async fn read(&mut self, shared: &Shared, name: &str) -> Result<Option<OutboxRow>, StoreFault> {
        let text = shared.journal.read(name).await?.unwrap_or_default();
        if text.is_empty() && prepared_at_ms(name).is_some() {
            self.prepared.push(name.to_owned());
            return Ok(None);
        }
        let row = OutboxRow::read(&text).filter(|row| row.stored.journal_name() == name);
        if row.is_none() {
            self.found.torn.push(name.to_owned());
            if text.is_empty() {
                self.empty.insert(name.to_owned());
            }
        }
        Ok(row)
    }

    /// Of the payments that the journal has voids of, those that nobody has claimed for sending.
    async fn unsent(&self, shared: &Shared) -> Result<Vec<(PaymentId, RecordHash)>, StoreFault> {
        let voids = self.found.journal.iter().filter(|entry| entry.voids.is_some());
        let ids: Vec<String> = voids.map(|entry| entry.id.to_string()).collect();
        let marks = shared.money.unsent(&ids).await?;
        Ok(marks.iter().filter_map(|(id, hash)| Some((id.parse().ok()?, b64::hash_from_text(hash)?))).collect())
    }

    /// What is to be done. The chain's head is judged from this device's own records, all else from all.
    pub fn decide(&self) -> Vec<RecoverOp> {
        let moves_head = |op: &RecoverOp| matches!(op, RecoverOp::RaiseHead(_));
        let mut ops: Vec<RecoverOp> = recover(&self.found).into_iter().filter(|op| !moves_head(op)).collect();
        ops.extend(recover(&self.own).into_iter().filter(moves_head));
        ops
    }

    /// Where the journal's copy of the head stands.
    pub fn journal_seq(&self) -> Option<u64> {
        self.own.journal_head.map(|head| head.seq)
    }

    /// The head that the journal should hold, if it holds another.
    pub fn head_to_copy(&self) -> Option<ChainPoint> {
        head_to_copy(&self.own).filter(|head| head.seq > 0)
    }
}

/// The id and hash of the record whose place an acknowledged void had taken.
fn voided_key(stone: &Tombstone) -> Option<(PaymentId, RecordHash)> {
    Some((stone.id.parse().ok()?, b64::hash_from_text(stone.voids.as_ref()?)?))
}

/// Stands for "no record yet" where the core wants a hash.
const NO_HASH: RecordHash = RecordHash([0; 32]);

fn point(head: &ChainHead) -> Option<ChainPoint> {
    let hash = if head.head.seq == 0 { NO_HASH } else { b64::hash_from_text(&head.head.hash)? };
    Some(ChainPoint { seq: head.head.seq, hash, sale_number: head.sale_number })
}
