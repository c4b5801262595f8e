//! What the seller does to take a card. What becomes of it is in `state::payments`.

use super::Till;
use crate::state::keyed::{Field, Keyed, Mask};
use crate::state::payment::{Payment, Receipt};
use crate::state::view_model::{Overlay, Problem, Route, Stage, Tender};
use holdfast_web::device::Device;
use leptos::prelude::*;

impl Till {
    pub fn device(&self) -> Option<Device> {
        self.device.get_value()
    }

    /// Whether a card is on its way this moment.
    pub fn is_taking(&self) -> bool {
        self.overlay.with_untracked(|o| *o == Overlay::Tender(Tender::Working))
    }

    pub fn receipt_of(&self, payment: Payment) -> Option<Receipt> {
        self.shop.with_untracked(|s| {
            s.as_ref().map(|s| Receipt {
                shop: s.name.clone(),
                footer: s.footer.clone(),
                says_seller: s.team.on_receipts,
                payment,
            })
        })
    }

    /// Whether a swipe means this sale: the total is on the screen and nothing is on its way.
    pub fn hears_swipes(&self) -> bool {
        let on_sale = match self.overlay.get_untracked() {
            Overlay::None => self.route.get_untracked() == Route::Sell,
            Overlay::Tender(tender) => tender != Tender::Working,
            Overlay::Result(outcome) => !outcome.said.ends_sale(),
            Overlay::Receipt(_) => false,
        };
        // Behind the lock the total is on no screen.
        let on_sale = on_sale && self.pin.with_untracked(Option::is_none);
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

    pub fn open_tip(&self) {
        self.forget_keyed();
        self.overlay.set(Overlay::Tender(Tender::Tip));
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
}
