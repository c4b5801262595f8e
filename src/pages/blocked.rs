//! Before the till is ready, and when it cannot be: nothing is sold on a tablet that cannot keep it.

use crate::browser::page;
use crate::components::icon::mark;
use crate::state::till::Till;
use leptos::html::{button, h1, main, p};
use leptos::prelude::*;

pub fn starting(till: Till) -> AnyView {
    main()
        .class("splash")
        .attr("data-state", move || "starting")
        .child((mark(), p().role("status").child(move || till.t().starting)))
        .into_any()
}

pub fn blocked(till: Till) -> AnyView {
    let again = button()
        .r#type("button")
        .class("button primary tall")
        .on(leptos::ev::click, move |_| page::reload())
        .child(move || till.t().try_again);
    main()
        .class("splash")
        .role("alert")
        .attr("data-state", move || "blocked")
        .child((
            mark(),
            h1().child(move || till.t().blocked_title),
            p().child(move || till.t().blocked_say),
            again,
            p().class("note").child(till.blocked_by),
        ))
        .into_any()
}
