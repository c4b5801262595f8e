//! The tip, as the customer is asked for it: none, three of the shop's, or another one. A swipe is heard all the while.

use crate::browser::page;
use crate::messages::fill;
use crate::state::till::Till;
use holdfast_core::tip::{Tip, Tips};
use leptos::html::{button, div, p, span};
use leptos::prelude::*;

/// What the total is made of, while there is a tip in it.
pub fn tip_line(till: Till) -> AnyView {
    let line = move || {
        let (goods, tip) = (till.cart.with(|cart| cart.total()), till.tip_amount());
        tip.is_positive().then(|| {
            let words = move || {
                let (goods, tip) = (till.money_within(goods), till.money_within(tip));
                fill(till.t().tip_of, &[("amount", &goods), ("tip", &tip)])
            };
            p().class("tip-line num").child(words)
        })
    };
    line.into_any()
}

/// The choices, where the shop asks for a tip.
pub fn tips(till: Till) -> AnyView {
    let offer = Memo::new(move |_| till.shop.with(|s| s.as_ref().map_or(Tips::Off, |s| s.tips)));
    let shown = move || {
        let choices = offer.get().choices();
        (!choices.is_empty()).then(|| {
            let is_other = {
                let choices = choices.clone();
                move || till.tip.with(|tip| *tip != Tip::None && !choices.contains(tip))
            };
            let other = choice(is_other, move || till.open_tip())
                .child(span().class("tip-word").child(move || till.t().tip_other));
            let none = choice(move || till.tip.get() == Tip::None, move || till.tip.set(Tip::None))
                .child(span().class("tip-word").child(move || till.t().no_tip));
            div().class("tips").role("group").aria_label(move || till.t().tip).child((
                none,
                choices.into_iter().map(|tip| preset(till, tip)).collect_view(),
                other,
            ))
        })
    };
    shown.into_any()
}

fn preset(till: Till, tip: Tip) -> AnyView {
    let amount = move || till.money(tip.of(till.cart.with(|cart| cart.total())));
    let words = move || match tip {
        Tip::Percent(bp) => (Some(till.percent(bp)), amount()),
        Tip::None | Tip::Fixed(_) => (None, amount()),
    };
    choice(move || till.tip.get() == tip, move || till.choose_tip(tip))
        .child((
            move || words().0.map(|rate| span().class("tip-word num").child(rate)),
            span().class("tip-amount num").child(move || words().1),
        ))
        .into_any()
}

fn choice(
    is_on: impl Fn() -> bool + Send + Sync + 'static,
    chosen: impl Fn() + 'static,
) -> leptos::html::HtmlElement<leptos::html::Button, impl leptos::attr::Attribute, ()> {
    button().r#type("button").class("button tip").attr("aria-pressed", move || is_on().to_string()).on(
        leptos::ev::click,
        move |event| {
            chosen();
            // The next key is the reader's.
            if event.detail() > 0 {
                page::blur();
            }
        },
    )
}
