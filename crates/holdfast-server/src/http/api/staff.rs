//! `/api/v1/staff` and `/api/v1/till-settings`: who sells at the tills, how tills lock themselves, and which tips they offer.

use crate::http::Server;
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::tagged;
use crate::people::pin::verifier;
use crate::process::Clock as _;
use crate::store::{NewStaff, StaffAdded, StaffChange, StaffMember, TillSettings};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use holdfast_core::id::StaffId;
use holdfast_core::limits::{IDLE_LOCK_MS_MAX, PIN_ROUNDS, STAFF_NAME_CHARS_MAX};
use holdfast_core::staff::StaffRole;
use holdfast_wire::V;
use holdfast_wire::pin::is_pin;
use holdfast_wire::team::TipsWire;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Everybody on the list.
#[derive(Serialize, ToSchema)]
pub struct StaffList {
    v: u32,
    staff: Vec<StaffEntry>,
}

/// Somebody who sells. Nothing here can be tried against.
#[derive(Serialize, ToSchema)]
pub struct StaffEntry {
    id: String,
    name: String,
    role: SellerRole,
    active: bool,
    /// Whether a PIN is set; without one nobody signs in.
    has_pin: bool,
}

/// What somebody may do at a till.
#[derive(Serialize, Deserialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum SellerRole {
    Cashier,
    Manager,
}

/// Somebody to add.
#[derive(Deserialize, ToSchema)]
pub struct NewSeller {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    /// A UUID of the asker's: the same id again changes nothing.
    #[schema(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    id: String,
    /// Up to 60 characters, not only blanks, none of them a control character.
    #[schema(
        min_length = 1,
        max_length = 60,
        pattern = r"^[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    name: String,
    role: SellerRole,
    /// 4 to 8 digits; can be set later.
    #[serde(default)]
    #[schema(pattern = "^[0-9]{4,8}$")]
    pin: Option<String>,
}

/// What is to be different.
#[derive(Deserialize, ToSchema)]
pub struct SellerChange {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 60,
        pattern = r"^[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    name: Option<String>,
    #[serde(default)]
    role: Option<SellerRole>,
    /// Who is not active cannot sign in, and stays in the books.
    #[serde(default)]
    active: Option<bool>,
    /// A new PIN, 4 to 8 digits.
    #[serde(default)]
    #[schema(pattern = "^[0-9]{4,8}$")]
    pin: Option<String>,
}

/// How the shop's tills behave.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct TillSettingsBody {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    /// Whether nobody sells without having signed in. A shop whose staff has no PIN sells without.
    must_sign_in: bool,
    /// A till locks itself after this long without a touch; 0 for never.
    #[schema(minimum = 0, maximum = 43_200_000)]
    idle_lock_ms: i64,
    /// Whether receipts say the first name of who served.
    staff_on_receipts: bool,
    tips: TipsWire,
}

impl From<SellerRole> for StaffRole {
    fn from(role: SellerRole) -> Self {
        match role {
            SellerRole::Cashier => Self::Cashier,
            SellerRole::Manager => Self::Manager,
        }
    }
}

impl From<StaffMember> for StaffEntry {
    fn from(member: StaffMember) -> Self {
        let role = match member.role {
            StaffRole::Cashier => SellerRole::Cashier,
            StaffRole::Manager => SellerRole::Manager,
        };
        let (active, has_pin) = (member.is_active, member.has_pin);
        Self { id: member.id.to_string(), name: member.name, role, active, has_pin }
    }
}

pub async fn list(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let staff = server.ledger.staff(person.desk()?.merchant_id()).await?;
    tagged::json(&headers, &StaffList { v: V, staff: staff.into_iter().map(StaffEntry::from).collect() })
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<(StatusCode, Json<StaffEntry>), ApiError> {
    let (asked, _) = json::<NewSeller>(request).await?;
    let id = asked.id.parse().ok().filter(|_| asked.v == V).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let name = seller_name(&asked.name).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let new = NewStaff { id, name, role: asked.role.into(), pin: hashed(asked.pin).await? };
    let merchant_id = person.desk()?.merchant_id();
    let status = match server.ledger.add_staff(merchant_id, server.clock.now_ms(), new).await? {
        StaffAdded::New => StatusCode::CREATED,
        StaffAdded::There => StatusCode::OK,
        StaffAdded::Full => return Err(ApiError::STAFF_FULL),
    };
    let there = server.ledger.staff(merchant_id).await?.into_iter().find(|member| member.id == id);
    Ok((status, Json(there.ok_or(ApiError::STAFF_UNKNOWN)?.into())))
}

pub async fn change(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (asked, _) = json::<SellerChange>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let name = asked.name.map(|name| seller_name(&name).ok_or(ApiError::REQUEST_UNREADABLE)).transpose()?;
    let id: StaffId = id.parse().map_err(|_| ApiError::STAFF_UNKNOWN)?;
    let (role, is_active) = (asked.role.map(StaffRole::from), asked.active);
    let change = StaffChange { name, role, is_active, pin: hashed(asked.pin).await? };
    let is_here = server.ledger.change_staff(person.desk()?.merchant_id(), server.clock.now_ms(), id, change).await?;
    if is_here { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::STAFF_UNKNOWN) }
}

pub async fn settings(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let now = server.ledger.till_settings(person.desk()?.merchant_id()).await?;
    let TillSettings { must_sign_in, idle_lock_ms, staff_on_receipts, tips } = now;
    tagged::json(&headers, &TillSettingsBody { v: V, must_sign_in, idle_lock_ms, staff_on_receipts, tips })
}

pub async fn set_settings(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (asked, _) = json::<TillSettingsBody>(request).await?;
    let is_fit = asked.v == V && (0..=IDLE_LOCK_MS_MAX).contains(&asked.idle_lock_ms);
    let tips = asked.tips.parse().filter(|_| is_fit).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let to = TillSettings {
        must_sign_in: asked.must_sign_in,
        idle_lock_ms: asked.idle_lock_ms,
        staff_on_receipts: asked.staff_on_receipts,
        tips: TipsWire::from_core(tips),
    };
    server.ledger.set_till_settings(person.desk()?.merchant_id(), to).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name as it may be kept.
pub fn seller_name(text: &str) -> Option<String> {
    let name = text.trim();
    let is_name = (1..=STAFF_NAME_CHARS_MAX).contains(&name.chars().count()) && !name.contains(char::is_control);
    is_name.then(|| name.to_owned())
}

/// What is kept of a PIN.
pub async fn hashed(pin: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(pin) = pin else { return Ok(None) };
    if !is_pin(&pin) {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let made = tokio::task::spawn_blocking(move || verifier(&pin, PIN_ROUNDS)).await;
    Ok(Some(made.map_err(|_| ApiError::TRY_LATER)??.to_string()))
}
