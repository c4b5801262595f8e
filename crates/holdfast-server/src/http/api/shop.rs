//! `GET /api/v1/shop`: merchant, policy and catalogue. `GET /api/v1/shop/signed`: the same with staff and tips, signed, as tills take it.

use crate::http::Server;
use crate::http::auth::active;
use crate::http::problem::ApiError;
use crate::http::tagged;
use crate::ingest::AckSigner as _;
use crate::process::Clock as _;
use axum::extract::{Request, State};
use axum::response::Response;
use holdfast_wire::V;
use holdfast_wire::shop::SignedShop;
use std::sync::Arc;

pub async fn get(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let signed = active(&server, request).await?;
    tagged::json(&signed.headers, &server.ledger.shop(signed.device.merchant_id).await?)
}

/// The tag goes by what is signed and not by the signature, which is another one every time.
pub async fn signed(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let asked = active(&server, request).await?;
    let shop = server.ledger.versioned_shop(asked.device.merchant_id, server.clock.now_ms()).await?;
    let tag = tagged::tag_of(shop.to_json().as_bytes());
    let to_sign = shop.to_sign(server.keyring.kid());
    let signature = server.keyring.sign(to_sign.signing_input()).map_err(|_| ApiError::TRY_LATER)?;
    let answer = SignedShop { v: V, shop: to_sign.with_signature(&signature) };
    let body = serde_json::to_vec(&answer).map_err(|_| ApiError::TRY_LATER)?;
    Ok(tagged::bytes_with(&asked.headers, &tag, "application/json", body))
}
