//! What the server keeps, as ingest and the jobs see it.
//!
//! [`Ledger`] is the seam: [`Books`] on a database in the server, memory in the deterministic simulation, one conformance suite for all.
//! Every method is one transaction, durable when it returns.

pub mod books;
pub mod care;
#[cfg(test)]
pub(crate) mod conformance;
pub mod db;
pub mod memory;
pub mod outbox;
pub mod together;

pub use books::{
    AckKeyRow, Anew, BEAT_MS, Books, CardKeyRow, Enrolled, Enrolment, Heartbeat, KeySetRow, KeyWrite, NewStaff,
    SignerRequestRow, SignerRow, StaffAdded, StaffChange, StaffMember, TillSettings,
};
pub use db::{Database, OpenError, Place, PostgresUrl};

use holdfast_core::id::{DeviceId, MerchantId, PaymentId, RecordHash};
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::Instruction;
use holdfast_core::time::UnixMs;
use holdfast_crypto::es256::VerifyingKey;
use holdfast_wire::record::ApprovalWire;
use std::collections::{HashMap, HashSet};
use std::future::Future;

/// Why the store did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another writer changed the payment in between: read it again and decide anew.
    #[error("the payment was changed by another writer: read it again")]
    Conflict,
    #[error("the database refused: {0}; check the data directory's free space and permissions")]
    Database(String),
    /// The store is shut down, or was crashed by a test.
    #[error("the database is closed")]
    Closed,
}

/// How far a live sale is put ahead of what waits. Less than what a doctor calls overdue; a batch that waits longer waits for an acquirer.
const LIVE_AHEAD_MS: i64 = 30 * 60_000;

/// An enrolled device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub merchant_id: MerchantId,
    pub number: u32,
    pub name: String,
    pub key: VerifyingKey,
    pub revoked_ms: Option<UnixMs>,
}

/// A payment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub merchant_id: MerchantId,
    pub device_id: DeviceId,
    pub seq: u64,
    /// The hash that the record names as its predecessor's; empty for a device's first.
    pub prev: String,
    pub record_hash: RecordHash,
    /// The signed record with its ciphertext, until the authorisation result is known.
    pub record: Option<String>,
    /// The card key that the unopened envelope needs.
    pub card_key_kid: Option<String>,
    pub sale: Sale,
    pub card: CardSummary,
    pub offline: bool,
    /// When it was taken, as the server judges it.
    pub taken_ms: UnixMs,
    pub received_ms: UnixMs,
    pub state: PaymentState,
    pub changed_ms: UnixMs,
    /// Position in the feed of changes; grows with every change of any of the merchant's payments.
    pub change: i64,
    pub again: Again,
}

/// How a payment stands to others of the same sale, which its customer made on the live receipt after one was not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Again {
    /// The payment that this one was made in place of.
    pub replaces: Option<PaymentId>,
    /// The one that was made in place of this one.
    pub replaced_by: Option<PaymentId>,
    /// The shop says that it was settled in another way.
    pub is_settled: bool,
}

impl Payment {
    /// When its first job is due. A customer stands at the counter of a live sale: it goes before any batch that is being worked off.
    pub fn first_due_ms(&self, now_ms: UnixMs) -> UnixMs {
        if self.offline { now_ms } else { now_ms - LIVE_AHEAD_MS }
    }
}

/// What was sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    pub number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub tax_minor: i64,
    /// The tip in the amount.
    pub tip_minor: i64,
    /// The id of who sold; empty when nobody had signed in.
    pub staff: String,
    /// The record's lines, as JSON.
    pub lines: String,
}

/// What may be kept and shown of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSummary {
    pub brand: String,
    pub last4: String,
    pub entry: String,
    /// Keyed hash of the card number, to recognise a card; set when the envelope was opened.
    pub pan_hmac: Option<String>,
}

/// A string of a batch that could not be taken as a payment, kept for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    pub record_hash: RecordHash,
    pub payment_id: Option<PaymentId>,
    pub reason: String,
    pub raw: Vec<u8>,
    /// Set when the envelope could still be opened, and so keeps its key.
    pub card_key_kid: Option<String>,
}

/// What a decision about a batch reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestQuery {
    pub device_id: DeviceId,
    pub ids: Vec<PaymentId>,
    pub seqs: Vec<u64>,
    pub hashes: Vec<RecordHash>,
}

/// What was known when a batch arrived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngestSnapshot {
    /// Payments of any device by id.
    pub by_id: HashMap<PaymentId, RecordHash>,
    /// Sequence numbers of this device that are taken, by payments or by voids.
    pub seqs: HashSet<u64>,
    /// This device's quarantined strings by hash, with their reason.
    pub quarantined: HashMap<RecordHash, String>,
    /// How many strings this device has in quarantine.
    pub quarantine_count: u64,
    /// Highest sequence number of this device and its record.
    pub head: Option<(u64, RecordHash)>,
    /// Of payments that were voided before they were uploaded: the record that never came.
    pub voided: HashMap<PaymentId, RecordHash>,
}

/// What a decision about a batch writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestOp {
    /// A new payment in state received, with a job that is due at once.
    Store(Box<Payment>),
    /// A payment that was voided before it was uploaded, and where its void stands. Nothing is left to be done about it.
    StoreVoid(Box<Payment>, VoidPlace),
    /// The manager's word with which a payment came that is stored in the same list.
    Approve(PaymentId, ApprovalWire),
    Quarantine(Quarantined),
}

impl IngestOp {
    /// The name of the state that a payment begins with.
    fn state_name(&self) -> Option<&'static str> {
        match self {
            Self::Store(payment) | Self::StoreVoid(payment, _) => Some(payment.state.name()),
            Self::Approve(..) | Self::Quarantine(_) => None,
        }
    }
}

/// Where the void of a payment that never came stands in its device's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoidPlace {
    pub seq: u64,
    /// The hash that the void names as its predecessor's.
    pub prev: String,
    /// Of the record whose place it has taken.
    pub voided: RecordHash,
}

/// A payment that a device was told is stored, as its tombstone says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckedPayment {
    pub id: PaymentId,
    pub record_hash: RecordHash,
    pub seq: u64,
    /// What it was acknowledged as, when, and in which epoch.
    pub status: String,
    pub acked_ms: UnixMs,
    pub epoch: String,
    pub number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub brand: String,
    pub last4: String,
    pub created_ms: UnixMs,
}

/// A payment with what its job needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub payment: Payment,
    /// Oldest first.
    pub instructions: Vec<Instruction>,
    /// The offline window of its merchant.
    pub window_ms: i64,
}

/// A question to the acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptKind {
    Authorisation,
    Capture,
    Reversal,
    Refund,
}

impl AttemptKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorisation => "authorisation",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
        }
    }
}

/// One thing to write about a payment. A list of them is one transaction, has at most one state, and is written in an order of its own:
/// answers before questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentOp {
    State(PaymentState),
    /// The acquirer is about to be asked.
    Ask {
        kind: AttemptKind,
    },
    /// It answered, or is known never to have heard.
    Answer {
        kind: AttemptKind,
        outcome: String,
    },
    PanHmac(String),
    /// The record with its ciphertext goes; its hash stays.
    Scrub,
    /// The record moves to quarantine under this reason.
    Quarantine {
        reason: String,
    },
    /// The job comes again.
    Again {
        due_ms: UnixMs,
        failures: u32,
    },
    /// An instruction as it stands now: a new one, or one that is there under its id.
    Instruction(Instruction),
    /// Nothing more to do, unless an instruction came in meanwhile: then the job is due at once.
    Done,
}

impl PaymentOp {
    /// The name of the state that this brings the payment to.
    fn state_name(&self) -> Option<&'static str> {
        match self {
            Self::State(state) => Some(state.name()),
            _ => None,
        }
    }
}

/// One line of what happened to payments: one was stored, or came to another state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    pub merchant_id: MerchantId,
    /// Position in the merchant's feed of changes.
    pub change: i64,
    pub payment_id: PaymentId,
    /// The state's name, as on the wire.
    pub state: String,
    /// The code of a decline, or the name of the reason for quarantine.
    pub reason: Option<String>,
    pub amount_minor: i64,
    pub currency: String,
    pub at_ms: UnixMs,
}

/// A job that was taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    pub payment_id: PaymentId,
    /// Attempts in a row that got no answer.
    pub failures: u32,
}

/// The server's books.
pub trait Ledger: Send + Sync {
    /// Changes when the books were made anew, restored from a copy, or when a standby became the one that is written to: whenever something
    /// that was acknowledged before may be missing. Read it before a write that is acknowledged with it, so that what was written just before such
    /// a change never bears the new one.
    fn epoch(&self) -> String;

    /// Payments taken until then may be known to the acquirer, though the books know nothing of it: they came from a copy then. 0: never.
    fn restored_ms(&self) -> UnixMs;

    /// Which of these the books hold, as a payment or in quarantine. The others are written down for the owner, once; `None` for one for which
    /// there is no room. In one transaction.
    fn offered(
        &self,
        now_ms: UnixMs,
        device: &Device,
        acked: Vec<AckedPayment>,
    ) -> impl Future<Output = Result<Vec<Option<bool>>, StoreError>> + Send;

    fn device(&self, id: DeviceId) -> impl Future<Output = Result<Option<Device>, StoreError>> + Send;

    /// Reads the snapshot, lets `decide` choose, and writes what it chose, all in one transaction.
    fn ingest<T, D>(
        &self,
        now_ms: UnixMs,
        query: IngestQuery,
        decide: D,
    ) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        D: FnOnce(&IngestSnapshot) -> (Vec<IngestOp>, T) + Send + 'static;

    /// Takes on up to `limit` jobs that are due, oldest first, and leases them.
    fn claim_due(
        &self,
        now_ms: UnixMs,
        lease_until_ms: UnixMs,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;

    /// Makes the jobs due at once that were put off because an acquirer did not answer. A store whose jobs are driven by hand need not.
    fn hurry(&self, _now_ms: UnixMs) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// When the next job is due, leased ones included.
    fn next_due_ms(&self) -> impl Future<Output = Result<Option<UnixMs>, StoreError>> + Send;

    /// Gives back what a process that is no more had taken on. Called at the start, when no other process can hold anything.
    fn release_leases(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn payment(&self, id: PaymentId) -> impl Future<Output = Result<Option<Payment>, StoreError>> + Send;

    /// What a job begins with.
    fn case(&self, id: PaymentId) -> impl Future<Output = Result<Option<Case>, StoreError>> + Send;

    /// Writes `ops` about a payment, if its `change` is still the one given. Gives its `change` back as it is then.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not.
    fn apply(
        &self,
        now_ms: UnixMs,
        id: PaymentId,
        change: i64,
        ops: Vec<PaymentOp>,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Every instruction about a payment, oldest first.
    fn instructions(&self, id: PaymentId) -> impl Future<Output = Result<Vec<Instruction>, StoreError>> + Send;

    /// Reads a payment with its instructions, lets `decide` choose, and keeps what it chose with a job that is due at once, all in
    /// one transaction that no other change of the payment comes between.
    fn instruct<T, D>(
        &self,
        now_ms: UnixMs,
        id: PaymentId,
        decide: D,
    ) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        D: FnOnce(Option<&Payment>, &[Instruction]) -> (Option<Instruction>, T) + Send + 'static;

    /// Payments of a merchant that changed after `cursor`, oldest change first.
    fn changed_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Payment>, StoreError>> + Send;

    /// What happened to a merchant's payments after `cursor`, in order. Lines are never changed and never go.
    fn events_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<PaymentEvent>, StoreError>> + Send;

    /// The offline window of a merchant for what arrives at `at_ms`. One that was shortened holds on for as long as a till may have been offline
    /// and not know of it.
    fn window_ms(&self, at_ms: UnixMs, merchant_id: MerchantId)
    -> impl Future<Output = Result<i64, StoreError>> + Send;
}
