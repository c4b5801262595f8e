//! The operator's door: `/healthz`, `/readyz` and `/metrics` on an address of their own, which is never the public one.

mod collect;
mod metrics;
mod process;
mod ready;

#[cfg(test)]
mod tests;

pub use metrics::Metrics;

use crate::http::Server;
use crate::listen::Counts;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use ready::Readiness;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a scrape waits for the database. What it does not tell in this time is left out.
const COLLECT_MAX: Duration = Duration::from_secs(5);
/// OpenMetrics 1.0, which Prometheus reads as well as its own.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the operator's door tells from.
pub struct Ops {
    server: Arc<Server>,
    counts: Arc<Counts>,
    readiness: Readiness,
    draining: watch::Receiver<bool>,
}

impl Ops {
    /// `counts` are the public listener's; `draining` says that the server is about to stop.
    pub fn new(server: Arc<Server>, counts: Arc<Counts>, draining: watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self { server, counts, readiness: Readiness::default(), draining })
    }
}

/// The three paths.
pub fn router(ops: Arc<Ops>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(axum::middleware::map_response(plain))
        .with_state(ops)
}

async fn plain(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// 200 when a balancer may send tills here, 503 when not; either way which check says what.
async fn ready(State(ops): State<Arc<Ops>>) -> Response {
    let is_draining = *ops.draining.borrow();
    let checks = ops.readiness.look(&ops.server, is_draining).await;
    let is_ready = checks.iter().all(|check| check.fault.is_none());
    let list: serde_json::Map<_, _> =
        checks.iter().map(|check| (check.name.to_owned(), check.fault.unwrap_or("ok").into())).collect();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(serde_json::json!({ "ready": is_ready, "checks": list }))).into_response()
}

async fn metrics(State(ops): State<Arc<Ops>>) -> Response {
    let metrics = &ops.server.metrics;
    let is_told = match tokio::time::timeout(COLLECT_MAX, collect::collect(&ops.server)).await {
        Ok(Ok(told)) => metrics.tell(&told),
        Ok(Err(error)) => {
            tracing::warn!(%error, "metrics without the database");
            false
        }
        Err(_) => false,
    };
    metrics.tell_process(&ops.counts, is_told);
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
