//! The outcome, readable at two metres: colour and mark, one word, the amount, a sentence that can be said aloud.

use crate::browser::intl::TimeStyle;
use crate::components::icon::outcome_mark;
use crate::messages::{fill, isolated};
use crate::state::till::Till;
use crate::state::view_model::{Outcome, Overlay, Said};
use crate::state::words::card_words;
use holdfast_core::outbox::StoreFault;
use leptos::html::{button, div, h1, main, output, p};
use leptos::prelude::*;

pub fn result(till: Till, outcome: Outcome) -> AnyView {
    let (said, amount) = (outcome.said.clone(), outcome.amount);
    let sentence = {
        let said = said.clone();
        move || say(till, &said)
    };
    let detail = outcome.receipt.as_ref().map(|r| r.payment.clone()).map(|payment| {
        p().class("result-detail")
            .child(move || format!("{} · {}", card_words(&payment.card, till.t()), isolated(&payment.number)))
    });
    let word = {
        let said = said.clone();
        move || word(till, &said)
    };
    main()
        .class("result")
        .attr("data-state", said.name())
        .attr("data-testid", "result")
        .aria_label(word.clone())
        .child((
            div().class("result-head").child((
                outcome_mark(stroke(&said)),
                h1().id("result-word").tabindex("-1").class("result-word").role("alert").child(word),
            )),
            output()
                .class("result-amount num")
                .attr("data-length", move || till.amount_length(amount))
                .aria_label(move || till.t().total)
                .child(move || till.money(amount)),
            p().class("result-say").child(sentence),
            detail,
            actions(till, outcome),
        ))
        .into_any()
}

fn actions(till: Till, outcome: Outcome) -> AnyView {
    let button = |class: &'static str, name: fn(Till) -> &'static str, pressed: Box<dyn Fn()>| {
        button().r#type("button").class(class).on(leptos::ev::click, move |_| pressed()).child(move || name(till))
    };
    let (primary, plain) = ("button tall primary", "button tall");
    let buttons = if outcome.said.ends_sale() {
        let receipt = outcome.receipt.map(|receipt| {
            button(plain, |t| t.t().receipt, Box::new(move || till.overlay.set(Overlay::Receipt(receipt.clone()))))
        });
        (button(primary, |t| t.t().new_sale, Box::new(move || till.new_sale())), receipt).into_any()
    } else {
        (
            button(primary, |t| t.t().another_card, Box::new(move || till.open_tender(None))),
            button(plain, |t| t.t().back_to_sale, Box::new(move || till.close_overlay())),
        )
            .into_any()
    };
    div().class("result-actions").child(buttons).into_any()
}

fn word(till: Till, said: &Said) -> &'static str {
    let t = till.t();
    match said {
        Said::Approved => t.approved,
        Said::Stored { .. } => t.stored,
        Said::Declined { .. } => t.declined,
        Said::NotStored(_) => t.not_stored,
        Said::Unsure => t.unsure,
    }
}

fn say(till: Till, said: &Said) -> String {
    let t = till.t();
    match said {
        Said::Approved => t.approved_say.to_owned(),
        Said::Stored { by_ms } => fill(t.stored_say, &[("time", &till.time(*by_ms, TimeStyle::WeekdayTime))]),
        Said::Declined { code } => fill(t.declined_say, &[("reason", t.decline_reason(code))]),
        Said::NotStored(StoreFault::Full) => t.storage_full.to_owned(),
        Said::NotStored(StoreFault::Broken) => t.storage_broken.to_owned(),
        Said::NotStored(StoreFault::Mismatch) => t.storage_mismatch.to_owned(),
        Said::Unsure => t.unsure_say.to_owned(),
    }
}

fn stroke(said: &Said) -> &'static str {
    match said {
        Said::Approved => "M14 25l7 7l14-15",
        // Held: something comes to rest on the ground.
        Said::Stored { .. } => "M24 11v15M17.5 20l6.5 6.5l6.5-6.5M13 28v4a4 4 0 0 0 4 4h14a4 4 0 0 0 4-4v-4",
        Said::Declined { .. } | Said::NotStored(_) | Said::Unsure => "M16 16l16 16M32 16L16 32",
    }
}
