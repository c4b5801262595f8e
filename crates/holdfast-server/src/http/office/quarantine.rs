//! What could not be taken as a payment: it is kept, sealed as it came, and waits for the owner.

use super::format::{money, time};
use super::page::{Tab, inside};
use crate::desk::QuarantineLine;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use axum::Extension;
use axum::extract::Query;
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

const PAGE: usize = 50;

#[derive(Deserialize)]
struct Params {
    before: Option<i64>,
}

pub async fn get(Extension(person): Known, uri: Uri) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let mut lines = person.desk()?.quarantine(params.before.unwrap_or(i64::MAX), PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let body = html! {
        p.office-lead { "Nothing here was charged. It is kept as it came, with its card data sealed, until you decide." }
        @if lines.is_empty() { p.office-empty { "Nothing is in quarantine." } }
        ul.office-list { @for line in &lines { (row(line)) } }
        @if let Some(last) = lines.last().filter(|_| more) {
            p { a.button href=(format!("/office/quarantine?before={}", last.cursor)) { "Older" } }
        }
    };
    Ok(inside(&person, Tab::Quarantine, body))
}

fn row(line: &QuarantineLine) -> Markup {
    html! {
        li.office-row {
            div.office-what {
                h2 {
                    @match &line.claims {
                        Some(claims) => {
                            span.num.office-number { (claims.number) }
                            span.num { (money(claims.amount_minor, &claims.currency)) }
                        }
                        None => { "Not readable" }
                    }
                }
                p.note {
                    @if let Some(claims) = &line.claims { (claims.brand) " " span.num { (claims.last4) } " · " }
                    "brought by " (line.device_name) " · " (time(line.received_ms))
                }
            }
            div.office-state data-colour="red" { strong { (words(&line.reason)) } }
        }
    }
}

/// The reasons of docs/protocol.md in words.
fn words(reason: &str) -> String {
    match reason {
        "device-revoked" => "From a revoked till".to_owned(),
        "unreadable" => "Not a record of a till".to_owned(),
        "record-signature-wrong" => "Its signature is wrong".to_owned(),
        "not-this-device" => "Signed by nobody we know".to_owned(),
        "id-conflict" => "Another payment has its number".to_owned(),
        "sequence-conflict" => "Its place in the till's chain is taken".to_owned(),
        "too-large" => "Too large to be a record".to_owned(),
        other => other.replace('-', " "),
    }
}
