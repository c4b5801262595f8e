//! `/api/v1/quarantine`: what could not be taken as a payment, and what its owner decides about it.

use super::devices::name_of;
use crate::desk::{QuarantineLine, Verdict};
use crate::http::Server;
use crate::http::body::json;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::http::{paging, tagged};
use crate::ingest::{Status, release};
use crate::process::Clock as _;
use crate::store::Ledger as _;
use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use holdfast_wire::V;
use holdfast_wire::ack::reason;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A page.
#[derive(Serialize, ToSchema)]
pub struct Page {
    v: u32,
    lines: Vec<QuarantineLine>,
    /// For `before` of the next page; missing on the last.
    cursor: Option<String>,
}

/// Why a line is given up.
#[derive(Deserialize, ToSchema)]
pub struct WriteOff {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    /// For whoever reads the list later; 1 to 120 characters, none of them a control character.
    #[schema(
        min_length = 1,
        max_length = 120,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    why: String,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Waiting,
    Decided,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    state: Which,
    #[serde(default)]
    before: String,
    limit: Option<usize>,
}

pub async fn list(Extension(person): Known, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let limit = paging::limit(params.limit)?;
    let before = paging::cursor(&params.before)?.unwrap_or(i64::MAX);
    let mut lines = person.desk()?.quarantine(params.state == Which::Decided, before, limit + 1).await?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let cursor = lines.last().filter(|_| more).map(|line| line.cursor.to_string());
    tagged::json(&headers, &Page { v: V, lines, cursor })
}

pub async fn let_out(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    take_back(&server, &person, &id).await.map(|()| StatusCode::NO_CONTENT)
}

pub async fn write_off(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (asked, _) = json::<WriteOff>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    give_up(&server, &person, &id, &asked.why).await.map(|()| StatusCode::NO_CONTENT)
}

/// Makes a payment of what a device brought that was revoked. Everything else in quarantine is damaged, forged, or in the place of another
/// payment, and no owner's word makes it a payment.
pub async fn take_back(server: &Server, person: &Person, id: &str) -> Result<(), ApiError> {
    let (desk, id) = (person.desk()?, line_id(id)?);
    let held = desk.held(id).await?.ok_or(ApiError::QUARANTINE_UNKNOWN)?;
    if held.is_decided {
        return Err(ApiError::QUARANTINE_DECIDED);
    }
    let device = server.ledger.device(held.device_id).await?;
    let (Some(device), Ok(raw), reason::DEVICE_REVOKED) = (device, String::from_utf8(held.raw), held.reason.as_str())
    else {
        return Err(ApiError::QUARANTINE_FINAL);
    };
    let now_ms = server.clock.now_ms();
    // Cut off after this, the line still waits, and the next try finds its payment there.
    match release(&*server.ledger, now_ms, &device, raw, held.received_ms).await? {
        Status::Stored | Status::Duplicate => {}
        Status::Quarantined(_) | Status::NotKept => return Err(ApiError::QUARANTINE_FINAL),
    }
    server.wake.notify_one();
    server.changes.send_modify(|count| *count += 1);
    desk.settle_held(now_ms, id, Verdict::Released, &person.session.user_id, String::new()).await?;
    tracing::info!(line = id, "a record was let out of quarantine");
    Ok(())
}

/// Ends a line's wait for good.
pub async fn give_up(server: &Server, person: &Person, id: &str, why: &str) -> Result<(), ApiError> {
    let why = name_of(why).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let (desk, id) = (person.desk()?, line_id(id)?);
    desk.held(id).await?.ok_or(ApiError::QUARANTINE_UNKNOWN)?;
    let is_done =
        desk.settle_held(server.clock.now_ms(), id, Verdict::WrittenOff, &person.session.user_id, why).await?;
    if !is_done {
        return Err(ApiError::QUARANTINE_DECIDED);
    }
    tracing::info!(line = id, "a record in quarantine was written off");
    Ok(())
}

fn line_id(text: &str) -> Result<i64, ApiError> {
    paging::cursor(text).ok().flatten().ok_or(ApiError::QUARANTINE_UNKNOWN)
}
