//! `GET /api/v1/reconciliations`: days on which the acquirer's account was held against the books, and what differs.

use crate::desk::{DaySummary, Reconciliation};
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{paging, tagged};
use crate::journal::report::day as day_of;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of days, newest first.
#[derive(Serialize, ToSchema)]
pub struct ReconciledDays {
    v: u32,
    days: Vec<DaySummary>,
    /// For `before` of the next page; missing on the last.
    cursor: Option<String>,
}

/// One day.
#[derive(Serialize, ToSchema)]
pub struct ReconciledDay {
    v: u32,
    #[serde(flatten)]
    seen: Reconciliation,
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
    let mut days = person.desk()?.reconciliations(before, limit + 1).await?;
    let more = days.len() > limit;
    days.truncate(limit);
    let last = days.last().filter(|_| more).and_then(|day| day_of(&day.day).ok());
    tagged::json(&headers, &ReconciledDays { v: V, days, cursor: last.map(|day| day.to_string()) })
}

pub async fn one(Extension(person): Known, Path(day): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let day = day_of(&day).map_err(|_| ApiError::NOT_FOUND)?;
    let seen = person.desk()?.reconciliation(day).await?.ok_or(ApiError::NOT_FOUND)?;
    tagged::json(&headers, &ReconciledDay { v: V, seen })
}
