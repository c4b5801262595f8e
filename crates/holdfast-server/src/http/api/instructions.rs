//! `POST /api/v1/payments/{id}/refunds`, `/void`, `/retry`, and the list of what was asked for. One instruction has one id, which
//! its asker makes; so a repeated click, or a repeated request after a lost answer, is carried out once.

use super::payments::look;
use crate::http::auth::{SMALL_BODY_BYTES_MAX, active};
use crate::http::body::bytes;
use crate::http::door::Person;
use crate::http::problem::ApiError;
use crate::http::{Server, once};
use crate::instructions::{instruct, words};
use crate::process::Clock as _;
use crate::store::Ledger as _;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::limits::ONLINE_ANSWER_MS_MAX;
use holdfast_core::payment::instruction::{Instruction, InstructionKind, Progress, Wanted};
use holdfast_wire::instruction::{InstructionAnswer, InstructionRequest, InstructionView, Instructions};
use holdfast_wire::{V, b64};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Between two looks for what another replica did.
const LOOK_MS: u64 = 250;

type Answer = Result<(StatusCode, Json<InstructionAnswer>), ApiError>;

pub async fn refund(State(server): State<Arc<Server>>, Path(id): Path<String>, request: Request) -> Answer {
    post(&server, &id, request, InstructionKind::Refund).await
}

pub async fn void(State(server): State<Arc<Server>>, Path(id): Path<String>, request: Request) -> Answer {
    post(&server, &id, request, InstructionKind::Void).await
}

pub async fn retry(State(server): State<Arc<Server>>, Path(id): Path<String>, request: Request) -> Answer {
    post(&server, &id, request, InstructionKind::Retry).await
}

/// Every instruction about a payment.
pub async fn list(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Instructions>, ApiError> {
    let asker = asked_by(&server, request).await?;
    let payment = look(&server, asker.merchant_id, &id).await?;
    let all = server.ledger.instructions(payment.id).await?;
    let instructions = all.iter().map(|instruction| view(instruction, &payment.sale.currency)).collect();
    Ok(Json(Instructions { v: V, instructions }))
}

/// Who asks, and with what.
struct Asker {
    merchant_id: MerchantId,
    by: String,
    headers: HeaderMap,
    body: Bytes,
}

async fn post(server: &Server, id: &str, request: Request, kind: InstructionKind) -> Answer {
    let asker = asked_by(server, request).await?;
    let payment = look(server, asker.merchant_id, id).await?;
    let wanted = wanted(&asker, payment.id, kind)?;
    let instruction = carry_out(server, asker.merchant_id, payment.id, wanted).await?;
    let payment = look(server, asker.merchant_id, id).await?;
    let status = if instruction.progress.is_open() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let answer = InstructionAnswer {
        v: V,
        instruction: view(&instruction, &payment.sale.currency),
        payment: super::payments::one_view(server, &payment).await?,
    };
    Ok((status, Json(answer)))
}

/// Keeps an instruction, wakes the jobs, and waits for what becomes of it, for as long as somebody waits at a till.
pub async fn carry_out(
    server: &Server,
    merchant_id: MerchantId,
    id: PaymentId,
    wanted: Wanted,
) -> Result<Instruction, ApiError> {
    // Subscribed before it is kept, so that no change falls in between.
    let mut changes = server.changes.subscribe();
    let mut stop = server.stop.clone();
    let mut instruction = instruct(&*server.ledger, server.clock.now_ms(), merchant_id, id, wanted).await?;
    server.wake.notify_one();
    let wait = Duration::from_millis(ONLINE_ANSWER_MS_MAX.unsigned_abs());
    let deadline = Instant::now() + wait;
    while instruction.progress.is_open() && Instant::now() < deadline && !*stop.borrow() {
        // Another replica may carry it out: that is only seen by looking.
        let next_look = deadline.min(Instant::now() + Duration::from_millis(LOOK_MS));
        let change = async {
            tokio::select! {
                _ = changes.changed() => {}
                _ = stop.changed() => {}
            }
        };
        let _ = timeout_at(next_look, change).await;
        let all = server.ledger.instructions(id).await?;
        if let Some(now) = all.into_iter().find(|known| known.id == instruction.id) {
            instruction = now;
        }
    }
    Ok(instruction)
}

fn wanted(asker: &Asker, payment_id: PaymentId, kind: InstructionKind) -> Result<Wanted, ApiError> {
    let asked = InstructionRequest::from_json(&asker.body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let id = match (&asked.id, once::key(&asker.headers)?) {
        (Some(id), _) => id.parse::<uuid::Uuid>().map_err(|_| ApiError::REQUEST_UNREADABLE)?.to_string(),
        (None, Some(key)) => {
            // The same key of another person, or about another payment, is another key.
            format!("key-{}", b64::encode(b64::sha256(format!("{}\n{payment_id}\n{key}", asker.by))))
        }
        (None, None) => return Err(ApiError::IDEMPOTENCY_KEY_MISSING),
    };
    let amount_minor = match (kind, asked.amount_minor) {
        (InstructionKind::Refund, Some(amount_minor)) => amount_minor,
        (InstructionKind::Refund, None) => return Err(ApiError::REQUEST_UNREADABLE),
        (InstructionKind::Void | InstructionKind::Retry, _) => 0,
    };
    let reason = asked.reason.parse().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    Ok(Wanted { id, kind, amount_minor, reason, by: asker.by.clone() })
}

/// The merchant of whoever asks: a person whom the door let in, or else a device by its signature.
async fn asked_by(server: &Server, request: Request) -> Result<Asker, ApiError> {
    if let Some(person) = request.extensions().get::<Person>() {
        let at = person.session.at.as_ref().ok_or(ApiError::NOT_ALLOWED)?;
        let (merchant_id, by) = (at.merchant_id, by_person(person));
        let (parts, body) = request.into_parts();
        let body = bytes(body, SMALL_BODY_BYTES_MAX, ApiError::BODY_TOO_LARGE).await?;
        return Ok(Asker { merchant_id, by, headers: parts.headers, body });
    }
    let signed = active(server, request).await?;
    let by = format!("device:{}", signed.device.id);
    Ok(Asker { merchant_id: signed.device.merchant_id, by, headers: signed.headers, body: signed.body })
}

/// A person as the books name one: by id, so that a name that changes, or goes, is no part of them.
pub fn by_person(person: &Person) -> String {
    format!("user:{}", person.session.user_id)
}

fn view(instruction: &Instruction, currency: &str) -> InstructionView {
    let code = match &instruction.progress {
        Progress::Refused { code } => Some(code.clone()),
        Progress::Asked | Progress::Sent | Progress::Done => None,
    };
    InstructionView {
        id: instruction.id.clone(),
        kind: instruction.kind.name().to_owned(),
        amount_minor: instruction.amount_minor,
        currency: currency.to_owned(),
        reason: instruction.reason.to_string(),
        progress: instruction.progress.name().to_owned(),
        text: code.as_deref().map(words),
        code,
        by: instruction.by.clone(),
        asked_ms: instruction.asked_ms,
        changed_ms: instruction.changed_ms,
    }
}
