//! One webhook: its settings, its secret, and what became of what it was told.

use super::format::time;
use super::page::{Tab, alert, below, inside, older};
use super::webhooks::{Fields, chosen, fields, secret as shown_once, standing, url_of};
use crate::desk::{DeliveryLine, Replay, Webhook, WebhookChange};
use crate::http::Server;
use crate::http::api::deliveries::{before, cursor, is_message};
use crate::http::api::webhooks as api;
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

const PAGE: usize = 50;
/// What can be sent again at once: the last so many hours.
const BACK_H: [i64; 4] = [1, 24, 7 * 24, 30 * 24];

#[derive(Deserialize)]
struct Params {
    before: Option<String>,
}

#[derive(Deserialize)]
struct Again {
    message_id: Option<String>,
    hours: Option<i64>,
}

pub async fn get(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    page(&server, &person, &id, params.before.as_deref(), None).await
}

pub async fn settings(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    desk.webhook(now_ms, &id).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    let fields: Fields = form(request).await?;
    let change = match fields.get("on") {
        Some(on) => WebhookChange { is_on: Some(on == "yes"), ..WebhookChange::default() },
        None => match url_of(&server, &fields) {
            Ok(url) => WebhookChange { url: Some(url), events: Some(chosen(&fields)), is_on: None },
            Err(words) => return page(&server, &person, &id, None, Some(&words)).await,
        },
    };
    desk.change_webhook(now_ms, &id, change).await?;
    server.hooks.wake.notify_one();
    Ok(back(&id))
}

pub async fn secret(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let made = api::renew(&server, person.desk()?, &id).await?;
    Ok(inside(&person, Tab::Webhooks, shown_once(&made)))
}

pub async fn test(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    api::try_out(&server, person.desk()?, &id).await?;
    Ok(back(&id))
}

pub async fn replay(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    desk.webhook(now_ms, &id).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    let again: Again = form(request).await?;
    let what = match (again.message_id, again.hours) {
        (Some(message_id), None) if is_message(&message_id) => Replay::One(message_id),
        (None, Some(hours)) if BACK_H.contains(&hours) => Replay::Since(now_ms - hours * 3_600_000),
        _ => return Err(ApiError::REQUEST_UNREADABLE),
    };
    desk.replay(now_ms, &id, what).await?;
    server.hooks.wake.notify_one();
    Ok(back(&id))
}

pub async fn remove(Extension(person): Known, Path(id): Path<String>) -> Result<Response, ApiError> {
    if !person.desk()?.remove_webhook(&api::known(&id)?).await? {
        return Err(ApiError::WEBHOOK_UNKNOWN);
    }
    Ok(Redirect::to("/office/webhooks").into_response())
}

fn back(id: &str) -> Response {
    Redirect::to(&format!("/office/webhooks/{id}")).into_response()
}

async fn page(
    server: &Server,
    person: &Person,
    id: &str,
    from: Option<&str>,
    wrong: Option<&str>,
) -> Result<Response, ApiError> {
    let desk = person.desk()?;
    let webhook = desk.webhook(server.clock.now_ms(), id).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    let mut lines = desk.deliveries(id, before(from)?, PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let at = format!("/office/webhooks/{id}");
    let body = html! {
        (head(&webhook, &at, person.zone()))
        (alert(wrong))
        h2 { "What it was told" }
        @if lines.is_empty() { p.office-empty { "Nothing yet." } }
        ul.office-list id="deliveries" data-live { @for line in &lines { (row(line, &at, person.zone())) } }
        (older(lines.last().filter(|_| more).map(|last| format!("{at}?before={}", cursor(last)))))
    };
    Ok(below(StatusCode::OK, person, Tab::Webhooks, "Webhook", body))
}

fn head(webhook: &Webhook, at: &str, zone: &str) -> Markup {
    let (words, colour) = standing(webhook);
    html! {
        div.office-title { h1 { "Webhook" } a.office-link href="/office/webhooks" { "All webhooks" } }
        section.office-card {
            div.office-lead {
                div.office-what {
                    h2 { (webhook.url) }
                    p.note {
                        @if webhook.events.is_empty() { "Every event" } @else { (webhook.events.join(", ")) }
                    }
                }
                div.office-state data-colour=(colour) { strong { (words) } }
            }
            @if let Some(since) = webhook.failing_since_ms { p { "It takes nothing since " (time(since, zone)) "." } }
            @if let Some(until) = webhook.old_secret_until_ms { p { "The old secret signs too, until " (time(until, zone)) "." } }
            form method="post" action=(format!("{at}/test")) { button.button type="submit" { "Send a test" } }
            (changes(webhook, at))
        }
    }
}

fn changes(webhook: &Webhook, at: &str) -> Markup {
    let is_on = webhook.state == "on";
    html! {
        details.office-more {
            summary.button { "Change" }
            div.office-choices {
                form.office-fields method="post" action=(format!("{at}/settings")) {
                    (fields(Some(webhook)))
                    button.button type="submit" { "Keep" }
                }
                form method="post" action=(format!("{at}/settings")) {
                    button.button type="submit" name="on" value=(if is_on { "no" } else { "yes" }) {
                        @if is_on { "Switch off" } @else { "Switch on" }
                    }
                }
                form method="post" action=(format!("{at}/secret")) {
                    p.note { "The secret of now signs for a day beside the new one, so that you can change it over there." }
                    button.button type="submit" { "Make a new secret" }
                }
                form method="post" action=(format!("{at}/replays")) {
                    label for="hours" { "Send again what happened in the last" }
                    select.input id="hours" name="hours" {
                        @for hours in BACK_H {
                            option value=(hours) { @if hours == 1 { "hour" } @else if hours == 24 { "24 hours" } @else { (hours / 24) " days" } }
                        }
                    }
                    button.button type="submit" { "Send again" }
                }
                form method="post" action=(format!("{at}/removal")) {
                    button.button.danger type="submit" { "Remove this webhook" }
                }
            }
        }
    }
}

fn row(line: &DeliveryLine, at: &str, zone: &str) -> Markup {
    let (words, colour) = match line.state.as_str() {
        "delivered" => ("Delivered", "green"),
        "waiting" => ("Waiting", "amber"),
        _ => ("Failed", "red"),
    };
    html! {
        li.office-row {
            div.office-what {
                h2 { (line.r#type) }
                p.note {
                    (time(line.created_ms, zone)) " · " (line.message_id) " · " (line.attempts)
                    @if line.attempts == 1 { " attempt" } @else { " attempts" }
                    @if let Some(code) = &line.code { " · last answer: " (code) }
                    @if let Some(excerpt) = &line.excerpt { " “" (excerpt) "”" }
                    @if let Some(due) = line.due_ms.filter(|_| line.attempts > 0) { " · next try " (time(due, zone)) }
                }
            }
            div.office-state data-colour=(colour) { strong { (words) } }
            form method="post" action=(format!("{at}/replays")) {
                button.button.quiet type="submit" name="message_id" value=(line.message_id) { "Send again" }
            }
        }
    }
}
