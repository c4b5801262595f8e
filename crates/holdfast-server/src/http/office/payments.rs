//! Payments with their state, newest change first.

use super::format::{money, state, time};
use super::page::{Tab, inside};
use crate::http::door::Known;
use crate::http::problem::ApiError;
use axum::Extension;
use axum::extract::Query;
use axum::http::Uri;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

const PAGE: usize = 50;

#[derive(Deserialize)]
struct Params {
    before: Option<i64>,
}

pub async fn get(Extension(person): Known, uri: Uri) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let mut lines = person.desk()?.payments(params.before.unwrap_or(i64::MAX), PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let body = html! {
        @if lines.is_empty() { p.office-empty { "Nothing here yet. A payment shows up as soon as a till brings it." } }
        ul.office-list {
            @for line in &lines {
                @let (words, colour) = state(&line.state);
                li.office-row {
                    div.office-what {
                        h2 {
                            a href=(format!("/office/payments/{}", line.id)) { span.num.office-number { (line.number) } }
                            span.num { (money(line.amount_minor, &line.currency)) }
                        }
                        p.note {
                            (line.brand) " " span.num { (line.last4) } " · " (line.device_name) " · " (time(line.taken_ms, person.zone()))
                            @if line.offline { " · taken offline" }
                        }
                    }
                    div.office-state data-colour=(colour) {
                        strong { (words) }
                        @if let Some(reason) = &line.reason { span.note { (reason) } }
                    }
                }
            }
        }
        @if let Some(last) = lines.last().filter(|_| more) {
            p { a.button href=(format!("/office/payments?before={}", last.change)) { "Older" } }
        }
    };
    Ok(inside(&person, Tab::Payments, body))
}
