//! The facade for the page: one handle, cheap to clone, for everything that the till does with this device and the server.

mod types;

pub use types::{
    DeviceError, HistoryItem, OnlineOutcome, PaymentPlace, Persistence, SealFor, TakeOutcome, TakePayment, TakeRefusal,
    WaitingPayment,
};

use holdfast_core::connectivity::ProbeResult;
use holdfast_core::id::PaymentId;
use holdfast_core::outbox::{StoreFault, UploadOutcome};
use holdfast_core::time::Reading;
use holdfast_wire::enrolment::Enrolment;
use holdfast_wire::keyset::CardKey;
use holdfast_wire::shop::Shop;
use std::rc::Rc;

/// The handle.
#[derive(Clone)]
pub struct Device {
    _inner: Rc<()>,
}

const SOON: DeviceError = DeviceError::Store(StoreFault::Broken);

/// Ends its subscription when dropped.
pub struct Subscription(());

impl Device {
    /// Opens the stores and puts right what a crash or a wipe left behind.
    pub async fn open(_roots_json: &str) -> Result<Self, DeviceError> {
        Err(SOON)
    }

    /// The enrolment, if this tablet has one.
    pub fn enrolled(&self) -> Option<Enrolment> {
        None
    }

    /// Makes the device's key and enrols it with a one-time code. Then fetches key set and shop.
    pub async fn enrol(&self, _code: &str, _device_name: &str) -> Result<Enrolment, DeviceError> {
        Err(SOON)
    }

    /// A fresh enrolment code, in demo mode only.
    pub async fn demo_code(&self) -> Result<String, DeviceError> {
        Err(SOON)
    }

    /// The shop as it was last seen.
    pub fn shop(&self) -> Option<Shop> {
        None
    }

    /// Asks for the shop, and keeps it. `true` when it changed.
    pub async fn refresh_shop(&self) -> Result<bool, DeviceError> {
        Err(SOON)
    }

    /// Asks for the key set, verifies and keeps it. `true` when it changed.
    pub async fn refresh_keys(&self) -> Result<bool, DeviceError> {
        Err(SOON)
    }

    /// The key to seal with now and its key set's version, to prepare content keys ahead.
    pub fn card_key(&self) -> Option<(CardKey, u64)> {
        None
    }

    /// The clocks. `reading().trusted_ms()` is the time to judge expiry dates by.
    pub fn reading(&self) -> Reading {
        Reading::default()
    }

    /// A fresh payment id.
    pub fn make_payment_id(&self) -> PaymentId {
        PaymentId::make(0, [0; 10])
    }

    /// The next sale's number (`<device>-<counter>`), durably counted and never given twice.
    pub async fn next_sale_number(&self) -> Result<String, DeviceError> {
        Err(SOON)
    }

    /// Seals and stores a payment. `seal` is called at most once, and not at all when the payment of this id is stored already.
    pub async fn take_payment<E>(
        &self,
        _take: TakePayment,
        _seal: impl FnOnce(&SealFor) -> Result<String, E>,
    ) -> TakeOutcome<E> {
        TakeOutcome::NotStored(StoreFault::Broken)
    }

    /// Sends a stored payment and waits for its result, `timeout_ms` at most ([`holdfast_core::limits::ONLINE_ANSWER_MS_MAX`]).
    pub async fn settle_online(&self, _id: PaymentId, _timeout_ms: i64) -> OnlineOutcome {
        OnlineOutcome::StillStored
    }

    /// What waits on this device, oldest first.
    pub async fn waiting(&self) -> Result<Vec<WaitingPayment>, DeviceError> {
        Err(SOON)
    }

    /// Where a payment is: resolves an open sale after a crash.
    pub async fn find_payment(&self, _id: PaymentId) -> Result<PaymentPlace, DeviceError> {
        Err(SOON)
    }

    /// Every payment that this till knows of, newest first.
    pub async fn history(&self) -> Result<Vec<HistoryItem>, DeviceError> {
        Err(SOON)
    }

    /// Fetches what changed in the history. Gives the number of changed payments.
    pub async fn sync_history(&self) -> Result<usize, DeviceError> {
        Err(SOON)
    }

    /// Sends everything that waits. `None`: somebody else (the service worker, another page) is at it.
    pub async fn send_now(&self) -> Option<UploadOutcome> {
        None
    }

    /// Tells the server this device's chain head and what waits.
    pub async fn heartbeat(&self) -> Result<(), DeviceError> {
        Err(SOON)
    }

    /// Asks the browser to upload in the background when the network is back. `false`: this browser cannot.
    pub async fn register_sync(&self) -> bool {
        false
    }

    /// Asks for the signed time with a nonce.
    pub async fn probe(&self) -> ProbeResult {
        ProbeResult::Nothing
    }

    /// Asks the browser to keep this origin's storage, and what it says of it.
    pub async fn persistence(&self) -> Persistence {
        Persistence::default()
    }

    /// Keeps the open sale, as text in whatever versioned shape the page gives it; `None` forgets it.
    pub async fn save_draft(&self, _draft: Option<&str>) -> Result<(), DeviceError> {
        Err(SOON)
    }

    pub async fn load_draft(&self) -> Result<Option<String>, DeviceError> {
        Err(SOON)
    }

    /// Small settings of the page, by name.
    pub async fn save_setting(&self, _name: &str, _value: &str) -> Result<(), DeviceError> {
        Err(SOON)
    }

    pub async fn load_setting(&self, _name: &str) -> Result<Option<String>, DeviceError> {
        Err(SOON)
    }

    /// Calls back whenever the queue changed: by this page, another page or the service worker. Ends when the handle is dropped.
    pub fn on_queue_changed(&self, _callback: impl Fn() + 'static) -> Subscription {
        Subscription(())
    }
}
