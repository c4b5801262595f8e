//! `GET /api/v1/missing`: payments that tills were told are stored and that these books do not hold, newest first.

use crate::desk::MissingLine;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{paging, tagged};
use axum::Extension;
use axum::extract::Query;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page.
#[derive(Serialize, ToSchema)]
pub struct MissingPage {
    v: u32,
    lines: Vec<MissingLine>,
    /// For `before` of the next page; missing on the last.
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    before: String,
    limit: Option<usize>,
}

pub async fn list(Extension(person): Known, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let limit = paging::limit(params.limit)?;
    let before = paging::cursor(&params.before)?.unwrap_or(i64::MAX);
    let mut lines = person.desk()?.missing(before, limit + 1).await?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let cursor = lines.last().filter(|_| more).map(|line| line.cursor.to_string());
    tagged::json(&headers, &MissingPage { v: V, lines, cursor })
}
