//! The interface over HTTP: the paths of docs/protocol.md, the app's files, and nothing else.

mod api;
pub mod app;
mod auth;
mod demo;
mod demo_mail;
mod owner;
mod problem;
mod receipt;
mod wrap;

#[cfg(test)]
mod tests;

use crate::acquirer::{Configured, DemoSimulator};
use crate::clock::SystemClock;
use crate::keys::{BookedCardKeys, Keyring};
use crate::mail::Mails;
use crate::process::Processor;
use crate::receipts::Receipts;
use crate::store::Books;
use app::App;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use problem::ApiError;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, watch};

/// Batches that are taken at once. More are asked to come again, rather than to pile up in memory.
const BATCHES_AT_ONCE_MAX: usize = 64;

/// The processor of a running server.
pub type ServerProcessor = Processor<Books, Configured, BookedCardKeys, SystemClock>;

/// What the handlers share.
pub struct Server {
    pub ledger: Arc<Books>,
    pub keyring: Arc<Keyring>,
    pub processor: Arc<ServerProcessor>,
    pub app: Arc<App>,
    pub clock: SystemClock,
    /// Wakes the jobs.
    pub wake: Arc<Notify>,
    /// Counts changes of payments, for those who wait for one.
    pub changes: watch::Sender<u64>,
    pub stop: watch::Receiver<bool>,
    /// The demo's simulator; `None` unless started with `--demo`.
    pub demo: Option<Arc<DemoSimulator>>,
    pub receipts: Arc<Receipts>,
    pub mails: Arc<Mails>,
    batches: Semaphore,
}

/// The parts of a [`Server`].
pub struct Parts {
    pub ledger: Arc<Books>,
    pub keyring: Arc<Keyring>,
    pub processor: Arc<ServerProcessor>,
    pub app: Arc<App>,
    pub clock: SystemClock,
    pub wake: Arc<Notify>,
    pub changes: watch::Sender<u64>,
    pub stop: watch::Receiver<bool>,
    pub demo: Option<Arc<DemoSimulator>>,
    pub receipts: Arc<Receipts>,
    pub mails: Arc<Mails>,
}

impl Server {
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { ledger, keyring, processor, app, clock, wake, changes, stop, demo, receipts, mails } = parts;
        let batches = Semaphore::new(BATCHES_AT_ONCE_MAX);
        Arc::new(Self { ledger, keyring, processor, app, clock, wake, changes, stop, demo, receipts, mails, batches })
    }
}

/// Every route.
pub fn router(server: Arc<Server>) -> Router {
    let api = Router::new()
        .route("/api/v1/keyset", get(api::keyset::get))
        .route("/api/v1/keylog", get(api::keylog::get))
        .route("/api/v1/time", get(api::time::get))
        .route("/api/v1/enrolments", post(api::enrolments::post))
        .route("/api/v1/shop", get(api::shop::get))
        .route("/api/v1/heartbeat", post(api::heartbeat::post))
        .route("/api/v1/batches", post(api::batches::post))
        .route("/api/v1/payments", get(api::payments::list))
        .route("/api/v1/payments/{id}", get(api::payments::one))
        .route("/api/v1/payments/{id}/receipt", post(api::receipt_mails::post).get(api::receipt_mails::get))
        .route("/r/{token}", get(receipt::page))
        .route("/r/light.css", get(receipt::light))
        .route("/r/dark.css", get(receipt::dark))
        .route("/api/v1/reports/{kind}", get(api::reports::get))
        .route("/healthz", get(|| async { "ok" }));
    let routes = if server.demo.is_some() { api.merge(demo::routes()).merge(demo_mail::routes()) } else { api };
    routes
        .method_not_allowed_fallback(|| async { ApiError::METHOD_NOT_ALLOWED })
        .fallback(files)
        .layer(axum::middleware::from_fn(wrap::wrap))
        .with_state(server)
}

/// The app's files. What looks like an interface is answered like one.
async fn files(State(server): State<Arc<Server>>, request: Request) -> Response {
    let path = request.uri().path();
    let is_interface = ["/api/", "/demo/", "/r/"].iter().any(|prefix| path.starts_with(prefix));
    if is_interface {
        return ApiError::NOT_FOUND.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::METHOD_NOT_ALLOWED.into_response();
    }
    match server.app.get(path, request.headers()) {
        Some(response) => response,
        None => (StatusCode::NOT_FOUND, "not found").into_response(),
    }
}
