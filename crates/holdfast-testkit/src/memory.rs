//! A device's stores in memory, with the ways in which real ones fail as switches.

mod faults;
mod stones;

pub use faults::{Broken, Crash, Deletion, Op};
pub use stones::Marked;

use crate::store::{DeviceStore, JournalContent};
use faults::Faults;
use holdfast_core::id::RecordHash;
use holdfast_core::outbox::{Entry, StoreFault};
use holdfast_wire::b64;
use holdfast_wire::stored::{ChainHead, StoredPayment, Tombstone, journal_name};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Both copies. What it holds is what a disk would: it survives a crash of whoever uses it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    disk: RefCell<Disk>,
    faults: RefCell<Faults>,
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copies {
    pub row: bool,
    pub journal: bool,
    pub tombstone: bool,
}

/// Everything is kept as the JSON text that a browser would keep, so that torn bytes are torn bytes.
#[derive(Debug, Default)]
struct Disk {
    rows: BTreeMap<String, String>,
    tombstones: BTreeMap<String, String>,
    head: Option<String>,
    journal: BTreeMap<String, String>,
    journal_head: Option<String>,
}

impl MemoryStore {
    /// Bytes in both stores.
    pub fn bytes(&self) -> usize {
        let disk = self.disk.borrow();
        disk.rows.values().chain(disk.tombstones.values()).chain(disk.journal.values()).map(String::len).sum()
    }

    /// Every record that either store still holds, whole or torn: a device that was drained has none.
    pub fn ciphertexts(&self) -> usize {
        let disk = self.disk.borrow();
        disk.rows.len() + disk.journal.len()
    }

    /// Where a record is, for a judge: this look goes past the fault switches and counts as no operation.
    pub fn copies(&self, id: &str, hash: &str) -> Copies {
        let disk = self.disk.borrow();
        let fits = |text: &String| StoredPayment::from_json(text).is_ok_and(|p| p.id == id && p.hash == hash);
        Copies {
            row: disk.rows.get(id).is_some_and(fits),
            journal: disk.journal.values().any(fits),
            tombstone: disk.tombstones.contains_key(id),
        }
    }

    /// Ids of the rows, for a judge.
    pub fn row_ids(&self) -> Vec<String> {
        self.disk.borrow().rows.keys().cloned().collect()
    }

    /// What an upgrade does that does not declare the outbox and takes the journal's files for leftovers.
    pub fn drop_outbox(&self) {
        let mut disk = self.disk.borrow_mut();
        disk.rows.clear();
        disk.journal.clear();
    }

    /// What a rash till does after a failed read-back: the row goes, whoever may have sent it.
    pub fn take_back(&self, payment: &StoredPayment) {
        self.disk.borrow_mut().take_row(&payment.id, &payment.hash);
    }

    /// The database is gone, as after a damaged log: rows, tombstones and head.
    pub fn wipe_database(&self) {
        let mut disk = self.disk.borrow_mut();
        let Disk { journal, journal_head, .. } = std::mem::take(&mut *disk);
        *disk = Disk { journal, journal_head, ..Disk::default() };
    }

    /// The journal is gone.
    pub fn wipe_journal(&self) {
        let mut disk = self.disk.borrow_mut();
        disk.journal.clear();
        disk.journal_head = None;
    }

    /// Both copies, byte for byte: a cloned profile.
    pub fn cloned_disk(&self) -> Self {
        let disk = self.disk.borrow();
        let disk = Disk {
            rows: disk.rows.clone(),
            tombstones: disk.tombstones.clone(),
            head: disk.head.clone(),
            journal: disk.journal.clone(),
            journal_head: disk.journal_head.clone(),
        };
        Self { disk: RefCell::new(disk), faults: RefCell::default() }
    }

    fn write<T>(&self, op: Op, bytes: usize, work: impl FnOnce(&mut Disk) -> T) -> Result<T, StoreFault> {
        let held = self.bytes();
        let mut disk = self.disk.borrow_mut();
        self.faults.borrow_mut().run(op, held.saturating_add(bytes), || work(&mut disk))
    }

    fn read<T>(&self, op: Op, work: impl FnOnce(&Disk) -> T) -> Result<T, StoreFault> {
        let disk = self.disk.borrow();
        self.faults.borrow_mut().run(op, 0, || work(&disk))
    }

    fn deleted(&self, op: Op, gone: Option<(String, String)>) {
        if let Some((id, hash)) = gone {
            self.faults.borrow_mut().deletions.push(Deletion { op, id, hash });
        }
    }
}

impl DeviceStore for MemoryStore {
    async fn journal(&self, payment: &StoredPayment, head: &ChainHead) -> Result<(), StoreFault> {
        let (name, text, head) = (payment.journal_name(), payment.to_json(), head.to_json());
        if let Some(part) = self.faults.borrow_mut().tear(&text) {
            self.disk.borrow_mut().journal.insert(name, part);
            return Err(StoreFault::Broken);
        }
        self.write(Op::Journal, text.len(), |disk| {
            disk.journal.insert(name, text);
            disk.journal_head = Some(head);
        })
    }

    async fn commit(&self, payment: &StoredPayment, head: &ChainHead) -> Result<(), StoreFault> {
        let (id, text, head) = (payment.id.clone(), payment.to_json(), head.to_json());
        self.write(Op::Commit, text.len(), |disk| {
            disk.rows.insert(id, text);
            disk.head = Some(head);
        })
    }

    async fn read_back(&self, id: &str) -> Result<Option<RecordHash>, StoreFault> {
        self.read(Op::ReadBack, |disk| {
            if let Some(text) = disk.rows.get(id) {
                // What is there is hashed anew; the hash beside it may be of a write that was torn.
                return StoredPayment::from_json(text).ok().map(|p| b64::record_hash(&p.record));
            }
            let stone = Tombstone::from_json(disk.tombstones.get(id)?).ok()?;
            b64::hash_from_text(&stone.hash)
        })
    }

    async fn uncommit(&self, payment: &StoredPayment, head_before: &ChainHead) -> Result<(), StoreFault> {
        self.write(Op::Uncommit, 0, |disk| {
            let row = disk.rows.get(&payment.id).map(|text| StoredPayment::from_json(text));
            let is_sent = disk.tombstones.contains_key(&payment.id);
            if is_sent || row.as_ref().is_some_and(|r| r.as_ref().is_ok_and(|p| p.hash == payment.hash)) {
                return Err(StoreFault::Mismatch);
            }
            if matches!(row, Some(Err(_))) {
                disk.rows.remove(&payment.id);
            }
            if chain(&disk.head).is_some_and(|h| h.head.hash == payment.hash) {
                disk.head = Some(head_before.to_json());
            }
            Ok(())
        })?
    }

    async fn unjournal(&self, name: &str) -> Result<(), StoreFault> {
        let gone = self.write(Op::Unjournal, 0, |disk| disk.journal.remove(name))?;
        let whole = gone.and_then(|text| StoredPayment::from_json(&text).ok());
        self.deleted(Op::Unjournal, whole.map(|p| (p.id, p.hash)));
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Entry>, StoreFault> {
        self.read(Op::List, |disk| {
            let whole = disk.rows.values().filter_map(|text| StoredPayment::from_json(text).ok()?.entry().ok());
            let mut entries: Vec<Entry> = whole.collect();
            entries.sort_by_key(|e| e.seq);
            entries
        })
    }

    async fn payment(&self, id: &str) -> Result<Option<StoredPayment>, StoreFault> {
        self.read(Op::Payment, |disk| disk.rows.get(id).and_then(|text| StoredPayment::from_json(text).ok()))
    }

    async fn settle(&self, settled: &[(Entry, Tombstone)]) -> Result<(), StoreFault> {
        let gone = self.write(Op::Settle, 0, |disk| {
            let one = |(entry, tombstone): &(Entry, Tombstone)| {
                let (id, hash) = (entry.id.to_string(), b64::hash_text(entry.hash));
                let gone = disk.take_row(&id, &hash);
                disk.tombstones.insert(id, tombstone.to_json());
                gone
            };
            settled.iter().map(one).collect::<Vec<_>>()
        })?;
        for gone in gone {
            self.deleted(Op::Settle, gone);
        }
        Ok(())
    }

    async fn head(&self) -> Result<Option<ChainHead>, StoreFault> {
        self.read(Op::Head, |disk| chain(&disk.head))
    }

    async fn raise_head(&self, head: &ChainHead) -> Result<(), StoreFault> {
        self.write(Op::RaiseHead, 0, |disk| {
            if chain(&disk.head).is_none_or(|held| held.head.seq <= head.head.seq) {
                disk.head = Some(head.to_json());
            }
        })
    }

    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreFault> {
        let read = |disk: &Disk| disk.tombstones.values().filter_map(|t| Tombstone::from_json(t).ok()).collect();
        self.read(Op::Tombstones, read)
    }

    async fn journal_content(&self) -> Result<JournalContent, StoreFault> {
        self.read(Op::JournalContent, |disk| {
            let mut content = JournalContent { head: chain(&disk.journal_head), ..JournalContent::default() };
            for (name, text) in &disk.journal {
                match StoredPayment::from_json(text) {
                    Ok(whole) => content.whole.push(whole),
                    Err(_) => content.torn.push(name.clone()),
                }
            }
            content
        })
    }

    async fn copy_head(&self, head: &ChainHead) -> Result<(), StoreFault> {
        self.write(Op::CopyHead, 0, |disk| disk.journal_head = Some(head.to_json()))
    }

    async fn restore(&self, payment: &StoredPayment) -> Result<(), StoreFault> {
        let text = payment.to_json();
        self.write(Op::Restore, text.len(), |disk| {
            let stone = disk.tombstones.get(&payment.id).and_then(|t| Tombstone::from_json(t).ok());
            if stone.is_none_or(|s| s.hash != payment.hash) {
                disk.rows.insert(payment.id.clone(), text);
            }
        })
    }

    async fn sweep_tombstones(&self, at_ms: i64) -> Result<(), StoreFault> {
        self.write(Op::SweepTombstones, 0, |disk| {
            disk.tombstones.retain(|_, text| Tombstone::from_json(text).map_or(true, |t| t.at_ms >= at_ms));
        })
    }
}

impl Disk {
    /// Removes a row if its hash is this one.
    fn take_row(&mut self, id: &str, hash: &str) -> Option<(String, String)> {
        let row = StoredPayment::from_json(self.rows.get(id)?).ok()?;
        (row.hash == hash).then(|| self.rows.remove(id))?;
        Some((row.id, row.hash))
    }
}

fn chain(text: &Option<String>) -> Option<ChainHead> {
    ChainHead::from_json(text.as_deref()?).ok()
}

/// The journal's name of an entry.
pub fn name_of(entry: &Entry) -> String {
    journal_name(entry.seq, &entry.id.to_string())
}
