//! Paying a payment back: an amount, a question, and what became of it. It needs the server, and says so when it is not there.

use crate::components::icon::{CLOSE, icon};
use crate::messages::fill;
use crate::state::payment::{Payment, left_to_refund, typed_refund};
use crate::state::refunds::{Paying, pay_back};
use crate::state::till::Till;
use crate::state::words::card_words;
use holdfast_core::money::Amount;
use leptos::html::{button, div, form, input, label, p, span};
use leptos::prelude::*;

/// Nothing, where nothing can be paid back.
pub fn refund(till: Till, payment: &Payment) -> Option<AnyView> {
    let left = left_to_refund(payment)?;
    let payment = StoredValue::new(payment.clone());
    let paying = RwSignal::new(Paying::Not);
    let fault = RwSignal::new(None::<String>);
    let amount = RwSignal::new(left.to_plain());
    let refused = StoredValue::new(0_u32);
    let go = move |amount: Amount| payment.with_value(|p| pay_back(till, p, amount, paying, fault, refused));
    let begin = move || {
        button()
            .r#type("button")
            .class("button")
            .attr("data-testid", "refund")
            .on(leptos::ev::click, move |_| {
                fault.set(None);
                paying.set(Paying::Typing);
            })
            .child(move || till.t().refund)
    };
    let body = move || match paying.get() {
        Paying::Not => begin().into_any(),
        Paying::Typing => typing(till, left, amount, paying),
        Paying::Sure(amount) => sure(till, payment, amount, paying, go),
        Paying::Working(_) => p().role("status").child(move || till.t().refund_working).into_any(),
        Paying::Doubt(amount) => again(till, amount, go),
    };
    let said = p()
        .class("refund-said")
        .role("alert")
        .attr("hidden", move || fault.with(Option::is_none).then_some(""))
        .child(move || fault.get().unwrap_or_default());
    Some(div().class("refund").child((body, said)).into_any())
}

fn typing(till: Till, left: Amount, amount: RwSignal<String>, paying: RwSignal<Paying>) -> AnyView {
    let wanted = move || amount.with(|text| typed_refund(text, left));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(amount) = amount.with_untracked(|text| typed_refund(text, left)) {
            paying.set(Paying::Sure(amount));
        }
    };
    let field = input()
        .id("refund-amount")
        .class("input num")
        .r#type("text")
        .autocomplete("off")
        .attr("inputmode", "decimal")
        .attr("maxlength", "14")
        .prop("value", move || amount.get())
        .on(leptos::ev::input, move |event| amount.set(event_target_value(&event)));
    let next = button()
        .r#type("submit")
        .class("button primary")
        .disabled(move || wanted().is_none())
        .child(move || till.t().refund_next);
    form()
        .attr("novalidate", "")
        .on(leptos::ev::submit, submit)
        .child((
            label()
                .r#for("refund-amount")
                .child(move || fill(till.t().refund_amount, &[("amount", &till.money_within(left))])),
            div().class("refund-row").child((field, next, not_now(till, paying))),
        ))
        .into_any()
}

fn sure(
    till: Till,
    payment: StoredValue<Payment>,
    amount: Amount,
    paying: RwSignal<Paying>,
    go: impl Fn(Amount) + Copy + 'static,
) -> AnyView {
    let question = move || {
        let card = payment.with_value(|p| card_words(&p.card, till.t()));
        fill(till.t().refund_sure, &[("amount", &till.money_within(amount)), ("card", &card)])
    };
    let yes = button()
        .r#type("button")
        .class("button primary")
        .attr("data-testid", "refund-yes")
        .on(leptos::ev::click, move |_| go(amount))
        .child(move || till.t().refund_yes);
    div()
        .role("group")
        .aria_label(move || till.t().refund)
        .child((
            p().class("refund-sure").child(question),
            div().class("refund-row").child((yes, not_now(till, paying))),
        ))
        .into_any()
}

/// Asks for the very same again: the server knows it by its name.
fn again(till: Till, amount: Amount, go: impl Fn(Amount) + Copy + 'static) -> AnyView {
    button()
        .r#type("button")
        .class("button primary")
        .on(leptos::ev::click, move |_| go(amount))
        .child(move || fill(till.t().refund_again, &[("amount", &till.money_within(amount))]))
        .into_any()
}

fn not_now(till: Till, paying: RwSignal<Paying>) -> AnyView {
    button()
        .r#type("button")
        .class("button quiet")
        .on(leptos::ev::click, move |_| paying.set(Paying::Not))
        .child((icon(CLOSE), span().child(move || till.t().refund_not)))
        .into_any()
}
