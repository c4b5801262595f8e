//! Money and dates by the browser's Intl: it knows minus signs, separators, digits and calendars better than we do.
//!
//! Formatters are costly to make and are kept; there are few languages and one currency per shop.

use crate::messages::Lang;
use holdfast_core::money::Amount;
use js_sys::{Date, Object, Reflect};
use std::cell::RefCell;
use std::collections::HashMap;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Intl)]
    #[derive(Clone)]
    type NumberFormat;
    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &Object) -> NumberFormat;
    /// A decimal string keeps every digit, where a number would be a float.
    #[wasm_bindgen(method, js_name = format)]
    fn format(this: &NumberFormat, decimal: &str) -> String;

    #[wasm_bindgen(js_namespace = Intl)]
    #[derive(Clone)]
    type DateTimeFormat;
    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &Object) -> DateTimeFormat;
    #[wasm_bindgen(method, js_name = format)]
    fn format(this: &DateTimeFormat, at: &Date) -> String;
}

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeStyle {
    /// `Thursday 14:05`: a deadline within the week, as it is said aloud.
    WeekdayTime,
    /// `23 Nov, 14:05`: in lists.
    DayTime,
    /// `23 November 2026 at 14:05`: on receipts.
    Full,
}

thread_local! {
    static MONEY: RefCell<HashMap<(Lang, String), NumberFormat>> = RefCell::default();
    static TIMES: RefCell<HashMap<(Lang, TimeStyle), DateTimeFormat>> = RefCell::default();
    static PERCENTS: RefCell<HashMap<Lang, NumberFormat>> = RefCell::default();
    static COUNTS: RefCell<HashMap<Lang, NumberFormat>> = RefCell::default();
}

/// An amount with its currency, as people of this language write it.
pub fn money(amount: Amount, lang: Lang) -> String {
    let currency = amount.currency();
    let formatter = MONEY.with_borrow_mut(|kept| {
        let make =
            || NumberFormat::new(&locale(lang), &options(&[("style", "currency"), ("currency", currency.code())]));
        kept.entry((lang, currency.code().to_owned())).or_insert_with(make).clone()
    });
    formatter.format(&amount.to_plain())
}

/// A rate in basis points, as `12.5 %`.
pub fn percent(bp: u32, lang: Lang) -> String {
    let formatter = PERCENTS.with_borrow_mut(|kept| {
        let make =
            || NumberFormat::new(&locale(lang), &options(&[("style", "percent"), ("maximumFractionDigits", "2")]));
        kept.entry(lang).or_insert_with(make).clone()
    });
    formatter.format(&format!("{}.{:04}", bp / 10_000, bp % 10_000))
}

/// A count in the language's digits.
pub fn count(n: usize, lang: Lang) -> String {
    let formatter = COUNTS.with_borrow_mut(|kept| {
        kept.entry(lang).or_insert_with(|| NumberFormat::new(&locale(lang), &options(&[]))).clone()
    });
    formatter.format(&n.to_string())
}

pub fn time(at_ms: i64, style: TimeStyle, lang: Lang) -> String {
    let parts: &[(&str, &str)] = match style {
        TimeStyle::WeekdayTime => &[("weekday", "long"), ("hour", "2-digit"), ("minute", "2-digit")],
        TimeStyle::DayTime => &[("day", "numeric"), ("month", "short"), ("hour", "2-digit"), ("minute", "2-digit")],
        TimeStyle::Full => &[("dateStyle", "long"), ("timeStyle", "short")],
    };
    let formatter = TIMES.with_borrow_mut(|kept| {
        kept.entry((lang, style)).or_insert_with(|| DateTimeFormat::new(&locale(lang), &options(parts))).clone()
    });
    // Milliseconds of our age fit a double exactly.
    formatter.format(&Date::new(&JsValue::from_f64(at_ms as f64)))
}

/// The browser's own regional form of the till's language, so that an en-GB tablet gets a 24-hour clock.
fn locale(lang: Lang) -> String {
    super::page::languages()
        .into_iter()
        .find(|tag| Lang::from_tag(tag) == Some(lang))
        .unwrap_or_else(|| lang.tag().to_owned())
}

fn options(pairs: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, value) in pairs {
        // Setting a plain property of a fresh plain object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    object
}
