//! `GET /api/v1/time`: the signed time, which is also the probe by which a till knows that it reached Holdfast.

use crate::http::Server;
use crate::http::problem::ApiError;
use crate::ingest::AckSigner as _;
use crate::process::Clock as _;
use crate::store::Ledger as _;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::Uri;
use holdfast_core::connectivity::AcquirerLamp;
use holdfast_wire::V;
use holdfast_wire::jws::{ToSign, typ};
use holdfast_wire::time::{TimeAnswer, TimePayload};
use serde::Deserialize;
use std::sync::Arc;

/// 16 bytes in base64url.
const NONCE_CHARS: usize = 22;

#[derive(Deserialize)]
struct Params {
    nonce: String,
}

pub async fn get(State(server): State<Arc<Server>>, uri: Uri) -> Result<Json<TimeAnswer>, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let is_nonce = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if params.nonce.len() != NONCE_CHARS || !params.nonce.bytes().all(is_nonce) {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let payload = TimePayload {
        v: V,
        nonce: params.nonce,
        server_time_ms: server.clock.now_ms(),
        epoch: server.ledger.epoch(),
        acquirer: match server.processor.health().lamp() {
            AcquirerLamp::Up => "up",
            AcquirerLamp::Down => "down",
            AcquirerLamp::Unknown => "unknown",
        }
        .to_owned(),
    };
    let to_sign = ToSign::new(typ::TIME, server.keyring.kid(), &payload);
    let signature = server.keyring.sign(to_sign.signing_input()).map_err(|_| ApiError::TRY_LATER)?;
    Ok(Json(TimeAnswer { v: V, time: to_sign.with_signature(&signature) }))
}
