//! Requests that a person may send again (draft-ietf-httpapi-idempotency-key-header): with an `Idempotency-Key`, the first good answer is
//! kept for a day and given again. A refused request has changed nothing, so its key is free again.

use super::Server;
use super::auth::SMALL_BODY_BYTES_MAX;
use super::body::bytes;
use super::door::Person;
use super::problem::ApiError;
use crate::people::{Begun, Repeated};
use crate::process::Clock as _;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holdfast_core::limits::REPEAT_KEY_CHARS_MAX;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An answer is a small JSON body; one with a picture is the largest.
const ANSWER_BYTES_MAX: usize = 262_144;

/// An answer as it is kept, wrapped: it may hold a secret.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    kind: String,
    body: String,
}

/// The middleware between a route's door and its code.
pub async fn once(
    State((server, route)): State<(Arc<Server>, &'static str)>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(key) = key(request.headers())? else { return Ok(next.run(request).await) };
    let person = request.extensions().get::<Person>().ok_or(ApiError::SIGN_IN_NEEDED)?;
    let shop = person.session.at.as_ref().map(|at| at.merchant_id.to_string()).unwrap_or_default();
    let (user_id, target) = (person.session.user_id.clone(), request.uri().path().to_owned());
    let (parts, body) = request.into_parts();
    let body = bytes(body, SMALL_BODY_BYTES_MAX, ApiError::BODY_TOO_LARGE).await?;
    let repeated = Repeated::new(
        &user_id,
        &format!("{} {route} at {shop}", parts.method),
        &key,
        &[target.as_bytes(), b"\n", &body].concat(),
    );
    match server.people.begin(server.clock.now_ms(), &repeated).await? {
        Begun::First => {}
        Begun::Again(kept) => return again(&server, &kept),
        Begun::Another => return Err(ApiError::IDEMPOTENCY_KEY_REUSED),
        Begun::InUse => return Err(ApiError::IDEMPOTENCY_KEY_IN_USE),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() {
        server.people.give_up(&repeated).await?;
        return Ok(response);
    }
    keep(&server, &repeated, response).await
}

/// The key that came along, if any.
///
/// # Errors
/// When it is none that is taken.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let is_key = (1..=REPEAT_KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_key { Ok(Some(key.to_owned())) } else { Err(ApiError::REQUEST_UNREADABLE) }
}

async fn keep(server: &Server, repeated: &Repeated, response: Response) -> Result<Response, ApiError> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| ApiError::TRY_LATER)?;
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let kept = Kept { status: parts.status.as_u16(), kind, body: String::from_utf8_lossy(&body).into_owned() };
    let kept = serde_json::to_vec(&kept).map_err(|_| ApiError::TRY_LATER)?;
    server.people.finish(server.clock.now_ms(), repeated, &kept).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn again(server: &Server, kept: &[u8]) -> Result<Response, ApiError> {
    let kept = server.people.open_answer(kept)?;
    let kept: Kept = serde_json::from_slice(&kept).map_err(|_| ApiError::TRY_LATER)?;
    let status = StatusCode::from_u16(kept.status).map_err(|_| ApiError::TRY_LATER)?;
    let mut response = (status, kept.body).into_response();
    match HeaderValue::from_str(&kept.kind) {
        Ok(kind) if !kept.kind.is_empty() => drop(response.headers_mut().insert(CONTENT_TYPE, kind)),
        _ => drop(response.headers_mut().remove(CONTENT_TYPE)),
    }
    Ok(response)
}
