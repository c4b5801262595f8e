//! `GET /api/v1/keylog`: what happened to the keys, for every till to show and to check.

use crate::http::Server;
use crate::http::auth::active;
use crate::http::paging;
use crate::http::problem::ApiError;
use axum::Json;
use axum::extract::{Query, Request, State};
use holdfast_wire::V;
use holdfast_wire::keylog::KeyLogPage;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Params {
    /// A cursor of an earlier page; empty or missing for the beginning.
    #[serde(default)]
    after: String,
    limit: Option<usize>,
}

pub async fn get(State(server): State<Arc<Server>>, request: Request) -> Result<Json<KeyLogPage>, ApiError> {
    let signed = active(&server, request).await?;
    let Query(params) = Query::<Params>::try_from_uri(&signed.uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let after = paging::cursor(&params.after)?.unwrap_or(0).unsigned_abs();
    let limit = paging::limit(params.limit)?;
    // One more than asked for tells whether there are more.
    let mut entries = server.ledger.key_log_after(after, limit + 1).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let cursor = entries.last().map_or(after, |entry| entry.n).to_string();
    Ok(Json(KeyLogPage { v: V, entries, cursor, more }))
}
