//! The first minute: a one-time code binds this tablet to a shop. In the demo, one tap.

use crate::browser::page;
use crate::components::icon::{WARNING, icon, mark};
use crate::state::session::{self, EnrolProblem};
use crate::state::till::Till;
use leptos::html::{button, div, form, h1, h2, input, label, main, p, section, span};
use leptos::prelude::*;

pub fn enrol(till: Till) -> AnyView {
    // A camera that read the office's picture brings the code along.
    let code = RwSignal::new(page::enrolment_code().unwrap_or_default());
    let name = RwSignal::new(untrack(|| till.t().enrol_name_default.to_owned()));
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<EnrolProblem>);
    let has_demo = session::watch_demo(till);

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        session::enrol(till, code.get_untracked(), name.get_untracked(), busy, problem);
    };
    let demo = move || {
        has_demo.get().then(|| {
            let tap = button()
                .r#type("button")
                .class("button tall")
                .disabled(move || busy.get())
                .on(leptos::ev::click, move |_| session::enrol_demo(till, name.get_untracked(), busy, problem))
                .child(move || till.t().use_demo);
            (div().class("enrol-or").child(move || till.t().enrol_or), tap)
        })
    };
    let words = form().class("enrol-form").on(leptos::ev::submit, submit).child((
        h2().child(move || till.t().enrol_title),
        p().class("note").child(move || till.t().enrol_say),
        field(till, "enrol-code", |till| till.t().enrol_code, "input code", code),
        field(till, "enrol-name", |till| till.t().enrol_name, "input", name),
        move || problem.get().map(|p| alert(till, p)),
        button()
            .r#type("submit")
            .class("button primary tall")
            .disabled(move || busy.get() || code.with(|c| c.trim().is_empty()))
            .child(move || if busy.get() { till.t().enrolling } else { till.t().enrol }),
        demo,
    ));
    let brand = section().class("enrol-brand").child((
        mark(),
        div().child((h1().class("wordmark").child(move || "Holdfast"), p().child(move || till.t().tagline))),
    ));
    main().class("enrol").attr("data-state", move || "enrol").child((brand, words)).into_any()
}

fn field(
    till: Till,
    id: &'static str,
    word: fn(Till) -> &'static str,
    class: &'static str,
    value: RwSignal<String>,
) -> AnyView {
    div()
        .class("field")
        .child((
            label().r#for(id).child(move || word(till)),
            input()
                .id(id)
                .class(class)
                .r#type("text")
                .autocomplete("off")
                .spellcheck("false")
                .attr("autocapitalize", "off")
                .prop("value", move || value.get())
                .on(leptos::ev::input, move |event| value.set(event_target_value(&event))),
        ))
        .into_any()
}

fn alert(till: Till, problem: EnrolProblem) -> AnyView {
    let words = move || match problem {
        EnrolProblem::Refused => till.t().enrol_refused,
        EnrolProblem::Unreachable => till.t().enrol_unreachable,
        EnrolProblem::Failed => till.t().enrol_failed,
    };
    p().class("alert").role("alert").child((icon(WARNING), span().child(words))).into_any()
}
