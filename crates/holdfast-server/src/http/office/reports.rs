//! Reports: a picture, a table and a range of days; the same as CSV, and on paper.

use super::format::day as day_words;
use super::page::{Tab, below};
use super::report_table::drawn;
use crate::http::Server;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::journal::Journal;
use crate::journal::report::{Ask, AskError, day as day_of};
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::books::Kind;
use holdfast_core::time::iso_date;
use holdfast_wire::report::Report;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// Days of a report that nobody gave days to.
const DAYS: i64 = 7;

/// The reports in the order of what is asked most, and their names.
const KINDS: [(Kind, &str); 11] = [
    (Kind::Day, "Day"),
    (Kind::Hour, "Hour"),
    (Kind::Item, "Item"),
    (Kind::Category, "Category"),
    (Kind::Tender, "Tender"),
    (Kind::Staff, "Staff"),
    (Kind::Device, "Till"),
    (Kind::Tax, "Tax"),
    (Kind::Path, "Offline"),
    (Kind::Losses, "Lost"),
    (Kind::Accounts, "Accounts"),
];

#[derive(Deserialize)]
struct Params {
    from: Option<String>,
    to: Option<String>,
}

pub async fn first() -> Response {
    Redirect::to("/office/reports/day").into_response()
}

pub async fn get(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(kind): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REPORT_UNREADABLE)?;
    let (journal, merchant_id) = (Journal::new(&server.ledger), person.desk()?.merchant_id());
    let today = journal.calendar(merchant_id).await?.when(server.clock.now_ms()).day;
    let to = params.to.filter(|to| !to.is_empty()).unwrap_or_else(|| iso_date(today));
    let from = params.from.filter(|from| !from.is_empty()).unwrap_or_else(|| iso_date(today - DAYS + 1));
    let ask = Ask::parse(&kind, &from, &to).map_err(|error| match error {
        AskError::Kind => ApiError::NOT_FOUND,
        AskError::Day | AskError::Range => ApiError::REPORT_UNREADABLE,
    })?;
    let report = journal.report(merchant_id, ask).await?;
    let name = KINDS.iter().find(|(kind, _)| *kind == ask.kind).map_or("Report", |(_, name)| *name);
    let body = html! {
        (head(&report))
        nav.office-picks aria-label="Which report" {
            @for (of, name) in KINDS {
                a.office-pick href=(format!("/office/reports/{}?from={from}&to={to}", of.name()))
                    aria-current=[(of == ask.kind).then_some("page")] { (name) }
            }
        }
        (range(&report, today))
        div.office-stack id="report" data-live { (drawn(ask.kind, name, &report)) }
    };
    Ok(below(StatusCode::OK, &person, Tab::Reports, &format!("{name} report"), body))
}

fn head(report: &Report) -> Markup {
    let shown = |day: &str| day_of(day).map_or_else(|_| day.to_owned(), day_words);
    let csv = format!("/api/v1/reports/{}?from={}&to={}&format=csv", report.kind, report.from, report.to);
    html! {
        div.office-title {
            div {
                h1 { "Reports" }
                p.note {
                    (shown(&report.from)) @if report.from != report.to { " to " (shown(&report.to)) }
                    @if report.day_start_hour > 0 { ". A day begins at " (format!("{:02}:00", report.day_start_hour)) "." }
                }
            }
            div.office-actions {
                a.button href=(csv) { "CSV" }
                button.button type="button" data-print hidden { "Print" }
            }
        }
    }
}

/// Any days, and those that are asked for most by one tap.
fn range(report: &Report, today: i64) -> Markup {
    let quick = [
        ("Today", today, today),
        ("Yesterday", today - 1, today - 1),
        ("7 days", today - 6, today),
        ("30 days", today - 29, today),
    ];
    let at = format!("/office/reports/{}", report.kind);
    html! {
        form.office-line method="get" action=(at) {
            div.field {
                label for="from" { "From" }
                input.input.num id="from" name="from" type="date" value=(report.from) required;
            }
            div.field {
                label for="to" { "To" }
                input.input.num id="to" name="to" type="date" value=(report.to) required;
            }
            button.button type="submit" { "Show" }
            div.office-picks {
                @for (words, from, to) in quick {
                    @let (from, to) = (iso_date(from), iso_date(to));
                    a.office-pick href=(format!("{at}?from={from}&to={to}"))
                        aria-current=[(from == report.from && to == report.to).then_some("true")] { (words) }
                }
            }
        }
    }
}
