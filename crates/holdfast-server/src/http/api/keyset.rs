//! `GET /api/v1/keyset`: the certificate and the signed key set. Public: both prove themselves.

use crate::http::Server;
use crate::http::problem::ApiError;
use crate::http::tagged;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::Arc;

pub async fn get(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let published = server.keyring.published().ok_or(ApiError::TRY_LATER)?;
    tagged::json(&headers, &published.answer)
}
