//! `POST /api/v1/enrolment-codes`: a one-time code for a new device. With an `Idempotency-Key`, a repeated request gets the
//! same code again.

use crate::desk::Code;
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{Server, qr};
use crate::people::Repeated;
use crate::process::Clock as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use holdfast_core::limits::REPEAT_KEY_CHARS_MAX;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What the code is for.
#[derive(Deserialize, ToSchema)]
pub struct CodeRequest {
    v: u32,
    /// Where the device will stand.
    location_id: Option<String>,
}

/// A code, as text and as a picture.
#[derive(Serialize, ToSchema)]
pub struct CodeAnswer {
    v: u32,
    code: String,
    expires_ms: i64,
    /// An SVG picture of a QR code that holds `code`.
    qr_svg: String,
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<(StatusCode, Json<CodeAnswer>), ApiError> {
    let key = match request.headers().get("idempotency-key") {
        None => None,
        Some(key) => Some(key.to_str().map_err(|_| ApiError::REQUEST_UNREADABLE)?.to_owned()),
    };
    if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > REPEAT_KEY_CHARS_MAX) {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let (asked, bytes) = json::<CodeRequest>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let repeated = key.map(|key| {
        let route = format!("enrolment-codes at {:?}", person.session.at.as_ref().map(|at| at.merchant_id));
        Repeated::new(&person.session.user_id, &route, &key, &bytes)
    });
    let now_ms = server.clock.now_ms();
    let Code { code, expires_ms } =
        person.desk()?.make_code(&server.people, now_ms, asked.location_id, repeated).await?;
    let qr_svg = qr::svg(&code).unwrap_or_default();
    Ok((StatusCode::CREATED, Json(CodeAnswer { v: V, code, expires_ms, qr_svg })))
}
