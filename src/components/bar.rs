//! The bar at the head of every page: menu, what the page is for, and the lamp.

use super::icon::{MENU, PERSON, SEARCH, icon};
use crate::state::till::{Lamps, Till};
use holdfast_core::connectivity::{AcquirerLamp, Link};
use leptos::html::{bdi, button, div, h1, header, input, label, p, span};
use leptos::prelude::*;

/// The bar of the sell screen: with the search in its middle.
pub fn sell_bar(till: Till) -> AnyView {
    bar(till, (menu_button(till), search(till))).into_any()
}

/// The bar of any other page: with its title.
pub fn page_bar(till: Till, title: impl Fn() -> &'static str + Send + Sync + 'static) -> AnyView {
    bar(till, (menu_button(till), h1().child(title))).into_any()
}

fn bar(till: Till, inner: impl IntoView + 'static) -> impl IntoView {
    header().class("bar").attr("data-link", move || link_name(till.lamps.get().link)).child((
        inner.into_any(),
        seller(till),
        lamp(till),
    ))
}

fn menu_button(till: Till) -> AnyView {
    button()
        .r#type("button")
        .class("button quiet round")
        .aria_label(move || till.t().menu)
        .attr("aria-haspopup", "dialog")
        .attr("aria-expanded", move || till.menu_open.get().to_string())
        .on(leptos::ev::click, move |_| till.menu_open.set(true))
        .child(icon(MENU))
        .into_any()
}

fn search(till: Till) -> AnyView {
    let field = input()
        .id("search")
        .r#type("search")
        .autocomplete("off")
        .spellcheck("false")
        .attr("enterkeyhint", "done")
        .placeholder(move || till.t().search)
        .prop("value", move || till.query.get())
        .on(leptos::ev::input, move |event| till.query.set(event_target_value(&event)));
    div()
        .class("search")
        .role("search")
        .child((label().r#for("search").class("visually-hidden").child(move || till.t().search), icon(SEARCH), field))
        .into_any()
}

/// Who sells: one tap to change over. Not there in a shop whose staff does not sign in.
fn seller(till: Till) -> AnyView {
    let has_staff = Memo::new(move |_| till.shop.with(|s| s.as_ref().is_some_and(|s| !s.team.is_empty())));
    let name = move || till.seller.with(|s| s.as_ref().map(|s| s.first_name().to_owned()));
    let shown = move || {
        has_staff.get().then(|| {
            button()
                .r#type("button")
                .class("button quiet bar-seller")
                .attr("data-testid", "seller")
                .attr("aria-haspopup", "dialog")
                .on(leptos::ev::click, move |_| till.change_seller())
                .child((icon(PERSON), bdi().child(move || name().unwrap_or_else(|| till.t().sign_in.to_owned()))))
        })
    };
    shown.into_any()
}

/// The lamp says in words what it shows.
fn lamp(till: Till) -> AnyView {
    div()
        .class("lamp")
        .role("status")
        .aria_label(move || till.t().connection)
        .attr("data-state", move || link_name(till.lamps.get().link))
        .attr("data-standing", move || if till.revoked_ms.with(Option::is_some) { "revoked" } else { "good" })
        .child((span().class("lamp-light").attr("aria-hidden", move || "true"), p().child(move || lamp_words(till))))
        .into_any()
}

fn lamp_words(till: Till) -> &'static str {
    let t = till.t();
    if till.revoked_ms.with(Option::is_some) {
        // Said whatever the connection: the other words promise that sales go up.
        return t.lamp_revoked;
    }
    match till.lamps.get() {
        Lamps { link: Link::Checking, .. } => t.lamp_checking,
        Lamps { link: Link::Offline, .. } => t.lamp_offline,
        Lamps { link: Link::ServerUnreachable, .. } => t.lamp_server,
        Lamps { link: Link::Online, acquirer: AcquirerLamp::Down, .. } => t.lamp_acquirer,
        Lamps { link: Link::Online, .. } => t.lamp_online,
    }
}

pub fn link_name(link: Link) -> &'static str {
    match link {
        Link::Checking => "checking",
        Link::Online => "online",
        Link::ServerUnreachable => "server-unreachable",
        Link::Offline => "offline",
    }
}
