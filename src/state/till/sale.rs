//! What the seller does to the open sale.

use super::{Tab, Till};
use crate::state::payment::LineView;
use holdfast_core::cart::{Cart, CartError};
use holdfast_core::catalogue::Item;
use holdfast_core::money::{Amount, Currency, Keypad};
use holdfast_core::tip::Tip;
use leptos::prelude::*;

impl Till {
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
        self.cap_override.set(None);
        self.cart.update(Cart::clear);
        self.tip.set(Tip::None);
        self.cart_open.set(false);
    }

    pub fn cart_lines(&self) -> Vec<LineView> {
        self.cart.with(lines_of)
    }

    /// What the customer pays: goods and tip.
    pub fn total(&self) -> Amount {
        with_tip(self.cart.with(Cart::total), self.tip.get())
    }

    pub fn total_untracked(&self) -> Amount {
        untrack(|| self.total())
    }

    /// What the chosen tip comes to.
    pub fn tip_amount(&self) -> Amount {
        self.tip.get().of(self.cart.with(Cart::total))
    }

    /// A choice of the shop's, or none. Pressed again it is taken back.
    pub fn choose_tip(&self, tip: Tip) {
        self.tip.update(|now| *now = if *now == tip { Tip::None } else { tip });
    }

    pub fn tip_digit(&self, digit: u8) {
        self.edit_tip(|pad| pad.digit(digit));
    }

    pub fn tip_double_zero(&self) {
        self.edit_tip(Keypad::double_zero);
    }

    pub fn tip_backspace(&self) {
        self.edit_tip(Keypad::backspace);
    }

    /// The total on the screen grows with what is typed: a swipe at any moment takes what stands there.
    fn edit_tip(&self, edit: impl FnOnce(Keypad) -> Keypad) {
        let currency = self.cart.with_untracked(Cart::currency);
        let before = match self.tip.get_untracked() {
            Tip::Fixed(minor) => Keypad::of(Amount::new(minor, currency)),
            Tip::None | Tip::Percent(_) => Keypad::new(currency),
        };
        self.tip.set(match edit(before).amount().minor() {
            0 => Tip::None,
            minor => Tip::Fixed(minor),
        });
    }

    pub fn currency(&self) -> Currency {
        self.shop.with_untracked(|s| s.as_ref().map_or(Currency::EUR, |s| s.currency))
    }

    fn change_cart(&self, edit: impl FnOnce(&mut Cart) -> Result<(), CartError>) -> bool {
        let mut outcome = Ok(());
        self.cart.update(|cart| outcome = edit(cart));
        let t = self.lang.get_untracked().messages();
        match outcome {
            Ok(()) => {
                // What comes next is another customer's.
                if self.cart.with_untracked(Cart::is_empty) {
                    self.tip.set(Tip::None);
                }
                return true;
            }
            Err(CartError::TooManyLines) => self.notify(t.sale_too_long),
            Err(CartError::Money(_)) => self.notify(t.amount_too_large),
            Err(CartError::NothingToAdd) => {}
        }
        false
    }
}

/// A sum that an amount cannot hold is no tip: the goods are what is owed.
fn with_tip(goods: Amount, tip: Tip) -> Amount {
    goods.plus(tip.of(goods)).unwrap_or(goods)
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
