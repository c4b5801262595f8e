//! Who may look into the shop's books: its owner. Until an owner can sign in that is whoever runs the demo, and nobody else.

use super::Server;
use super::problem::ApiError;
use axum::http::HeaderMap;
use holdfast_core::id::MerchantId;

/// The merchant whose owner asks.
///
/// # Errors
/// When nobody who may is asking.
pub async fn authorise(server: &Server, _headers: &HeaderMap) -> Result<MerchantId, ApiError> {
    if server.demo.is_none() {
        return Err(ApiError::OWNER_ONLY);
    }
    server.ledger.first_merchant().await?.ok_or(ApiError::NOT_FOUND)
}
