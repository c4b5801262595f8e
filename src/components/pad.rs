//! Ten digits and a way back: for amounts and for cards.

use super::icon::{ERASE, icon};
use crate::browser::page;
use crate::state::till::Till;
use leptos::html::button;
use leptos::prelude::*;

/// What the bottom left key does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Corner {
    DoubleZero,
    Empty,
}

/// The twelve keys, to stand in a `.pad` grid.
pub fn pad_keys(
    till: Till,
    corner: Corner,
    digit: impl Fn(u8) + Copy + 'static,
    double_zero: impl Fn() + 'static,
    erase: impl Fn() + 'static,
) -> AnyView {
    let key = move |n: u8| press_key(move || digit(n)).child(n.to_string());
    let corner_key = match corner {
        Corner::DoubleZero => press_key(double_zero).child("00").into_any(),
        Corner::Empty => leptos::html::span().into_any(),
    };
    (
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map(key).into_iter().collect_view(),
        corner_key,
        key(0),
        press_key(erase).aria_label(move || till.t().delete_digit).child(icon(ERASE)),
    )
        .into_any()
}

/// A key lets the focus go after a pointer pressed it, so that Enter means Charge again and not this key.
fn press_key(
    pressed: impl Fn() + 'static,
) -> leptos::html::HtmlElement<leptos::html::Button, impl leptos::attr::Attribute, ()> {
    button().r#type("button").class("button").on(leptos::ev::click, move |event| {
        pressed();
        if event.detail() > 0 {
            page::blur();
        }
    })
}
