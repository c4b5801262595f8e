//! `/api/v1/payments/{id}/receipt`: a receipt by e-mail, and what became of it.

use crate::http::Server;
use crate::http::auth::{Signed, active};
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use crate::store::Ledger as _;
use crate::store::books::{Added, Mail, NewMail};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use holdfast_core::id::PaymentId;
use holdfast_core::limits::EMAIL_CHARS_MAX;
use holdfast_wire::V;
use holdfast_wire::receipt::{ReceiptMail, ReceiptMails, ReceiptRequest};
use std::sync::Arc;

/// Keeps a letter. Asked again under the same id, it is the same letter.
pub async fn post(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<ReceiptMail>), ApiError> {
    let signed = active(&server, request).await?;
    let asked = ReceiptRequest::from_json(&signed.body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let mail_id = asked.id.parse().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let address = asked.email.trim();
    let is_address = address.len() <= EMAIL_CHARS_MAX && address.parse::<lettre::Address>().is_ok();
    if !is_address {
        return Err(ApiError::EMAIL_UNREADABLE);
    }
    let payment_id = own(&server, &signed, &id).await?;
    if !server.mails.post.is_somewhere() {
        return Err(ApiError::MAIL_NOT_SET_UP);
    }
    let merchant_id = signed.device.merchant_id;
    let new = NewMail { id: mail_id, payment_id, merchant_id, address: address.to_owned() };
    match server.ledger.add_mail(server.clock.now_ms(), new).await? {
        Added::Kept(mail) => {
            server.mails.wake.notify_one();
            Ok((StatusCode::ACCEPTED, Json(told(&mail))))
        }
        Added::Refused => Err(ApiError::RECEIPTS_USED_UP),
    }
}

/// The letters about a payment, without their addresses.
pub async fn get(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<ReceiptMails>, ApiError> {
    let signed = active(&server, request).await?;
    let payment_id = own(&server, &signed, &id).await?;
    let mails = server.ledger.mails_of(payment_id).await?.iter().map(told).collect();
    Ok(Json(ReceiptMails { v: V, mails }))
}

/// The payment, if it is the caller's merchant's.
async fn own(server: &Server, signed: &Signed, id: &str) -> Result<PaymentId, ApiError> {
    let id: PaymentId = id.parse().map_err(|_| ApiError::PAYMENT_UNKNOWN)?;
    let found = server.ledger.payment(id).await?.filter(|p| p.merchant_id == signed.device.merchant_id);
    found.map(|payment| payment.id).ok_or(ApiError::PAYMENT_UNKNOWN)
}

fn told(mail: &Mail) -> ReceiptMail {
    ReceiptMail {
        id: mail.id.to_string(),
        state: mail.state.clone(),
        code: mail.code.clone(),
        asked_ms: mail.asked_ms,
        changed_ms: mail.changed_ms,
    }
}
