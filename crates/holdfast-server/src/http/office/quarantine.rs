//! What could not be taken as a payment: it is kept, sealed as it came, and waits for the owner.

use super::format::{card, money, time};
use super::page::{Tab, inside, older};
use crate::desk::QuarantineLine;
use crate::http::Server;
use crate::http::api::quarantine::{give_up, take_back};
use crate::http::body::form;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_wire::ack::reason;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

const PAGE: usize = 50;

#[derive(Deserialize)]
struct Params {
    before: Option<i64>,
    decided: Option<String>,
}

#[derive(Deserialize)]
pub struct Why {
    why: String,
}

pub async fn get(Extension(person): Known, uri: Uri) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let mut lines =
        person.desk()?.quarantine(params.decided.is_some(), params.before.unwrap_or(i64::MAX), PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let body = html! {
        p.office-lead { "Nothing here was charged. It is kept as it came, with its card data sealed, until you decide." }
        nav.office-picks aria-label="Which" {
            a.office-pick href="/office/quarantine" aria-current=[params.decided.is_none().then_some("page")] { "What waits" }
            a.office-pick href="/office/quarantine?decided=1" aria-current=[params.decided.as_ref().map(|_| "page")] { "What was decided" }
        }
        @if lines.is_empty() {
            p.office-empty { @if params.decided.is_some() { "Nothing was decided yet." } @else { "Nothing is in quarantine." } }
        }
        ul.office-list { @for line in &lines { (row(line, person.zone())) } }
        @let decided = if params.decided.is_some() { "&decided=1" } else { "" };
        (older(lines.last().filter(|_| more).map(|last| format!("/office/quarantine?before={}{decided}", last.cursor))))
    };
    Ok(inside(&person, Tab::Quarantine, body))
}

pub async fn let_out(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    take_back(&server, &person, &id).await?;
    Ok(Redirect::to("/office/quarantine").into_response())
}

pub async fn write_off(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let asked: Why = form(request).await?;
    give_up(&server, &person, &id, &asked.why).await?;
    Ok(Redirect::to("/office/quarantine").into_response())
}

fn row(line: &QuarantineLine, zone: &str) -> Markup {
    html! {
        li.office-row.office-pay {
            strong.office-sum.num {
                @match &line.claims {
                    Some(claims) => { (money(claims.amount_minor, &claims.currency)) }
                    None => { "?" }
                }
            }
            div.office-what {
                @match &line.claims {
                    Some(claims) => { p { span.num { (claims.number) } " · " (card(&claims.brand, &claims.last4)) } }
                    None => { p { "Not readable" } }
                }
                p.note { "Brought by " (line.device_name) " · " (time(line.received_ms, zone)) }
            }
            @match &line.decision {
                None => {
                    div.office-state data-colour="red" { strong { (words(&line.reason)) } }
                    (choices(line))
                }
                Some(decision) => {
                    div.office-state data-colour="plain" {
                        strong { (if decision.kind == "released" { "Let out" } else { "Written off" }) }
                        span.note { (decision.why) } span.note { (decision.by) " · " (time(decision.at_ms, zone)) }
                    }
                }
            }
        }
    }
}

/// What the owner may do about it.
fn choices(line: &QuarantineLine) -> Markup {
    html! {
        details.office-more {
            summary.button { "Decide" }
            div.office-choices {
                @if line.reason == reason::DEVICE_REVOKED {
                    form method="post" action=(format!("/office/quarantine/{}/release", line.cursor)) {
                        p.note { "The till's signature on it is right. Let out, it goes to the bank like any other payment, if its window is not over." }
                        button.button.primary type="submit" { "Let it out" }
                    }
                }
                form method="post" action=(format!("/office/quarantine/{}/write-off", line.cursor)) {
                    label for=(format!("why-{}", line.cursor)) { "Why" }
                    input.input id=(format!("why-{}", line.cursor)) name="why" maxlength="120" required;
                    p.note { "The sealed card data go for good. What it claimed to be stays in the list." }
                    button.button.danger type="submit" { "Write it off" }
                }
            }
        }
    }
}

/// The reasons of docs/protocol.md in words.
fn words(reason: &str) -> String {
    match reason {
        "device-revoked" => "From a revoked till".to_owned(),
        "unreadable" => "Not a record of a till".to_owned(),
        "amount-mismatch" => "Goods and tip are not its amount".to_owned(),
        "record-signature-wrong" => "Its signature is wrong".to_owned(),
        "not-this-device" => "Signed by nobody we know".to_owned(),
        "id-conflict" => "Another payment has its number".to_owned(),
        "sequence-conflict" => "Its place in the till's chain is taken".to_owned(),
        "too-large" => "Too large to be a record".to_owned(),
        other => other.replace('-', " "),
    }
}
