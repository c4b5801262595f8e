//! The outcome, readable at two metres: colour and mark, one word, the amount, a sentence that can be said aloud.

use crate::browser::intl::TimeStyle;
use crate::components::icon::outcome_mark;
use crate::messages::{fill, isolated};
use crate::state::outcome::{Outcome, Said, WayOn};
use crate::state::till::Till;
use crate::state::view_model::Overlay;
use crate::state::words::card_words;
use holdfast_core::connectivity::{AcquirerLamp, Link};
use holdfast_core::money::Amount;
use holdfast_core::outbox::StoreFault;
use leptos::html::{button, div, h1, main, output, p};
use leptos::prelude::*;

pub fn result(till: Till, outcome: Outcome) -> AnyView {
    let (said, amount) = (outcome.said.clone(), outcome.amount);
    let sentence = {
        let said = said.clone();
        move || say(till, &said, amount)
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
    let way_on = outcome.said.way_on();
    let buttons = if way_on == WayOn::NewSale {
        let receipt = outcome.receipt.map(|receipt| {
            button(plain, |t| t.t().receipt, Box::new(move || till.overlay.set(Overlay::Receipt(receipt.clone()))))
        });
        (button(primary, |t| t.t().new_sale, Box::new(move || till.new_sale())), receipt).into_any()
    } else {
        let again: fn(Till) -> &'static str = match way_on {
            WayOn::SameCard => |till| till.t().card_again,
            WayOn::TryAgain => |till| till.t().try_again,
            WayOn::AnotherCard | WayOn::NewSale => |till| till.t().another_card,
        };
        (
            button(primary, again, Box::new(move || till.open_tender(None))),
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
        Said::Expired => t.too_late,
        Said::Quarantined => t.on_hold,
        Said::NotStored(_) => t.not_stored,
        Said::Unsure => t.unsure,
    }
}

fn say(till: Till, said: &Said, amount: Amount) -> String {
    let t = till.t();
    match said {
        Said::Approved => t.approved_say.to_owned(),
        Said::Stored { by_ms } => fill(stored_say(till), &[("time", &till.time(*by_ms, TimeStyle::WeekdayTime))]),
        Said::Declined { code } => fill(t.declined_say, &[("reason", t.decline_reason(code))]),
        Said::Expired => fill(t.too_late_say, &[("amount", &till.money_within(amount))]),
        Said::Quarantined => fill(t.on_hold_say, &[("amount", &till.money_within(amount))]),
        Said::NotStored(StoreFault::Full) => t.storage_full.to_owned(),
        Said::NotStored(StoreFault::Broken) => t.storage_broken.to_owned(),
        Said::NotStored(StoreFault::Mismatch) => t.storage_mismatch.to_owned(),
        Said::Unsure => t.unsure_say.to_owned(),
    }
}

/// Who keeps it decides what it waits for.
fn stored_say(till: Till) -> &'static str {
    let lamps = till.lamps.get();
    let is_stand_in = lamps.link == Link::Online && lamps.acquirer == AcquirerLamp::Down;
    if is_stand_in { till.t().policy.bank_say } else { till.t().stored_say }
}

fn stroke(said: &Said) -> &'static str {
    match said {
        Said::Approved => "M14 25l7 7l14-15",
        // Held: something comes to rest on the ground.
        Said::Stored { .. } => "M24 11v15M17.5 20l6.5 6.5l6.5-6.5M13 28v4a4 4 0 0 0 4 4h14a4 4 0 0 0 4-4v-4",
        Said::Declined { .. } | Said::NotStored(_) => "M16 16l16 16M32 16L16 32",
        // A clock's hands.
        Said::Expired => "M24 11v13.5l9 5.5",
        // Pause.
        Said::Quarantined => "M18 15v18M30 15v18",
        // A question mark.
        Said::Unsure => "M16.5 19a7.5 7.5 0 1 1 11 6.6c-2.2 1.2-3.5 2.3-3.5 4.9M24 36.5v.01",
    }
}
