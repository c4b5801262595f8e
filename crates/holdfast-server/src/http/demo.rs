//! `/demo`: an enrolment code for one tap, the PINs of its staff, the simulator's ledger, its script, and its settlement files. These routes exist in demo mode only.

use super::Server;
use super::api::enrolments::code_hash;
use super::problem::ApiError;
use crate::acquirer::simulator::{LedgerView, Script};
use crate::acquirer::{Account, Acquirer as _};
use crate::demo::STAFF;
use crate::journal::Journal;
use crate::process::Clock as _;
use crate::settlement::file;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use holdfast_core::limits::ENROLMENT_CODE_MS;
use holdfast_core::staff::StaffRole;
use holdfast_core::time::iso_date;
use holdfast_wire::b64;
use holdfast_wire::enrolment::EnrolmentCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A fresh code of 128 bits.
pub async fn enrolment_code(State(server): State<Arc<Server>>) -> Result<Json<EnrolmentCode>, ApiError> {
    let merchant_id = server.ledger.first_merchant().await?.ok_or(ApiError::TRY_LATER)?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| ApiError::TRY_LATER)?;
    let code = b64::encode(random);
    let now_ms = server.clock.now_ms();
    let expires_ms = now_ms + ENROLMENT_CODE_MS;
    server.ledger.add_enrolment_code(now_ms, merchant_id, code_hash(&code), expires_ms).await?;
    Ok(Json(EnrolmentCode { code, expires_ms }))
}

/// Somebody of the demo's staff, whose PIN is no secret.
#[derive(Serialize)]
pub struct DemoSeller {
    name: &'static str,
    role: &'static str,
    pin: &'static str,
}

/// Who can sign in at a till of the demo.
pub async fn staff() -> Json<Vec<DemoSeller>> {
    let seller =
        |(name, role, pin): (&'static str, StaffRole, &'static str)| DemoSeller { name, role: role.name(), pin };
    Json(STAFF.map(seller).into())
}

pub async fn ledger(State(server): State<Arc<Server>>) -> Result<Json<LedgerView>, ApiError> {
    let simulator = server.demo.as_ref().ok_or(ApiError::NOT_FOUND)?;
    simulator.ledger().await.map(Json).map_err(|_| ApiError::TRY_LATER)
}

pub async fn script(State(server): State<Arc<Server>>) -> Result<Json<Script>, ApiError> {
    server.demo.as_ref().map(|simulator| Json(simulator.script())).ok_or(ApiError::NOT_FOUND)
}

pub async fn set_script(State(server): State<Arc<Server>>, body: Bytes) -> Result<Json<Script>, ApiError> {
    let simulator = server.demo.as_ref().ok_or(ApiError::NOT_FOUND)?;
    let script: Script = serde_json::from_slice(&body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    if !script.is_usable() {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    simulator.set_script(script.clone());
    Ok(Json(script))
}

#[derive(Deserialize)]
struct Day {
    day: String,
}

/// The simulator's account of a day, as the file that an acquirer would send. Of a day that is not over it is what there is so far.
pub async fn settlement(State(server): State<Arc<Server>>, uri: Uri) -> Result<Response, ApiError> {
    let Query(Day { day }) = Query::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let day = crate::journal::report::day(&day).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let simulator = server.demo.as_ref().ok_or(ApiError::NOT_FOUND)?;
    let merchant_id = server.ledger.first_merchant().await?.ok_or(ApiError::TRY_LATER)?;
    let (from_ms, to_ms) = Journal::new(&server.ledger).calendar(merchant_id).await?.window(day);
    let account = Account { merchant_id, day, from_ms, to_ms };
    let statement = simulator.settlement(server.clock.now_ms(), account).await.map_err(|_| ApiError::TRY_LATER)?;
    let text = file::write(&statement.ok_or(ApiError::NOT_FOUND)?);
    let name = format!("attachment; filename=\"settlement-{}.csv\"", iso_date(day));
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], text).into_response())
}
