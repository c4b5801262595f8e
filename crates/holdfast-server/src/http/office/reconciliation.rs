//! The acquirer's account against the books, day by day, with every difference in words.

use super::format::{count, day as day_words, money, time};
use super::page::{Tab, below, inside, older};
use crate::desk::{DaySummary, DifferenceLine, Reconciliation};
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::journal::report::day as day_of;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

const PAGE: usize = 31;

#[derive(Deserialize)]
struct Params {
    before: Option<String>,
}

pub async fn list(Extension(person): Known, uri: Uri) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let before = params.before.map(|day| day_of(&day)).transpose().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let mut days = person.desk()?.reconciliations(before.unwrap_or(i64::MAX), PAGE + 1).await?;
    let more = days.len() > PAGE;
    days.truncate(PAGE);
    let body = html! {
        p.office-lead { "What the acquirer says it carried out, held against what your books say, once a day." }
        @if days.is_empty() { p.office-empty { "No day was compared yet. The first one is, soon after its end." } }
        ul.office-list { @for day in &days { li { a.office-row href=(format!("/office/reconciliation/{}", day.day)) { (row(day, Some(shown(&day.day)), person.zone())) } } } }
        (older(days.last().filter(|_| more).map(|last| format!("/office/reconciliation?before={}", last.day))))
    };
    Ok(inside(&person, Tab::Reconciliation, body))
}

pub async fn one(Extension(person): Known, Path(day): Path<String>) -> Result<Response, ApiError> {
    let day = day_of(&day).map_err(|_| ApiError::NOT_FOUND)?;
    let seen = person.desk()?.reconciliation(day).await?.ok_or(ApiError::NOT_FOUND)?;
    let (open, gone): (Vec<_>, Vec<_>) = seen.differences.iter().partition(|one| one.resolved_ms.is_none());
    let (title, zone) = (day_words(day), person.zone());
    let body = html! {
        div.office-title { h1 { (title) } a.office-link href="/office/reconciliation" { "Every day" } }
        div.office-list { div.office-row { (row(&seen.summary, None, zone)) } }
        @if !open.is_empty() { h2 { "Different" } }
        ul.office-list { @for one in &open { (difference(one, zone)) } }
        (faults(&seen))
        (money_moved(&seen, zone))
        @if !gone.is_empty() { h2 { "Was different" } }
        ul.office-list { @for one in &gone { (difference(one, zone)) } }
    };
    Ok(below(StatusCode::OK, &person, Tab::Reconciliation, &title, body))
}

fn shown(day: &str) -> String {
    day_of(day).map_or_else(|_| day.to_owned(), day_words)
}

fn row(day: &DaySummary, title: Option<String>, zone: &str) -> Markup {
    let matched: i64 = day.matched.iter().map(|sum| sum.count).sum();
    let (words, colour) = match (day.open, day.is_complete && day.unreadable == 0) {
        (0, true) => ("All agrees".to_owned(), "green"),
        (0, false) => ("Not all could be read".to_owned(), "red"),
        (open, _) => (count(open, "difference", "differences"), "red"),
    };
    html! {
        div.office-what {
            @if let Some(title) = title { h2 { (title) } }
            p.note {
                (matched) " agree"
                @for sum in &day.matched { " · " span.num { (money(sum.amount_minor, &sum.currency)) } }
                @if day.resolved > 0 { " · " (day.resolved) " were different" }
                " · compared " (time(day.compared_ms, zone))
            }
        }
        (picture(matched, day.open))
        div.office-state data-colour=(colour) { strong { (words) } }
    }
}

/// How much agrees and how much does not, as a bar. A difference is never too small to be seen.
fn picture(matched: i64, open: i64) -> Markup {
    const WIDTH: i64 = 240;
    let all = matched.saturating_add(open);
    if all == 0 {
        return html! {};
    }
    let red = if open == 0 { 0 } else { (open.saturating_mul(WIDTH) / all).clamp(6, WIDTH) };
    let label = format!("{matched} agree, {open} differ");
    html! {
        svg.office-share viewBox=(format!("0 0 {WIDTH} 8")) width=(WIDTH) height="8" role="img" aria-label=(label) {
            rect data-colour="green" x="0" y="0" width=(WIDTH - red) height="8" {}
            rect data-colour="red" x=(WIDTH - red) y="0" width=(red) height="8" {}
        }
    }
}

fn difference(one: &DifferenceLine, zone: &str) -> Markup {
    let (words, colour) = match one.kind.as_str() {
        "missing-at-acquirer" => ("Missing at the acquirer", "red"),
        "missing-in-our-books" => ("Missing in our books", "red"),
        "amount-differs" => ("Another amount", "red"),
        "payout-changed" => ("Booked otherwise", "red"),
        "state-differs" => ("Another state", "red"),
        _ => ("Told twice", "red"),
    };
    html! {
        li.office-row {
            div.office-what {
                h2 { (one.words) }
                p.note {
                    @if one.item != "payout" && (one.ours_minor.is_some() || one.state.is_some()) { a href=(format!("/office/payments/{}", one.reference)) { (one.reference) } }
                    @else { (one.reference) }
                    " · seen first " (time(one.first_seen_ms, zone))
                    @if let Some(line) = one.line { " · line " (line) " of the file" }
                    @if let Some(at_ms) = one.resolved_ms { " · gone since " (time(at_ms, zone)) }
                }
            }
            div.office-state data-colour=(if one.resolved_ms.is_some() { "green" } else { colour }) { strong { (words) } }
        }
    }
}

fn faults(seen: &Reconciliation) -> Markup {
    html! {
        @if !seen.faults.is_empty() { h2 { "Could not be read" } }
        ul.office-list {
            @for fault in &seen.faults {
                li.office-row {
                    p {
                        @if fault.line > 0 { "Line " span.num { (fault.line) } ": " }
                        (fault.words)
                    }
                }
            }
        }
    }
}

fn money_moved(seen: &Reconciliation, zone: &str) -> Markup {
    html! {
        @if !seen.payouts.is_empty() { h2 { "Paid out" } }
        ul.office-list {
            @for payout in &seen.payouts {
                li.office-row.office-pay {
                    strong.office-sum.num { (money(payout.net_minor, &payout.currency)) }
                    div.office-what {
                        p {
                            span.num { (money(payout.gross_minor, &payout.currency)) } " less fees of "
                            span.num { (money(payout.fees_minor, &payout.currency)) }
                        }
                        p.note { (payout.id) " · " (time(payout.at_ms, zone)) }
                    }
                }
            }
        }
        @if !seen.chargebacks.is_empty() { h2 { "Taken back by the card’s bank" } }
        ul.office-list {
            @for back in &seen.chargebacks {
                li { a.office-row.office-pay href=(format!("/office/payments/{}", back.payment_id)) {
                    strong.office-sum.num { (money(back.amount_minor, &back.currency)) }
                    div.office-what {
                        p {
                            span.num { (back.sale_number) } " · " (back.words)
                            @if let Some(reason) = &back.reason { " (" span.num { (reason) } ")" }
                        }
                        p.note { (time(back.at_ms, zone)) }
                    }
                } }
            }
        }
    }
}
