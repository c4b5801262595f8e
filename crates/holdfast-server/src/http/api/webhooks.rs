//! `/api/v1/webhooks`: whom a shop's events are told.

use crate::desk::{NewWebhook, Webhook, WebhookChange};
use crate::http::Server;
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use holdfast_core::id::DeviceId;
use holdfast_core::limits::WEBHOOK_URL_CHARS_MAX;
use holdfast_core::webhook::EVENTS;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Every endpoint of the shop.
#[derive(Serialize, ToSchema)]
pub struct Webhooks {
    v: u32,
    webhooks: Vec<Webhook>,
    /// The types of events that can be chosen.
    types: Vec<&'static str>,
}

/// An endpoint to be.
#[derive(Deserialize, ToSchema)]
pub struct NewWebhookRequest {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    /// `https://` and where.
    url: String,
    /// Types of events; none means every one.
    #[serde(default)]
    events: Vec<String>,
}

/// An endpoint with its secret, which is not shown again.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecret {
    v: u32,
    id: String,
    /// `whsec_` and base64.
    secret: String,
}

/// What is to be different. What is left out stays.
#[derive(Deserialize, ToSchema)]
pub struct WebhookChanges {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    url: Option<String>,
    events: Option<Vec<String>>,
    on: Option<bool>,
}

/// A test that was sent.
#[derive(Serialize, ToSchema)]
pub struct WebhookTested {
    v: u32,
    message_id: String,
}

pub async fn list(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Json<Webhooks>, ApiError> {
    let webhooks = person.desk()?.webhooks(server.clock.now_ms()).await?;
    Ok(Json(Webhooks { v: V, webhooks, types: EVENTS.iter().map(|(name, _)| *name).collect() }))
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<(StatusCode, Json<WebhookSecret>), ApiError> {
    let wanted: NewWebhookRequest = json(request).await?.0;
    versioned(wanted.v)?;
    let url = url(&server, &wanted.url)?;
    let events = events(wanted.events)?;
    let made = add(&server, person.desk()?, url, events).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub async fn get(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Json<Webhook>, ApiError> {
    let found = person.desk()?.webhook(server.clock.now_ms(), &id).await?;
    found.map(Json).ok_or(ApiError::WEBHOOK_UNKNOWN)
}

pub async fn change(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let desk = person.desk()?;
    desk.webhook(server.clock.now_ms(), &id).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    let changes: WebhookChanges = json(request).await?.0;
    versioned(changes.v)?;
    let change = WebhookChange {
        url: changes.url.map(|text| url(&server, &text)).transpose()?,
        events: changes.events.map(events).transpose()?,
        is_on: changes.on,
    };
    let is_there = desk.change_webhook(server.clock.now_ms(), &id, change).await?;
    server.hooks.wake.notify_one();
    if is_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::WEBHOOK_UNKNOWN) }
}

pub async fn delete(Extension(person): Known, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let is_gone = person.desk()?.remove_webhook(&known(&id)?).await?;
    if is_gone { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::WEBHOOK_UNKNOWN) }
}

/// Another secret. The one before signs for a day beside it.
pub async fn rotate(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<WebhookSecret>), ApiError> {
    Ok((StatusCode::CREATED, Json(renew(&server, person.desk()?, &id).await?)))
}

pub async fn test(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<WebhookTested>), ApiError> {
    let message_id = try_out(&server, person.desk()?, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(WebhookTested { v: V, message_id })))
}

/// Adds an endpoint with a fresh secret.
pub async fn add(
    server: &Server,
    desk: &crate::desk::Desk,
    url: String,
    events: Vec<String>,
) -> Result<WebhookSecret, ApiError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| ApiError::TRY_LATER)?;
    // Shaped like the other ids of the house.
    let id = DeviceId::make(random).to_string();
    let secret = server.hooks.make_secret(&id)?;
    let new = NewWebhook { id: id.clone(), url, events };
    if !desk.add_webhook(server.clock.now_ms(), new, &secret).await? {
        return Err(ApiError::WEBHOOKS_USED_UP);
    }
    // Opened for its owner, this once.
    Ok(WebhookSecret { v: V, id, secret: secret.text.expose().clone() })
}

/// Gives an endpoint another secret.
pub async fn renew(server: &Server, desk: &crate::desk::Desk, id: &str) -> Result<WebhookSecret, ApiError> {
    let id = known(id)?;
    let secret = server.hooks.make_secret(&id)?;
    if !desk.rotate_webhook(server.clock.now_ms(), &id, &secret).await? {
        return Err(ApiError::WEBHOOK_UNKNOWN);
    }
    Ok(WebhookSecret { v: V, id, secret: secret.text.expose().clone() })
}

/// Sends a test event.
pub async fn try_out(server: &Server, desk: &crate::desk::Desk, id: &str) -> Result<String, ApiError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| ApiError::TRY_LATER)?;
    let message_id =
        desk.test_webhook(server.clock.now_ms(), &known(id)?, random).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    server.hooks.wake.notify_one();
    Ok(message_id)
}

impl WebhookSecret {
    pub fn parts(&self) -> (&str, &str) {
        (&self.id, &self.secret)
    }
}

/// An id as endpoints have it. Nothing else is asked of the database.
pub fn known(id: &str) -> Result<String, ApiError> {
    id.parse::<DeviceId>().map(|id| id.to_string()).map_err(|_| ApiError::WEBHOOK_UNKNOWN)
}

fn versioned(v: u32) -> Result<(), ApiError> {
    if v == V { Ok(()) } else { Err(ApiError::REQUEST_UNREADABLE) }
}

/// An address that webhooks may go to, as far as it can be judged now.
fn url(server: &Server, text: &str) -> Result<String, ApiError> {
    let target = server.hooks.policy.target(text.trim()).map_err(|_| ApiError::WEBHOOK_ADDRESS_REFUSED)?;
    let fits = target.url.chars().count() <= WEBHOOK_URL_CHARS_MAX;
    if fits { Ok(target.url) } else { Err(ApiError::WEBHOOK_ADDRESS_REFUSED) }
}

/// Types that there are, each once.
pub fn events(mut names: Vec<String>) -> Result<Vec<String>, ApiError> {
    names.sort();
    names.dedup();
    let is_one = |name: &String| EVENTS.iter().any(|(known, _)| known == name);
    if names.iter().all(is_one) { Ok(names) } else { Err(ApiError::WEBHOOK_TYPE_UNKNOWN) }
}
