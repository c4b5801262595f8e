//! The till's signals, and the intents that views send: where to go, here; the open sale, in `sale`; the card, in `card`. Nothing
//! here decides about money: rules are in the core, and what touches the device is in `state::payments`.

mod card;
mod sale;

use super::draft::Attempt;
use super::keyed::{Keyed, Mask};
use super::payment::Payment;
use super::pin::Asking;
use super::session::Facts;
use super::view_model::{Overlay, Route, Stage, Tender, Theme, WaitingView};
use crate::browser::page;
use crate::messages::Lang;
use futures_channel::oneshot;
use holdfast_core::cart::Cart;
use holdfast_core::catalogue::Catalogue;
use holdfast_core::connectivity::{self, AcquirerLamp, Connectivity, Link};
use holdfast_core::money::{Currency, Keypad};
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_core::policy::Override;
use holdfast_core::staff::{Approval, Seller, Team};
use holdfast_core::tip::{Tip, Tips};
use holdfast_web::device::{DemoSeller, Device, ReceiptAsk, Risk, Subscription};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// What the shop is called and sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopView {
    pub name: String,
    pub footer: String,
    pub currency: Currency,
    /// Tax rate of an amount that was typed, in basis points.
    pub keypad_tax_bp: u32,
    pub catalogue: Catalogue,
    pub team: Team,
    pub tips: Tips,
}

/// What the grid shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tab {
    Category(String),
    Keypad,
}

/// What the lamp in the bar goes by, and the three behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lamps {
    pub link: Link,
    pub acquirer: AcquirerLamp,
    pub three: connectivity::Lamps,
}

/// Everything the views watch. Copied freely: it is a handful of handles.
#[derive(Clone, Copy)]
pub struct Till {
    pub lang: RwSignal<Lang>,
    pub theme: RwSignal<Theme>,
    /// Whether outcomes are heard as well as seen.
    pub sounds: RwSignal<bool>,
    pub stage: RwSignal<Stage>,
    pub route: RwSignal<Route>,
    pub overlay: RwSignal<Overlay>,
    pub menu_open: RwSignal<bool>,
    pub cart_open: RwSignal<bool>,
    pub shop: RwSignal<Option<ShopView>>,
    pub cart: RwSignal<Cart>,
    /// What the customer gives on top.
    pub tip: RwSignal<Tip>,
    /// Who sells, where somebody has signed in.
    pub seller: RwSignal<Option<Seller>>,
    /// Whom the till asks for a PIN; it covers everything while it is there.
    pub pin: RwSignal<Option<Asking>>,
    /// The till's time while somebody has to wait for the next PIN.
    pub pin_now_ms: RwSignal<i64>,
    /// The demo's PINs, where this is one.
    pub demo_staff: RwSignal<Vec<DemoSeller>>,
    /// The line whose buttons are shown.
    pub open_line: RwSignal<Option<usize>>,
    pub tab: RwSignal<Option<Tab>>,
    pub query: RwSignal<String>,
    pub pad: RwSignal<Keypad>,
    pub lamps: RwSignal<Lamps>,
    pub waiting: RwSignal<Option<WaitingView>>,
    /// What of it may be lost, and whether to go on.
    pub risk: RwSignal<Risk>,
    /// A manager's word for the sale at the counter.
    pub cap_override: RwSignal<Option<Override>>,
    /// When this tablet heard that the owner has signed it off, if it has.
    pub revoked_ms: RwSignal<Option<i64>>,
    pub sending: RwSignal<bool>,
    pub payments: RwSignal<Vec<Payment>>,
    /// What the server was asked to do about payments, and has not done yet, by payment id.
    pub under_way: RwSignal<BTreeMap<String, InstructionKind>>,
    /// Receipts that customers asked for by e-mail.
    pub receipt_asks: RwSignal<Vec<ReceiptAsk>>,
    /// The trusted time as of the last tick, for countdowns.
    pub now_ms: RwSignal<i64>,
    pub notice: RwSignal<Option<String>>,
    pub mask: RwSignal<Mask>,
    pub can_install: RwSignal<bool>,
    /// What keeps the till from working here, for the details.
    pub blocked_by: RwSignal<String>,
    pub facts: RwSignal<Facts>,
    pub device: StoredValue<Option<Device>, LocalStorage>,
    pub subscriptions: StoredValue<Vec<Subscription>, LocalStorage>,
    /// The attempt to pay the open sale, if one was begun.
    pub attempt: StoredValue<Option<Attempt>>,
    /// The payment that is being taken this moment.
    pub in_flight: StoredValue<Option<String>>,
    keyed: StoredValue<Keyed>,
    /// The digits of a PIN: not in a signal, so that no view can show them.
    pub(super) pin_digits: StoredValue<String>,
    /// Who waits for a manager's word.
    pub(super) approval: StoredValue<Option<oneshot::Sender<Option<Approval>>>, LocalStorage>,
}

impl Till {
    pub fn new() -> Self {
        Self {
            lang: RwSignal::new(page::initial_lang()),
            theme: RwSignal::new(page::initial_theme()),
            sounds: RwSignal::new(page::initial_sounds()),
            stage: RwSignal::new(Stage::Starting),
            route: RwSignal::new(page::route()),
            overlay: RwSignal::default(),
            menu_open: RwSignal::new(false),
            cart_open: RwSignal::new(false),
            shop: RwSignal::new(None),
            cart: RwSignal::new(Cart::new(Currency::EUR)),
            tip: RwSignal::default(),
            seller: RwSignal::new(None),
            pin: RwSignal::new(None),
            pin_now_ms: RwSignal::new(0),
            demo_staff: RwSignal::default(),
            open_line: RwSignal::new(None),
            tab: RwSignal::new(None),
            query: RwSignal::default(),
            pad: RwSignal::new(Keypad::new(Currency::EUR)),
            lamps: RwSignal::new(Lamps {
                link: Link::Checking,
                acquirer: AcquirerLamp::Unknown,
                three: Connectivity::default().lamps(),
            }),
            risk: RwSignal::default(),
            cap_override: RwSignal::new(None),
            waiting: RwSignal::new(None),
            revoked_ms: RwSignal::new(None),
            sending: RwSignal::new(false),
            payments: RwSignal::default(),
            under_way: RwSignal::default(),
            receipt_asks: RwSignal::default(),
            now_ms: RwSignal::new(page::wall_ms()),
            notice: RwSignal::new(None),
            mask: RwSignal::default(),
            can_install: RwSignal::new(false),
            blocked_by: RwSignal::default(),
            facts: RwSignal::default(),
            device: StoredValue::new_local(None),
            subscriptions: StoredValue::new_local(Vec::new()),
            attempt: StoredValue::new(None),
            in_flight: StoredValue::new(None),
            keyed: StoredValue::new(Keyed::default()),
            pin_digits: StoredValue::new(String::new()),
            approval: StoredValue::new_local(None),
        }
    }

    // --- Ways ---

    pub fn go(&self, route: Route) {
        self.menu_open.set(false);
        page::go(&route);
        self.route.set(route);
    }

    /// Escape, and every Back button: closes what is on top.
    pub fn back(&self) {
        if self.menu_open.get_untracked() {
            return self.menu_open.set(false);
        }
        match self.overlay.get_untracked() {
            Overlay::Tender(Tender::Working) => {}
            Overlay::Tender(Tender::Keyed { .. } | Tender::Tip) => self.open_tender(None),
            Overlay::Tender(_) | Overlay::Result(_) | Overlay::Receipt(_) => self.close_overlay(),
            Overlay::None if self.cart_open.get_untracked() => self.cart_open.set(false),
            Overlay::None => match self.route.get_untracked() {
                Route::Sell => self.query.set(String::new()),
                Route::History(Some(_)) => self.go(Route::History(None)),
                Route::History(None) | Route::Settings => self.go(Route::Sell),
            },
        }
    }

    pub fn close_overlay(&self) {
        self.forget_keyed();
        self.overlay.set(Overlay::None);
    }

    /// The sale is over: everything is ready for the next customer.
    pub fn new_sale(&self) {
        self.clear_sale();
        self.query.set(String::new());
        self.close_overlay();
        if self.route.get_untracked() != Route::Sell {
            self.go(Route::Sell);
        }
    }
}
