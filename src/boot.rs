//! Puts the till on the page: signals, listeners, the root view.

use crate::browser::{install, keys, page};
use crate::components::menu::menu;
use crate::pages::{blocked, enrol, history, lock, receipt, result, sell, settings, tender};
use crate::state::till::{Tab, Till};
use crate::state::view_model::{Overlay, Route, Stage, Tender};
use crate::state::{keyed, payments, session, staff};
use leptos::html::div;
use leptos::prelude::*;

pub fn start() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app);
}

fn app() -> impl IntoView {
    let till = Till::new();
    watch(till);
    session::open(till);
    page::remove_splash();
    let shown = move || match till.stage.get() {
        Stage::Starting => blocked::starting(till),
        Stage::Blocked => blocked::blocked(till),
        Stage::NotEnrolled => enrol::enrol(till),
        Stage::Ready => (place(till), menu(till), overlay(till)).into_any(),
    };
    let notice = move || till.notice.get().unwrap_or_default();
    // While somebody is asked for a PIN, nothing behind it is there for keys, touch or screen reader.
    let under = div().class("under").prop("inert", move || till.pin.with(Option::is_some)).child(shown);
    div().class("app").child((under, lock::lock(till), div().class("toast").role("status").child(notice)))
}

/// The page behind whatever lies over it. Which payment is open in the history does not draw the history anew.
fn place(till: Till) -> impl IntoView {
    let which = Memo::new(move |_| std::mem::discriminant(&till.route.get()));
    move || {
        // Read, not only tracked: a memo that was never read watches nothing.
        let _ = which.get();
        match till.route.get_untracked() {
            Route::Sell => sell::sell(till),
            Route::History(_) => history::history(till),
            Route::Settings => settings::settings(till),
        }
    }
}

fn overlay(till: Till) -> impl IntoView {
    move || match till.overlay.get() {
        Overlay::None => ().into_any(),
        Overlay::Tender(step) => tender::tender(till, step),
        Overlay::Result(outcome) => result::result(till, outcome),
        Overlay::Receipt(slip) => receipt::receipt(till, slip),
    }
}

/// What goes on beside the views.
fn watch(till: Till) {
    Effect::new(move |_| page::apply_lang(till.lang.get()));
    Effect::new(move |_| page::apply_theme(till.theme.get()));
    page::on_system_theme(move || page::apply_theme(till.theme.get_untracked()));
    page::on_route(move || till.route.set(page::route()));
    install::watch(move |offered| till.can_install.set(offered));
    keys::listen(move |swipe| payments::swiped(till, swipe), move |pressed| key(till, pressed));
    staff::watch_idle(till);
    // The open sale is kept on the device with every change. The first run is the empty cart of a page that has not read it yet.
    Effect::new(move |ran: Option<()>| {
        till.cart.track();
        till.tip.track();
        if ran.is_some() && till.stage.get_untracked() == Stage::Ready && !till.is_taking() {
            payments::keep_draft(till);
        }
    });
    // What comes up takes the focus, so that the next key and the screen reader are where the eyes are.
    let top = Memo::new(move |_| match till.overlay.get() {
        Overlay::None => "",
        Overlay::Tender(_) => "#tender-title",
        Overlay::Result(_) => "#result-word",
        Overlay::Receipt(_) => ".receipt-scroll",
    });
    Effect::new(move |_| {
        let asks = till.pin.with(|asking| asking.as_ref().map(|asking| asking.seller.is_some()));
        let selector = if asks.is_some() {
            "#lock-title"
        } else if till.menu_open.get() {
            ".drawer .button"
        } else {
            top.get()
        };
        if !selector.is_empty() {
            request_animation_frame(move || page::focus(selector));
        }
    });
}

/// The shortcuts of `browser::keys`. Says whether it used the key.
fn key(till: Till, pressed: &keys::Pressed) -> bool {
    let name = pressed.key.as_str();
    if till.stage.get_untracked() != Stage::Ready {
        return false;
    }
    if till.pin.with_untracked(Option::is_some) {
        return pin_key(till, name, pressed.on_control);
    }
    if name == "Escape" {
        till.back();
        return true;
    }
    if till.menu_open.get_untracked() {
        return false;
    }
    match till.overlay.get_untracked() {
        Overlay::Tender(Tender::Keyed { .. }) => keyed_key(till, name, pressed.on_control),
        Overlay::Tender(Tender::Tip) => tip_key(till, name, pressed.on_control),
        Overlay::None if till.route.get_untracked() == Route::Sell => sell_key(till, pressed),
        Overlay::None | Overlay::Tender(_) | Overlay::Result(_) | Overlay::Receipt(_) => false,
    }
}

fn pin_key(till: Till, name: &str, on_control: bool) -> bool {
    match (name, single_digit(name)) {
        (_, Some(digit)) => till.pin_digit(digit as u8 - b'0'),
        ("Backspace", _) => till.pin_backspace(),
        ("Escape", _) => till.leave_pin(),
        ("Enter", _) if on_control => return false,
        ("Enter", _) => till.try_pin(),
        _ => return false,
    }
    true
}

fn tip_key(till: Till, name: &str, on_control: bool) -> bool {
    match (name, single_digit(name)) {
        (_, Some(digit)) => till.tip_digit(digit as u8 - b'0'),
        ("Backspace", _) => till.tip_backspace(),
        ("Enter", _) if on_control => return false,
        ("Enter", _) => till.open_tender(None),
        _ => return false,
    }
    true
}

fn keyed_key(till: Till, name: &str, on_control: bool) -> bool {
    match (name, single_digit(name)) {
        (_, Some(digit)) => till.key_digit(digit),
        ("Backspace", _) => till.key_backspace(),
        ("Enter", _) if on_control => return false,
        ("Enter", _) if till.mask.with_untracked(|m| m.field == keyed::Field::Number && !m.complete) => {
            till.key_field(keyed::Field::Expiry);
        }
        ("Enter", _) => payments::charge_keyed(till),
        _ => return false,
    }
    true
}

fn sell_key(till: Till, pressed: &keys::Pressed) -> bool {
    let name = pressed.key.as_str();
    let on_keypad = till.query.with_untracked(String::is_empty) && untrack(|| till.open_tab()) == Some(Tab::Keypad);
    if name == "Enter" {
        if pressed.on_control {
            return false;
        }
        if !till.query.with_untracked(|q| q.trim().is_empty()) {
            till.add_first_hit();
        } else if on_keypad && till.pad.get_untracked().amount().is_positive() {
            till.add_typed_amount();
        } else {
            till.charge();
        }
        return true;
    }
    if pressed.in_text {
        return false;
    }
    if on_keypad && (name == "Backspace" || single_digit(name).is_some()) {
        till.pad.update(|pad| *pad = single_digit(name).map_or(pad.backspace(), |d| pad.digit(d as u8 - b'0')));
        return true;
    }
    if name != " " && name.chars().count() == 1 {
        // The key itself goes on to the field that has the focus now.
        page::focus("#search");
    }
    false
}

fn single_digit(name: &str) -> Option<char> {
    let mut chars = name.chars();
    match (chars.next(), chars.next()) {
        (Some(digit), None) if digit.is_ascii_digit() => Some(digit),
        _ => None,
    }
}
