//! `POST /api/v1/enrolments`: a one-time code binds a device's key to a merchant.

use crate::http::Server;
use crate::http::auth::{SMALL_BODY_BYTES_MAX, receive};
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use crate::store::Ledger as _;
use crate::store::{Enrolled, Enrolment};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use holdfast_core::id::DeviceId;
use holdfast_core::limits::NAME_CHARS_MAX;
use holdfast_crypto::es256::VerifyingKey;
use holdfast_wire::V;
use holdfast_wire::b64;
use holdfast_wire::enrolment::{ENROL_KEYID, Enrolment as Answer, EnrolmentRequest};
use std::sync::Arc;

pub async fn post(State(server): State<Arc<Server>>, request: Request) -> Result<(StatusCode, Json<Answer>), ApiError> {
    let received = receive(request, SMALL_BODY_BYTES_MAX, ApiError::BODY_TOO_LARGE).await?;
    if received.keyid() != ENROL_KEYID {
        return Err(ApiError::SIGNATURE_WRONG);
    }
    let asked: EnrolmentRequest = serde_json::from_slice(&received.body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let name = asked.device_name.trim();
    let is_p256 = asked.jwk.kty == "EC" && asked.jwk.crv == "P-256";
    if asked.v != V
        || !is_p256
        || name.is_empty()
        || name.chars().count() > NAME_CHARS_MAX
        || name.contains(char::is_control)
    {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let key = VerifyingKey::parse(&asked.jwk.x, &asked.jwk.y).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    if !received.is_signed_by(&key) {
        return Err(ApiError::SIGNATURE_WRONG);
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| ApiError::TRY_LATER)?;
    let device_id = DeviceId::make(random);
    let enrolment = Enrolment { device_id, code_hash: code_hash(&asked.code), name: name.to_owned(), key };
    match server.ledger.enrol(server.clock.now_ms(), enrolment).await? {
        Enrolled::CodeRefused => Err(ApiError::CODE_REFUSED),
        Enrolled::Yes { device_number, merchant_id } => {
            tracing::info!(device = %device_id, device_number, "device enrolled");
            let answer = Answer {
                v: V,
                device_id: device_id.to_string(),
                device_number,
                merchant_id: merchant_id.to_string(),
                epoch: server.ledger.epoch(),
            };
            Ok((StatusCode::CREATED, Json(answer)))
        }
    }
}

/// A code is kept and looked up by its hash only. It has 128 random bits, so a plain hash is enough.
pub fn code_hash(code: &str) -> String {
    b64::encode(b64::sha256(code))
}
