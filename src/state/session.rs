//! From an opened page to a till that sells: the device's stores, the enrolment, the shop, and the sale that was open.

use super::outcome::{Outcome, Said};
use super::payment::PaymentStage;
use super::till::{ShopView, Till};
use super::view_model::{Overlay, Stage};
use super::{connection, convert, draft, payments, queue, staff};
use crate::browser::page;
use crate::env;
use holdfast_core::cart::Cart;
use holdfast_core::money::{Amount, Keypad};
use holdfast_web::background;
use holdfast_web::device::{Device, DeviceError, PaymentPlace, WaitingPayment};
use holdfast_wire::stored::Tombstone;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// What the settings show of this tablet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    pub shop: Option<String>,
    pub device_number: Option<u32>,
    pub device_id: Option<String>,
    /// Version of the key set, and until when today's card key may be used.
    pub keys: Option<(u64, i64)>,
    pub persisted: Option<bool>,
    /// What may wait on this tablet while the browser does not promise to keep it.
    pub unkept_max: Option<Amount>,
    /// A newer version of the till is here and takes over when asked.
    pub update_waits: bool,
}

/// Why enrolling did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolProblem {
    Refused,
    Unreachable,
    Failed,
}

/// Milliseconds between two questions whether this is a demo.
const DEMO_AGAIN_MS: u32 = 3_000;

/// Opens the device's stores and goes on from what they hold.
pub fn open(till: Till) {
    spawn_local(async {
        if !background::install_worker().await {
            leptos::logging::warn!("no service worker: the till does not start without a network");
        }
    });
    spawn_local(async move {
        let device = match Device::open(holdfast_web::ROOTS_JSON).await {
            Ok(device) => device,
            Err(error) => {
                till.blocked_by.set(error.to_string());
                return till.stage.set(Stage::Blocked);
            }
        };
        till.device.set_value(Some(device.clone()));
        queue::watch(till, &device);
        if device.enrolled().is_some() {
            begin(till, &device).await;
        } else {
            till.stage.set(Stage::NotEnrolled);
        }
        connection::run(till, device);
    });
}

/// The tablet is enrolled: shows the shop, the sale that was open, and what waits.
async fn begin(till: Till, device: &Device) {
    show_shop(till, device);
    queue::refresh(till).await;
    restore_sale(till, device).await;
    staff::lock_at_start(till, device).await;
    till.stage.set(Stage::Ready);
    env::prepare(device);
    // Asked once the tablet is worth keeping; the answer is shown in the settings.
    till.facts.set(facts(device).await);
}

pub fn show_shop(till: Till, device: &Device) {
    let Some(shop) = device.shop() else { return };
    let (Ok(currency), Ok(catalogue)) = (shop.currency(), shop.catalogue()) else { return };
    let view = ShopView {
        name: shop.merchant.name,
        footer: shop.merchant.receipt_footer,
        currency,
        keypad_tax_bp: shop.merchant.keypad_tax_bp,
        catalogue,
        team: shop.team.to_core(),
        tips: shop.tips.to_core(),
    };
    if till.cart.with_untracked(|c| c.is_empty() && c.currency() != currency) {
        till.cart.set(Cart::new(currency));
        till.pad.set(Keypad::new(currency));
    }
    if till.shop.with_untracked(|old| old.as_ref() != Some(&view)) {
        till.shop.set(Some(view));
        staff::team_changed(till);
    }
}

/// A payment that was on its way when the page died is looked up by its id: it may be stored, sent, or never have been.
async fn restore_sale(till: Till, device: &Device) {
    let Ok(Some(text)) = device.load_draft().await else { return };
    let Some((cart, tip, attempt)) = draft::read(&text) else { return };
    let place = match attempt.as_ref().and_then(draft::Attempt::payment_id) {
        Some(id) => device.find_payment(id).await.unwrap_or(PaymentPlace::Unknown),
        None => PaymentPlace::Unknown,
    };
    match place {
        PaymentPlace::Unknown => {
            till.attempt.set_value(attempt);
            till.cart.set(cart);
            till.tip.set(tip);
        }
        // It was voided since: the sale is still open, and the next card is another payment of it.
        PaymentPlace::Waiting(WaitingPayment { voided_ms: Some(_), .. })
        | PaymentPlace::Sent(Tombstone { voids: Some(_), .. }) => {
            till.attempt.set_value(attempt.map(|attempt| draft::Attempt { payment_id: None, ..attempt }));
            till.cart.set(cart);
        }
        PaymentPlace::Sent(_) => payments::forget_draft(till).await,
        PaymentPlace::Waiting(waiting) => {
            payments::forget_draft(till).await;
            let by_ms = waiting.expires_ms;
            let stage = PaymentStage::Stored { by_ms };
            let own = convert::own(&waiting.id.to_string(), &waiting.sale, &waiting.card, waiting.created_ms, stage);
            if let Some(payment) = own {
                let amount = payment.amount;
                let receipt = till.receipt_of(payment);
                till.overlay.set(Overlay::Result(Outcome { amount, said: Said::Stored { by_ms }, receipt }));
            }
        }
    }
}

async fn facts(device: &Device) -> Facts {
    let enrolment = device.enrolled();
    let currency = device.shop().and_then(|shop| shop.currency().ok());
    Facts {
        shop: device.shop().map(|s| s.merchant.name),
        device_number: enrolment.as_ref().map(|e| e.device_number),
        device_id: enrolment.map(|e| e.device_id),
        keys: device.card_key().map(|(key, version)| (version, key.use_until_ms)),
        persisted: device.persistence().await.persisted,
        unkept_max: device.policy().zip(currency).map(|(p, currency)| Amount::new(p.caps.unkept_minor_max, currency)),
        update_waits: background::update_waits().await,
    }
}

pub fn refresh_facts(till: Till) {
    let Some(device) = till.device() else { return };
    spawn_local(async move { till.facts.set(facts(&device).await) });
}

/// Lets the newer version take over. What is stored stays: it belongs to the device, not to a version.
pub fn update() {
    spawn_local(async {
        background::apply_update().await;
        // The new worker takes over at once; a moment is enough.
        gloo_timers::future::TimeoutFuture::new(300).await;
        page::reload();
    });
}

pub fn check_now(till: Till) {
    connection::nudge();
    refresh_facts(till);
}

/// Whether the server gives demo codes. Asked until there is a definite answer.
pub fn watch_demo(till: Till) -> RwSignal<bool> {
    let has_demo = RwSignal::new(false);
    spawn_local(async move {
        while till.stage.get_untracked() == Stage::NotEnrolled {
            let Some(device) = till.device() else { return };
            match device.demo_code().await {
                Ok(_) => return has_demo.set(true),
                // There is no demo here.
                Err(DeviceError::Problem { status: 400..500, .. }) => return,
                Err(_) => gloo_timers::future::TimeoutFuture::new(DEMO_AGAIN_MS).await,
            }
        }
    });
    has_demo
}

pub fn enrol(till: Till, code: String, name: String, busy: RwSignal<bool>, problem: RwSignal<Option<EnrolProblem>>) {
    attempt_to_enrol(till, Some(code), name, busy, problem);
}

/// Takes a fresh code and uses it at once.
pub fn enrol_demo(till: Till, name: String, busy: RwSignal<bool>, problem: RwSignal<Option<EnrolProblem>>) {
    attempt_to_enrol(till, None, name, busy, problem);
}

fn attempt_to_enrol(
    till: Till,
    code: Option<String>,
    name: String,
    busy: RwSignal<bool>,
    problem: RwSignal<Option<EnrolProblem>>,
) {
    let Some(device) = till.device() else { return };
    busy.set(true);
    problem.set(None);
    spawn_local(async move {
        match enrol_with(&device, code, &name).await {
            Ok(()) => begin(till, &device).await,
            Err(error) => {
                leptos::logging::warn!("enrolment failed: {error}");
                problem.set(Some(match error {
                    DeviceError::Problem { status: 403, .. } => EnrolProblem::Refused,
                    DeviceError::Unreachable | DeviceError::NotHoldfast => EnrolProblem::Unreachable,
                    _ => EnrolProblem::Failed,
                }));
                busy.set(false);
            }
        }
        connection::nudge();
    });
}

async fn enrol_with(device: &Device, code: Option<String>, name: &str) -> Result<(), DeviceError> {
    let code = match code {
        Some(code) => code,
        None => device.demo_code().await?,
    };
    device.enrol(code.trim(), name.trim()).await.map(drop)
}
