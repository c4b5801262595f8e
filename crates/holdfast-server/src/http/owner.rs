//! Whose books are asked for: those of the merchant that a signed-in owner acts for. In the demo, where anybody may look, its only one's.

use super::Server;
use super::door::Person;
use super::problem::ApiError;
use axum::http::Extensions;
use holdfast_core::id::MerchantId;

/// The merchant of whoever the route's door let in.
///
/// # Errors
/// When no shop was chosen.
pub async fn merchant_of(server: &Server, extensions: &Extensions) -> Result<MerchantId, ApiError> {
    if let Some(person) = extensions.get::<Person>() {
        return person.session.at.as_ref().map(|at| at.merchant_id).ok_or(ApiError::NOT_ALLOWED);
    }
    if server.demo.is_none() {
        return Err(ApiError::SIGN_IN_NEEDED);
    }
    server.ledger.first_merchant().await?.ok_or(ApiError::NOT_FOUND)
}
