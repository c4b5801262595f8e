//! The fault switches of [`MemoryStore`].

use super::MemoryStore;
use crate::rng::SeededRng;
use holdfast_core::outbox::StoreFault;

/// Which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Journal,
    Commit,
    ReadBack,
    Uncommit,
    Unjournal,
    List,
    Payment,
    Settle,
    Head,
    RaiseHead,
    CopyHead,
    Tombstones,
    JournalContent,
    Restore,
    SweepTombstones,
    MarkStones,
}

/// A record that left a store, for a judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    pub op: Op,
    pub id: String,
    pub hash: String,
}

/// Where whoever uses the store dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Operations that still succeed.
    pub after: u64,
    /// Whether the last one reaches the disk, so that only its completion is never heard.
    pub is_written: bool,
}

/// An operation that fails once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    pub op: Op,
    pub fault: StoreFault,
    /// Whether it is carried out all the same, and only its completion is reported as a failure.
    pub is_written: bool,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    quota_bytes: Option<usize>,
    tear_at: Option<usize>,
    broken: Vec<Broken>,
    flaky: Option<(u32, SeededRng)>,
    crash: Option<Crash>,
    is_down: bool,
    operations: u64,
    pub(super) deletions: Vec<Deletion>,
}

impl MemoryStore {
    /// Both stores together may hold this much; `None` for no limit. A write beyond it fails with `Full`.
    pub fn set_quota_bytes(&self, quota: Option<usize>) {
        self.faults.borrow_mut().quota_bytes = quota;
    }

    /// The next journal file is written up to this byte, and reported as failed.
    pub fn tear_next_journal_at(&self, byte: usize) {
        self.faults.borrow_mut().tear_at = Some(byte);
    }

    /// The next operation of this kind fails, once.
    pub fn break_next(&self, broken: Broken) {
        self.faults.borrow_mut().broken.push(broken);
    }

    /// So many of a thousand operations fail; of those, some are carried out all the same. `None` ends it.
    pub fn set_flaky(&self, flaky: Option<(u32, SeededRng)>) {
        self.faults.borrow_mut().flaky = flaky;
    }

    pub fn is_flaky(&self) -> bool {
        self.faults.borrow().flaky.is_some()
    }

    /// Everything fails after so many operations, until [`MemoryStore::reopen`].
    pub fn crash_after(&self, crash: Crash) {
        self.faults.borrow_mut().crash = Some(crash);
    }

    pub fn is_down(&self) -> bool {
        self.faults.borrow().is_down
    }

    /// A new start opens the same disk.
    pub fn reopen(&self) {
        let mut faults = self.faults.borrow_mut();
        (faults.is_down, faults.crash) = (false, None);
    }

    /// No more faults, also none that was switched on and has not happened yet.
    pub fn heal(&self) {
        let mut faults = self.faults.borrow_mut();
        *faults = Faults {
            operations: faults.operations,
            deletions: std::mem::take(&mut faults.deletions),
            ..Faults::default()
        };
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.faults.borrow().operations
    }

    /// Records that left a store since the last call.
    pub fn take_deletions(&self) -> Vec<Deletion> {
        std::mem::take(&mut self.faults.borrow_mut().deletions)
    }
}

impl Faults {
    /// Runs one operation through the switches. `bytes`: what the stores would hold after it; 0 for one that does not grow them.
    pub(super) fn run<T>(&mut self, op: Op, bytes: usize, work: impl FnOnce() -> T) -> Result<T, StoreFault> {
        if self.is_down {
            return Err(StoreFault::Broken);
        }
        self.operations += 1;
        if let Some(crash) = &mut self.crash {
            if crash.after == 0 {
                self.is_down = true;
                if crash.is_written {
                    work();
                }
                return Err(StoreFault::Broken);
            }
            crash.after -= 1;
        }
        let grows = matches!(op, Op::Journal | Op::Commit | Op::Restore);
        if grows && self.quota_bytes.is_some_and(|quota| bytes > quota) {
            return Err(StoreFault::Full);
        }
        if let Some(at) = self.broken.iter().position(|b| b.op == op) {
            let broken = self.broken.remove(at);
            if broken.is_written {
                work();
            }
            return Err(broken.fault);
        }
        if let Some((permille, rng)) = &mut self.flaky
            && rng.chance(*permille)
        {
            if rng.chance(400) {
                work();
            }
            return Err(StoreFault::Broken);
        }
        Ok(work())
    }

    /// The part of a journal file that reaches the disk, if this write is to be torn.
    pub(super) fn tear(&mut self, text: &str) -> Option<String> {
        if self.is_down {
            return None;
        }
        let at = self.tear_at.take()?;
        Some(text.chars().take(at.min(text.len().saturating_sub(1))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{entry, head_of, stored};
    use crate::conformance::{run_recovery, save};
    use crate::ready::ready;
    use crate::store::DeviceStore as _;
    use holdfast_core::outbox::SaveOutcome;
    use holdfast_wire::stored::ChainHead;

    fn save_one(store: &MemoryStore) -> SaveOutcome {
        ready(save(store, &stored(1), &ChainHead { v: 1, ..ChainHead::default() }, 1))
    }

    #[test]
    fn a_full_store_says_not_stored_and_keeps_nothing() {
        let store = MemoryStore::default();
        store.set_quota_bytes(Some(100));
        assert_eq!(save_one(&store), SaveOutcome::NotStored(StoreFault::Full));
        // Room for the journal's copy only.
        store.set_quota_bytes(Some(stored(1).to_json().len() + 100));
        assert_eq!(save_one(&store), SaveOutcome::NotStored(StoreFault::Full));
        assert_eq!((store.ciphertexts(), store.bytes()), (0, 0));
        store.set_quota_bytes(None);
        assert_eq!(save_one(&store), SaveOutcome::Stored);
    }

    #[test]
    fn a_torn_journal_file_is_named_and_removed() {
        let store = MemoryStore::default();
        store.tear_next_journal_at(300);
        store.break_next(Broken { op: Op::Unjournal, fault: StoreFault::Broken, is_written: false });
        assert_eq!(save_one(&store), SaveOutcome::Unsure(StoreFault::Broken));
        assert_eq!(ready(store.journal_content()).map(|c| (c.whole.len(), c.torn.len())), Ok((0, 1)));
        assert_eq!(ready(run_recovery(&store)), Ok(1));
        assert_eq!(store.ciphertexts(), 0);
    }

    #[test]
    fn a_crash_at_any_operation_loses_nothing_that_was_stored() {
        let payment = stored(1);
        for after in 0..6 {
            for is_written in [false, true] {
                let store = MemoryStore::default();
                store.crash_after(Crash { after, is_written });
                let outcome = save_one(&store);
                assert_eq!(store.is_down(), after < 3);
                store.reopen();
                ready(run_recovery(&store)).expect("a recovery");
                if outcome == SaveOutcome::Stored {
                    assert_eq!(ready(store.list()), Ok(vec![entry(&payment)]));
                }
                assert_eq!(ready(run_recovery(&store)), Ok(0));
            }
        }
    }

    #[test]
    fn either_copy_may_be_wiped() {
        for wipe in [MemoryStore::wipe_database, MemoryStore::wipe_journal] {
            let store = MemoryStore::default();
            assert_eq!(save_one(&store), SaveOutcome::Stored);
            wipe(&store);
            ready(run_recovery(&store)).expect("a recovery");
            assert_eq!(ready(store.list()), Ok(vec![entry(&stored(1))]));
            assert_eq!(ready(store.head()), Ok(Some(head_of(&stored(1), 1))));
            assert_eq!(store.ciphertexts(), 2);
        }
    }

    #[test]
    fn deletions_are_told() {
        let store = MemoryStore::default();
        assert_eq!(save_one(&store), SaveOutcome::Stored);
        let stone = crate::build::tombstone(&stored(1), &holdfast_core::outbox::AckStatus::Stored, "e", 1);
        ready(store.settle(&[(entry(&stored(1)), stone)])).expect("settled");
        assert_eq!(store.take_deletions().iter().map(|d| d.op).collect::<Vec<_>>(), [Op::Settle]);
        assert_eq!(store.take_deletions(), []);
    }
}
