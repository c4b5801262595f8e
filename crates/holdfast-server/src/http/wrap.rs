//! Around every request: whose it is and what it is called, whether its address asks too often, the security headers, and one line in the
//! log. The line has the route's pattern and never the address, path, query, headers or body; whatever else is logged meanwhile has the
//! request's id.

use super::caller::Caller;
use super::ids::Ids;
use super::problem::ApiError;
use super::{Server, routes};
use crate::telemetry;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holdfast_wire::problem::Problem;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

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

/// Where no listener says who is at the other end.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

pub async fn wrap(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(NOBODY, |ConnectInfo(peer)| peer.ip());
    let caller = server.doors.proxies.caller(peer, request.headers());
    let ids = Ids::of(request.headers(), caller.is_proxied);
    request.extensions_mut().insert(caller);
    // As an error's, so that whatever is logged is logged with it.
    let span = tracing::error_span!("request", request_id = %ids.request);
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let trace = telemetry::of_request(telemetry::method(request.method()), route, &ids);
    let response = answer(server, request, caller, ids, next).instrument(trace.clone()).instrument(span).await;
    telemetry::answered(&trace, response.status().as_u16());
    response
}

async fn answer(server: Arc<Server>, request: Request, caller: Caller, ids: Ids, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let named = telemetry::method(&method);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let is_interface = ["/api/", "/demo/"].iter().any(|prefix| request.uri().path().starts_with(prefix));
    let mut response = match admit(&server, &method, route, caller) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if is_interface {
        response = as_problem(response);
    }
    put_headers(&server, &ids, &mut response);
    let status = response.status().as_u16();
    server.metrics.answered(group(route), status);
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match route {
        Some(route) => tracing::info!(method = named, route, status, ms, "request"),
        None => tracing::debug!(method = named, route = "file", status, ms, "request"),
    }
    response
}

/// Whether the address may ask now.
fn admit(server: &Server, method: &Method, route: Option<&str>, caller: Caller) -> Result<(), ApiError> {
    let counted = server.rates.of_address(routes::lane(method, route), caller.network());
    counted.map_err(|limited| server.limited(limited))
}

fn put_headers(server: &Server, ids: &Ids, response: &mut Response) {
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
    if let Ok(id) = HeaderValue::from_str(&ids.request) {
        headers.insert("x-request-id", id);
    }
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
