//! Signing in, changing over, locking, and a manager's word. None of it touches the queue: what is stored belongs to the tablet, and goes up
//! while the till is locked.

use super::pin::{Asking, PinProblem, Purpose};
use super::till::Till;
use super::view_model::{Overlay, Stage, Tender};
use crate::browser::page;
use futures_channel::oneshot;
use holdfast_core::limits::PIN_DIGITS_MAX;
use holdfast_core::staff::{Approval, Seller, StaffRole, Team};
use holdfast_web::device::{Device, PinAnswer};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How often the till looks whether it was left alone, and a wait counts down.
const TICK_MS: u64 = 1_000;
/// The demo's PINs among the page's small settings, for a start without a network.
const DEMO: &str = "demo-staff";

/// Asks for a manager's word, and says who gave it. `None`: it was not given, or this shop has no manager with a PIN. `why` is shown, in the
/// seller's language: what is wanted and for how much.
pub async fn approve(till: Till, why: String) -> Option<Approval> {
    let has_manager = till.team().managers().next().is_some();
    if !has_manager || till.pin.with_untracked(Option::is_some) {
        return None;
    }
    let (send, given) = oneshot::channel();
    till.approval.set_value(Some(send));
    till.ask_for_pin(Purpose::Approve { why });
    given.await.ok().flatten()
}

/// Whether what a cashier may not do alone may go on: a manager sells, or gives their word. Where nobody has signed in it is as it always was.
pub async fn allowed(till: Till, why: String) -> bool {
    let is_cashier = till.seller.with_untracked(|s| s.as_ref().is_some_and(|s| s.role == StaffRole::Cashier));
    let has_manager = till.team().managers().next().is_some();
    !(is_cashier && has_manager) || approve(till, why).await.is_some()
}

/// At the start, once the shop is known.
pub async fn lock_at_start(till: Till, device: &Device) {
    let memory = device.lock_memory().await;
    if till.team().opens_locked(memory.signed_in_before) {
        till.ask_for_pin(Purpose::Unlock);
    }
    let device = device.clone();
    spawn_local(async move { load_demo(till, &device).await });
}

/// The shop's data came anew: whoever is no longer on its list is signed out, and a shop that lost its staff has no lock.
pub fn team_changed(till: Till) {
    let team = till.team();
    let seller = till.seller.get_untracked();
    let still = seller.as_ref().and_then(|seller| team.seller(seller.id)).cloned();
    if team.is_empty() {
        till.seller.set(None);
        return till.stop_asking(None);
    }
    if seller != still {
        till.seller.set(still.clone());
    }
    let must_ask = still.is_none() && (seller.is_some() || team.must_sign_in);
    if must_ask && till.stage.get_untracked() == Stage::Ready && till.pin.with_untracked(Option::is_none) {
        till.ask_for_pin(Purpose::Unlock);
    }
}

/// Locks a till that nobody touched for as long as the shop says.
pub fn watch_idle(till: Till) {
    let touched_ms = StoredValue::new(page::uptime_ms());
    page::on_touch(move || touched_ms.set_value(page::uptime_ms()));
    let tick = move || {
        if till.pin.with_untracked(|asking| asking.as_ref().is_some_and(Asking::is_waiting)) {
            till.pin_now_ms.set(till.trusted_ms());
        }
        let is_left_alone = till.team().locks_after(page::uptime_ms() - touched_ms.get_value());
        let is_taking = till.overlay.with_untracked(|o| *o == Overlay::Tender(Tender::Working));
        if is_left_alone && !is_taking && till.seller.with_untracked(Option::is_some) {
            till.lock();
        }
    };
    set_interval(tick, std::time::Duration::from_millis(TICK_MS));
}

async fn load_demo(till: Till, device: &Device) {
    if till.team().is_empty() {
        return;
    }
    let kept = device.load_setting(DEMO).await.ok().flatten();
    if let Some(staff) = kept.and_then(|text| serde_json::from_str(&text).ok()) {
        return till.demo_staff.set(staff);
    }
    // Anything but a demo answers that there is no such thing.
    if let Ok(staff) = device.demo_staff().await {
        let text = serde_json::to_string(&staff).unwrap_or_default();
        till.demo_staff.set(staff);
        // Asked again at the next start if it could not be kept.
        let _ = device.save_setting(DEMO, &text).await;
    }
}

impl Till {
    pub fn team(&self) -> Team {
        self.shop.with_untracked(|shop| shop.as_ref().map(|shop| shop.team.clone()).unwrap_or_default())
    }

    fn trusted_ms(&self) -> i64 {
        self.device().map_or_else(page::wall_ms, |device| device.reading().trusted_ms())
    }

    /// The name in the bar: somebody else takes over.
    pub fn change_seller(&self) {
        self.menu_open.set(false);
        self.ask_for_pin(Purpose::Switch);
    }

    /// Nobody sells before a PIN. The open sale stays, and goes on with whoever signs in.
    pub fn lock(&self) {
        self.menu_open.set(false);
        self.seller.set(None);
        // Whoever was to give a word is not there.
        self.answer_approval(None);
        self.ask_for_pin(Purpose::Unlock);
    }

    pub fn ask_for_pin(&self, purpose: Purpose) {
        self.forget_keyed();
        self.pin_digits.set_value(String::new());
        let mut asking = Asking::new(purpose);
        let team = self.team();
        let mut asked = team.sellers.iter().filter(|seller| asking.purpose.asks(seller));
        if let (Some(only), None) = (asked.next(), asked.next()) {
            asking.seller = Some(only.clone());
        }
        self.pin.set(Some(asking));
    }

    pub fn choose_seller(&self, seller: Option<Seller>) {
        self.pin_digits.set_value(String::new());
        self.pin.update(|asking| {
            if let Some(asking) = asking.as_mut().filter(|asking| !asking.busy) {
                *asking = Asking { seller, ..Asking::new(asking.purpose.clone()) };
            }
        });
    }

    pub fn pin_digit(&self, digit: u8) {
        self.edit_pin(|digits| {
            if digits.len() < PIN_DIGITS_MAX {
                digits.push(char::from(b'0' + digit.min(9)));
            }
        });
    }

    pub fn pin_backspace(&self) {
        self.edit_pin(|digits| {
            digits.pop();
        });
    }

    fn edit_pin(&self, edit: impl FnOnce(&mut String)) {
        let can_type = self.pin.with_untracked(|asking| asking.as_ref().is_some_and(|a| a.seller.is_some() && !a.busy));
        if !can_type {
            return;
        }
        self.pin_digits.update_value(edit);
        let typed = self.pin_digits.with_value(String::len);
        self.pin.update(|asking| {
            if let Some(asking) = asking {
                asking.typed = typed;
                asking.problem = asking.problem.filter(|problem| matches!(problem, PinProblem::Wait { .. }));
            }
        });
    }

    /// Escape, and the Back button of the lock.
    pub fn leave_pin(&self) {
        let Some(asking) = self.pin.get_untracked().filter(|asking| !asking.busy) else { return };
        let team = self.team();
        let has_choice = team.sellers.iter().filter(|seller| asking.purpose.asks(seller)).count() > 1;
        if asking.seller.is_some() && has_choice {
            self.choose_seller(None);
        } else if asking.purpose.can_be_left() {
            self.stop_asking(None);
        }
    }

    fn stop_asking(&self, approval: Option<Approval>) {
        self.pin_digits.set_value(String::new());
        self.pin.set(None);
        self.answer_approval(approval);
    }

    fn answer_approval(&self, approval: Option<Approval>) {
        let mut waiting = None;
        self.approval.update_value(|kept| waiting = kept.take());
        if let Some(waiting) = waiting {
            // Nobody waits any more: the sale was given up.
            let _ = waiting.send(approval);
        }
    }

    pub fn try_pin(&self) {
        let (till, Some(device)) = (*self, self.device()) else { return };
        let Some(asking) = self.pin.get_untracked().filter(|asking| asking.can_try(till.trusted_ms())) else { return };
        let Some(seller) = asking.seller else { return };
        let pin = self.pin_digits.get_value();
        self.pin_digits.set_value(String::new());
        self.pin.update(|asking| {
            if let Some(asking) = asking {
                (asking.busy, asking.problem) = (true, None);
            }
        });
        spawn_local(async move {
            let answer = device.try_pin(seller.id, &pin).await;
            let now_ms = till.trusted_ms();
            let problem = match answer {
                Ok(PinAnswer::Right(approval)) => return till.signed_in(&device, seller, approval).await,
                Ok(PinAnswer::Wrong { wait_ms: 0 }) => PinProblem::Wrong,
                Ok(PinAnswer::Wrong { wait_ms } | PinAnswer::TooSoon { wait_ms }) => {
                    PinProblem::Wait { until_ms: now_ms + wait_ms }
                }
                Ok(PinAnswer::Unknown) => PinProblem::Gone,
                Err(_) => PinProblem::NotKept,
            };
            till.pin_now_ms.set(now_ms);
            till.pin.update(|asking| {
                if let Some(asking) = asking {
                    (asking.busy, asking.typed, asking.problem) = (false, 0, Some(problem));
                }
            });
        });
    }

    async fn signed_in(self, device: &Device, seller: Seller, approval: Approval) {
        let purpose = self.pin.with_untracked(|asking| asking.as_ref().map(|asking| asking.purpose.clone()));
        match purpose {
            Some(Purpose::Approve { .. }) if seller.role == StaffRole::Manager => self.stop_asking(Some(approval)),
            Some(Purpose::Unlock | Purpose::Switch) => {
                self.seller.set(Some(seller));
                self.stop_asking(None);
                if let Err(error) = device.note_signed_in().await {
                    leptos::logging::warn!("the lock is not remembered: {error}");
                }
            }
            // It was left meanwhile.
            Some(Purpose::Approve { .. }) | None => {}
        }
    }
}
