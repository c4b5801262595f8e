//! `POST /api/v1/tombstones`: a till asks what of its acknowledged payments is still here. A revoked device may ask too: what is missing is the
//! owner's loss whoever names it.

use crate::http::Server;
use crate::http::auth::receive;
use crate::http::problem::ApiError;
use crate::http::rates::DeviceLane;
use crate::ingest::take_offer;
use crate::process::Clock as _;
use axum::Json;
use axum::extract::{Request, State};
use holdfast_core::limits::OFFER_BYTES_MAX;
use holdfast_wire::V;
use holdfast_wire::offer::{StoneOffer, StoneOfferAnswer};
use std::sync::Arc;

pub async fn post(State(server): State<Arc<Server>>, request: Request) -> Result<Json<StoneOfferAnswer>, ApiError> {
    let received = receive(request, OFFER_BYTES_MAX, ApiError::BATCH_TOO_LARGE).await?;
    let signed = received.of_device(&server).await?;
    server.count(DeviceLane::Batches, signed.device.id)?;
    let offer = StoneOffer::from_json(&signed.body).map_err(|_| ApiError::BATCH_UNREADABLE)?;
    // A sequence number beyond what the books can hold is no number of ours.
    if offer.stones.iter().any(|stone| i64::try_from(stone.seq).is_err()) {
        return Err(ApiError::BATCH_UNREADABLE);
    }
    let now_ms = server.clock.now_ms();
    let taken = take_offer(&*server.ledger, &*server.keyring, now_ms, &signed.device, &offer.stones).await?;
    let (answers, missing_count) = taken;
    if missing_count > 0 {
        tracing::error!(device = %signed.device.id, count = missing_count, "payments that were acknowledged are missing");
    }
    Ok(Json(StoneOfferAnswer { v: V, answers }))
}
