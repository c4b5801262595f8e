//! The loss meter: for the cashier a word, for the owner a figure and a small picture.

use crate::messages::fill;
use crate::state::till::Till;
use holdfast_core::card::Entry;
use holdfast_core::money::Amount;
use holdfast_core::policy::{Age, Cell, Level};
use leptos::html::{dd, div, dl, dt, h2, output, p, section, span};
use leptos::prelude::*;
use leptos::svg::{rect, svg};

/// Kinds of payments that are named; the rest is in the figure.
const KINDS_MAX: usize = 4;
/// The picture's width in its own units.
const WIDTH: i64 = 1_000;

/// "Fine", "Careful" or "Stop".
pub fn level(till: Till) -> AnyView {
    let level = move || till.risk.with(|risk| risk.level);
    let word = move || {
        let t = till.t().policy;
        match level() {
            Level::Fine => t.fine,
            Level::Careful => t.careful,
            Level::Stop => t.stop,
        }
    };
    span()
        .class("level")
        .attr("data-level", move || level().name())
        .child((span().class("visually-hidden").child(move || format!("{}: ", till.t().policy.level)), word))
        .into_any()
}

/// What may be lost of what waits, and of which age and kind it is.
pub fn meter(till: Till) -> AnyView {
    let money = move |minor: i64| till.money(Amount::new(minor, till.currency()));
    let sum = move || till.risk.with(|risk| risk.meter.minor);
    let loss = move || till.risk.with(|risk| risk.meter.loss_minor);
    let say = move || {
        let p = till.t().policy;
        match sum() {
            0 => p.at_risk_none.to_owned(),
            minor => fill(p.at_risk_say, &[("sum", &till.money_within(Amount::new(minor, till.currency())))]),
        }
    };
    let more = move || (sum() > 0).then(|| (picture(till), ages(till), kinds(till)));
    section()
        .class("meter")
        .attr("data-testid", "meter")
        .child((
            h2().child(move || till.t().policy.at_risk),
            div().class("meter-card").child((
                output()
                    .class("meter-figure num")
                    .attr("data-minor", move || loss().to_string())
                    .child(move || money(loss())),
                p().class("meter-say").child(say),
                more,
            )),
        ))
        .into_any()
}

/// One bar of what waits, by how much of its time it has used.
fn picture(till: Till) -> AnyView {
    let parts = move || {
        till.risk.with(|risk| {
            let whole = i128::from(risk.meter.minor.max(1));
            let mut from = 0;
            let part = |age: Age| {
                let to = from + i128::from(risk.meter.of_age(age).0) * i128::from(WIDTH);
                let (x, width) = (from / whole, to / whole - from / whole);
                from = to;
                rect()
                    .attr("class", "meter-part")
                    .attr("data-age", age.name())
                    .attr("x", x.to_string())
                    .attr("width", width.to_string())
                    .attr("height", "1")
            };
            Age::ALL.map(part).into_iter().collect_view()
        })
    };
    svg()
        .attr("class", "meter-bar")
        .attr("viewBox", format!("0 0 {WIDTH} 1"))
        .attr("preserveAspectRatio", "none")
        .attr("aria-hidden", "true")
        .child(parts)
        .into_any()
}

/// The picture in words.
fn ages(till: Till) -> AnyView {
    let rows = move || {
        let name = move |age: Age| till.t().policy.ages[Age::ALL.iter().position(|a| *a == age).unwrap_or(0)];
        let of = move |age| till.risk.with(|risk| risk.meter.of_age(age));
        let there = Age::ALL.into_iter().filter(|age| of(*age).0 > 0);
        there
            .map(|age| {
                let (minor, loss) = of(age);
                row(till, move || name(age).to_owned(), minor, loss, Some(age))
            })
            .collect_view()
    };
    dl().class("facts meter-rows").child(rows).into_any()
}

fn kinds(till: Till) -> AnyView {
    let rows = move || {
        let mut sums: Vec<Cell> = Vec::new();
        till.risk.with(|risk| {
            for cell in &risk.meter.cells {
                match sums.iter_mut().find(|sum| (sum.brand, sum.entry) == (cell.brand, cell.entry)) {
                    Some(sum) => {
                        sum.minor = sum.minor.saturating_add(cell.minor);
                        sum.loss_minor = sum.loss_minor.saturating_add(cell.loss_minor);
                    }
                    None => sums.push(*cell),
                }
            }
        });
        sums.sort_by_key(|sum| -sum.loss_minor);
        let named = sums.into_iter().take(KINDS_MAX);
        named.map(|sum| row(till, move || kind(till, &sum), sum.minor, sum.loss_minor, None)).collect_view()
    };
    dl().class("facts meter-rows").child(rows).into_any()
}

fn kind(till: Till, cell: &Cell) -> String {
    let t = till.t();
    let entry = if cell.entry == Entry::Keyed { t.keyed } else { t.swiped };
    fill(t.policy.kind, &[("brand", &cell.brand.to_string()), ("entry", entry)])
}

/// What waits, and what of it may be lost.
fn row(
    till: Till,
    name: impl Fn() -> String + Send + 'static,
    minor: i64,
    loss_minor: i64,
    age: Option<Age>,
) -> AnyView {
    let money = move |minor: i64| till.money(Amount::new(minor, till.currency()));
    div()
        .class("fact")
        .attr("data-age", age.map(Age::name))
        .child((
            dt().child((age.map(|_| span().class("meter-key").attr("aria-hidden", "true")), span().child(name))),
            dd().class("num").child((span().class("meter-sum").child(money(minor)), span().child(money(loss_minor)))),
        ))
        .into_any()
}
