//! The facade for the page: one handle, cheap to clone, for everything that the till does with this device and the server.

mod enrol;
mod instructions;
mod lists;
mod pins;
mod policy;
mod receipts;
mod take;
mod types;
mod upkeep;
mod void;

pub use instructions::{Instructed, InstructionAsk, Wanted};
pub use pins::PinAnswer;
pub use policy::Risk;
pub use receipts::ReceiptAsk;
pub use types::{
    DayTag, DemoSeller, DeviceError, HistoryItem, OnlineOutcome, PaymentPlace, Persistence, SealFor, TakeOutcome,
    TakePayment, TakeRefusal, WaitingPayment,
};
pub use void::StoredVoid;

pub use crate::events::Subscription;
pub use crate::standing::Standing;

use crate::events::{QUEUE_CHANGED, ROW_REPLACED, STANDING_CHANGED};
use crate::recovery::{self, Finding};
use crate::shared::{Names, OpenError, Shared};
use crate::shelf::Shelf;
use crate::{clock, rng};
use holdfast_core::id::PaymentId;
use holdfast_core::outbox::StoreFault;
use holdfast_core::time::Reading;
use holdfast_wire::enrolment::Enrolment;
use holdfast_wire::keyset::CardKey;
use holdfast_wire::policy::PolicyDocument;
use holdfast_wire::shop::Shop;
use holdfast_wire::stored::StoredTime;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The handle.
#[derive(Clone)]
pub struct Device {
    inner: Rc<Inner>,
}

struct Inner {
    shared: Shared,
    shelf: Shelf,
    shop: RefCell<Option<Shop>>,
    policy: RefCell<Option<PolicyDocument>>,
    /// Whether the browser promises to keep the stores, as far as it was asked.
    is_kept: Cell<bool>,
    findings: RefCell<Vec<Finding>>,
    /// The stores may hold something that the last save could not take back: look before the next one.
    look_again: Cell<bool>,
    /// Payments whose last attempt ended in doubt.
    doubts: RefCell<BTreeSet<PaymentId>>,
    /// Rows that were read, by payment id. A row does not change, so each is read and checked once; only a void takes one's place.
    rows: RefCell<BTreeMap<String, WaitingPayment>>,
    replaced: RefCell<Option<Subscription>>,
}

impl Device {
    /// Opens the stores and puts right what a crash or a wipe left behind. `roots_json`: [`crate::ROOTS_JSON`].
    pub async fn open(roots_json: &str) -> Result<Self, DeviceError> {
        Self::open_as(roots_json, &Names::for_page()).await
    }

    /// The same with other names of the stores.
    pub async fn open_as(roots_json: &str, names: &Names) -> Result<Self, DeviceError> {
        let shared = Shared::open(roots_json, names).await.map_err(|e| match e {
            OpenError::Store(fault) => DeviceError::Store(fault),
            OpenError::Roots(_) => DeviceError::Roots,
        })?;
        let shelf = Shelf::open(&names.shelf).await?;
        let shop = shelf.shop().await?.and_then(|(json, _)| Shop::from_json(json.as_bytes()).ok());
        let policy = shared.money.policy().await?;
        if let Some(kept) = shelf.setting(policy::TIME).await?.and_then(|text| StoredTime::from_json(&text).ok()) {
            shared.clock.go_on_from(kept.to_core());
        }
        let inner = Inner {
            shared,
            shelf,
            shop: RefCell::new(shop),
            policy: RefCell::new(policy),
            is_kept: Cell::new(false),
            findings: RefCell::default(),
            look_again: Cell::new(true),
            doubts: RefCell::default(),
            rows: RefCell::default(),
            replaced: RefCell::default(),
        };
        let device = Self { inner: Rc::new(inner) };
        device.forget_replaced_rows();
        // If it does not work now, the first save looks again before it writes.
        let _ = device.recover().await;
        device.look_if_kept().await;
        let ahead = device.clone();
        wasm_bindgen_futures::spawn_local(async move { ahead.shared().journal.prepare().await });
        Ok(device)
    }

    /// What the recovery found since the page was opened.
    pub fn findings(&self) -> Vec<Finding> {
        self.inner.findings.borrow().clone()
    }

    /// The enrolment, if this tablet has one.
    pub fn enrolled(&self) -> Option<Enrolment> {
        self.shared().identity().map(|i| i.enrolment.clone())
    }

    /// The shop as it was last seen.
    pub fn shop(&self) -> Option<Shop> {
        self.inner.shop.borrow().clone()
    }

    /// The key to seal with now and its key set's version, to prepare content keys ahead.
    pub fn card_key(&self) -> Option<(CardKey, u64)> {
        let set = self.shared().trust.set()?;
        let key = set.card_key_at(self.reading().trusted_ms())?.clone();
        Some((key, set.version))
    }

    /// The clocks. `reading().trusted_ms()` is the time to judge expiry dates by.
    pub fn reading(&self) -> Reading {
        self.shared().clock.reading()
    }

    /// A fresh payment id.
    pub fn make_payment_id(&self) -> PaymentId {
        // A browser without randomness has no device key either, so nothing is ever sealed under an id of zeros.
        PaymentId::make(clock::wall_ms(), rng::bytes().unwrap_or_default())
    }

    /// The next sale's number (`<device>-<counter>`), durably counted and never given twice.
    pub async fn next_sale_number(&self) -> Result<String, DeviceError> {
        let enrolment = self.enrolled().ok_or(DeviceError::NotEnrolled)?;
        let number = self.shared().money.next_sale_number().await?;
        Ok(format!("{}-{number:04}", enrolment.device_number))
    }

    /// Calls back whenever the queue changed: by this page, another page or the service worker. Ends when the handle is dropped.
    pub fn on_queue_changed(&self, callback: impl Fn() + 'static) -> Subscription {
        Subscription::new(QUEUE_CHANGED, callback)
    }

    /// What the server last said of this device; kept over restarts, and known without a network.
    pub fn standing(&self) -> Standing {
        self.shared().standing()
    }

    /// Calls back whenever [`Self::standing`] changed, whoever heard of it: this page, another one or the service worker. Ends when the
    /// handle is dropped.
    pub fn on_standing_changed(&self, callback: impl Fn() + 'static) -> Subscription {
        let (device, callback) = (Rc::downgrade(&self.inner), Rc::new(callback));
        Subscription::new(STANDING_CHANGED, move || {
            let Some(inner) = device.upgrade() else { return };
            let callback = Rc::clone(&callback);
            wasm_bindgen_futures::spawn_local(async move {
                // Somebody else may have heard it. If it cannot be read, what this page heard itself still holds.
                let _ = inner.shared.identify().await;
                callback();
            });
        })
    }

    /// Compares the two copies of the queue and puts right what one of them lost.
    pub async fn recover(&self) -> Result<(), StoreFault> {
        let findings = recovery::run(self.shared()).await?;
        self.took_findings(findings);
        Ok(())
    }

    /// Another page may have put a void in a payment's place.
    fn forget_replaced_rows(&self) {
        let device = Rc::downgrade(&self.inner);
        let subscription = Subscription::new(ROW_REPLACED, move || {
            if let Some(inner) = device.upgrade() {
                inner.rows.borrow_mut().clear();
            }
        });
        *self.inner.replaced.borrow_mut() = Some(subscription);
    }

    fn took_findings(&self, findings: Vec<Finding>) {
        self.inner.look_again.set(false);
        self.inner.findings.borrow_mut().extend(findings);
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// After a save: copies the chain's head into the journal, and has a file prepared for the next payment. Nobody waits for either.
    fn tidy_up(&self) {
        let device = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            // What is lost here is found again from the records.
            let _ = recovery::copy_head(device.shared()).await;
            device.shared().journal.prepare().await;
        });
    }
}
