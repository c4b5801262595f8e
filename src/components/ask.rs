//! Voiding a payment, or trying it again: a button, a question, and what became of it. It needs the server, and says so when it is not there.

use crate::components::icon::{CLOSE, icon};
use crate::messages::{Messages, fill};
use crate::state::instruct::{Asking, Talk, carry_out};
use crate::state::payment::Payment;
use crate::state::till::Till;
use crate::state::words::card_words;
use holdfast_web::device::Wanted;
use leptos::html::{button, div, p, span};
use leptos::prelude::*;

/// The words of one thing that can be asked for.
struct Words {
    begin: &'static str,
    sure: &'static str,
    yes: &'static str,
    working: &'static str,
}

fn words(wanted: Wanted, t: &'static Messages) -> Words {
    match wanted {
        Wanted::Retry { .. } => {
            Words { begin: t.retry, sure: t.retry_sure, yes: t.retry_yes, working: t.retry_working }
        }
        Wanted::Void | Wanted::Refund { .. } => {
            Words { begin: t.void, sure: t.void_sure, yes: t.void_yes, working: t.void_working }
        }
    }
}

pub fn ask(till: Till, payment: Payment, wanted: Wanted, talk: Talk) -> AnyView {
    talk.be_about(&payment.id, wanted.kind());
    let payment = StoredValue::new(payment);
    let name = wanted.kind().name();
    let word = move |of: fn(Words) -> &'static str| move || of(words(wanted, till.t()));
    let go = move || payment.with_value(|payment| carry_out(till, payment, wanted, talk));
    let begin = move || {
        button()
            .r#type("button")
            .class("button")
            .attr("data-testid", name)
            .on(leptos::ev::click, move |_| {
                talk.fault.set(None);
                talk.asking.set(Asking::Sure);
            })
            .child(word(|words| words.begin))
    };
    let question = move || {
        let card = payment.with_value(|payment| card_words(&payment.card, till.t()));
        let amount = payment.with_value(|payment| till.money_within(payment.amount));
        fill(words(wanted, till.t()).sure, &[("amount", &amount), ("card", &card)])
    };
    let sure = move || {
        let yes = button()
            .r#type("button")
            .class("button primary")
            .attr("data-testid", format!("{name}-yes"))
            .on(leptos::ev::click, move |_| go())
            .child(word(|words| words.yes));
        div()
            .role("group")
            .aria_label(word(|words| words.begin))
            .child((p().class("ask-sure").child(question), div().class("ask-row").child((yes, not_now(till, talk)))))
    };
    let again = move || {
        let same = button()
            .r#type("button")
            .class("button primary")
            .on(leptos::ev::click, move |_| go())
            .child(move || till.t().ask_again);
        div().class("ask-row").child(same)
    };
    let body = move || match talk.asking.get() {
        Asking::Not => begin().into_any(),
        Asking::Sure => sure().into_any(),
        Asking::Working => p().role("status").child(word(|words| words.working)).into_any(),
        Asking::Doubt => again().into_any(),
    };
    let said = p()
        .class("ask-said")
        .role("alert")
        .attr("hidden", move || talk.fault.with(Option::is_none).then_some(""))
        .child(move || talk.fault.get().unwrap_or_default());
    div().class("ask").child((body, said)).into_any()
}

fn not_now(till: Till, talk: Talk) -> AnyView {
    button()
        .r#type("button")
        .class("button quiet")
        .on(leptos::ev::click, move |_| talk.asking.set(Asking::Not))
        .child((icon(CLOSE), span().child(move || till.t().refund_not)))
        .into_any()
}
