//! Every route in one table: its method, its path, who may use it, and what answers. The router is made from it, and so is the
//! test that tries every route with every credential. A route that is not here does not exist.

use super::api;
use super::door::{Access, door};
use super::once::once;
use super::rates::Lane;
use super::{Server, demo, office, openapi, receipt, receipt_pay};
use crate::people::Role;
use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// One route.
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
    /// A repeated request with an `Idempotency-Key` gets the first answer again.
    pub is_once: bool,
    /// With what it is counted when an address asks too often.
    pub lane: Lane,
    handler: fn() -> MethodRouter<Arc<Server>>,
}

/// An entry of the table.
pub const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: fn() -> MethodRouter<Arc<Server>>,
) -> Route {
    let lane = match access {
        Access::Device | Access::DeviceEvenRevoked | Access::DeviceOr(_) => Lane::Tills,
        _ => Lane::Others,
    };
    Route { method, path, access, is_once: false, lane, handler }
}

impl Route {
    /// The same, for what a person may have to ask for again without knowing whether it was done.
    const fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    /// The same, for what every till asks before it can sign.
    const fn of_tills(self) -> Self {
        Self { lane: Lane::Tills, ..self }
    }

    /// The same, for what tries a password, a code, a one-time link, or a stranger's card.
    const fn sign_in(self) -> Self {
        Self { lane: Lane::SignIns, ..self }
    }
}

const OWNER: &[Role] = &[Role::Owner];
const KEEPERS: &[Role] = &[Role::Owner, Role::Manager];
const SHOP: &[Role] = &[Role::Owner, Role::Manager, Role::Cashier];
const OPERATOR: &[Role] = &[Role::Operator];
const ANYBODY: &[Role] = &Role::ALL;

/// The routes of every server.
pub const ROUTES: &[Route] = &[
    route("GET", "/healthz", Access::Public, || get(|| async { "ok" })),
    route("GET", "/api/v1/openapi.json", Access::Public, || get(openapi::get)),
    route("GET", "/api/v1/docs", Access::Public, || get(openapi::page)),
    route("GET", "/api/v1/keyset", Access::Public, || get(api::keyset::get)).of_tills(),
    route("GET", "/api/v1/keylog", Access::Device, || get(api::keylog::get)),
    route("GET", "/api/v1/time", Access::Public, || get(api::time::get)).of_tills(),
    route("POST", "/api/v1/enrolments", Access::Code, || post(api::enrolments::post)),
    route("GET", "/api/v1/shop", Access::Device, || get(api::shop::get)),
    route("GET", "/api/v1/shop/signed", Access::Device, || get(api::shop::signed)),
    route("GET", "/api/v1/policy", Access::Device, || get(api::policy::signed)),
    route("GET", "/api/v1/policy/settings", Access::People(KEEPERS), || get(api::policy::settings)),
    route("PUT", "/api/v1/policy/settings", Access::People(OWNER), || put(api::policy::change)),
    route("GET", "/api/v1/policy/changes", Access::People(KEEPERS), || get(api::policy::changes)),
    route("POST", "/api/v1/heartbeat", Access::Device, || post(api::heartbeat::post)),
    route("POST", "/api/v1/batches", Access::DeviceEvenRevoked, || post(api::batches::post)),
    route("POST", "/api/v1/tombstones", Access::DeviceEvenRevoked, || post(api::tombstones::post)),
    route("GET", "/api/v1/payments", Access::DeviceOr(SHOP), || get(api::payments::list)),
    route("GET", "/api/v1/payments/{id}", Access::DeviceOr(SHOP), || get(api::payments::one)),
    route("POST", "/api/v1/payments/{id}/receipt", Access::Device, || post(api::receipt_mails::post)),
    route("GET", "/api/v1/payments/{id}/receipt", Access::Device, || get(api::receipt_mails::get)),
    route("POST", "/api/v1/payments/{id}/refunds", Access::DeviceOr(KEEPERS), || post(api::instructions::refund)),
    route("POST", "/api/v1/payments/{id}/void", Access::DeviceOr(KEEPERS), || post(api::instructions::void)),
    route("POST", "/api/v1/payments/{id}/retry", Access::DeviceOr(KEEPERS), || post(api::instructions::retry)),
    route("GET", "/api/v1/payments/{id}/instructions", Access::DeviceOr(SHOP), || get(api::instructions::list)),
    route("POST", "/api/v1/sessions", Access::Public, || post(api::sessions::post)).sign_in(),
    route("DELETE", "/api/v1/sessions", Access::People(ANYBODY), || delete(api::sessions::delete_all)),
    route("GET", "/api/v1/session", Access::People(ANYBODY), || get(api::sessions::get)),
    route("PUT", "/api/v1/session", Access::Signed, || put(api::sessions::put)),
    route("DELETE", "/api/v1/session", Access::People(ANYBODY), || delete(api::sessions::delete)),
    route("GET", "/api/v1/devices", Access::People(KEEPERS), || get(api::devices::list)),
    route("PATCH", "/api/v1/devices/{id}", Access::People(KEEPERS), || patch(api::devices::rename)),
    route("POST", "/api/v1/devices/{id}/revocation", Access::People(KEEPERS), || post(api::devices::revoke)),
    route("POST", "/api/v1/enrolment-codes", Access::People(KEEPERS), || post(api::codes::post)).once(),
    route("GET", "/api/v1/locations", Access::People(KEEPERS), || get(api::devices::locations)),
    route("POST", "/api/v1/locations", Access::People(OWNER), || post(api::devices::add_location)).once(),
    route("GET", "/api/v1/quarantine", Access::People(OWNER), || get(api::quarantine::list)),
    route("POST", "/api/v1/quarantine/{id}/release", Access::People(OWNER), || post(api::quarantine::let_out)),
    route("POST", "/api/v1/quarantine/{id}/write-off", Access::People(OWNER), || post(api::quarantine::write_off)),
    route("GET", "/api/v1/people", Access::People(OWNER), || get(api::people::list)),
    route("POST", "/api/v1/people", Access::People(OWNER), || post(api::people::post)).once(),
    route("PATCH", "/api/v1/people/{id}", Access::People(OWNER), || patch(api::people::change)),
    route("DELETE", "/api/v1/people/{id}", Access::People(OWNER), || delete(api::people::remove)),
    route("POST", "/api/v1/people/{id}/invitation", Access::People(OWNER), || post(api::people::invite)).once(),
    route("GET", "/api/v1/staff", Access::People(KEEPERS), || get(api::staff::list)),
    route("POST", "/api/v1/staff", Access::People(KEEPERS), || post(api::staff::post)),
    route("PATCH", "/api/v1/staff/{id}", Access::People(KEEPERS), || patch(api::staff::change)),
    route("GET", "/api/v1/till-settings", Access::People(KEEPERS), || get(api::staff::settings)),
    route("PUT", "/api/v1/till-settings", Access::People(KEEPERS), || put(api::staff::set_settings)),
    route("GET", "/api/v1/missing", Access::People(OWNER), || get(api::missing::list)),
    route("GET", "/api/v1/merchants", Access::People(OPERATOR), || get(api::merchants::list)),
    route("GET", "/api/v1/reports/{kind}", Access::PeopleOrDemo(OWNER), || get(api::reports::get)),
    route("GET", "/api/v1/reconciliations", Access::People(KEEPERS), || get(api::reconciliations::list)),
    route("GET", "/api/v1/reconciliations/{day}", Access::People(KEEPERS), || get(api::reconciliations::one)),
    route("POST", "/api/v1/cash-moves", Access::People(SHOP), || post(api::cash::post)).once(),
    route("GET", "/api/v1/cash-drawer", Access::People(SHOP), || get(api::cash::get)),
    route("GET", "/api/v1/webhooks", Access::People(OWNER), || get(api::webhooks::list)),
    route("POST", "/api/v1/webhooks", Access::People(OWNER), || post(api::webhooks::post)).once(),
    route("GET", "/api/v1/webhooks/{id}", Access::People(OWNER), || get(api::webhooks::get)),
    route("PATCH", "/api/v1/webhooks/{id}", Access::People(OWNER), || patch(api::webhooks::change)),
    route("DELETE", "/api/v1/webhooks/{id}", Access::People(OWNER), || delete(api::webhooks::delete)),
    route("POST", "/api/v1/webhooks/{id}/secret", Access::People(OWNER), || post(api::webhooks::rotate)),
    route("POST", "/api/v1/webhooks/{id}/test", Access::People(OWNER), || post(api::webhooks::test)),
    route("GET", "/api/v1/webhooks/{id}/deliveries", Access::People(OWNER), || get(api::deliveries::list)),
    route("POST", "/api/v1/webhooks/{id}/replays", Access::People(OWNER), || post(api::deliveries::replay)),
    route("GET", "/r/{token}", Access::Public, || get(receipt::page)),
    route("GET", "/r/{token}/state", Access::Public, || get(receipt_pay::state)),
    route("POST", "/r/{token}/payments", Access::Public, || post(receipt_pay::post)).sign_in(),
    route("GET", "/r/pay.js", Access::Public, || get(receipt::script)),
    route("GET", "/r/light.css", Access::Public, || get(receipt::light)),
    route("GET", "/r/dark.css", Access::Public, || get(receipt::dark)),
    route("GET", "/office", Access::Office(SHOP), || get(office::today::get)),
    route("GET", "/office/style.css", Access::Public, || get(office::style::style)),
    route("GET", "/office/office.js", Access::Public, || get(office::style::script)),
    route("GET", "/office/sign-in", Access::Public, || get(office::sign_in::get)),
    route("POST", "/office/sign-in", Access::Public, || post(office::sign_in::post)).sign_in(),
    route("GET", "/office/code", Access::Half, || get(office::sign_in::code)),
    route("POST", "/office/code", Access::Half, || post(office::sign_in::prove)).sign_in(),
    route("GET", "/office/welcome/{token}", Access::Public, || get(office::welcome::get)).sign_in(),
    route("POST", "/office/welcome/{token}", Access::Public, || post(office::welcome::post)).sign_in(),
    route("GET", "/office/shops", Access::Signed, || get(office::shops::get)),
    route("POST", "/office/shops", Access::Signed, || post(office::shops::post)),
    route("POST", "/office/sign-out", Access::Signed, || post(office::sign_in::sign_out)),
    route("GET", "/office/devices", Access::Office(KEEPERS), || get(office::devices::get)),
    route("POST", "/office/devices/{id}/name", Access::Office(KEEPERS), || post(office::devices::rename)),
    route("POST", "/office/devices/{id}/revocation", Access::Office(KEEPERS), || post(office::devices::revoke)),
    route("POST", "/office/codes", Access::Office(KEEPERS), || post(office::devices::code)),
    route("GET", "/office/payments", Access::Office(SHOP), || get(office::payments::get)),
    route("GET", "/office/payments/{id}", Access::Office(SHOP), || get(office::payment::get)),
    route("POST", "/office/payments/{id}/refund", Access::Office(KEEPERS), || post(office::payment::refund)),
    route("POST", "/office/payments/{id}/void", Access::Office(KEEPERS), || post(office::payment::void)),
    route("POST", "/office/payments/{id}/retry", Access::Office(KEEPERS), || post(office::payment::retry)),
    route("GET", "/office/reports", Access::Office(OWNER), || get(office::reports::first)),
    route("GET", "/office/reports/{kind}", Access::Office(OWNER), || get(office::reports::get)),
    route("POST", "/office/payments/{id}/settled", Access::Office(KEEPERS), || post(office::again::settled)),
    route("GET", "/office/missing", Access::Office(OWNER), || get(office::missing::get)),
    route("GET", "/office/reconciliation", Access::Office(KEEPERS), || get(office::reconciliation::list)),
    route("GET", "/office/reconciliation/{day}", Access::Office(KEEPERS), || get(office::reconciliation::one)),
    route("GET", "/office/cash", Access::Office(SHOP), || get(office::cash::get)),
    route("POST", "/office/cash", Access::Office(SHOP), || post(office::cash::post)),
    route("GET", "/office/quarantine", Access::Office(OWNER), || get(office::quarantine::get)),
    route("POST", "/office/quarantine/{id}/release", Access::Office(OWNER), || post(office::quarantine::let_out)),
    route("POST", "/office/quarantine/{id}/write-off", Access::Office(OWNER), || post(office::quarantine::write_off)),
    route("GET", "/office/policy", Access::Office(KEEPERS), || get(office::policy::get)),
    route("POST", "/office/policy", Access::Office(OWNER), || post(office::policy::set)),
    route("GET", "/office/people", Access::Office(OWNER), || get(office::people::get)),
    route("POST", "/office/people", Access::Office(OWNER), || post(office::people::add)),
    route("POST", "/office/people/{id}/role", Access::Office(OWNER), || post(office::people::change)),
    route("POST", "/office/people/{id}/end", Access::Office(OWNER), || post(office::people::remove)),
    route("POST", "/office/people/{id}/invitation", Access::Office(OWNER), || post(office::people::invite)),
    route("GET", "/office/staff", Access::Office(KEEPERS), || get(office::staff::get)),
    route("POST", "/office/staff", Access::Office(KEEPERS), || post(office::staff::add)),
    route("POST", "/office/staff/{id}", Access::Office(KEEPERS), || post(office::staff::change)),
    route("POST", "/office/till-settings", Access::Office(KEEPERS), || post(office::staff::set_settings)),
    route("GET", "/office/letters", Access::Office(OWNER), || get(office::letters::get)),
    route("POST", "/office/letters", Access::Office(OWNER), || post(office::letters::put)),
    route("POST", "/office/letters/preview", Access::Office(OWNER), || post(office::letters::preview)),
    route("POST", "/office/letters/default", Access::Office(OWNER), || post(office::letters::reset)),
    route("POST", "/office/letters/{id}/again", Access::Office(OWNER), || post(office::letters::again)),
    route("GET", "/office/webhooks", Access::Office(OWNER), || get(office::webhooks::get)),
    route("POST", "/office/webhooks", Access::Office(OWNER), || post(office::webhooks::add)),
    route("GET", "/office/webhooks/{id}", Access::Office(OWNER), || get(office::webhook::get)),
    route("POST", "/office/webhooks/{id}/settings", Access::Office(OWNER), || post(office::webhook::settings)),
    route("POST", "/office/webhooks/{id}/secret", Access::Office(OWNER), || post(office::webhook::secret)),
    route("POST", "/office/webhooks/{id}/test", Access::Office(OWNER), || post(office::webhook::test)),
    route("POST", "/office/webhooks/{id}/replays", Access::Office(OWNER), || post(office::webhook::replay)),
    route("POST", "/office/webhooks/{id}/removal", Access::Office(OWNER), || post(office::webhook::remove)),
];

/// And those of the demo.
pub const DEMO_ROUTES: &[Route] = &[
    route("GET", "/demo/enrolment-code", Access::Demo, || get(demo::enrolment_code)),
    route("GET", "/demo/staff", Access::Demo, || get(demo::staff)),
    route("GET", "/demo/acquirer/ledger", Access::Demo, || get(demo::ledger)),
    route("GET", "/demo/acquirer/script", Access::Demo, || get(demo::script)),
    route("PUT", "/demo/acquirer/script", Access::Demo, || put(demo::set_script)),
    route("GET", "/demo/acquirer/settlement", Access::Demo, || get(demo::settlement)),
];

/// The lanes of those that are not counted with the others.
static LANES: LazyLock<HashMap<(&str, &str), Lane>> = LazyLock::new(|| {
    let apart = ROUTES.iter().filter(|route| route.lane != Lane::Others);
    apart.map(|route| ((route.method, route.path), route.lane)).collect()
});

/// With what a request is counted, by its method and its route's pattern.
pub fn lane(method: &Method, path: Option<&str>) -> Lane {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    path.and_then(|path| LANES.get(&(method, path))).copied().unwrap_or(Lane::Others)
}

/// The router of a table, each route behind its door.
pub fn routes(server: &Arc<Server>, table: &'static [Route]) -> Router<Arc<Server>> {
    table.iter().fold(Router::new(), |router, route| {
        let keeper = axum::middleware::from_fn_with_state((Arc::clone(server), route.access), door);
        let handler = (route.handler)();
        let handler = if route.is_once {
            let again = axum::middleware::from_fn_with_state((Arc::clone(server), route.path), once);
            handler.route_layer(again)
        } else {
            handler
        };
        router.route(route.path, handler.route_layer(keeper))
    })
}
