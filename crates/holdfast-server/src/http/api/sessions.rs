//! `/api/v1/sessions` and `/api/v1/session`: signing in and out.

use crate::http::Server;
use crate::http::body::json;
use crate::http::door::{Known, Person, address};
use crate::http::problem::ApiError;
use crate::people::{Proof, Stage};
use crate::process::Clock as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use holdfast_core::id::MerchantId;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A sign-in. It has no `Debug`: it holds a password.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    email: String,
    password: String,
    /// Six digits of the second factor.
    code: String,
}

/// A session. The token is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewSession {
    v: u32,
    /// For `Authorization: Bearer …`.
    token: String,
}

/// Who is signed in, and where they may act.
#[derive(Serialize, ToSchema)]
pub struct Who {
    v: u32,
    email: String,
    name: String,
    /// What the session may do now; none until a shop is chosen.
    role: Option<&'static str>,
    merchant_id: Option<String>,
    expires_ms: i64,
    merchants: Vec<At>,
}

/// A shop of the person's.
#[derive(Serialize, ToSchema)]
pub struct At {
    id: String,
    name: String,
    role: &'static str,
}

/// The shop that the session is to act for.
#[derive(Deserialize, ToSchema)]
pub struct Choice {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    merchant_id: String,
}

pub async fn post(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<(StatusCode, Json<NewSession>), ApiError> {
    let address = address(request.extensions());
    let (asked, _) = json::<SignIn>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let now_ms = server.clock.now_ms();
    let proof = Proof { email: asked.email, password: asked.password, code: Some(asked.code) };
    let (token, stage) =
        server.people.sign_in(now_ms, &address, proof).await.map_err(|error| server.not_let_in(error))?;
    if stage != Stage::Open {
        return Err(ApiError::SECOND_FACTOR_MISSING);
    }
    Ok((StatusCode::CREATED, Json(NewSession { v: V, token })))
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Json<Who>, ApiError> {
    who(&server, &person).await.map(Json)
}

pub async fn put(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (choice, _) = json::<Choice>(request).await?;
    let id: MerchantId = choice.merchant_id.parse().map_err(|_| ApiError::NOT_ALLOWED)?;
    if choice.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let is_done = server.people.choose(&person.session, id).await?;
    if is_done { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NOT_ALLOWED) }
}

pub async fn delete(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<StatusCode, ApiError> {
    server.people.sign_out(&person.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn delete_all(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<StatusCode, ApiError> {
    server.people.sign_out_everywhere(&person.session).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn who(server: &Server, person: &Person) -> Result<Who, ApiError> {
    let memberships = server.people.memberships(&person.session.user_id).await?;
    let at = |m: &crate::people::Membership| At {
        id: m.merchant_id.to_string(),
        name: m.merchant_name.clone(),
        role: m.role.as_str(),
    };
    Ok(Who {
        v: V,
        email: person.session.email.clone(),
        name: person.session.name.clone(),
        role: person.role.map(crate::people::Role::as_str),
        merchant_id: person.session.at.as_ref().map(|at| at.merchant_id.to_string()),
        expires_ms: person.session.expires_ms,
        merchants: memberships.iter().map(at).collect(),
    })
}
