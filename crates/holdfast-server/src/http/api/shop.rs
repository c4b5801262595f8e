//! `GET /api/v1/shop`: merchant, policy and catalogue, with an ETag.

use crate::http::Server;
use crate::http::auth::active;
use crate::http::problem::ApiError;
use crate::http::tagged;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;

pub async fn get(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let signed = active(&server, request).await?;
    tagged::json(&signed.headers, &server.ledger.shop(signed.device.merchant_id).await?)
}
