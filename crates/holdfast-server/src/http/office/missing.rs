//! What tills were told is stored and is gone: the books came from a copy, or a standby had not heard of it.

use super::format::{money, time};
use super::page::{Tab, inside};
use crate::desk::MissingLine;
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
    let mut lines = person.desk()?.missing(params.before.unwrap_or(i64::MAX), PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let body = html! {
        p.office-lead {
            "These payments were taken and stored, and were lost when the server came back from a copy or changed over to a standby. Their card data "
            "is gone. What the acquirer had captured before is on its statement; the rest is not paid: look for the customer by the sale's number."
        }
        @if lines.is_empty() { p.office-empty { "Nothing is missing." } }
        ul.office-list { @for line in &lines { (row(line, person.zone())) } }
        @if let Some(last) = lines.last().filter(|_| more) {
            p { a.button href=(format!("/office/missing?before={}", last.cursor)) { "Older" } }
        }
    };
    Ok(inside(&person, Tab::Today, body))
}

fn row(line: &MissingLine, zone: &str) -> Markup {
    html! {
        li.office-row {
            div.office-what {
                h2 {
                    span.num.office-number { (line.number) }
                    span.num { (money(line.amount_minor, &line.currency)) }
                }
                p.note {
                    (line.brand) " " span.num { (line.last4) } " · taken " (time(line.created_ms, zone)) " · stored " (time(line.acked_ms, zone))
                    " · named by " (line.device_name)
                }
            }
            div.office-state data-colour="red" { strong { "Missing" } }
        }
    }
}
