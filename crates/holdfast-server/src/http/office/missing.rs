//! What tills were told is stored and is gone: the books came from a copy, or a standby had not heard of it.

use super::format::{card, money, time};
use super::page::{Tab, below, older};
use crate::desk::MissingLine;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use axum::Extension;
use axum::extract::Query;
use axum::http::{StatusCode, Uri};
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
        div.office-title { h1 { "Missing" } a.office-link href="/office" { "Today" } }
        p.office-lead {
            "These payments were taken and stored, and were lost when the server came back from a copy or changed over to a standby. Their card data "
            "is gone. What the acquirer had captured before is on its statement; the rest is not paid: look for the customer by the sale's number."
        }
        @if lines.is_empty() { p.office-empty { "Nothing is missing." } }
        ul.office-list { @for line in &lines { (row(line, person.zone())) } }
        (older(lines.last().filter(|_| more).map(|last| format!("/office/missing?before={}", last.cursor))))
    };
    Ok(below(StatusCode::OK, &person, Tab::Today, "Missing", body))
}

fn row(line: &MissingLine, zone: &str) -> Markup {
    html! {
        li.office-row.office-pay {
            strong.office-sum.num { (money(line.amount_minor, &line.currency)) }
            div.office-what {
                p { span.num { (line.number) } " · " (card(&line.brand, &line.last4)) " · named by " (line.device_name) }
                p.note { "Taken " (time(line.created_ms, zone)) " · stored " (time(line.acked_ms, zone)) }
            }
            div.office-state data-colour="red" { strong { "Missing" } }
        }
    }
}
