//! Bodies of requests that people send: small, in time, and of the shape that was asked for.

use super::auth::SMALL_BODY_BYTES_MAX;
use super::problem::ApiError;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use holdfast_core::limits::UPLOAD_MS_MAX;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a body may take to arrive: as long as a till waits for an upload.
const BODY_TIME_MAX: Duration = Duration::from_millis(UPLOAD_MS_MAX.unsigned_abs());

/// The bytes of a body, up to `bytes_max` of them. A line that drips must not hold a place for ever.
pub async fn bytes(body: Body, bytes_max: usize, too_large: ApiError) -> Result<Bytes, ApiError> {
    let arrived = tokio::time::timeout(BODY_TIME_MAX, axum::body::to_bytes(body, bytes_max)).await;
    arrived.map_err(|_| ApiError::TOO_SLOW)?.map_err(|_| too_large)
}

/// A small JSON body, and its bytes.
pub async fn json<T: DeserializeOwned>(request: Request) -> Result<(T, Bytes), ApiError> {
    let bytes = bytes(request.into_body(), SMALL_BODY_BYTES_MAX, ApiError::BODY_TOO_LARGE).await?;
    let value = serde_json::from_slice(&bytes).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    Ok((value, bytes))
}

/// The fields of a page's form.
pub async fn form<T: DeserializeOwned>(request: Request) -> Result<T, ApiError> {
    form_of(request, SMALL_BODY_BYTES_MAX).await
}

/// The same of a form that may be larger.
pub async fn form_of<T: DeserializeOwned>(request: Request, bytes_max: usize) -> Result<T, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = bytes(body, bytes_max, ApiError::BODY_TOO_LARGE).await?;
    let request = Request::from_parts(parts, Body::from(bytes));
    Form::from_request(request, &()).await.map(|Form(value)| value).map_err(|_| ApiError::REQUEST_UNREADABLE)
}
