//! The OpenAPI 3.1 document of the interface. What a route takes and gives is written here; who may use it, and the problems that
//! follow from that, come from the one table of routes ([`super::routes`]). A test compares both, route by route.

mod access;
mod books;
mod describe;
mod instructions;
mod page;
mod people;
mod policy;
mod problems;
mod settlement;
mod shop;
mod tills;
mod webhooks;

#[cfg(test)]
mod tests;

use super::Server;
use super::problem::ApiError;
use super::routes::{ROUTES, Route};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use describe::{Description, Schemas};
use std::sync::{Arc, LazyLock};
use utoipa::openapi::info::License;
use utoipa::openapi::path::{HttpMethod, PathItem, Paths};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{Components, Info, OpenApi};

pub use page::get as page;

/// What every reader of the document must know first.
const ABOUT: &str = "How tills, owners and their programs talk to a Holdfast server.

Members that end in `_ms` are whole milliseconds since 1970-01-01T00:00:00Z, unless they say duration. Members that end in `_minor` are whole minor units of the \
currency beside them (1060 EUR is 10.60). Tax rates are basis points. Binary is base64url without padding. `v` is the version of a message, \
now 1; members that a reader does not know are to be passed over.

Errors are `application/problem+json` (RFC 9457); `type` is `/problems/` and a name that stays. Lists are read in pages: a cursor is a text without a meaning of \
its own, stays valid for ever, and gives what comes after it, however much was added meanwhile. Answers with an `ETag` are answered 304 when \
`If-None-Match` names it. Who asks too often gets 429 with `Retry-After`. Every answer has an `X-Request-Id`, by which it is found in the log. A request with an `Idempotency-Key` may be repeated for a day.";

const LICENSE: &str = "MIT OR Apache-2.0";

const TAGS: [(&str, &str); 6] = [
    ("tills", "What an enrolled device does: keys, time, upload, history."),
    ("shop", "What a person sees and does of a shop: payments, devices, quarantine."),
    ("books", "Reports from the journal."),
    ("webhooks", "Whom a shop's events are told, and what became of it."),
    ("people", "Signing in and out, and who may do what."),
    ("server", "About the server itself."),
];

/// Every description, in the document's order.
fn descriptions() -> Vec<Description> {
    let shop = [tills::all(), shop::all(), instructions::all(), books::all(), settlement::all()];
    shop.into_iter().chain([webhooks::all(), people::all()]).flatten().collect()
}

static REAL: LazyLock<OpenApi> = LazyLock::new(|| document(false));
/// A demo lets anybody read the reports, and says so.
static DEMO: LazyLock<OpenApi> = LazyLock::new(|| document(true));

fn of(server: &Server) -> &'static OpenApi {
    if server.demo.is_some() { &DEMO } else { &REAL }
}

/// `GET /api/v1/openapi.json`.
pub async fn get(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let text = of(&server).to_json().map_err(|_| ApiError::TRY_LATER)?;
    Ok(super::tagged::bytes(&headers, "application/json", text.into_bytes()))
}

fn document(is_demo: bool) -> OpenApi {
    let mut schemas = Schemas::default();
    let mut paths = Paths::new();
    for description in descriptions() {
        // A description without a route is left out here and found by the test.
        let Some(route) = route_of(&description) else { continue };
        let (path, method) = (description.path, method(description.method));
        let operation = description.operation(route, is_demo, &mut schemas);
        let item = PathItem::new(method, operation);
        match paths.paths.get_mut(path) {
            Some(there) => there.merge_operations(item),
            None => drop(paths.paths.insert(path.to_owned(), item)),
        }
    }
    let mut components = Components::new();
    components.schemas.extend(schemas.all());
    for (name, scheme) in access::schemes() {
        components.add_security_scheme(name, scheme);
    }
    let license = License::builder().name(LICENSE).identifier(Some(LICENSE)).build();
    let info = Info::builder().title("Holdfast").version(env!("CARGO_PKG_VERSION"));
    let info = info.description(Some(ABOUT)).license(Some(license)).build();
    let tags = TAGS.map(|(name, about)| Tag::builder().name(name).description(Some(about)).build());
    OpenApi::builder().info(info).paths(paths).components(Some(components)).tags(Some(tags)).build()
}

fn route_of(description: &Description) -> Option<&'static Route> {
    ROUTES.iter().find(|route| (route.method, route.path) == (description.method, description.path))
}

fn method(name: &str) -> HttpMethod {
    match name {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}
