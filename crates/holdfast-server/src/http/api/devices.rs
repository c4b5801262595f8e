//! `/api/v1/devices` and `/api/v1/locations`: what sells for a merchant, and where.

use crate::desk::{DeviceRow, Location};
use crate::http::Server;
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::tagged;
use crate::process::Clock as _;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use holdfast_core::id::DeviceId;
use holdfast_core::limits::NAME_CHARS_MAX;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Every device of the shop.
#[derive(Serialize, ToSchema)]
pub struct Devices {
    v: u32,
    devices: Vec<DeviceRow>,
}

/// Every location of the shop.
#[derive(Serialize, ToSchema)]
pub struct Locations {
    v: u32,
    locations: Vec<Location>,
}

/// A name for something.
#[derive(Deserialize, ToSchema)]
pub struct Named {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    /// 1 to 120 characters, none of them a control character.
    #[schema(
        min_length = 1,
        max_length = 120,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    name: String,
}

pub async fn list(Extension(person): Known, headers: HeaderMap) -> Result<Response, ApiError> {
    tagged::json(&headers, &Devices { v: V, devices: person.desk()?.devices().await? })
}

pub async fn rename(
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let id: DeviceId = id.parse().map_err(|_| ApiError::DEVICE_UNKNOWN)?;
    let name = json::<Named>(request).await?.0.name()?;
    let is_there = person.desk()?.rename_device(id, name).await?;
    if is_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::DEVICE_UNKNOWN) }
}

pub async fn revoke(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: DeviceId = id.parse().map_err(|_| ApiError::DEVICE_UNKNOWN)?;
    let is_there = person.desk()?.revoke_device(server.clock.now_ms(), id).await?;
    if !is_there {
        return Err(ApiError::DEVICE_UNKNOWN);
    }
    tracing::info!(device = %id, "device revoked");
    Ok(StatusCode::NO_CONTENT)
}

pub async fn locations(Extension(person): Known, headers: HeaderMap) -> Result<Response, ApiError> {
    tagged::json(&headers, &Locations { v: V, locations: person.desk()?.locations().await? })
}

pub async fn add_location(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<(StatusCode, Json<Location>), ApiError> {
    let name = json::<Named>(request).await?.0.name()?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| ApiError::TRY_LATER)?;
    // Shaped like the other ids of the house.
    let id = DeviceId::make(random).to_string();
    let location = person.desk()?.add_location(server.clock.now_ms(), id, name).await?;
    Ok((StatusCode::CREATED, Json(location)))
}

impl Named {
    fn name(self) -> Result<String, ApiError> {
        if self.v != V {
            return Err(ApiError::REQUEST_UNREADABLE);
        }
        name_of(&self.name).ok_or(ApiError::REQUEST_UNREADABLE)
    }
}

/// A name as it may be kept.
pub fn name_of(text: &str) -> Option<String> {
    let name = text.trim();
    let is_name = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.contains(char::is_control);
    is_name.then(|| name.to_owned())
}
