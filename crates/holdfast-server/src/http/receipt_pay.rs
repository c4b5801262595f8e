//! Paying again on the live receipt: `POST /r/<token>/payments` takes a sealed card, `GET /r/<token>/state` says where the sale stands now.

use super::Server;
use super::body::json;
use super::problem::ApiError;
use super::receipt::sale;
use crate::again::{Asked, PayError, Sale, pay};
use crate::process::Clock as _;
use crate::receipts::Shown;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use holdfast_core::id::PaymentId;
use holdfast_core::payment::again::AgainError;
use holdfast_wire::V;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A payment that a customer's browser has sealed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayRequest {
    v: u32,
    /// Made in the browser before the first attempt to send it.
    id: String,
    /// Which one of the sale's payments the page had offered.
    attempt: usize,
    jwe: String,
    brand: String,
    last4: String,
}

/// Where a sale stands.
#[derive(Serialize)]
pub struct SaleState {
    v: u32,
    /// As `data-state` of the page.
    state: &'static str,
    /// How often its customer has paid again.
    attempt: usize,
}

impl SaleState {
    fn of(sale: &Sale) -> Json<Self> {
        Json(Self { v: V, state: Shown::of(&sale.last().state).name(), attempt: sale.attempts() })
    }
}

pub async fn state(State(server): State<Arc<Server>>, Path(token): Path<String>) -> Result<Json<SaleState>, ApiError> {
    let sale = sale(&server, &token).await?.ok_or(ApiError::NOT_FOUND)?;
    Ok(SaleState::of(&sale))
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<SaleState>), ApiError> {
    let of = server.receipts.payment_of(&token).filter(|_| server.receipts.pays_again).ok_or(ApiError::NOT_FOUND)?;
    let (asked, _) = json::<PayRequest>(request).await?;
    let id: PaymentId = asked.id.parse().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    if asked.v != V {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let PayRequest { attempt, jwe, brand, last4, .. } = asked;
    let asked = Asked { id, attempt, jwe, brand, last4 };
    let sale = pay(&server.ledger, &server.keyring, server.clock.now_ms(), of, &asked).await?;
    server.wake.notify_one();
    server.changes.send_modify(|count| *count += 1);
    Ok((StatusCode::ACCEPTED, SaleState::of(&sale)))
}

impl From<PayError> for ApiError {
    fn from(error: PayError) -> Self {
        match error {
            PayError::Unknown => Self::NOT_FOUND,
            PayError::Refused(AgainError::OnItsWay) => Self::PAYMENT_ON_ITS_WAY,
            PayError::Refused(_) => Self::NOT_PAYABLE,
            PayError::Stale => Self::RECEIPT_STALE,
            PayError::Envelope => Self::ENVELOPE_REFUSED,
            PayError::Store(error) => error.into(),
            PayError::Keys => Self::TRY_LATER,
        }
    }
}
