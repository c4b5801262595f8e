//! What was sold: what waits on this tablet first, then everything, searched by any word that is shown.

use crate::browser::intl::TimeStyle;
use crate::components::bar::page_bar;
use crate::components::icon::{CLOCK, DOTS, HELD, Icon, SEARCH, TICK, VOIDED, WARNING, icon};
use crate::messages::{fill, isolated};
use crate::pages::payment::detail;
use crate::state::payment::{Payment, Tone};
use crate::state::till::Till;
use crate::state::view_model::Route;
use crate::state::words::{card_words, standing_word};
use leptos::html::{button, div, h2, input, label, li, main, p, section, span, ul};
use leptos::prelude::*;

pub fn history(till: Till) -> AnyView {
    let query = RwSignal::new(String::new());
    let open = Memo::new(move |_| match till.route.get() {
        Route::History(id) => id,
        Route::Sell | Route::Settings => None,
    });
    let shown = Memo::new(move |_| {
        let query = query.get().to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        till.payments.get().into_iter().filter(|p| fits(till, p, &words)).collect::<Vec<_>>()
    });
    let group = move |waiting: bool| {
        Memo::new(move |_| {
            shown.with(|all| all.iter().filter(|p| p.state.is_waiting() == waiting).cloned().collect::<Vec<_>>())
        })
    };
    let (waiting, others) = (group(true), group(false));
    let list = section().class("history-list").aria_label(move || till.t().payments).child((
        search(till, query),
        rows(till, waiting, open, |till| till.t().waiting_here),
        rows(till, others, open, |till| till.t().payments),
        move || shown.with(Vec::is_empty).then(|| nothing(till, query)),
    ));
    main()
        .class("page")
        .child((
            page_bar(till, move || till.t().history),
            div().class("history").attr("data-detail", move || open.get().is_some().to_string()).child((
                list,
                section().class("detail").aria_label(move || till.t().details).child(detail(till, open)),
            )),
        ))
        .into_any()
}

fn search(till: Till, query: RwSignal<String>) -> AnyView {
    div()
        .class("search")
        .role("search")
        .child((
            label().r#for("history-search").class("visually-hidden").child(move || till.t().history_search),
            icon(SEARCH),
            input()
                .id("history-search")
                .r#type("search")
                .autocomplete("off")
                .placeholder(move || till.t().history_search)
                .prop("value", move || query.get())
                .on(leptos::ev::input, move |event| query.set(event_target_value(&event))),
        ))
        .into_any()
}

fn rows(
    till: Till,
    payments: Memo<Vec<Payment>>,
    open: Memo<Option<String>>,
    title: fn(Till) -> &'static str,
) -> impl IntoView {
    let any = Memo::new(move |_| payments.with(|p| !p.is_empty()));
    move || {
        any.get().then(|| {
            // Keyed by id and state: a payment whose state changed is drawn anew, the others stay as they are.
            let each = For(ForProps::builder()
                .each(move || payments.get())
                .key(|p| (p.id.clone(), p.state.name(), p.changed_ms))
                .children(move |p| li().child(entry(till, p, open)))
                .build());
            div().child((h2().class("history-group").child(move || title(till)), ul().child(each)))
        })
    }
}

fn entry(till: Till, payment: Payment, open: Memo<Option<String>>) -> AnyView {
    let tone = payment.state.tone();
    let (id, this) = (payment.id.clone(), payment.id.clone());
    let payment = StoredValue::new(payment);
    let text = move |say: fn(Till, &Payment) -> String| move || payment.with_value(|p| say(till, p));
    button()
        .r#type("button")
        .class("entry")
        .attr("data-payment", id.clone())
        .attr("data-state", payment.with_value(|p| p.state.name()))
        .attr("aria-current", move || (open.get().as_deref() == Some(this.as_str())).then_some("true"))
        .on(leptos::ev::click, move |_| till.go(Route::History(Some(id.clone()))))
        .child((
            state_mark(tone),
            span().child((
                div().class("entry-title").attr("data-tone", tone.name()).child(text(title)),
                div().class("entry-more").child(text(|till, p| {
                    let when = till.time(p.taken_ms, TimeStyle::DayTime);
                    format!("{} · {when} · {}", isolated(&p.number), card_words(&p.card, till.t()))
                })),
            )),
            span().class("entry-amount num").child(text(|till, p| till.money(p.amount))),
        ))
        .into_any()
}

/// The state in a word; a decline says why at once.
fn title(till: Till, payment: &Payment) -> String {
    let t = till.t();
    let word = standing_word(till, payment);
    match &payment.state {
        crate::state::payment::PaymentStage::Declined { code } => format!("{word}: {}", t.decline_reason(code)),
        _ => word.to_owned(),
    }
}

pub fn state_mark(tone: Tone) -> AnyView {
    let picture: Icon = match tone {
        Tone::Plain => DOTS,
        Tone::Waiting => HELD,
        Tone::Paid => TICK,
        Tone::Void => VOIDED,
        Tone::Trouble => WARNING,
    };
    span().class("state-mark").attr("data-tone", tone.name()).child(icon(picture)).into_any()
}

fn fits(till: Till, payment: &Payment, words: &[&str]) -> bool {
    let t = till.t();
    let text = format!(
        "{} {} {} {} {}",
        title(till, payment),
        payment.number,
        card_words(&payment.card, t),
        till.money(payment.amount),
        payment.lines.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(" "),
    )
    .to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn nothing(till: Till, query: RwSignal<String>) -> AnyView {
    let words = move || match query.get().trim() {
        "" => till.t().history_empty.to_owned(),
        query => fill(till.t().history_no_hits, &[("query", query)]),
    };
    div().class("empty").child((icon(CLOCK), p().role("status").child(words))).into_any()
}
