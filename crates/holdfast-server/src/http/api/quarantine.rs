//! `GET /api/v1/quarantine`: what could not be taken as a payment, newest first.

use crate::desk::QuarantineLine;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use axum::extract::Query;
use axum::http::Uri;
use axum::{Extension, Json};
use holdfast_core::limits::HISTORY_PAGE_MAX;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page.
#[derive(Serialize, ToSchema)]
pub struct Page {
    v: u32,
    lines: Vec<QuarantineLine>,
    /// For `before` of the next page; missing on the last.
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Params {
    before: Option<i64>,
    limit: Option<usize>,
}

pub async fn list(Extension(person): Known, uri: Uri) -> Result<Json<Page>, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let limit = params.limit.unwrap_or(HISTORY_PAGE_MAX).clamp(1, HISTORY_PAGE_MAX);
    let mut lines = person.desk()?.quarantine(params.before.unwrap_or(i64::MAX), limit + 1).await?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let cursor = lines.last().filter(|_| more).map(|line| line.cursor.to_string());
    Ok(Json(Page { v: V, lines, cursor }))
}
