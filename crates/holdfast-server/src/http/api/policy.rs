//! `/api/v1/policy`: what tills may take without an answer. A till gets it signed; an owner reads and changes it.

use crate::desk::PolicyChange;
use crate::http::auth::active;
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{Server, tagged};
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use holdfast_wire::V;
use holdfast_wire::policy::{PolicySettings, RateWire};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Changes that are told.
const CHANGES_MAX: usize = 100;
/// Brands that one list names, as its schema says.
const BRANDS_MAX: usize = 8;

/// The settings that hold now.
#[derive(Serialize, ToSchema)]
pub struct PolicySettingsAnswer {
    v: u32,
    currency: String,
    settings: PolicySettings,
    /// How often cards were declined here, by brand and entry.
    rates: Vec<RateWire>,
}

/// Other settings.
#[derive(Deserialize, ToSchema)]
pub struct PolicySettingsChange {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    settings: PolicySettings,
}

/// Who changed what and when, the newest first.
#[derive(Serialize, ToSchema)]
pub struct PolicyChanges {
    v: u32,
    changes: Vec<PolicyChange>,
}

/// For a till: signed.
pub async fn signed(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let signed = active(&server, request).await?;
    let (now_ms, merchant_id) = (server.clock.now_ms(), signed.device.merchant_id);
    let answer = crate::policy::signed(&server.ledger, &server.keyring, now_ms, merchant_id).await;
    let answer = answer.map_err(|error| {
        tracing::error!(%error, "the policy cannot be signed");
        ApiError::TRY_LATER
    })?;
    tagged::json(&signed.headers, &answer)
}

pub async fn settings(Extension(person): Known, headers: HeaderMap) -> Result<Response, ApiError> {
    let desk = person.desk()?;
    let (now, rates) = (desk.policy().await?, desk.decline_rates().await?);
    tagged::json(&headers, &PolicySettingsAnswer { v: V, currency: now.currency, settings: now.settings, rates })
}

pub async fn change(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (asked, _) = json::<PolicySettingsChange>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let settings = sound(asked.settings)?;
    let by = format!("user:{}", person.session.user_id);
    person.desk()?.set_policy(server.clock.now_ms(), by, settings).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn changes(Extension(person): Known, headers: HeaderMap) -> Result<Response, ApiError> {
    tagged::json(&headers, &PolicyChanges { v: V, changes: person.desk()?.policy_changes(CHANGES_MAX).await? })
}

/// Settings that a till would take, each brand once.
pub fn sound(mut settings: PolicySettings) -> Result<PolicySettings, ApiError> {
    if settings.brands.len() > BRANDS_MAX {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    settings.brands.sort();
    settings.brands.dedup();
    settings.to_core().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    Ok(settings)
}
