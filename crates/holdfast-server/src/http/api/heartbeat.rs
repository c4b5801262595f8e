//! `POST /api/v1/heartbeat`: what a device holds, so that a loss can be named even if the device is gone.

use crate::http::Server;
use crate::http::auth::active;
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use crate::store::Heartbeat as Told;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use holdfast_wire::V;
use holdfast_wire::b64;
use holdfast_wire::time::{Heartbeat, RISK_MAX, RiskWire};
use std::sync::Arc;

pub async fn post(State(server): State<Arc<Server>>, request: Request) -> Result<StatusCode, ApiError> {
    let signed = active(&server, request).await?;
    let told: Heartbeat = serde_json::from_slice(&signed.body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let hash_holds = told.head.hash.is_empty() || b64::hash_from_text(&told.head.hash).is_some();
    let risk_holds = told.risk.len() <= RISK_MAX && told.risk.iter().all(|kind| i64::try_from(kind.count).is_ok());
    let (Ok(head_seq), Ok(waiting_count), true) =
        (i64::try_from(told.head.seq), i64::try_from(told.waiting_count), told.v == V && hash_holds && risk_holds)
    else {
        return Err(ApiError::REQUEST_UNREADABLE);
    };
    // Known kinds only, so that nothing but our own words is kept.
    let risk: Vec<&RiskWire> = told.risk.iter().filter(|kind| kind.to_core().is_some()).collect();
    let risk = serde_json::to_string(&risk).map_err(|_| ApiError::TRY_LATER)?;
    let kept = Told { head_seq, head_hash: told.head.hash, waiting_count, waiting_minor: told.waiting_minor, risk };
    server.ledger.heartbeat(server.clock.now_ms(), signed.device.id, kept).await?;
    Ok(StatusCode::NO_CONTENT)
}
