//! Webhooks: whom the shop's events are told, and a form for another one.

use super::format::time;
use super::page::{Tab, alert, inside};
use crate::desk::Webhook;
use crate::http::Server;
use crate::http::api::webhooks::{self as api, WebhookSecret};
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_core::limits::WEBHOOK_URL_CHARS_MAX;
use holdfast_core::webhook::EVENTS;
use maud::{Markup, html};
use std::collections::HashMap;
use std::sync::Arc;

/// The fields of a form whose boxes are named by the types of events.
pub type Fields = HashMap<String, String>;

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    list(&server, &person, None).await
}

pub async fn add(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let fields: Fields = form(request).await?;
    let made = match url_of(&server, &fields) {
        Ok(url) => api::add(&server, person.desk()?, url, chosen(&fields)).await,
        Err(words) => return list(&server, &person, Some(&words)).await,
    };
    match made {
        Ok(made) => Ok(inside(&person, Tab::Webhooks, secret(&made))),
        Err(ApiError::WEBHOOKS_USED_UP) => {
            list(&server, &person, Some("There are as many webhooks as there may be. Remove one first.")).await
        }
        Err(error) => Err(error),
    }
}

async fn list(server: &Server, person: &Person, wrong: Option<&str>) -> Result<Response, ApiError> {
    let webhooks = person.desk()?.webhooks(server.clock.now_ms()).await?;
    let body = html! {
        p.office-lead { "A webhook tells another program, such as your accounting, what happens to your payments." }
        (alert(wrong))
        @if webhooks.is_empty() { p.office-empty { "Nobody is told yet." } }
        ul.office-list { @for webhook in &webhooks { (line(webhook, person.zone())) } }
        section.office-card {
            h2 { "Add a webhook" }
            form.office-fields method="post" action="/office/webhooks" {
                (fields(None))
                button.button.primary type="submit" { "Add" }
            }
        }
    };
    Ok(inside(person, Tab::Webhooks, body))
}

fn line(webhook: &Webhook, zone: &str) -> Markup {
    let (words, colour) = standing(webhook);
    html! {
        li { a.office-row href=(format!("/office/webhooks/{}", webhook.id)) {
            div.office-what {
                h2 { (webhook.url) }
                p.note {
                    @if webhook.events.is_empty() { "every event" } @else { (webhook.events.join(", ")) }
                    " · since " (time(webhook.created_ms, zone))
                    @if webhook.waiting_count > 0 { " · " (webhook.waiting_count) " waiting" }
                }
            }
            div.office-state data-colour=(colour) { strong { (words) } }
        } }
    }
}

/// Where an endpoint stands, in words.
pub fn standing(webhook: &Webhook) -> (&'static str, &'static str) {
    match (webhook.state.as_str(), webhook.failing_since_ms) {
        ("on", None) => ("On", "green"),
        ("on", Some(_)) => ("Takes nothing now", "amber"),
        ("off", _) => ("Off", "plain"),
        ("gone", _) => ("Off: it said it is gone", "red"),
        _ => ("Off: it took nothing for five days", "red"),
    }
}

/// Address and types, as a form has them.
pub fn fields(of: Option<&Webhook>) -> Markup {
    let url = of.map(|webhook| webhook.url.as_str()).unwrap_or_default();
    let is_chosen = |name: &str| of.is_some_and(|webhook| webhook.events.iter().any(|event| event == name));
    html! {
        div.field {
            label for="url" { "Address" }
            input.input id="url" name="url" type="url" value=(url) maxlength=(WEBHOOK_URL_CHARS_MAX)
                placeholder="https://books.example/hooks" required;
        }
        fieldset {
            legend { "What it is told. Choose nothing for every event." }
            div.office-checks {
                @for (name, what) in EVENTS {
                    label.office-check {
                        input type="checkbox" name=(name) value="yes" checked[is_chosen(name)];
                        span { strong { (name) } span.note { (what) } }
                    }
                }
            }
        }
    }
}

/// A secret, shown once.
pub fn secret(made: &WebhookSecret) -> Markup {
    let (id, secret) = made.parts();
    html! {
        section.office-card {
            h2 { "The secret of this webhook" }
            p { "Give it to the program that is told: it checks with it that a message is ours." }
            p.office-secret { (secret) }
            p.note { "It is not shown again." }
            p { a.button href=(format!("/office/webhooks/{id}")) { "Done" } }
        }
    }
}

/// The types whose boxes are ticked.
pub fn chosen(fields: &Fields) -> Vec<String> {
    EVENTS.iter().filter(|(name, _)| fields.contains_key(*name)).map(|(name, _)| (*name).to_owned()).collect()
}

/// The address of the form, or what is wrong with it in words.
pub fn url_of(server: &Server, fields: &Fields) -> Result<String, String> {
    let url = fields.get("url").map(|url| url.trim()).unwrap_or_default();
    if url.chars().count() > WEBHOOK_URL_CHARS_MAX {
        return Err(format!("An address has at most {WEBHOOK_URL_CHARS_MAX} characters."));
    }
    server.hooks.policy.target(url).map(|target| target.url).map_err(|error| error.to_string())
}
