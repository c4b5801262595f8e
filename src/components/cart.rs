//! The open sale: lines, the tax they contain, and Charge with the total on it.

use super::icon::{CARD, CLOSE, MINUS, PLUS, UP, icon};
use crate::browser::page;
use crate::messages::fill;
use crate::state::payment::LineView;
use crate::state::till::Till;
use leptos::html::{aside, bdi, button, dd, div, dl, dt, h2, li, p, span, ul};
use leptos::prelude::*;
use leptos::svg::{path, svg};

pub fn cart(till: Till) -> impl IntoView {
    let is_empty = Memo::new(move |_| till.cart.with(|c| c.is_empty()));
    let veil = move || {
        till.cart_open.get().then(|| div().class("cart-veil").on(leptos::ev::click, move |_| till.cart_open.set(false)))
    };
    let panel = aside()
        .class("cart")
        .aria_label(move || till.t().this_sale)
        .attr("data-open", move || till.cart_open.get().to_string())
        .child((
            head(till, is_empty),
            div().class("cart-lines").child(move || if is_empty.get() { nothing(till) } else { lines(till) }),
            sums(till),
            foot(till, is_empty),
            // What cannot be done yet is not offered; its place is kept, so that nothing jumps.
            p().class("cart-hint")
                .attr("data-shown", move || (!is_empty.get()).to_string())
                .child((icon(CARD), span().child(move || till.t().swipe_hint))),
        ));
    (veil, panel)
}

fn head(till: Till, is_empty: Memo<bool>) -> AnyView {
    let clear = move || {
        (!is_empty.get()).then(|| {
            button()
                .r#type("button")
                .class("button quiet")
                .on(leptos::ev::click, move |_| till.clear_sale())
                .child(move || till.t().clear_sale)
        })
    };
    div().class("cart-head").child((h2().child(move || till.t().this_sale), clear)).into_any()
}

fn nothing(till: Till) -> AnyView {
    let strokes = ["M18 10h36v50l-6-4-6 4-6-4-6 4-6-4-6 4z", "M27 24h18", "M27 34h18", "M27 44h10"];
    let paper = svg()
        .attr("class", "icon")
        .attr("viewBox", "0 0 72 72")
        .attr("aria-hidden", "true")
        .child(strokes.map(|d| path().attr("d", d)).into_iter().collect_view());
    div().class("cart-empty").child((paper, p().child(move || till.t().sale_empty))).into_any()
}

fn lines(till: Till) -> AnyView {
    let all = Memo::new(move |_| till.cart_lines());
    let rows = For(ForProps::builder()
        .each(move || 0..all.with(Vec::len))
        .key(|index| *index)
        .children(move |index| line(till, all, index))
        .build());
    ul().child(rows).into_any()
}

/// Rows are kept by their place, so that the button that was just pressed keeps the focus.
fn line(till: Till, all: Memo<Vec<LineView>>, index: usize) -> AnyView {
    let this = Memo::new(move |_| all.with(|lines| lines.get(index).cloned()));
    let text = move |say: fn(Till, &LineView) -> String| {
        move || this.with(|l| l.as_ref().map(|l| say(till, l)).unwrap_or_default())
    };
    let is_open = Memo::new(move |_| till.open_line.get() == Some(index));
    let quantity = move || this.with_untracked(|l| l.as_ref().map_or(0, |l| l.quantity));
    let step = move |by: i64, name: fn(Till) -> &'static str, picture| {
        button()
            .r#type("button")
            .class("button round")
            .aria_label(move || name(till))
            .on(leptos::ev::click, move |_| {
                let next = i64::from(quantity()) + by;
                till.set_quantity(index, u32::try_from(next).unwrap_or(0));
            })
            .child(icon(picture))
    };
    let edit = move || {
        is_open.get().then(|| {
            div().class("line-edit").child((
                step(-1, |till| till.t().one_less, MINUS),
                span().class("qty num").child(text(|till, l| till.count(usize::try_from(l.quantity).unwrap_or(0)))),
                step(1, |till| till.t().one_more, PLUS),
                button()
                    .r#type("button")
                    .class("button quiet remove")
                    .on(leptos::ev::click, move |_| till.set_quantity(index, 0))
                    .child((icon(CLOSE), span().child(move || till.t().remove))),
            ))
        })
    };
    let main = button()
        .r#type("button")
        .class("line-main")
        .attr("aria-expanded", move || is_open.get().to_string())
        .on(leptos::ev::click, move |event| {
            till.open_line.update(|open| *open = if *open == Some(index) { None } else { Some(index) });
            if event.detail() > 0 {
                page::blur();
            }
        })
        .child((
            span().class("line-name").child((
                bdi().child(text(|_, l| l.name.clone())),
                span().class("line-count num").child(text(|till, l| match l.quantity {
                    1 => String::new(),
                    n => format!(" ×{}", till.count(usize::try_from(n).unwrap_or(0))),
                })),
            )),
            span().class("line-total num").child(text(|till, l| till.money(l.total))),
        ));
    li().class("line").attr("data-open", move || is_open.get().to_string()).child((main, edit)).into_any()
}

fn sums(till: Till) -> AnyView {
    let tax = Memo::new(move |_| till.cart.with(|c| c.tax()));
    let row = move || {
        let tax = tax.get();
        tax.is_positive().then(|| {
            div()
                .class("sum")
                .child((dt().child(move || till.t().tax_included), dd().class("num").child(move || till.money(tax))))
        })
    };
    let tip = Memo::new(move |_| till.tip_amount());
    let tip_row = move || {
        let tip = tip.get();
        tip.is_positive().then(|| {
            div()
                .class("sum")
                .child((dt().child(move || till.t().tip), dd().class("num").child(move || till.money(tip))))
        })
    };
    dl().class("cart-sums").child((row, tip_row)).into_any()
}

fn foot(till: Till, is_empty: Memo<bool>) -> AnyView {
    let pieces = move || till.cart.with(|c| c.lines().iter().map(|l| l.quantity).sum::<u32>());
    let toggle = button()
        .r#type("button")
        .class("button cart-toggle")
        .attr("aria-expanded", move || till.cart_open.get().to_string())
        .on(leptos::ev::click, move |_| till.cart_open.update(|open| *open = !*open))
        .child((
            icon(UP),
            span()
                .class("visually-hidden")
                .child(move || if till.cart_open.get() { till.t().hide_sale } else { till.t().show_sale }),
            span().class("num").child(move || {
                fill(till.t().items_n, &[("count", &till.count(usize::try_from(pieces()).unwrap_or(0)))])
            }),
        ));
    let charge = button()
        .r#type("button")
        .class("charge")
        .disabled(move || is_empty.get())
        .on(leptos::ev::click, move |_| till.charge())
        .child((
            span().class("charge-word").child(move || till.t().charge),
            span().class("charge-amount num").child(move || till.money(till.total())),
        ));
    div().class("cart-foot").child((toggle, charge)).into_any()
}
