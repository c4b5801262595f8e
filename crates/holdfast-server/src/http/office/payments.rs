//! Payments with their state, newest change first; all of them, or those that a figure elsewhere is made of.

use super::format::{card, day as day_words, money, state, time};
use super::page::{Tab, inside, older};
use crate::desk::{PaymentLine, Standing, Which};
use crate::http::Server;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::journal::Journal;
use crate::journal::report::day as day_of;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;
use holdfast_core::id::DeviceId;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

const PAGE: usize = 50;

/// What the address may narrow the list by. Days are business days.
#[derive(Debug, Default, Clone, Deserialize)]
struct Params {
    state: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// Of the first day.
    hour: Option<u8>,
    device: Option<String>,
    /// `offline` or `online`.
    path: Option<String>,
    /// Something that was sold, by its name, or by its tax rate in basis points.
    item: Option<String>,
    tax: Option<u32>,
    before: Option<i64>,
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known, uri: Uri) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let which = which(&server, &person, &params).await?;
    let mut lines = person.desk()?.payments(&which, params.before.unwrap_or(i64::MAX), PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let next =
        lines.last().filter(|_| more).map(|last| address(&Params { before: Some(last.change), ..params.clone() }));
    let is_all = which == Which::default();
    let body = html! {
        (picks(&params, which.state))
        (narrowed(&params, lines.first()))
        @if lines.is_empty() {
            p.office-empty {
                @if is_all { "Nothing here yet. A payment shows up as soon as a till brings it." } @else { "There is no such payment." }
            }
        }
        ul.office-list id="payments" data-live { @for line in &lines { (row(line, person.zone())) } }
        (older(next))
    };
    Ok(inside(&person, Tab::Payments, body))
}

async fn which(server: &Server, person: &Person, params: &Params) -> Result<Which, ApiError> {
    let state = Standing::from_name(params.state.as_deref().unwrap_or_default()).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let device =
        params.device.as_deref().map(str::parse::<DeviceId>).transpose().map_err(|_| ApiError::DEVICE_UNKNOWN)?;
    let offline = match params.path.as_deref() {
        None => None,
        Some("offline") => Some(true),
        Some("online") => Some(false),
        Some(_) => return Err(ApiError::REQUEST_UNREADABLE),
    };
    let taken_ms = match &params.from {
        None => None,
        Some(from) => {
            let from = day_of(from).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
            let to = params.to.as_deref().map(day_of).transpose().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
            let calendar = Journal::new(&server.ledger).calendar(person.desk()?.merchant_id()).await?;
            Some(match params.hour {
                Some(hour) => calendar.hour_window(from, hour),
                None => (calendar.window(from).0, calendar.window(to.unwrap_or(from)).1),
            })
        }
    };
    let device_id = device.map(|id| id.to_string());
    Ok(Which { state, taken_ms, device_id, offline, item: params.item.clone(), tax_bp: params.tax })
}

fn picks(params: &Params, chosen: Standing) -> Markup {
    html! {
        nav.office-picks aria-label="Which payments" {
            @for (standing, name, words) in Standing::ALL {
                @let state = (!name.is_empty()).then(|| name.to_owned());
                @let href = address(&Params { state, before: None, ..params.clone() });
                a.office-pick href=(href) aria-current=[(standing == chosen).then_some("page")] { (words) }
            }
        }
    }
}

/// Besides the state, in words, with the way back to all of them.
fn narrowed(params: &Params, first: Option<&PaymentLine>) -> Markup {
    let shown = |day: &str| day_of(day).map_or_else(|_| day.to_owned(), day_words);
    let from = params.from.as_deref().map(|from| match (params.hour, params.to.as_deref()) {
        (Some(hour), _) => format!("{}, {hour:02}:00 to {:02}:00", shown(from), (hour + 1) % 24),
        (None, Some(to)) if to != from => format!("{} to {}", shown(from), shown(to)),
        _ => shown(from),
    });
    let device = params.device.as_ref().and(first).map(|line| line.device_name.clone());
    let path = params.path.as_ref().map(|path| format!("taken {path}"));
    let tax = params.tax.map(|bp| format!("taxed at {} %", f64::from(bp) / 100.0));
    let words = [from, device, path, params.item.clone(), tax].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let is_narrowed = !words.is_empty() || params.device.is_some();
    html! {
        @if is_narrowed {
            div.office-lead {
                p { strong { (words) } }
                a.office-link href=(address(&Params { state: params.state.clone(), ..Params::default() })) { "All of them" }
            }
        }
    }
}

fn address(params: &Params) -> String {
    let (hour, before) = (params.hour.map(|hour| hour.to_string()), params.before.map(|before| before.to_string()));
    let tax = params.tax.map(|bp| bp.to_string());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("state", &params.state),
        ("from", &params.from),
        ("to", &params.to),
        ("hour", &hour),
        ("device", &params.device),
        ("path", &params.path),
        ("item", &params.item),
        ("tax", &tax),
        ("before", &before),
    ] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { "/office/payments".to_owned() } else { format!("/office/payments?{query}") }
}

fn row(line: &PaymentLine, zone: &str) -> Markup {
    let (words, colour) = state(&line.state);
    html! {
        li { a.office-row.office-pay href=(format!("/office/payments/{}", line.id)) {
            strong.office-sum.num { (money(line.amount_minor, &line.currency)) }
            div.office-what {
                p { span.num { (line.number) } " · " (card(&line.brand, &line.last4)) " · " (line.device_name) }
                p.note { (time(line.taken_ms, zone)) @if line.offline { " · taken offline" } }
            }
            div.office-state data-colour=(colour) {
                strong { (words) }
                @if let Some(reason) = &line.reason { span.note { (reason) } }
            }
        } }
    }
}
