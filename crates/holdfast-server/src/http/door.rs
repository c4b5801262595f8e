//! Who may use a route. Each route has an [`Access`], and what it says is checked before the route's own code runs. A device's
//! signature covers the body, so it is checked where the body is read ([`super::auth`]).

use super::Server;
use super::caller::Caller;
use super::problem::ApiError;
use crate::desk::Desk;
use crate::people::{Role, Session, Stage};
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, ORIGIN};
use axum::http::{Extensions, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::sync::Arc;

/// With this a page of the office says that it keeps itself up to date and that nobody asked.
const REFRESH: &str = "x-holdfast-refresh";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has a one-time code and signs with the key to enrol.
    Code,
    /// An enrolled device, by its signature.
    Device,
    /// The same, also when it was revoked.
    DeviceEvenRevoked,
    /// A device, or a person with one of these roles.
    DeviceOr(&'static [Role]),
    /// A person with one of these roles.
    People(&'static [Role]),
    /// The same; in the demo also anybody who brings no credential.
    PeopleOrDemo(&'static [Role]),
    /// A person with one of these roles; whoever is not is shown the way to the sign-in.
    Office(&'static [Role]),
    /// Whoever signed in, wherever they act.
    Signed,
    /// A sign-in that still waits for its second factor.
    Half,
    /// Anybody, and only in the demo.
    Demo,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Person {
    pub session: Session,
    pub role: Option<Role>,
    desk: Option<Desk>,
}

impl Person {
    /// The affairs of the merchant that the session acts for.
    pub fn desk(&self) -> Result<&Desk, ApiError> {
        self.desk.as_ref().ok_or(ApiError::NOT_ALLOWED)
    }

    /// The zone of the shop's clock.
    pub fn zone(&self) -> &str {
        self.session.at.as_ref().map_or("UTC", |at| at.zone.as_str())
    }

    pub fn may(&self, roles: &[Role]) -> bool {
        self.role.is_some_and(|role| roles.contains(&role))
    }
}

/// The middleware in front of a route.
pub async fn door(State((server, access)): State<(Arc<Server>, Access)>, mut request: Request, next: Next) -> Response {
    let is_page = matches!(access, Access::Office(_) | Access::Half) || request.uri().path().starts_with("/office");
    let wanted = match access {
        Access::Public | Access::Code | Access::Device | Access::DeviceEvenRevoked | Access::Demo => None,
        // Whoever signs like a device is judged as one.
        Access::DeviceOr(_) if request.headers().contains_key("signature-input") => None,
        Access::PeopleOrDemo(_) if server.demo.is_some() && !brings_any(&server, request.headers()) => None,
        Access::DeviceOr(roles) | Access::People(roles) | Access::PeopleOrDemo(roles) | Access::Office(roles) => {
            Some(Wanted::Role(roles))
        }
        Access::Signed => Some(Wanted::Signed),
        Access::Half => Some(Wanted::Half),
    };
    if request.uri().path().starts_with("/api/")
        && let Err(error) = kinds(&request)
    {
        return error.into_response();
    }
    // A form that somebody else's page sends must not ride on this browser's cookie, and must not sign anybody in either.
    if is_page && request.method() != Method::GET && !is_own_page(request.headers()) {
        return ApiError::FOREIGN_PAGE.into_response();
    }
    if let Some(wanted) = wanted {
        // Read before anything is waited for: a body cannot be shared between threads.
        let token = token(&server, &request);
        let is_asked = !request.headers().contains_key(REFRESH);
        let found = match token {
            Ok(token) => person(&server, &token, wanted, is_asked).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(person) => drop(request.extensions_mut().insert(person)),
            Err(ApiError::SIGN_IN_NEEDED) if is_page => return Redirect::to("/office/sign-in").into_response(),
            Err(ApiError::NOT_ALLOWED) if is_page => return Redirect::to("/office/shops").into_response(),
            Err(error) => return error.into_response(),
        }
    }
    next.run(request).await
}

/// What the body is said to be, and what the answer may be. Saying neither is fine.
fn kinds(request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let kind = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    };
    if kind.is_some_and(|kind| !is_json(kind)) && !request.method().is_safe() {
        return Err(ApiError::NOT_JSON);
    }
    let wanted: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut kinds = wanted.iter().flat_map(|value| value.split(',')).map(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.to_ascii_lowercase()
    });
    // The few answers that are no JSON are text.
    let is_ours =
        |kind: String| kind.starts_with("*/") || kind.starts_with("application/") || kind.starts_with("text/");
    if !wanted.is_empty() && !kinds.any(is_ours) {
        return Err(ApiError::NOT_ACCEPTABLE);
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Wanted {
    Role(&'static [Role]),
    Signed,
    Half,
}

/// The token that a request carries: a bearer's, or the cookie's when a page of ours sent it.
fn token(server: &Server, request: &Request) -> Result<String, ApiError> {
    let headers = request.headers();
    match (bearer(headers), cookie(headers, server.doors.cookie_name())) {
        (Some(token), _) => Ok(token.to_owned()),
        (None, Some(_)) if !request.method().is_safe() && !is_own_page(headers) => Err(ApiError::FOREIGN_PAGE),
        (None, Some(token)) => Ok(token.to_owned()),
        (None, None) => Err(ApiError::SIGN_IN_NEEDED),
    }
}

async fn person(server: &Server, token: &str, wanted: Wanted, is_asked: bool) -> Result<Person, ApiError> {
    let session = server.people.session_used(server.clock.now_ms(), token, is_asked).await?;
    let session = session.ok_or(ApiError::SIGN_IN_NEEDED)?;
    let role = session.role();
    let is_wanted = match wanted {
        Wanted::Half => session.stage != Stage::Open,
        Wanted::Signed | Wanted::Role(_) => session.stage == Stage::Open,
    };
    if !is_wanted {
        return Err(ApiError::SIGN_IN_NEEDED);
    }
    let desk = session.at.as_ref().map(|at| Desk::new(server.ledger.db().clone(), at.merchant_id));
    let person = Person { session, role, desk };
    match wanted {
        Wanted::Role(roles) if !person.may(roles) => Err(ApiError::NOT_ALLOWED),
        _ => Ok(person),
    }
}

/// The person that a [`door`] let in.
pub type Known = Extension<Person>;

fn brings_any(server: &Server, headers: &HeaderMap) -> bool {
    bearer(headers).is_some() || cookie(headers, server.doors.cookie_name()).is_some()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Whether a page of ours sent this. Every browser of today says where a request comes from; the host is compared, since a
/// proxy may have taken the encryption off.
fn is_own_page(headers: &HeaderMap) -> bool {
    let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = field("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = field(HOST.as_str());
    let origin = field(ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == host
}

/// The address that a request comes from, as attempts to sign in are counted.
pub fn address(extensions: &Extensions) -> String {
    extensions.get::<Caller>().map_or_else(String::new, |caller| caller.network().to_string())
}
