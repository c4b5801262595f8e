//! `/api/v1/people`: who works for the shop.

use super::devices::name_of;
use crate::desk::{StaffChange, StaffRow, link_until_ms};
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{Server, tagged};
use crate::people::{Role, email_of};
use crate::process::Clock as _;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use holdfast_core::limits::EMAIL_CHARS_MAX;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Everybody who works here.
#[derive(Serialize, ToSchema)]
pub struct Staff {
    v: u32,
    people: Vec<StaffRow>,
}

/// Somebody to let in.
#[derive(Deserialize, ToSchema)]
pub struct NewStaff {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// At most 120 characters, none of them a control character.
    #[serde(default)]
    #[schema(max_length = 120, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    role: StaffRole,
}

/// What somebody may do.
#[derive(Deserialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    Owner,
    Manager,
    Cashier,
}

/// Another role.
#[derive(Deserialize, ToSchema)]
pub struct RoleChange {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    role: StaffRole,
}

/// Somebody who was let in.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    v: u32,
    id: String,
    /// Path of a one-time page where a password is chosen, shown this once; none for somebody whose account is from another shop.
    link: Option<String>,
    /// Until when it holds.
    expires_ms: i64,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Owner => Self::Owner,
            StaffRole::Manager => Self::Manager,
            StaffRole::Cashier => Self::Cashier,
        }
    }
}

pub async fn list(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    tagged::json(&headers, &Staff { v: V, people: person.desk()?.staff(server.clock.now_ms()).await? })
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<(StatusCode, Json<Invited>), ApiError> {
    let (new, _) = json::<NewStaff>(request).await?;
    if new.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let (email, name) = somebody(&new.email, &new.name)?;
    let now_ms = server.clock.now_ms();
    let let_in = person.desk()?.let_in(&server.people, now_ms, &email, &name, new.role.into()).await?;
    let let_in = let_in.ok_or(ApiError::PERSON_HERE)?;
    tracing::info!(user = %let_in.id, "person let in");
    let link = let_in.link.map(|token| welcome(&token));
    Ok((StatusCode::CREATED, Json(Invited { v: V, id: let_in.id, link, expires_ms: link_until_ms(now_ms) })))
}

/// A fresh link.
pub async fn invite(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Invited>), ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    if desk.role_of(&id).await?.is_none() {
        return Err(ApiError::PERSON_UNKNOWN);
    }
    let token = desk.invite_again(&server.people, now_ms, &id).await?.ok_or(ApiError::PERSON_ELSEWHERE)?;
    let invited = Invited { v: V, id, link: Some(welcome(&token)), expires_ms: link_until_ms(now_ms) };
    Ok((StatusCode::CREATED, Json(invited)))
}

pub async fn change(
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (asked, _) = json::<RoleChange>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    done(person.desk()?.set_role(&id, asked.role.into()).await?)
}

pub async fn remove(Extension(person): Known, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    done(person.desk()?.let_go(&id).await?)
}

/// What became of a change, as an answer.
pub fn done(change: StaffChange) -> Result<StatusCode, ApiError> {
    match change {
        StaffChange::Done => Ok(StatusCode::NO_CONTENT),
        StaffChange::Unknown => Err(ApiError::PERSON_UNKNOWN),
        StaffChange::LastOwner => Err(ApiError::LAST_OWNER),
    }
}

/// Address and name as they may be kept.
pub fn somebody(email: &str, name: &str) -> Result<(String, String), ApiError> {
    let email = email_of(email);
    if email.len() > EMAIL_CHARS_MAX || email.parse::<lettre::Address>().is_err() {
        return Err(ApiError::EMAIL_UNREADABLE);
    }
    let name = if name.trim().is_empty() { Some(String::new()) } else { name_of(name) };
    Ok((email, name.ok_or(ApiError::REQUEST_UNREADABLE)?))
}

fn welcome(token: &str) -> String {
    format!("/office/welcome/{token}")
}
