//! What can be sold: category tabs, the keys of the items, and the keypad for any other amount.

use super::icon::{SEARCH, icon};
use super::pad::{Corner, pad_keys};
use crate::browser::page;
use crate::messages::fill;
use crate::state::till::{Tab, Till};
use crate::state::view_model::tint_class;
use holdfast_core::catalogue::{Category, Item};
use holdfast_core::money::Keypad;
use leptos::html::{bdi, button, div, main, output, p, span};
use leptos::prelude::*;

pub fn goods(till: Till) -> AnyView {
    let is_keypad =
        Memo::new(move |_| till.query.with(|q| q.trim().is_empty()) && till.open_tab() == Some(Tab::Keypad));
    main()
        .class("goods")
        .child((tabs(till), move || if is_keypad.get() { keypad(till) } else { grid(till) }))
        .into_any()
}

fn tabs(till: Till) -> AnyView {
    let categories = move || {
        let all = till.shop.with(|s| s.as_ref().map(|s| s.catalogue.categories.clone()).unwrap_or_default());
        all.into_iter().map(|c| category_tab(till, c)).collect_view()
    };
    let keypad = tab(till, Tab::Keypad, "tab plain".into()).child(move || till.t().keypad);
    div().class("tabs").role("tablist").aria_label(move || till.t().categories).child((categories, keypad)).into_any()
}

fn category_tab(till: Till, category: Category) -> AnyView {
    let class = format!("tab {}", tint_class(&category.colour));
    tab(till, Tab::Category(category.id), class).child(category.name).into_any()
}

fn tab(
    till: Till,
    tab: Tab,
    class: String,
) -> leptos::html::HtmlElement<leptos::html::Button, impl leptos::attr::Attribute, ()> {
    let this = tab.clone();
    let is_open = move || till.query.with(|q| q.trim().is_empty()) && till.open_tab().as_ref() == Some(&this);
    button()
        .r#type("button")
        .class(class)
        .role("tab")
        .attr("aria-selected", move || is_open().to_string())
        .attr("aria-controls", "goods-panel")
        .on(leptos::ev::click, move |_| till.open(tab.clone()))
}

fn grid(till: Till) -> AnyView {
    let keys = move || {
        let items = till.shown_items();
        if items.is_empty() {
            nothing(till)
        } else {
            items.into_iter().map(|i| item_key(till, i)).collect_view().into_any()
        }
    };
    div().id("goods-panel").class("grid").role("tabpanel").aria_label(move || till.t().items).child(keys).into_any()
}

fn item_key(till: Till, item: Item) -> AnyView {
    let tint = untrack(|| {
        till.shop.with(|s| {
            let categories = &s.as_ref()?.catalogue.categories;
            categories.iter().find(|c| c.id == item.category_id).map(|c| tint_class(&c.colour))
        })
    });
    let (id, price) = (item.id.clone(), item.price);
    let in_sale = Memo::new(move |_| {
        till.cart.with(|c| {
            c.lines().iter().filter(|l| l.item_id.as_deref() == Some(id.as_str())).map(|l| l.quantity).sum::<u32>()
        })
    });
    let badge = move || {
        let count = usize::try_from(in_sale.get()).unwrap_or(0);
        (count > 0).then(|| {
            let words = fill(till.t().in_sale, &[("count", &till.count(count))]);
            span().class("item-count num").attr("aria-label", words).role("img").child(till.count(count))
        })
    };
    button()
        .r#type("button")
        .class(format!("item {}", tint.unwrap_or_else(|| tint_class("stone"))))
        .child((
            span().class("item-name").child(bdi().child(item.name.clone())),
            span().class("item-price num").child(move || till.money(price)),
            badge,
        ))
        .on(leptos::ev::click, move |event| {
            till.add_item(&item);
            // A tapped key lets the focus go: Enter then charges instead of adding one more.
            if event.detail() > 0 {
                page::blur();
            }
        })
        .into_any()
}

fn nothing(till: Till) -> AnyView {
    let words = move || {
        let query = till.query.get();
        match query.trim() {
            "" => till.t().no_items.to_owned(),
            query => fill(till.t().no_hits, &[("query", query)]),
        }
    };
    div().class("empty").child((icon(SEARCH), p().role("status").child(words))).into_any()
}

fn keypad(till: Till) -> AnyView {
    let amount = move || till.pad.get().amount();
    let edit = move |change: fn(Keypad) -> Keypad| till.pad.update(|pad| *pad = change(*pad));
    let add_words = move || match amount() {
        nothing if !nothing.is_positive() => till.t().add_nothing.to_owned(),
        something => fill(till.t().add_amount, &[("amount", &till.money_within(something))]),
    };
    let add = button()
        .r#type("button")
        .class("button strong")
        .disabled(move || !amount().is_positive())
        .on(leptos::ev::click, move |_| till.add_typed_amount())
        .child(add_words);
    div()
        .id("goods-panel")
        .class("pad-page")
        .role("tabpanel")
        .aria_label(move || till.t().keypad)
        .child(
            div().class("pad").child((
                output()
                    .class("pad-display num")
                    .aria_label(move || till.t().custom_amount)
                    .attr("data-empty", move || (!amount().is_positive()).to_string())
                    .child(move || till.money(amount())),
                pad_keys(
                    till,
                    Corner::DoubleZero,
                    move |n| till.pad.update(|pad| *pad = pad.digit(n)),
                    move || edit(Keypad::double_zero),
                    move || edit(Keypad::backspace),
                ),
                add,
            )),
        )
        .into_any()
}
