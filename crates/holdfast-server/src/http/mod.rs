//! The interface over HTTP: the paths of docs/protocol.md, the app's files, and nothing else.

mod api;
pub mod app;
mod auth;
mod body;
pub mod caller;
mod demo;
mod demo_mail;
mod door;
pub mod ids;
mod office;
mod once;
mod openapi;
mod owner;
mod paging;
mod problem;
mod qr;
mod rates;
mod receipt;
mod receipt_pay;
pub mod routes;
mod tagged;
mod wrap;

#[cfg(test)]
pub(crate) mod tests;

use crate::acquirer::{Configured, DemoSimulator, Measured};
use crate::clock::SystemClock;
use crate::hooks::Hooks;
use crate::keys::{BookedCardKeys, Keyring};
use crate::mail::Mails;
use crate::ops::Metrics;
use crate::people::{People, SignInError};
use crate::process::Processor;
use crate::receipts::Receipts;
use crate::store::Books;
use app::App;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use caller::Proxies;
use governor::clock::MonotonicClock;
use holdfast_core::id::DeviceId;
use problem::ApiError;
use rates::{DeviceLane, Limited, Rates};
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, watch};

/// Batches that are taken at once. More are asked to come again, rather than to pile up in memory.
const BATCHES_AT_ONCE_MAX: usize = 64;

/// The limit of failed sign-ins, as the metrics have it.
const FAILED_SIGN_INS: &str = "failed-sign-ins";

/// The processor of a running server.
pub type ServerProcessor = Processor<Books, Measured<Configured>, BookedCardKeys, SystemClock>;

/// How the server is reached.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// What people type, such as `https://till.example`; without it, what the browser says is taken.
    pub public_url: Option<String>,
    /// Proxies of our own that stand in front and say who calls.
    pub proxies: Proxies,
    /// People come over TLS, here or at the proxy.
    pub is_secure: bool,
}

impl Doors {
    /// A `__Host-` cookie can be set by this very host over TLS only.
    pub fn cookie_name(&self) -> &'static str {
        if self.is_secure { "__Host-holdfast" } else { "holdfast" }
    }
}

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
    pub hooks: Arc<Hooks>,
    pub people: People,
    pub doors: Doors,
    pub metrics: Arc<Metrics>,
    rates: Rates,
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
    pub hooks: Arc<Hooks>,
    pub people: People,
    pub doors: Doors,
    pub metrics: Arc<Metrics>,
}

impl Server {
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { ledger, keyring, processor, app, clock, wake, changes, stop, .. } = parts;
        let Parts { demo, receipts, mails, hooks, people, doors, metrics, .. } = parts;
        let batches = Semaphore::new(BATCHES_AT_ONCE_MAX);
        Arc::new(Self {
            ledger,
            keyring,
            processor,
            app,
            clock,
            wake,
            changes,
            stop,
            demo,
            receipts,
            mails,
            hooks,
            people,
            doors,
            metrics,
            rates: Rates::new(MonotonicClock),
            batches,
        })
    }

    /// Counts a request of a device that has proven itself.
    ///
    /// # Errors
    /// When it asks too often.
    fn count(&self, lane: DeviceLane, id: DeviceId) -> Result<(), ApiError> {
        self.rates.of_device(lane, id).map_err(|limited| self.limited(limited))
    }

    /// The answer to whoever was not let in, and one more in the count of those who have to wait.
    fn not_let_in(&self, error: SignInError) -> ApiError {
        if matches!(error, SignInError::Wait(_)) {
            self.metrics.limited(FAILED_SIGN_INS);
        }
        error.into()
    }

    /// The answer to whoever asks too often, and one more in the count.
    fn limited(&self, limited: Limited) -> ApiError {
        self.metrics.limited(limited.limit);
        ApiError::TOO_MANY_REQUESTS.after_ms(limited.wait_ms)
    }
}

/// Every route.
pub fn router(server: Arc<Server>) -> Router {
    let all = routes::routes(&server, routes::ROUTES);
    let of_demo = || routes::routes(&server, routes::DEMO_ROUTES).merge(routes::routes(&server, demo_mail::ROUTES));
    let all = if server.demo.is_some() { all.merge(of_demo()) } else { all };
    all.method_not_allowed_fallback(|| async { ApiError::METHOD_NOT_ALLOWED })
        .fallback(files)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&server), wrap::wrap))
        .with_state(server)
}

/// The app's files. What looks like an interface is answered like one.
async fn files(State(server): State<Arc<Server>>, request: Request) -> Response {
    let path = request.uri().path();
    let is_interface = ["/api/", "/demo/", "/office/", "/r/"].iter().any(|prefix| path.starts_with(prefix));
    if is_interface {
        return ApiError::NOT_FOUND.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ([(ALLOW, "GET, HEAD")], ApiError::METHOD_NOT_ALLOWED).into_response();
    }
    match server.app.get(path, request.headers()) {
        Some(response) => response,
        None => (StatusCode::NOT_FOUND, "not found").into_response(),
    }
}
