//! `/api/v1/webhooks/{id}/deliveries` and `…/replays`: what became of messages, and sending them again.

use crate::desk::{Before, DeliveryLine, Replay};
use crate::http::body::json;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{Server, paging};
use crate::process::Clock as _;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The largest whole number that every reader of JSON has exactly.
const TIME_MS_MAX: i64 = (1 << 53) - 1;

/// A page of deliveries, newest first.
#[derive(Serialize, ToSchema)]
pub struct Deliveries {
    v: u32,
    deliveries: Vec<DeliveryLine>,
    /// For the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What to send again: one message, or everything since a time.
#[derive(Deserialize, ToSchema)]
pub struct ReplayRequest {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    message_id: Option<String>,
    /// Milliseconds since 1970.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    since_ms: Option<i64>,
}

/// How many will be sent again.
#[derive(Serialize, ToSchema)]
pub struct Replayed {
    v: u32,
    count: u64,
}

#[derive(Deserialize)]
struct Params {
    before: Option<String>,
    limit: Option<usize>,
}

pub async fn list(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Deliveries>, ApiError> {
    let desk = person.desk()?;
    desk.webhook(server.clock.now_ms(), &id).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let limit = paging::limit(params.limit)?;
    let mut deliveries = desk.deliveries(&id, before(params.before.as_deref())?, limit + 1).await?;
    let has_more = deliveries.len() > limit;
    deliveries.truncate(limit);
    let next = deliveries.last().filter(|_| has_more).map(cursor);
    Ok(Json(Deliveries { v: V, deliveries, next }))
}

pub async fn replay(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Replayed>), ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    desk.webhook(now_ms, &id).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    let wanted: ReplayRequest = json(request).await?.0;
    if wanted.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let what = match (wanted.message_id, wanted.since_ms) {
        (Some(message_id), None) if is_message(&message_id) => Replay::One(message_id),
        (None, Some(since_ms)) if (0..=TIME_MS_MAX).contains(&since_ms) => Replay::Since(since_ms),
        _ => return Err(ApiError::REPLAY_UNCLEAR),
    };
    let count = desk.replay(now_ms, &id, what).await?.ok_or(ApiError::WEBHOOK_UNKNOWN)?;
    server.hooks.wake.notify_one();
    Ok((StatusCode::ACCEPTED, Json(Replayed { v: V, count })))
}

/// Where a page ends, for the next one.
pub fn cursor(line: &DeliveryLine) -> String {
    format!("{}.{}", line.created_ms, line.message_id)
}

/// The place that [`cursor`] wrote; without one, the newest.
pub fn before(text: Option<&str>) -> Result<Before, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok((i64::MAX, String::new())) };
    let (at_ms, id) = text.split_once('.').filter(|(_, id)| is_message(id)).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let is_time = at_ms.bytes().all(|byte| byte.is_ascii_digit());
    let at_ms = at_ms.parse().ok().filter(|_| is_time).ok_or(ApiError::REQUEST_UNREADABLE)?;
    Ok((at_ms, id.to_owned()))
}

/// Whether this could be a message's id. Nothing else is asked of the database.
pub fn is_message(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    id.len() == 26 && id.starts_with("msg_") && id.bytes().all(is_plain)
}
