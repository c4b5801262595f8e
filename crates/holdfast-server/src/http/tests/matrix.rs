//! Every route with every credential. The routes are the router's own table, so a new one is tried here without being asked.

use super::*;
use crate::desk::Desk;
use crate::http::door::Access;
use crate::http::routes::{DEMO_ROUTES, ROUTES, Route};
use crate::people::{Role, Stage};
use crate::process::Clock as _;
use holdfast_core::limits::{SESSION_IDLE_MS_MAX, SESSION_MS_MAX};

/// What comes along with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum With {
    Nothing,
    /// A token that nobody has.
    WrongToken,
    /// A session that is over, by its age.
    Expired,
    /// One that was not used for too long.
    Idle,
    /// One that was ended.
    SignedOut,
    /// One of an owner who was let go meanwhile.
    LetGo,
    /// One whose second factor is still to come.
    Half,
    Person(Role),
    Device,
    RevokedDevice,
    /// A device's name under another key's signature.
    WrongKey,
    /// A device's signature for another route, another query, and another body.
    Replayed,
    OtherQuery,
    OtherBody,
}

const ALL: [With; 17] = [
    With::Nothing,
    With::WrongToken,
    With::Expired,
    With::Idle,
    With::SignedOut,
    With::LetGo,
    With::Half,
    With::Person(Role::Owner),
    With::Person(Role::Manager),
    With::Person(Role::Cashier),
    With::Person(Role::Operator),
    With::Device,
    With::RevokedDevice,
    With::WrongKey,
    With::Replayed,
    With::OtherQuery,
    With::OtherBody,
];

struct Matrix {
    house: House,
    till: TestTill,
    revoked: TestTill,
}

impl Matrix {
    async fn answer(&self, route: &Route, with: With) -> Answer {
        let target = path(route, &self.till);
        let body = if route.method == "GET" { &b""[..] } else { b"{}" };
        let other = SigningKey::make().expect("makes a key").0;
        let id = self.till.device_id.to_string();
        let mut request = match with {
            With::Device => signed(&self.till.key, &id, route.method, &target, body),
            With::RevokedDevice => {
                signed(&self.revoked.key, &self.revoked.device_id.to_string(), route.method, &target, body)
            }
            With::WrongKey => signed(&other, &id, route.method, &target, body),
            With::Replayed => {
                let mut request = signed(&self.till.key, &id, route.method, "/api/v1/elsewhere", body);
                *request.uri_mut() = target.parse().expect("a path");
                request
            }
            With::OtherQuery => {
                let mut request = signed(&self.till.key, &id, route.method, &target, body);
                *request.uri_mut() = format!("{target}?limit=1").parse().expect("a path");
                request
            }
            With::OtherBody => {
                let mut request = signed(&self.till.key, &id, route.method, &target, body);
                *request.body_mut() = Body::from(r#"{"v":1}"#);
                request
            }
            _ => {
                let request = Request::builder().method(route.method).uri(&target);
                request.body(Body::from(body.to_vec())).expect("a request")
            }
        };
        if let Some(token) = self.token(with).await {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a value"));
        }
        request.headers_mut().insert("sec-fetch-site", "same-origin".parse().expect("a value"));
        self.house.send(request).await
    }

    /// A fresh one for every request: some requests end it.
    async fn token(&self, with: With) -> Option<String> {
        let (people, now_ms) = (&self.house.server.people, self.house.server.clock.now_ms());
        let merchant_id = Some(self.till.merchant_id);
        match with {
            With::WrongToken => Some(crate::people::token::make().expect("makes")),
            With::Person(role) => {
                let merchant_id = merchant_id.filter(|_| role != Role::Operator);
                Some(self.house.token(&format!("{}@example.com", role.as_str()), role, merchant_id).await)
            }
            With::Expired | With::Idle | With::Half => {
                let id = people.account("owner@example.com").await.expect("reads").expect("is there").id;
                let (at_ms, stage) = match with {
                    With::Half => (now_ms, Stage::Code),
                    With::Idle => (now_ms - SESSION_IDLE_MS_MAX, Stage::Open),
                    _ => (now_ms - SESSION_MS_MAX, Stage::Open),
                };
                Some(people.open(at_ms, &id, stage).await.expect("opens"))
            }
            With::SignedOut => {
                let token = self.house.token("owner@example.com", Role::Owner, merchant_id).await;
                let session = people.session(now_ms, &token).await.expect("reads").expect("holds");
                people.sign_out(&session).await.expect("signs out");
                Some(token)
            }
            With::LetGo => {
                let token = self.house.token("gone@example.com", Role::Owner, merchant_id).await;
                let id = people.account("gone@example.com").await.expect("reads").expect("is there").id;
                let desk = Desk::new(self.house.server.ledger.db().clone(), self.till.merchant_id);
                desk.let_go(&id).await.expect("lets go");
                Some(token)
            }
            _ => None,
        }
    }
}

pub(super) fn all_routes() -> impl Iterator<Item = &'static Route> + Clone {
    ROUTES.iter().chain(DEMO_ROUTES).chain(crate::http::demo_mail::ROUTES)
}

fn path(route: &Route, till: &TestTill) -> String {
    route.path.replace("{id}", &till.device_id.to_string()).replace("{token}", "x").replace("{day}", "2026-11-23")
}

/// What the door must say; `in` when the route's own code is to answer.
fn wanted(route: &Route, with: With) -> &'static str {
    let is_forged = matches!(with, With::WrongKey | With::Replayed | With::OtherQuery | With::OtherBody);
    let is_signed = is_forged || matches!(with, With::Device | With::RevokedDevice);
    let device = |revoked| match with {
        With::Device => "in",
        With::RevokedDevice => revoked,
        _ if is_forged => "signature-wrong",
        _ => "signature-missing",
    };
    let person = |roles: Option<&[Role]>| match (with, roles) {
        (With::Person(role), Some(roles)) if !roles.contains(&role) => "not-allowed",
        (With::Person(_), _) => "in",
        _ => "sign-in-needed",
    };
    match route.access {
        Access::Public | Access::Demo => "in",
        // What is signed in a device's name is no key that is to be enrolled.
        Access::Code => {
            if is_signed {
                "signature-wrong"
            } else {
                "signature-missing"
            }
        }
        Access::Device => device("device-revoked"),
        Access::DeviceEvenRevoked => device("in"),
        Access::DeviceOr(_) if is_signed => device("device-revoked"),
        // The matrix is that of a demo.
        Access::PeopleOrDemo(_) if is_signed || with == With::Nothing => "in",
        Access::DeviceOr(roles) | Access::People(roles) | Access::PeopleOrDemo(roles) | Access::Office(roles) => {
            person(Some(roles))
        }
        Access::Signed => person(None),
        Access::Half => {
            if with == With::Half {
                "in"
            } else {
                "sign-in-needed"
            }
        }
    }
}

/// What the door said.
fn said(answer: &Answer) -> String {
    let refusals = ["signature-missing", "signature-wrong", "device-revoked", "sign-in-needed", "not-allowed"];
    // Whoever signs out is sent to the same page as whoever is not in, and loses a cookie on the way.
    match answer.header("location") {
        "/office/sign-in" if answer.header("set-cookie").is_empty() => return "sign-in-needed".to_owned(),
        "/office/shops" => return "not-allowed".to_owned(),
        _ => {}
    }
    let problem = Problem::from_json(&answer.body).map(|problem| problem.name().to_owned());
    problem.filter(|name| refusals.contains(&name.as_str())).unwrap_or_else(|| "in".to_owned())
}

#[tokio::test]
async fn every_route_lets_in_whom_its_entry_names_and_nobody_else() {
    let house = house(true).await;
    let (till, revoked) = (house.till().await, house.till().await);
    house.server.ledger.revoke_device(1, revoked.device_id).await.expect("revokes");
    house.token("owner@example.com", Role::Owner, Some(till.merchant_id)).await;
    let matrix = Matrix { house, till, revoked };
    let mut wrong = Vec::new();
    for route in all_routes() {
        for with in ALL {
            let answer = matrix.answer(route, with).await;
            let (said, wanted) = (said(&answer), wanted(route, with));
            if said != wanted || answer.status.is_server_error() {
                wrong.push(format!(
                    "{} {} {with:?}: {said} ({}), not {wanted}",
                    route.method, route.path, answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_route_stands_in_the_table_twice() {
    let names = all_routes().map(|route| (route.method, route.path));
    assert_eq!(names.clone().collect::<std::collections::BTreeSet<_>>().len(), names.count());
}
