//! The till's signals, and the intents that views send. Nothing here decides about money: rules are in the core, and what
//! touches the device is in `state::payments`.

use super::draft::Attempt;
use super::keyed::{Field, Keyed, Mask};
use super::payment::{LineView, Payment, Receipt};
use super::session::Facts;
use super::view_model::{Overlay, Problem, Route, Stage, Tender, Theme, WaitingView};
use crate::browser::page;
use crate::messages::Lang;
use holdfast_core::cart::{Cart, CartError};
use holdfast_core::catalogue::{Catalogue, Item};
use holdfast_core::connectivity::{AcquirerLamp, Link};
use holdfast_core::money::{Amount, Currency, Keypad};
use holdfast_web::device::{Device, Subscription};
use leptos::prelude::*;

/// What the shop is called and sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopView {
    pub name: String,
    pub footer: String,
    pub currency: Currency,
    /// Tax rate of an amount that was typed, in basis points.
    pub keypad_tax_bp: u32,
    pub catalogue: Catalogue,
}

/// What the grid shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tab {
    Category(String),
    Keypad,
}

/// The two lamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lamps {
    pub link: Link,
    pub acquirer: AcquirerLamp,
}

/// Everything the views watch. Copied freely: it is a handful of handles.
#[derive(Clone, Copy)]
pub struct Till {
    pub lang: RwSignal<Lang>,
    pub theme: RwSignal<Theme>,
    pub stage: RwSignal<Stage>,
    pub route: RwSignal<Route>,
    pub overlay: RwSignal<Overlay>,
    pub menu_open: RwSignal<bool>,
    pub cart_open: RwSignal<bool>,
    pub shop: RwSignal<Option<ShopView>>,
    pub cart: RwSignal<Cart>,
    /// The line whose buttons are shown.
    pub open_line: RwSignal<Option<usize>>,
    pub tab: RwSignal<Option<Tab>>,
    pub query: RwSignal<String>,
    pub pad: RwSignal<Keypad>,
    pub lamps: RwSignal<Lamps>,
    pub waiting: RwSignal<Option<WaitingView>>,
    pub sending: RwSignal<bool>,
    pub payments: RwSignal<Vec<Payment>>,
    /// The trusted time as of the last tick, for countdowns.
    pub now_ms: RwSignal<i64>,
    pub notice: RwSignal<Option<String>>,
    pub mask: RwSignal<Mask>,
    pub can_install: RwSignal<bool>,
    /// What keeps the till from working here, for the details.
    pub blocked_by: RwSignal<String>,
    pub facts: RwSignal<Facts>,
    pub device: StoredValue<Option<Device>, LocalStorage>,
    pub subscription: StoredValue<Option<Subscription>, LocalStorage>,
    /// The attempt to pay the open sale, if one was begun.
    pub attempt: StoredValue<Option<Attempt>>,
    /// The payment that is being taken this moment.
    pub in_flight: StoredValue<Option<String>>,
    keyed: StoredValue<Keyed>,
}

impl Till {
    pub fn new() -> Self {
        Self {
            lang: RwSignal::new(page::initial_lang()),
            theme: RwSignal::new(page::initial_theme()),
            stage: RwSignal::new(Stage::Starting),
            route: RwSignal::new(page::route()),
            overlay: RwSignal::default(),
            menu_open: RwSignal::new(false),
            cart_open: RwSignal::new(false),
            shop: RwSignal::new(None),
            cart: RwSignal::new(Cart::new(Currency::EUR)),
            open_line: RwSignal::new(None),
            tab: RwSignal::new(None),
            query: RwSignal::default(),
            pad: RwSignal::new(Keypad::new(Currency::EUR)),
            lamps: RwSignal::new(Lamps { link: Link::Checking, acquirer: AcquirerLamp::Unknown }),
            waiting: RwSignal::new(None),
            sending: RwSignal::new(false),
            payments: RwSignal::default(),
            now_ms: RwSignal::new(page::wall_ms()),
            notice: RwSignal::new(None),
            mask: RwSignal::default(),
            can_install: RwSignal::new(false),
            blocked_by: RwSignal::default(),
            facts: RwSignal::default(),
            device: StoredValue::new_local(None),
            subscription: StoredValue::new_local(None),
            attempt: StoredValue::new(None),
            in_flight: StoredValue::new(None),
            keyed: StoredValue::new(Keyed::default()),
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
            Overlay::Tender(Tender::Keyed { .. }) => self.open_tender(None),
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

    // --- The sale ---

    /// What the grid shows: the hits of a search, or the open category.
    pub fn shown_items(&self) -> Vec<Item> {
        let Some(shop) = self.shop.get() else { return Vec::new() };
        let query = self.query.get();
        if !query.trim().is_empty() {
            return shop.catalogue.search(&query).into_iter().cloned().collect();
        }
        let Some(Tab::Category(open)) = self.open_tab() else { return Vec::new() };
        shop.catalogue.items.into_iter().filter(|i| i.category_id == open).collect()
    }

    /// The tab that was chosen; before any was, the first.
    pub fn open_tab(&self) -> Option<Tab> {
        let first =
            || self.shop.with(|s| s.as_ref()?.catalogue.categories.first().map(|c| Tab::Category(c.id.clone())));
        self.tab.get().or_else(first).or(Some(Tab::Keypad))
    }

    pub fn open(&self, tab: Tab) {
        self.query.set(String::new());
        self.tab.set(Some(tab));
    }

    pub fn add_item(&self, item: &Item) {
        self.change_cart(|cart| cart.add(item));
    }

    /// Enter in the search: the hit that was meant.
    pub fn add_first_hit(&self) {
        if let Some(item) = untrack(|| self.shown_items()).first() {
            self.add_item(item);
            self.query.set(String::new());
        }
    }

    pub fn add_typed_amount(&self) {
        let pad = self.pad.get_untracked();
        let name = self.lang.get_untracked().messages().custom_amount;
        let tax_bp = self.shop.with_untracked(|s| s.as_ref().map_or(0, |s| s.keypad_tax_bp));
        if self.change_cart(|cart| cart.add_amount(name, pad.amount(), tax_bp)) {
            self.pad.set(Keypad::new(pad.amount().currency()));
        }
    }

    pub fn set_quantity(&self, index: usize, quantity: u32) {
        self.change_cart(|cart| cart.set_quantity(index, quantity));
        if quantity == 0 {
            self.open_line.set(None);
        }
    }

    pub fn clear_sale(&self) {
        self.open_line.set(None);
        self.cart.update(Cart::clear);
        self.cart_open.set(false);
    }

    pub fn cart_lines(&self) -> Vec<LineView> {
        self.cart.with(lines_of)
    }

    fn change_cart(&self, edit: impl FnOnce(&mut Cart) -> Result<(), CartError>) -> bool {
        let mut outcome = Ok(());
        self.cart.update(|cart| outcome = edit(cart));
        let t = self.lang.get_untracked().messages();
        match outcome {
            Ok(()) => return true,
            Err(CartError::TooManyLines) => self.notify(t.sale_too_long),
            Err(CartError::Money(_)) => self.notify(t.amount_too_large),
            Err(CartError::NothingToAdd) => {}
        }
        false
    }

    // --- The card ---

    pub fn total(&self) -> Amount {
        self.cart.with(Cart::total)
    }

    pub fn total_untracked(&self) -> Amount {
        self.cart.with_untracked(Cart::total)
    }

    pub fn currency(&self) -> Currency {
        self.shop.with_untracked(|s| s.as_ref().map_or(Currency::EUR, |s| s.currency))
    }

    pub fn device(&self) -> Option<Device> {
        self.device.get_value()
    }

    /// Whether a card is on its way this moment.
    pub fn is_taking(&self) -> bool {
        self.overlay.with_untracked(|o| *o == Overlay::Tender(Tender::Working))
    }

    pub fn receipt_of(&self, payment: Payment) -> Option<Receipt> {
        self.shop
            .with_untracked(|s| s.as_ref().map(|s| Receipt { shop: s.name.clone(), footer: s.footer.clone(), payment }))
    }

    /// Whether a swipe means this sale: the total is on the screen and nothing is on its way.
    pub fn hears_swipes(&self) -> bool {
        let on_sale = match self.overlay.get_untracked() {
            Overlay::None => self.route.get_untracked() == Route::Sell,
            Overlay::Tender(tender) => tender != Tender::Working,
            Overlay::Result(outcome) => !outcome.said.ends_sale(),
            Overlay::Receipt(_) => false,
        };
        on_sale && self.stage.get_untracked() == Stage::Ready && self.cart.with_untracked(|c| c.total().is_positive())
    }

    pub fn charge(&self) {
        if self.cart.with_untracked(|c| c.total().is_positive()) {
            self.cart_open.set(false);
            self.open_tender(None);
        }
    }

    pub fn open_tender(&self, problem: Option<Problem>) {
        self.forget_keyed();
        self.overlay.set(Overlay::Tender(Tender::Swipe { problem }));
    }

    pub fn open_keyed(&self) {
        self.forget_keyed();
        self.overlay.set(Overlay::Tender(Tender::Keyed { problem: None }));
    }

    pub fn key_digit(&self, digit: char) {
        self.edit_keyed(|keyed| keyed.digit(digit));
    }

    pub fn key_backspace(&self) {
        self.edit_keyed(Keyed::backspace);
    }

    pub fn key_field(&self, field: Field) {
        self.edit_keyed(|keyed| keyed.choose(field));
    }

    /// Takes the typed card out, or says what to correct and puts the cursor there.
    pub fn take_keyed(&self) -> Option<holdfast_core::card::Card> {
        let typed = self.keyed.with_value(Keyed::card);
        match typed {
            Ok(card) => Some(card),
            Err(problem) => {
                self.key_field(if problem == Problem::Expiry { Field::Expiry } else { Field::Number });
                self.overlay.set(Overlay::Tender(Tender::Keyed { problem: Some(problem) }));
                None
            }
        }
    }

    pub fn forget_keyed(&self) {
        self.keyed.set_value(Keyed::default());
        self.mask.set(Mask::default());
    }

    fn edit_keyed(&self, edit: impl FnOnce(&mut Keyed)) {
        self.keyed.update_value(edit);
        self.mask.set(self.keyed.with_value(Keyed::mask));
        if let Overlay::Tender(Tender::Keyed { problem: Some(_) }) = self.overlay.get_untracked() {
            self.overlay.set(Overlay::Tender(Tender::Keyed { problem: None }));
        }
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

/// The lines of a cart as they are shown. The cart has checked that every total exists.
pub fn lines_of(cart: &Cart) -> Vec<LineView> {
    let line = |l: &holdfast_core::cart::Line| LineView {
        name: l.name.clone(),
        quantity: l.quantity,
        unit: l.unit,
        total: l.total().unwrap_or(l.unit),
    };
    cart.lines().iter().map(line).collect()
}
