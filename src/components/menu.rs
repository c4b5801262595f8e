//! The menu: a drawer with the three places of the till.

use super::icon::{CLOCK, CLOSE, Icon, LOCK, SLIDERS, TILL, icon};
use crate::messages::Messages;
use crate::state::till::Till;
use crate::state::view_model::Route;
use leptos::html::{button, div, nav, p, span};
use leptos::prelude::*;

pub fn menu(till: Till) -> impl IntoView {
    move || {
        till.menu_open.get().then(|| {
            let veil = div().class("veil").on(leptos::ev::click, move |_| till.menu_open.set(false));
            (veil, drawer(till)).into_any()
        })
    }
}

fn drawer(till: Till) -> AnyView {
    let shop = move || till.shop.with(|s| s.as_ref().map_or_else(String::new, |s| s.name.clone()));
    let close = button()
        .r#type("button")
        .class("button quiet round")
        .aria_label(move || till.t().close)
        .on(leptos::ev::click, move |_| till.menu_open.set(false))
        .child(icon(CLOSE));
    let waiting = move || {
        let count = till.waiting.with(|w| w.as_ref().map(|w| w.count))?;
        Some(span().class("drawer-count num").child(till.count(count)))
    };
    div()
        .class("drawer")
        .role("dialog")
        .attr("aria-modal", "true")
        .aria_label(move || till.t().menu)
        .child((
            div().class("drawer-head").child((close, span().class("drawer-shop").child(shop))),
            nav().aria_label(move || till.t().menu).child((
                link(till, TILL, Route::Sell, |t| t.sell, ().into_any()),
                link(till, CLOCK, Route::History(None), |t| t.history, waiting.into_any()),
                link(till, SLIDERS, Route::Settings, |t| t.settings, ().into_any()),
                lock(till),
            )),
            p().class("drawer-foot").child("Holdfast ").child(env!("CARGO_PKG_VERSION")),
        ))
        .into_any()
}

/// Locks at once: whoever goes on signs in. Not there where nobody has.
fn lock(till: Till) -> AnyView {
    let shown = move || {
        till.seller.with(Option::is_some).then(|| {
            button()
                .r#type("button")
                .class("drawer-link")
                .on(leptos::ev::click, move |_| till.lock())
                .child((icon(LOCK), span().child(move || till.t().lock_till)))
        })
    };
    shown.into_any()
}

fn link(till: Till, picture: Icon, route: Route, word: fn(&Messages) -> &'static str, more: AnyView) -> AnyView {
    let (here, there) = (route.clone(), route);
    let is_here = move || std::mem::discriminant(&till.route.get()) == std::mem::discriminant(&here);
    button()
        .r#type("button")
        .class("drawer-link")
        .attr("aria-current", move || is_here().then_some("page"))
        .on(leptos::ev::click, move |_| till.go(there.clone()))
        .child((icon(picture), span().child(move || word(till.t())), more))
        .into_any()
}
