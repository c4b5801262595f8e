//! The cash drawer: what goes in and out, and what a count finds.

use super::format::{money, time};
use super::page::{Tab, alert, inside};
use crate::desk::{CashKind, CashMove, Drawer};
use crate::http::Server;
use crate::http::api::cash::keep;
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::money::{Amount, Currency};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Asked {
    id: String,
    kind: String,
    amount: String,
    #[serde(default)]
    note: String,
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    page(&server, &person, None).await
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let asked: Asked = form(request).await?;
    let currency = person.desk()?.drawer(None, server.clock.now_ms()).await?.currency;
    let amount_minor = minor(&asked.amount, &currency);
    let (Some(amount_minor), Some(kind)) = (amount_minor, CashKind::from_name(&asked.kind)) else {
        return page(&server, &person, Some("Write the amount as in 100.00.")).await;
    };
    let asked = CashMove::new(asked.id, kind, amount_minor, asked.note.trim().to_owned());
    match keep(&server, &person, asked).await {
        Ok(_) => Ok(Redirect::to("/office/cash").into_response()),
        Err(ApiError::REQUEST_UNREADABLE) => page(&server, &person, Some("A note has at most 120 characters.")).await,
        Err(error) => Err(error),
    }
}

async fn page(server: &Server, person: &Person, words: Option<&str>) -> Result<Response, ApiError> {
    let drawer = person.desk()?.drawer(None, server.clock.now_ms()).await?;
    let body = html! {
        (alert(words))
        div.office-cards { (cards(&drawer)) }
        (entry(&drawer))
        h2 { "Today’s moves" }
        @if drawer.moves.is_empty() { p.office-empty { "Nothing was done with the drawer today." } }
        ul.office-list { @for one in drawer.moves.iter().rev() { (row(one, person.zone())) } }
    };
    Ok(inside(person, Tab::Cash, body))
}

fn cards(drawer: &Drawer) -> Markup {
    let colour = match drawer.difference_minor {
        None => "plain",
        Some(0) => "green",
        Some(_) => "red",
    };
    html! {
        section.office-card {
            h2 { "Should be in the drawer" }
            p.office-amount.num { (money(drawer.expected_minor, &drawer.currency)) }
        }
        section.office-card data-colour=(colour) {
            h2 { "Last count of today" }
            @match (drawer.counted_minor, drawer.difference_minor) {
                (Some(counted), Some(difference)) => {
                    p.office-amount.num { (money(counted, &drawer.currency)) }
                    p.note {
                        @if difference == 0 { "As expected." }
                        @else if difference < 0 { (money(-difference, &drawer.currency)) " too little." }
                        @else { (money(difference, &drawer.currency)) " too much." }
                    }
                }
                _ => { p.office-amount { "Not yet" } }
            }
        }
    }
}

/// The id is made with the page: a form that is sent twice is one move.
fn entry(drawer: &Drawer) -> Markup {
    html! {
        form.office-card.office-cash method="post" action="/office/cash" {
            h2 { "Something was done with the drawer" }
            input type="hidden" name="id" value=(uuid::Uuid::new_v4());
            div.office-line {
                div.field {
                    label for="kind" { "What" }
                    select.input id="kind" name="kind" {
                        option value="float" { "Float" }
                        option value="pay-in" { "Paid in" }
                        option value="pay-out" { "Paid out" }
                        option value="count" { "Counted" }
                    }
                }
                div.field {
                    label for="amount" { "Amount in " (drawer.currency) }
                    input.input.num id="amount" name="amount" inputmode="decimal" autocomplete="off" maxlength="16" required;
                }
                div.field {
                    label for="note" { "Note" }
                    input.input id="note" name="note" maxlength="120" autocomplete="off";
                }
                button.button.primary type="submit" { "Keep it" }
            }
        }
    }
}

fn row(one: &CashMove, zone: &str) -> Markup {
    let words = match one.kind {
        CashKind::Float => "Float",
        CashKind::PayIn => "Paid in",
        CashKind::PayOut => "Paid out",
        CashKind::Count => "Counted",
    };
    let difference = one.expected_minor.map(|expected| one.amount_minor - expected);
    html! {
        li.office-row.office-pay {
            strong.office-sum.num { (money(one.amount_minor, &one.currency)) }
            div.office-what {
                @if !one.note.is_empty() { p { (one.note) } }
                p.note { @if !one.by.is_empty() { (one.by) " · " } (time(one.at_ms, zone)) }
            }
            div.office-state data-colour=[difference.map(|minor| if minor == 0 { "green" } else { "red" })] {
                strong { (words) }
                @if let Some(minor) = difference.filter(|minor| *minor != 0) {
                    span.note.num { (money(minor, &one.currency)) }
                }
            }
        }
    }
}

/// `100`, `100.5` or `100,50` in minor units.
fn minor(text: &str, currency: &str) -> Option<i64> {
    let currency: Currency = currency.parse().ok()?;
    let text = text.trim().replace(',', ".");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let places = usize::from(currency.exponent());
    if whole.is_empty() || decimals.len() > places {
        return None;
    }
    let digits = format!("{whole}{decimals:0<places$}");
    let is_number = digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().map(|minor| Amount::new(minor, currency).minor())
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, expected) in [
            ("100", Some(10_000)),
            (" 99.5 ", Some(9_950)),
            ("0,05", Some(5)),
            ("1.234", None),
            ("-5", None),
            ("", None),
            (".50", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(minor(text, "EUR"), expected, "{text}");
        }
        assert_eq!(minor("100", "JPY"), Some(100));
    }
}
