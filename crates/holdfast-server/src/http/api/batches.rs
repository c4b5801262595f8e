//! `POST /api/v1/batches`: the upload. A revoked device may upload too; what it holds goes to the owner.

use crate::http::Server;
use crate::http::auth::receive;
use crate::http::problem::ApiError;
use crate::http::rates::DeviceLane;
use crate::ingest::{Ingested, ingest};
use crate::process::Clock as _;
use axum::Json;
use axum::extract::{Request, State};
use holdfast_core::limits::BATCH_BYTES_MAX;
use holdfast_wire::V;
use holdfast_wire::batch::{Batch, BatchAnswer};
use std::sync::Arc;
use std::time::Instant;

pub async fn post(State(server): State<Arc<Server>>, request: Request) -> Result<Json<BatchAnswer>, ApiError> {
    let started = Instant::now();
    let taken = take(&server, request).await;
    server.metrics.ingested(taken.as_ref().ok(), started.elapsed());
    Ok(Json(BatchAnswer { v: V, acks: taken?.acks }))
}

async fn take(server: &Server, request: Request) -> Result<Ingested, ApiError> {
    let _slot = server.batches.try_acquire().map_err(|_| {
        server.metrics.limited("batches-at-once");
        ApiError::SLOW_DOWN
    })?;
    let received = receive(request, BATCH_BYTES_MAX, ApiError::BATCH_TOO_LARGE).await?;
    let signed = received.of_device(server).await?;
    let batch = Batch::from_json(&signed.body).map_err(|_| ApiError::BATCH_UNREADABLE);
    // A live sale comes alone; what was sold without a network comes together.
    let is_sale = batch.as_ref().is_ok_and(|batch| batch.records.len() == 1);
    server.count(if is_sale { DeviceLane::Sales } else { DeviceLane::Batches }, signed.device.id)?;
    let batch = batch?;
    let now_ms = server.clock.now_ms();
    let ingested = ingest(&*server.ledger, &*server.keyring, now_ms, &signed.device, batch.records).await?;
    if !ingested.stored.is_empty() {
        server.wake.notify_one();
        server.changes.send_modify(|count| *count += 1);
    }
    if ingested.quarantined_count > 0 {
        tracing::warn!(device = %signed.device.id, count = ingested.quarantined_count, "records went to quarantine");
    }
    Ok(ingested)
}
