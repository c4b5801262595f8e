//! `GET /api/v1/shop`: merchant, policy and catalogue, with an ETag.

use crate::http::Server;
use crate::http::auth::active;
use crate::http::problem::ApiError;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use holdfast_wire::b64;
use std::sync::Arc;

pub async fn get(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let signed = active(&server, request).await?;
    let body = server.ledger.shop(signed.device.merchant_id).await?.to_json();
    let tag = format!("\"{}\"", b64::encode(&b64::sha256(&body)[..16]));
    let tag = HeaderValue::from_str(&tag).map_err(|_| ApiError::TRY_LATER)?;
    if signed.headers.get(IF_NONE_MATCH) == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    Ok(([(ETAG, tag), (CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}
