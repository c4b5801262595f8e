//! What the facade takes and gives.

use crate::trust::TrustError;
use holdfast_core::card::CardSummary;
use holdfast_core::id::PaymentId;
use holdfast_core::money::Amount;
use holdfast_core::outbox::StoreFault;
use holdfast_core::policy::{CardTag, Override, PolicyRefusal};
use holdfast_wire::history::PaymentView;
use holdfast_wire::keyset::CardKey;
use holdfast_wire::record::{CardWire, SaleWire};
use holdfast_wire::stored::Tombstone;
use serde::{Deserialize, Serialize};

/// Why something on this device, or between it and the server, did not work. The text is for the seller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("this tablet is not enrolled yet: enter a code from the shop's owner")]
    NotEnrolled,
    #[error("this tablet is enrolled already")]
    AlreadyEnrolled,
    #[error("this app was built without the shop's root keys: install it again from the shop's address")]
    Roots,
    #[error("the server cannot be reached: check the connection and try again")]
    Unreachable,
    #[error("something else than Holdfast answered: log in to this network first, then try again")]
    NotHoldfast,
    /// The server said no: the problem's name (docs/protocol.md section 9) and what to do.
    #[error("{detail}")]
    Problem { name: String, status: u16, detail: String },
    /// A signature or a key set that this till does not accept.
    #[error("the server's answer cannot be trusted: {0}")]
    Untrusted(String),
    #[error("this browser cannot sign: update it, or use another one")]
    Crypto,
}

impl From<TrustError> for DeviceError {
    fn from(error: TrustError) -> Self {
        match error {
            TrustError::Unreachable => Self::Unreachable,
            TrustError::NotHoldfast => Self::NotHoldfast,
            TrustError::Store(fault) => Self::Store(fault),
            TrustError::Jws(e) => Self::Untrusted(e.to_string()),
            TrustError::Refused(e) => Self::Untrusted(e.to_string()),
            TrustError::Policy(e) => Self::Untrusted(e.to_string()),
        }
    }
}

/// Somebody of a demo's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoSeller {
    pub name: String,
    pub pin: String,
}

/// A payment to be taken. Nothing of it is secret; the card is sealed by the closure that is handed in beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakePayment {
    /// Made before the first attempt, and the same for every further one.
    pub id: PaymentId,
    pub amount: Amount,
    /// With the number of [`super::Device::next_sale_number`].
    pub sale: SaleWire,
    pub card: CardSummary,
    /// Whether the till is offline.
    pub offline: bool,
    /// Whether nobody answers for the payment now: the till is offline, or the acquirer is away and the server stands in. Then the shop's caps
    /// hold.
    pub unanswered: bool,
    /// The card as the business day recognises it, made with [`super::Device::business_day`]: the card number itself stays with who has it.
    pub tag: Option<DayTag>,
    /// A manager's word for this sale.
    pub approval: Option<Override>,
}

/// A card's tag, and the business day under whose salt it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayTag {
    pub day: i64,
    pub tag: CardTag,
}

/// What an envelope is to be bound to (docs/protocol.md section 5), and the key to seal it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealFor {
    pub card_key: CardKey,
    pub mid: String,
    pub did: String,
    pub pid: String,
    pub seq: u64,
    pub amt: i64,
    pub cur: String,
    pub ksv: u64,
}

/// How taking a payment ended. `E` is the sealing closure's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeOutcome<E> {
    /// Durable twice and read back.
    Stored(WaitingPayment),
    /// This id was taken before and the server has it.
    AlreadySent,
    /// Nothing is kept: the sale stays open.
    NotStored(StoreFault),
    /// It could neither be stored properly nor be taken back. The sale stays open **under the same id**; the next attempt goes on from
    /// what is there.
    Unsure(StoreFault),
    Refused(TakeRefusal),
    NotSealed(E),
}

/// Why a payment is not taken at all, in words for the seller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeRefusal {
    #[error("this tablet is not enrolled yet: enter a code from the shop's owner")]
    NotEnrolled,
    /// [`super::Standing::Revoked`]: the server would keep the payment for the owner and charge nobody.
    #[error("this tablet was signed off by the shop's owner: what it holds still goes up, and it takes nothing new")]
    Revoked,
    #[error("this tablet does not have the shop's data yet: connect it once")]
    NoShop,
    #[error("this tablet has no card key for today: connect it once, or take cash")]
    NoCardKey,
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    #[error("the sale is too large for one payment: split it")]
    TooLarge,
    #[error("this tablet cannot sign: take cash, and restart the tablet")]
    CannotSign,
    /// The payment of this id was voided on this device: the next card is another payment.
    #[error("this payment was voided: take the card again")]
    Voided,
}

/// A payment that waits on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPayment {
    pub id: PaymentId,
    pub seq: u64,
    pub offline: bool,
    /// The tablet's clock when it was taken.
    pub created_ms: i64,
    /// When the offline window ends.
    pub expires_ms: i64,
    pub card: CardWire,
    pub sale: SaleWire,
    /// When it was voided here: then nothing of it is sealed any more, and only its void goes up.
    pub voided_ms: Option<i64>,
}

/// What a live sale came to.
#[expect(clippy::large_enum_variant, reason = "one at a time, and gone with the screen that shows it")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnlineOutcome {
    /// Captured, declined, expired or quarantined.
    Settled(PaymentView),
    /// No final answer in time. It is stored under the same id, here or already at the server, and goes on by itself.
    StillStored,
}

/// Where this device knows a payment to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentPlace {
    Unknown,
    Waiting(WaitingPayment),
    /// Acknowledged by the server; its ciphertext is gone from this device.
    Sent(Tombstone),
}

/// A line of the history: every payment once, by what is known best of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryItem {
    /// From the server, with its state.
    Known(PaymentView),
    /// Acknowledged; the server's view has not arrived yet.
    Sent(Tombstone),
    Waiting(WaitingPayment),
}

impl HistoryItem {
    pub fn id(&self) -> String {
        match self {
            Self::Known(view) => view.id.clone(),
            Self::Sent(stone) => stone.id.clone(),
            Self::Waiting(waiting) => waiting.id.to_string(),
        }
    }

    /// When it was taken.
    pub fn taken_ms(&self) -> i64 {
        match self {
            Self::Known(view) => view.taken_ms,
            Self::Sent(stone) => stone.created_ms,
            Self::Waiting(waiting) => waiting.created_ms,
        }
    }
}

/// What the browser says of this origin's storage. `usage` and `quota` in bytes; the quota is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Persistence {
    /// Whether the browser promises not to evict it. `None`: it cannot be asked.
    pub persisted: Option<bool>,
    pub usage_bytes: u64,
    pub quota_bytes: u64,
}
