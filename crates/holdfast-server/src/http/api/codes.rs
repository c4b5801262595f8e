//! `POST /api/v1/enrolment-codes`: a one-time code for a new device.

use crate::desk::Code;
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{Server, qr};
use crate::process::Clock as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What the code is for.
#[derive(Deserialize, ToSchema)]
pub struct CodeRequest {
    #[schema(minimum = 1, maximum = 1)]
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
    let (asked, _) = json::<CodeRequest>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let Code { code, expires_ms } = person.desk()?.make_code(server.clock.now_ms(), asked.location_id).await?;
    let qr_svg = qr::svg(&code).unwrap_or_default();
    Ok((StatusCode::CREATED, Json(CodeAnswer { v: V, code, expires_ms, qr_svg })))
}
