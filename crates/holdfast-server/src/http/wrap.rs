//! Around every request: the security headers, a request id, and one line in the log. The line has the route's pattern and
//! never the path, query, headers or body.

use super::Server;
use super::problem::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holdfast_wire::problem::Problem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

/// Headers of every response. Cross-origin isolation as far as the app needs nothing of others: everything.
const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(self), geolocation=(), microphone=(), payment=()"),
];

/// Two years, as the lists of browsers ask for. Other hosts of the domain are not ours to bind.
const HSTS: &str = "max-age=63072000";

pub async fn wrap(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let request_id = NEXT_REQUEST.fetch_add(1, Ordering::Relaxed);
    let is_interface = ["/api/", "/demo/"].iter().any(|prefix| request.uri().path().starts_with(prefix));
    let mut response = next.run(request).await;
    if is_interface {
        response = as_problem(response);
    }
    let headers = response.headers_mut();
    // What an answer says itself stands: the app's files their policy and how long they keep, the office's pages theirs.
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    if server.doors.is_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    headers.insert("x-request-id", HeaderValue::from(request_id));
    let status = response.status().as_u16();
    server.metrics.answered(group(route.as_deref()), status);
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match route.as_deref() {
        Some(route) => tracing::info!(%method, route, status, ms, request_id, "request"),
        None => tracing::debug!(%method, route = "file", status, ms, request_id, "request"),
    }
    response
}

/// Errors that a library answered in words of its own become problems like all others. What else it said stays, as `Allow`.
fn as_problem(response: Response) -> Response {
    let (status, kind) = (response.status(), response.headers().get(CONTENT_TYPE));
    let is_problem = kind.is_some_and(|kind| kind.as_bytes() == Problem::CONTENT_TYPE.as_bytes());
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut problem = ApiError::of_status(status).into_response();
    for (name, value) in response.headers() {
        if ![CONTENT_TYPE, CONTENT_LENGTH].contains(name) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

/// Routes that belong together, for counting.
fn group(route: Option<&str>) -> &'static str {
    match route.map(|route| route.trim_start_matches('/').split('/').next().unwrap_or_default()) {
        Some("api") => "api",
        Some("office") => "office",
        Some("r") => "receipt",
        Some("demo") => "demo",
        Some(_) => "other",
        None => "file",
    }
}
