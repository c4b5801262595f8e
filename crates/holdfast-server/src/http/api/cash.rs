//! `/api/v1/cash-moves` and `/api/v1/cash-drawer`: what goes into the drawer and out of it, and what a count finds.

use crate::desk::{CashError, CashKind, CashMove, Drawer};
use crate::http::Server;
use crate::http::body::json;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::http::tagged;
use crate::journal::report::day as day_of;
use crate::process::Clock as _;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::{Extension, Json};
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A move of cash.
#[derive(Deserialize, ToSchema)]
pub struct CashRequest {
    #[schema(minimum = 1, maximum = 1)]
    v: u32,
    /// Made by whoever asks, once for each move: the same id again changes nothing.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9-]+$")]
    id: String,
    kind: CashKind,
    /// Of a count: what is in the drawer.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    amount_minor: i64,
    /// Up to 120 characters, none of them a control character.
    #[serde(default)]
    #[schema(max_length = 120, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    note: String,
}

/// The drawer of a business day.
#[derive(Serialize, ToSchema)]
pub struct DrawerAnswer {
    v: u32,
    #[serde(flatten)]
    drawer: Drawer,
}

#[derive(Deserialize)]
struct Params {
    day: Option<String>,
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<(StatusCode, Json<CashMove>), ApiError> {
    let (asked, _) = json::<CashRequest>(request).await?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let CashRequest { id, kind, amount_minor, note, .. } = asked;
    let (is_new, kept) = keep(&server, &person, CashMove::new(id, kind, amount_minor, note)).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(kept)))
}

pub async fn get(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(Params { day }) = Query::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let day = day.map(|day| day_of(&day)).transpose().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let drawer = person.desk()?.drawer(day, server.clock.now_ms()).await?;
    tagged::json(&headers, &DrawerAnswer { v: V, drawer })
}

/// Keeps a move in the name of who asks.
pub async fn keep(server: &Server, person: &Person, asked: Option<CashMove>) -> Result<(bool, CashMove), ApiError> {
    let asked = asked.ok_or(ApiError::REQUEST_UNREADABLE)?;
    let kept = person.desk()?.move_cash(&person.session.user_id, asked, server.clock.now_ms()).await;
    kept.map_err(|error| match error {
        CashError::Another => ApiError::CASH_ID_REUSED,
        CashError::Store(error) => error.into(),
    })
}
