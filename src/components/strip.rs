//! The strip of what waits on this device. It is there only when something does.

use super::icon::{HELD, SEND, icon};
use super::meter::level;
use crate::messages::fill;
use crate::state::queue;
use crate::state::till::Till;
use crate::state::view_model::{Left, WaitingView};
use leptos::html::{button, div, section, span};
use leptos::prelude::*;

pub fn strip(till: Till) -> impl IntoView {
    let there = Memo::new(move |_| till.waiting.with(Option::is_some));
    move || there.get().then(|| facts(till))
}

fn facts(till: Till) -> AnyView {
    let part = move |say: fn(Till, &WaitingView) -> String| {
        move || till.waiting.with(|w| w.as_ref().map(|w| say(till, w)).unwrap_or_default())
    };
    let send = button()
        .r#type("button")
        .class("button")
        .disabled(move || till.sending.get())
        .on(leptos::ev::click, move |_| queue::send_now(till))
        .child((
            icon(SEND),
            span().child(move || if till.sending.get() { till.t().sending } else { till.t().send_now }),
        ));
    section()
        .class("strip")
        .aria_label(move || till.t().waiting)
        .attr("data-state", "waiting")
        .attr("data-count", move || till.waiting.with(|w| w.as_ref().map_or(0, |w| w.count)).to_string())
        .child((
            icon(HELD),
            level(till),
            div().class("strip-facts").child((
                span().child(part(|till, w| fill(till.t().stored_n, &[("count", &till.count(w.count))]))),
                span().class("num").child(part(|till, w| till.money(w.sum))),
                span().child(part(|till, w| left_words(till, w.first_by_ms))),
            )),
            send,
        ))
        .into_any()
}

fn left_words(till: Till, by_ms: i64) -> String {
    let t = till.t();
    match Left::until(by_ms, till.now_ms.get()) {
        Left::Hours(n) => fill(t.hours_left, &[("count", &till.count(n))]),
        Left::Minutes(n) => fill(t.minutes_left, &[("count", &till.count(n))]),
        Left::Over => t.window_over.to_owned(),
    }
}
