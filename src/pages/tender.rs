//! Taking the card: the amount, and two ways to pay. There is no mode to enter: a swipe is heard as soon as the total is
//! on the screen.

use crate::browser::page;
use crate::components::icon::{BACK, HELD, WARNING, icon, swipe_picture};
use crate::components::pad::{Corner, pad_keys};
use crate::components::tips::{tip_line, tips};
use crate::messages::fill;
use crate::state::keyed::Field;
use crate::state::payments;
use crate::state::risk;
use crate::state::till::{Lamps, Till};
use crate::state::view_model::{Problem, Tender};
use crate::state::words::problem_say;
use holdfast_core::connectivity::{AcquirerLamp, Link, Way};
use holdfast_core::money::Amount;
use leptos::html::{button, div, h1, output, p, span};
use leptos::prelude::*;

pub fn tender(till: Till, step: Tender) -> AnyView {
    let body = match step {
        Tender::Swipe { problem } => swipe(till, problem),
        Tender::Keyed { problem } => keyed(till, problem),
        Tender::Tip => own_tip(till),
        Tender::Working => working(till),
    };
    let back = button()
        .r#type("button")
        .class("button quiet")
        .disabled(step == Tender::Working)
        .on(leptos::ev::click, move |_| till.back())
        .child((icon(BACK), span().child(move || till.t().back)));
    div()
        .class("tender")
        .role("dialog")
        .attr("aria-modal", "true")
        .attr("aria-labelledby", "tender-title")
        .attr("data-step", step.name())
        .child((
            div().class("tender-bar").child((
                back,
                h1().id("tender-title").tabindex("-1").class("visually-hidden").child(move || till.t().take_payment),
            )),
            div().class("tender-body").attr("data-step", step.name()).child(body),
        ))
        .into_any()
}

fn amount(till: Till) -> AnyView {
    output()
        .class("tender-amount num")
        .attr("data-length", move || till.amount_length(till.total()))
        .aria_label(move || till.t().total)
        .child(move || till.money(till.total()))
        .into_any()
}

fn swipe(till: Till, problem: Option<Problem>) -> AnyView {
    let key_in = button()
        .r#type("button")
        .class("button tall")
        .on(leptos::ev::click, move |_| till.open_keyed())
        .child(move || till.t().key_in);
    div()
        .child((
            swipe_picture(),
            amount(till),
            tip_line(till),
            p().class("tender-say").child(move || till.t().swipe_or_key),
            tips(till),
            notes(till, problem),
            div().class("tender-actions").child(key_in),
        ))
        .into_any()
}

/// What was wrong with the last card; and, while offline, what will happen to this one.
fn notes(till: Till, problem: Option<Problem>) -> AnyView {
    let ahead = Memo::new(move |_| match till.lamps.get() {
        Lamps { link: Link::Offline | Link::ServerUnreachable, .. } => Some(Way::Store),
        Lamps { link: Link::Online, acquirer: AcquirerLamp::Down, .. } => Some(Way::StandIn),
        _ => None,
    });
    let bad = problem.map(|problem| {
        p().class("tender-note bad")
            .role("alert")
            .child((icon(WARNING), span().child(move || problem_say(till, problem))))
    });
    let ahead = move || {
        ahead.get().map(|way| {
            let words = move || if way == Way::StandIn { till.t().policy.bank_ahead } else { till.t().stored_ahead };
            p().class("tender-note").child((icon(HELD), span().child(words)))
        })
    };
    let lifted = move || {
        let up_to = till.cap_override.get().map(|word| Amount::new(word.amount_minor, till.currency()))?;
        let words = move || fill(till.t().policy.manager_said, &[("amount", &till.money_within(up_to))]);
        Some(p().class("tender-note").child((icon(HELD), span().child(words))))
    };
    let is_liftable = matches!(problem, Some(Problem::Policy(refusal)) if refusal.can_be_lifted());
    let ask = move || {
        (is_liftable && till.team().managers().next().is_some()).then(|| {
            button()
                .r#type("button")
                .class("button")
                .on(leptos::ev::click, move |_| risk::ask_manager(till))
                .child(move || till.t().policy.ask_manager)
        })
    };
    div().class("tender-notes").child((bad, ask, lifted, ahead)).into_any()
}

fn keyed(till: Till, problem: Option<Problem>) -> AnyView {
    let trouble = p()
        .class("keyed-problem")
        .role("alert")
        .child(move || problem.map(|problem| problem_say(till, problem)).unwrap_or_default());
    let charge = button()
        .r#type("button")
        .class("button primary tall")
        .on(leptos::ev::click, move |_| payments::charge_keyed(till))
        .child(move || format!("{} {}", till.t().charge, till.money_within(till.total())));
    let pad = div().class("pad").role("group").aria_label(move || till.t().keypad).child(pad_keys(
        till,
        Corner::Empty,
        move |n| till.key_digit(char::from(b'0' + n.min(9))),
        || {},
        move || till.key_backspace(),
    ));
    let left =
        div().child((amount(till), p().class("tender-say").child(move || till.t().key_in_say), notes(till, None)));
    (left, div().class("keyed").child((fields(till), trouble, pad, charge))).into_any()
}

/// The customer's own tip, typed like any amount. It is in the total at once.
fn own_tip(till: Till) -> AnyView {
    let pad = div().class("pad").role("group").aria_label(move || till.t().keypad).child(pad_keys(
        till,
        Corner::DoubleZero,
        move |n| till.tip_digit(n),
        move || till.tip_double_zero(),
        move || till.tip_backspace(),
    ));
    let done = button()
        .r#type("button")
        .class("button primary tall")
        .on(leptos::ev::click, move |_| till.open_tender(None))
        .child(move || till.t().tip_done);
    let display = div().class("tip-display").child((
        span().class("keyed-label").child(move || till.t().tip),
        output().class("tip-own num").aria_label(move || till.t().tip).child(move || till.money(till.tip_amount())),
    ));
    let left = div().child((
        amount(till),
        tip_line(till),
        p().class("tender-say").child(move || till.t().swipe_or_key),
        notes(till, None),
    ));
    (left, div().class("keyed").child((display, pad, done))).into_any()
}

/// Two displays, not inputs: the digits are not in the page. What is spoken is how many were typed.
fn fields(till: Till) -> AnyView {
    let mask = till.mask;
    let typed = move || fill(till.t().digits_typed, &[("count", &till.count(mask.with(|m| m.number_digits)))]);
    let number = display(till, Field::Number).child((
        span().class("keyed-label").child((
            span().child(move || till.t().card_number),
            span().child(move || mask.with(|m| m.brand.clone()).unwrap_or_default()),
        )),
        span().class("visually-hidden").child(typed),
        span().class("keyed-value num").attr("aria-hidden", "true").child(move || mask.with(|m| m.number.clone())),
    ));
    let is_empty = move || mask.with(|m| m.expiry.is_empty());
    let expiry = display(till, Field::Expiry).child((
        span().class("keyed-label").child(move || till.t().expiry),
        span().class("keyed-value num").child((
            move || mask.with(|m| m.expiry.clone()),
            move || is_empty().then(|| span().class("waiting-digit").child(move || till.t().expiry_shape)),
        )),
    ));
    div().class("keyed-fields").child((number, expiry)).into_any()
}

fn display(
    till: Till,
    field: Field,
) -> leptos::html::HtmlElement<leptos::html::Button, impl leptos::attr::Attribute, ()> {
    button()
        .r#type("button")
        .class("keyed-field")
        .attr("aria-pressed", move || till.mask.with(|m| m.field == field).to_string())
        .on(leptos::ev::click, move |event| {
            till.key_field(field);
            if event.detail() > 0 {
                page::blur();
            }
        })
}

fn working(till: Till) -> AnyView {
    div()
        .child((
            amount(till),
            p().class("tender-say").role("status").child(move || till.t().one_moment),
            div().class("working").attr("aria-hidden", move || "true"),
        ))
        .into_any()
}
