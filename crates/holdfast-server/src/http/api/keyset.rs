//! `GET /api/v1/keyset`: the certificate and the signed key set. Public: both prove themselves.

use crate::http::Server;
use crate::http::problem::ApiError;
use axum::Json;
use axum::extract::State;
use holdfast_wire::keyset::KeySetAnswer;
use std::sync::Arc;

pub async fn get(State(server): State<Arc<Server>>) -> Result<Json<KeySetAnswer>, ApiError> {
    server.keyring.published().map(|published| Json(published.answer.clone())).ok_or(ApiError::TRY_LATER)
}
