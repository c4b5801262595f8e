//! Settings, and how this tablet is doing.

use crate::browser::install;
use crate::browser::intl::TimeStyle;
use crate::components::bar::page_bar;
use crate::components::lamps::lamps;
use crate::components::meter::meter;
use crate::components::signed_off::signed_off;
use crate::messages::{Lang, fill};
use crate::state::payment::Tone;
use crate::state::session;
use crate::state::till::Till;
use crate::state::view_model::Theme;
use leptos::html::{button, dd, div, dl, dt, h2, main, p, section};
use leptos::prelude::*;

pub fn settings(till: Till) -> AnyView {
    session::refresh_facts(till);
    main()
        .class("page")
        .child((
            page_bar(till, move || till.t().settings),
            div().class("page-body").child(div().class("settings").child((
                div().class("settings-column").child((appearance(till), connection(till))),
                div().class("settings-column").child((meter(till), tablet(till))),
            ))),
        ))
        .into_any()
}

fn appearance(till: Till) -> AnyView {
    let themes = Theme::ALL.map(|theme| {
        let word = move || {
            let t = till.t();
            match theme {
                Theme::System => t.theme_system,
                Theme::Light => t.theme_light,
                Theme::Dark => t.theme_dark,
            }
        };
        choice(move || till.theme.get() == theme, move || till.choose_theme(theme)).child(word)
    });
    let sounds = [false, true].map(|on| {
        choice(move || till.sounds.get() == on, move || till.choose_sounds(on))
            .child(move || if on { till.t().sounds_on } else { till.t().sounds_off })
    });
    let langs = Lang::ALL.map(|lang| {
        choice(move || till.lang.get() == lang, move || till.choose_lang(lang))
            .attr("lang", lang.tag())
            .child(lang.name())
    });
    section()
        .child((
            h2().child(move || till.t().appearance),
            div()
                .class("choice")
                .role("group")
                .aria_label(move || till.t().appearance)
                .child(themes.into_iter().collect_view()),
            div()
                .class("choice")
                .role("group")
                .aria_label(move || till.t().language)
                .child(langs.into_iter().collect_view()),
            div()
                .class("choice")
                .role("group")
                .aria_label(move || till.t().sounds)
                .child(sounds.into_iter().collect_view()),
        ))
        .into_any()
}

fn choice(
    is_on: impl Fn() -> bool + Send + Sync + 'static,
    chosen: impl Fn() + 'static,
) -> leptos::html::HtmlElement<leptos::html::Button, impl leptos::attr::Attribute, ()> {
    button()
        .r#type("button")
        .class("button")
        .attr("aria-pressed", move || is_on().to_string())
        .on(leptos::ev::click, move |_| chosen())
}

fn connection(till: Till) -> AnyView {
    let waiting = move || match till.waiting.get() {
        Some(w) => (format!("{} · {}", till.count(w.count), till.money(w.sum)), Tone::Waiting),
        None => (till.t().nothing_waits.to_owned(), Tone::Plain),
    };
    let time = move || (till.time(till.now_ms.get(), TimeStyle::Full), Tone::Plain);
    let check = button()
        .r#type("button")
        .class("button")
        .on(leptos::ev::click, move |_| session::check_now(till))
        .child(move || till.t().check_now);
    section()
        .child((
            h2().child(move || till.t().connection),
            dl().class("facts").child((
                lamps(till),
                fact(move || till.t().waiting, waiting),
                fact(move || till.t().server_time, time),
            )),
            div().class("settings-actions").child(check),
        ))
        .into_any()
}

fn tablet(till: Till) -> AnyView {
    let facts = till.facts;
    let plain = move |read: fn(&session::Facts) -> Option<String>| {
        move || (facts.with(read).unwrap_or_else(|| till.t().unknown.to_owned()), Tone::Plain)
    };
    let keys = move || match facts.with(|f| f.keys) {
        Some((version, until_ms)) => {
            let until = till.time(until_ms, TimeStyle::DayTime);
            (fill(till.t().key_set_version, &[("version", &version.to_string()), ("time", &until)]), Tone::Plain)
        }
        None => (till.t().none_yet.to_owned(), Tone::Trouble),
    };
    let signed_on = move || match till.revoked_ms.get() {
        None => (till.t().yes.to_owned(), Tone::Plain),
        Some(at_ms) => (fill(till.t().no_since, &[("time", &till.time(at_ms, TimeStyle::DayTime))]), Tone::Trouble),
    };
    let storage = move || match facts.with(|f| f.persisted) {
        Some(true) => (till.t().storage_kept.to_owned(), Tone::Paid),
        Some(false) => (till.t().storage_evictable.to_owned(), Tone::Waiting),
        None => (till.t().storage_unknown.to_owned(), Tone::Plain),
    };
    let install = move || {
        till.can_install.get().then(|| {
            button()
                .r#type("button")
                .class("button primary")
                .on(leptos::ev::click, |_| install::prompt())
                .child(move || till.t().install)
        })
    };
    // Said only where it is so, and where there is a figure to say.
    let why_install = move || {
        let most = facts.with(|f| (f.persisted != Some(true)).then_some(f.unkept_max).flatten())?;
        let words = move || {
            let p = till.t().policy;
            format!("{} {}", fill(p.install_why, &[("amount", &till.money_within(most))]), p.install_how)
        };
        Some(p().class("settings-why").attr("data-testid", "unkept").child(words))
    };
    let update = move || {
        facts.with(|f| f.update_waits).then(|| {
            button()
                .r#type("button")
                .class("button strong")
                .on(leptos::ev::click, |_| session::update())
                .child(move || till.t().update)
        })
    };
    section()
        .child((
            h2().child(move || till.t().this_tablet),
            dl().class("facts").child((
                fact(move || till.t().shop, plain(|f| f.shop.clone())),
                fact(move || till.t().device_number, plain(|f| f.device_number.map(|n| n.to_string()))),
                fact(move || till.t().signed_on, signed_on),
                fact(move || till.t().storage, storage),
                fact(move || till.t().key_set, keys),
                fact(move || till.t().version, move || (env!("CARGO_PKG_VERSION").to_owned(), Tone::Plain)),
                fact(move || till.t().device_id, plain(|f| f.device_id.clone())),
            )),
            signed_off(till),
            why_install,
            div().class("settings-actions").child((install, update)),
        ))
        .into_any()
}

fn fact(
    name: impl Fn() -> &'static str + Send + Sync + 'static,
    value: impl Fn() -> (String, Tone) + Copy + Send + Sync + 'static,
) -> AnyView {
    div()
        .class("fact")
        .child((dt().child(name), dd().attr("data-tone", move || value().1.name()).child(move || value().0)))
        .into_any()
}
