//! A device's two stores, in the words of the core's machines: one method for each of `SaveRequest`, `UploadRequest` and
//! `RecoverOp`.
//!
//! The browser's adapter over IndexedDB and its journal implements it in `tests/browser`, [`crate::memory::MemoryStore`]
//! here; [`crate::conformance`] holds both to the same behaviour.

#![expect(async_fn_in_trait, reason = "used generically only; a browser's futures are not Send")]

use holdfast_core::id::RecordHash;
use holdfast_core::outbox::{Entry, StoreFault};
use holdfast_wire::stored::{ChainHead, StoredPayment, Tombstone};

/// What a read of the journal gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalContent {
    /// Files that are whole, by sequence.
    pub whole: Vec<StoredPayment>,
    /// Names of files that are torn.
    pub torn: Vec<String>,
    /// The journal's own copy of the chain's head: that of the last `journal`, and it outlives its record.
    pub head: Option<ChainHead>,
}

/// The database (one transaction of strict durability per method) and the journal (flushed when a method returns).
pub trait DeviceStore {
    // How a payment gets in.

    /// Writes the record's journal file, then the journal's head, and flushes both. Again with the same record: no change.
    async fn journal(&self, payment: &StoredPayment, head: &ChainHead) -> Result<(), StoreFault>;
    /// Puts row and chain head in one transaction and waits for its completion.
    async fn commit(&self, payment: &StoredPayment, head: &ChainHead) -> Result<(), StoreFault>;
    /// Reads the payment from the database in a new transaction and hashes the record that it finds. A payment that was acknowledged
    /// in between is found by its tombstone, whose hash is given. `None`: neither is there.
    async fn read_back(&self, id: &str) -> Result<Option<RecordHash>, StoreFault>;
    /// Undoes a commit that failed: removes a row of this id that cannot be read, and puts `head_before` if the head is this payment's.
    /// One transaction. If the payment's row is there and whole, or its tombstone is, nothing is changed and it fails with `Mismatch`: an
    /// uploader may have sent it already, so nobody may be told that it is not stored.
    async fn uncommit(&self, payment: &StoredPayment, head_before: &ChainHead) -> Result<(), StoreFault>;
    /// Removes the journal file of that name, torn or whole. Nothing there: done.
    async fn unjournal(&self, name: &str) -> Result<(), StoreFault>;

    // How it gets out.

    /// What waits, by sequence. A row that cannot be read is left out, and stays.
    async fn list(&self) -> Result<Vec<Entry>, StoreFault>;
    /// The row of a payment.
    async fn payment(&self, id: &str) -> Result<Option<StoredPayment>, StoreFault>;
    /// In one transaction, all or nothing: removes each row if its hash is this one, and writes each tombstone whether or not the row was
    /// there.
    async fn settle(&self, settled: &[(Entry, Tombstone)]) -> Result<(), StoreFault>;

    // What a start reads.

    async fn head(&self) -> Result<Option<ChainHead>, StoreFault>;
    /// Puts the head, unless the one that is there has a higher sequence.
    async fn raise_head(&self, head: &ChainHead) -> Result<(), StoreFault>;
    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreFault>;
    async fn journal_content(&self) -> Result<JournalContent, StoreFault>;
    /// Writes the journal's own copy of the head.
    async fn copy_head(&self, head: &ChainHead) -> Result<(), StoreFault>;
    /// Puts a row that the journal still has. A payment with a tombstone of this hash is not put back.
    async fn restore(&self, payment: &StoredPayment) -> Result<(), StoreFault>;
    /// Removes tombstones made before `at_ms`.
    async fn sweep_tombstones(&self, at_ms: i64) -> Result<(), StoreFault>;
}
