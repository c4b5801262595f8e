//! What can be done about a payment: pay it back, void it, try it again; and, for one that is not paid, the ways on.

use crate::browser::intl::TimeStyle;
use crate::components::ask::ask;
use crate::components::refund::refund;
use crate::messages::fill;
use crate::state::instruct::{Talk, under_way_words};
use crate::state::payment::{Payment, PaymentStage, Tone, Way, way};
use crate::state::till::Till;
use crate::state::view_model::Overlay;
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_core::payment::{Decline, Retry};
use holdfast_web::device::Wanted;
use leptos::html::{button, div, h3, li, p, ul};
use leptos::prelude::*;

/// The one thing that can be asked for now; while the server has something under way, only that.
pub fn ways(till: Till, payment: &Payment, talk: Talk) -> AnyView {
    let id = payment.id.clone();
    let under_way = Memo::new(move |_| till.under_way.with(|all| all.get(&id).copied()));
    let payment = StoredValue::new(payment.clone());
    // By its value: a tick of the clock must not draw a form anew while somebody types into it.
    let way = Memo::new(move |_| payment.with_value(|payment| way(payment, till.now_ms.get())));
    let body = move || match (under_way.get(), way.get()) {
        (Some(kind), _) => told(till, kind),
        (None, Some(Way::Refund(_))) => payment.with_value(|payment| refund(till, payment)).into_any(),
        (None, Some(Way::Void)) => ask(till, payment.get_value(), Wanted::Void, talk),
        (None, Some(Way::Retry)) => {
            let declined_ms = payment.with_value(|payment| payment.changed_ms.unwrap_or_default());
            ask(till, payment.get_value(), Wanted::Retry { declined_ms }, talk)
        }
        (None, None) => ().into_any(),
    };
    if payment.with_value(|payment| payment.state.tone() == Tone::Trouble) {
        return recourse(till, payment, body);
    }
    div().class("ways").child(body).into_any()
}

fn told(till: Till, kind: InstructionKind) -> AnyView {
    p().class("under-way")
        .role("status")
        .attr("data-testid", "under-way")
        .attr("data-kind", kind.name())
        .child(move || under_way_words(kind, till.t()))
        .into_any()
}

/// For a payment that is not paid: what helps with the card, by its reason, and what to say to the customer.
fn recourse(till: Till, payment: StoredValue<Payment>, way: impl Fn() -> AnyView + Send + Sync + 'static) -> AnyView {
    let line = move |text: fn(Till, &Payment) -> String| p().child(move || payment.with_value(|p| text(till, p)));
    let show = button()
        .r#type("button")
        .class("button")
        .attr("data-testid", "show-customer")
        .on(leptos::ev::click, move |_| {
            if let Some(receipt) = till.receipt_of(payment.get_value()) {
                till.overlay.set(Overlay::Receipt(receipt));
            }
        })
        .child(move || till.t().show_customer);
    div()
        .class("recourse")
        .role("group")
        .aria_labelledby("recourse-title")
        .attr("data-testid", "recourse")
        .child((
            h3().id("recourse-title").child(move || till.t().ways),
            ul().child((li().child((line(about_the_card), way)), li().child((line(about_the_customer), show)))),
        ))
        .into_any()
}

fn about_the_card(till: Till, payment: &Payment) -> String {
    let (t, now_ms) = (till.t(), till.now_ms.get());
    let time = |at_ms| till.time(at_ms, TimeStyle::WeekdayTime);
    match (&payment.state, payment.retry) {
        (PaymentStage::Declined { code }, _) if Decline { code: code.clone() }.retry() == Retry::Never => {
            t.way_never.to_owned()
        }
        (PaymentStage::Declined { .. }, Some(retry)) if now_ms < retry.from_ms && retry.by_itself => {
            fill(t.way_by_itself, &[("time", &time(retry.from_ms))])
        }
        (PaymentStage::Declined { .. }, Some(retry)) if now_ms < retry.from_ms => {
            fill(t.way_retry_from, &[("time", &time(retry.from_ms))])
        }
        (PaymentStage::Declined { .. }, Some(retry)) if now_ms < retry.until_ms => {
            fill(t.way_retry, &[("time", &time(retry.until_ms))])
        }
        (PaymentStage::Quarantined { .. }, _) => t.way_owner.to_owned(),
        _ => t.way_anew.to_owned(),
    }
}

fn about_the_customer(till: Till, payment: &Payment) -> String {
    fill(till.t().way_customer, &[("amount", &till.money_within(payment.amount))])
}
