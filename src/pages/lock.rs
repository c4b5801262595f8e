//! Who is there: names to choose from and a PIN pad, over everything else. It opens a locked till, changes who sells, and takes a manager's
//! word; it works without a network.

use crate::browser::page;
use crate::components::icon::{BACK, CLOSE, LOCK, WARNING, icon};
use crate::components::pad::{Corner, pad_keys};
use crate::messages::{fill, isolated};
use crate::state::pin::{Asking, PinProblem, Purpose, initials};
use crate::state::till::Till;
use holdfast_core::limits::PIN_DIGITS_MIN;
use holdfast_core::staff::{Seller, StaffRole};
use leptos::html::{bdi, button, div, h1, li, p, span, ul};
use leptos::prelude::*;

pub fn lock(till: Till) -> impl IntoView {
    // Drawn anew when another step begins, and not with every digit.
    let step = Memo::new(move |_| till.pin.with(|a| a.as_ref().map(|a| (a.purpose.clone(), a.seller.clone()))));
    move || step.get().map(|(purpose, seller)| screen(till, purpose, seller))
}

fn screen(till: Till, purpose: Purpose, seller: Option<Seller>) -> AnyView {
    let name = purpose.name();
    let title = {
        let (purpose, seller) = (purpose.clone(), seller.clone());
        move || match (&purpose, &seller) {
            (_, Some(seller)) => fill(till.t().pin_of, &[("name", &isolated(&seller.name))]),
            (Purpose::Approve { .. }, None) => till.t().approve_title.to_owned(),
            (Purpose::Unlock | Purpose::Switch, None) => till.t().who_sells.to_owned(),
        }
    };
    let why = match &purpose {
        Purpose::Approve { why } => Some(p().class("lock-why").child(why.clone())),
        Purpose::Unlock | Purpose::Switch => None,
    };
    let (class, body) = match seller {
        None => ("lock-pick", names(till, &purpose)),
        Some(_) => ("lock-pin", pin(till)),
    };
    div()
        .class("lock")
        .role("dialog")
        .attr("aria-modal", "true")
        .attr("aria-labelledby", "lock-title")
        .attr("data-testid", "lock")
        .attr("data-purpose", name)
        .attr("data-step", class)
        .child((
            bar(till, &purpose),
            div().class("lock-body").child((
                div().class("lock-head").child((h1().id("lock-title").tabindex("-1").child(title), why, demo(till))),
                div().class(class).child(body),
            )),
        ))
        .into_any()
}

/// What can be done besides a PIN: go back, leave, or lock the till for the next one.
fn bar(till: Till, purpose: &Purpose) -> AnyView {
    let (can_be_left, is_switch) = (purpose.can_be_left(), *purpose == Purpose::Switch);
    let has_seller = Memo::new(move |_| till.pin.with(|a| a.as_ref().is_some_and(|a| a.seller.is_some())));
    let many = till.team().sellers.iter().filter(|seller| purpose.asks(seller)).count() > 1;
    let back = move || {
        let goes_back = has_seller.get() && many;
        (goes_back || can_be_left).then(|| {
            button().r#type("button").class("button quiet").on(leptos::ev::click, move |_| till.leave_pin()).child((
                icon(if goes_back { BACK } else { CLOSE }),
                span().child(move || if goes_back { till.t().back } else { till.t().close }),
            ))
        })
    };
    let lock = move || {
        (is_switch && till.seller.with(Option::is_some)).then(|| {
            button()
                .r#type("button")
                .class("button")
                .on(leptos::ev::click, move |_| till.lock())
                .child((icon(LOCK), span().child(move || till.t().lock_till)))
        })
    };
    let shop = move || till.shop.with(|s| s.as_ref().map_or_else(String::new, |s| s.name.clone()));
    // What waits is said here too: a locked till goes on sending.
    let waiting = move || {
        till.waiting.get().map(|w| {
            span()
                .class("lock-waiting")
                .role("status")
                .attr("data-count", w.count.to_string())
                .child(move || fill(till.t().stored_n, &[("count", &till.count(w.count))]))
        })
    };
    div().class("lock-bar").child((span().class("lock-shop").child(shop), waiting, back, lock)).into_any()
}

fn names(till: Till, purpose: &Purpose) -> AnyView {
    let now = till.seller.get_untracked().map(|seller| seller.id);
    let asked = till.team().sellers.into_iter().filter(|seller| purpose.asks(seller));
    let entry = move |seller: Seller| {
        let (role, letters, name) = (seller.role, initials(&seller.name), seller.name.clone());
        let is_now = now == Some(seller.id);
        let choose = button()
            .r#type("button")
            .class("lock-name")
            .attr("aria-current", is_now.then_some("true"))
            .on(leptos::ev::click, move |_| till.choose_seller(Some(seller.clone())))
            .child((
                span().class("lock-letters").attr("aria-hidden", "true").child(letters),
                span()
                    .class("lock-who")
                    .child((bdi().child(name), span().class("note").child(move || role_word(till, role)))),
            ));
        li().child(choose)
    };
    ul().class("lock-names").child(asked.map(entry).collect_view()).into_any()
}

fn role_word(till: Till, role: StaffRole) -> &'static str {
    match role {
        StaffRole::Cashier => till.t().role_cashier,
        StaffRole::Manager => till.t().role_manager,
    }
}

/// Dots for digits: how many were typed, and nothing else, is in the page.
fn pin(till: Till) -> AnyView {
    let asking = move |read: fn(&Asking) -> usize| till.pin.with(|a| a.as_ref().map_or(0, read));
    let typed = Memo::new(move |_| asking(|a| a.typed));
    let is_busy = Memo::new(move |_| till.pin.with(|a| a.as_ref().is_some_and(|a| a.busy)));
    let dots = move || {
        let shown = typed.get().max(PIN_DIGITS_MIN);
        (0..shown).map(|n| span().class("lock-dot").attr("data-on", (n < typed.get()).to_string())).collect_view()
    };
    let spoken = move || fill(till.t().digits_typed, &[("count", &till.count(typed.get()))]);
    let display = div().class("lock-dots").attr("data-busy", move || is_busy.get().to_string()).child((
        span().class("visually-hidden").role("status").child(spoken),
        div().class("lock-row").attr("aria-hidden", "true").child(dots),
    ));
    let can_try = Memo::new(move |_| {
        let now_ms = till.pin_now_ms.get();
        till.pin.with(|a| a.as_ref().is_some_and(|a| a.can_try(now_ms)))
    });
    let enter = button()
        .r#type("button")
        .class("button primary tall")
        .disabled(move || !can_try.get())
        .on(leptos::ev::click, move |event| {
            till.try_pin();
            if event.detail() > 0 {
                page::blur();
            }
        })
        .child(move || if is_busy.get() { till.t().one_moment } else { till.t().pin_enter });
    let pad = div().class("pad").role("group").aria_label(move || till.t().keypad).child(pad_keys(
        till,
        Corner::Empty,
        move |n| till.pin_digit(n),
        || {},
        move || till.pin_backspace(),
    ));
    (display, trouble(till), pad, enter).into_any()
}

fn trouble(till: Till) -> AnyView {
    let words = Memo::new(move |_| {
        let (now_ms, t) = (till.pin_now_ms.get(), till.t());
        till.pin.with(|a| {
            let asking = a.as_ref()?;
            Some(match asking.problem? {
                PinProblem::Wrong => t.pin_wrong.to_owned(),
                PinProblem::Gone => t.pin_gone.to_owned(),
                PinProblem::NotKept => t.pin_not_kept.to_owned(),
                PinProblem::Wait { .. } if asking.left_ms(now_ms) == 0 => return None,
                PinProblem::Wait { .. } => fill(t.pin_wait, &[("time", &left(till, asking.left_ms(now_ms)))]),
            })
        })
    });
    // The seconds count down in sight; they are spoken once.
    let is_there = Memo::new(move |_| words.with(Option::is_some));
    let shown = move || is_there.get().then(|| (icon(WARNING), span().child(move || words.get().unwrap_or_default())));
    p().class("lock-problem").role("alert").child(shown).into_any()
}

fn left(till: Till, left_ms: i64) -> String {
    let seconds = usize::try_from((left_ms + 999) / 1_000).unwrap_or(0);
    let (message, count) =
        if seconds < 120 { (till.t().wait_seconds, seconds) } else { (till.t().wait_minutes, seconds.div_ceil(60)) };
    fill(message, &[("count", &till.count(count))])
}

/// The demo says its PINs, so that a visitor gets in.
fn demo(till: Till) -> AnyView {
    let list = move || {
        let staff = till.demo_staff.get();
        let one = |of: &holdfast_web::device::DemoSeller| isolated(&format!("{} {}", of.name, of.pin));
        staff.iter().map(one).collect::<Vec<_>>().join(" · ")
    };
    let shown = move || {
        let is_demo = till.demo_staff.with(|staff| !staff.is_empty());
        is_demo.then(|| p().class("lock-demo").child(move || fill(till.t().demo_pins, &[("list", &list())])))
    };
    shown.into_any()
}
