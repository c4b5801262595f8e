//! What belongs to another shop is not there: neither for its people nor for its tills, on any route.

use super::matrix::all_routes;
use super::*;
use crate::http::door::Access;
use crate::http::routes::Route;
use crate::people::Role;
use holdfast_core::id::MerchantId;
use serde_json::{Value, json};

/// A shop with one of everything that a route may name. What is distinctive about it must be seen by nobody else.
struct Shop {
    owner: String,
    till: TestTill,
    payment: String,
    webhook: String,
    person: String,
    seller: String,
    letter: String,
    quarantined: String,
    /// Its ids and names.
    marks: Vec<String>,
}

impl House {
    async fn whole_shop(&self, merchant_id: MerchantId, mark: &str) -> Shop {
        let owner = self.token(&format!("owner@{mark}.example"), Role::Owner, Some(merchant_id)).await;
        let make = async |target: &str, body: Value| -> Value {
            let answer = self.bearer(&owner, "POST", target, &body.to_string()).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{target}: {}", String::from_utf8_lossy(&answer.body));
            answer.json()
        };
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        make("/api/v1/locations", json!({"v": 1, "name": format!("{mark} pier")})).await;
        let email = format!("cashier@{mark}.example");
        let person =
            id(&make("/api/v1/people", json!({"v": 1, "email": email, "name": mark, "role": "cashier"})).await);
        let seller = uuid::Uuid::new_v4().to_string();
        let new = json!({"v": 1, "id": seller, "name": format!("{mark} seller"), "role": "cashier", "pin": "8642"});
        make("/api/v1/staff", new).await;
        let code = make("/api/v1/enrolment-codes", json!({"v": 1})).await["code"].as_str().expect("a code").to_owned();
        let mut till = self.till_with(&code).await;
        let name = json!({"v": 1, "name": format!("{mark} counter")}).to_string();
        let device = format!("/api/v1/devices/{}", till.device_id);
        assert_eq!(self.bearer(&owner, "PATCH", &device, &name).await.status, StatusCode::NO_CONTENT);

        let (payment, record) = till.payment(4_321, GOOD);
        self.upload(&till, vec![record, format!("{mark} cannot be read")]).await;
        let lines: Value = self.bearer(&owner, "GET", "/api/v1/quarantine", "").await.json();
        let quarantined = lines["lines"][0]["cursor"].to_string().trim_matches('"').to_owned();
        assert!(quarantined.parse::<i64>().is_ok(), "a line in quarantine: {lines}");
        let payment = payment.to_string();
        let settled = self.of_till(&till, "GET", &format!("/api/v1/payments/{payment}?wait_ms=10000"), b"").await;
        let view: PaymentView = settled.json();
        let letter = uuid::Uuid::new_v4().to_string();
        let asked = json!({"v": 1, "id": letter, "email": format!("customer@{mark}.example")}).to_string();
        let sent = self.of_till(&till, "POST", &format!("/api/v1/payments/{payment}/receipt"), asked.as_bytes()).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", String::from_utf8_lossy(&sent.body));
        // Last of all, so that it has nothing to send while the test compares.
        let hook = json!({"v": 1, "url": format!("https://hooks.{mark}.example/in")});
        let webhook = id(&make("/api/v1/webhooks", hook).await);
        let mut marks = vec![
            mark.to_owned(),
            payment.clone(),
            webhook.clone(),
            person.clone(),
            seller.clone(),
            till.device_id.to_string(),
        ];
        marks.extend([merchant_id.to_string(), view.receipt.expect("a receipt")]);
        Shop { owner, till, payment, webhook, person, seller, letter, quarantined, marks }
    }

    /// Everything of a shop that its owner can read, as far as it does not change by being read.
    async fn all_of(&self, shop: &Shop) -> Vec<String> {
        let mut all = Vec::new();
        for route in all_routes().filter(|route| route.method == "GET" && route.path.starts_with("/api/v1")) {
            if matches!(route.access, Access::People(_) | Access::DeviceOr(_)) && !route.path.contains("{day}") {
                let target = target(route, shop);
                let answer = self.bearer(&shop.owner, "GET", &target, "").await;
                all.push(format!("{target} {} {}", answer.status, String::from_utf8_lossy(&answer.body)));
            }
        }
        all
    }
}

/// The route with this shop's own things in its places.
fn target(route: &Route, shop: &Shop) -> String {
    let kind = route.path.trim_start_matches("/api/v1/").trim_start_matches("/office/").split('/').next();
    let id = match kind {
        Some("payments") => &shop.payment,
        Some("webhooks") => &shop.webhook,
        Some("people") => &shop.person,
        Some("staff") => &shop.seller,
        Some("letters") => &shop.letter,
        Some("quarantine") => &shop.quarantined,
        Some("devices") => &shop.till.device_id.to_string(),
        _ if route.path.starts_with("/demo") => "x",
        _ if route.path.contains("{id}") => panic!("{}: name one of these in the test's shop", route.path),
        _ => "",
    };
    let kind = if route.path.contains("reports") { "day?from=2026-01-01&to=2034-12-31" } else { "x" };
    let target = route.path.replace("{id}", id).replace("{day}", "2026-11-23").replace("{token}", "x");
    target.replace("{kind}", kind)
}

/// Whether it is about one thing of a shop.
fn is_named(route: &Route) -> bool {
    route.path.contains("{id}") && !route.path.starts_with("/demo")
}

fn form_or_json(is_page: bool) -> (&'static str, &'static str) {
    if is_page {
        (
            "application/x-www-form-urlencoded",
            "name=Mine&role=manager&why=Mine&amount=1.00&reason=mistake&ask=7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a09",
        )
    } else {
        (
            "application/json",
            r#"{"v":1,"id":"7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a09","name":"Mine","role":"manager","why":"Mine","email":"me@example.com","amount_minor":100,"reason":"mistake","since_ms":0}"#,
        )
    }
}

#[tokio::test]
async fn what_belongs_to_another_shop_is_not_there() {
    let house = house(true).await;
    let first = house.server.ledger.first_merchant().await.expect("reads").expect("a demo's shop");
    let ours = house.whole_shop(first, "seagull").await;
    let elsewhere = house.shop(77).await;
    let theirs = house.whole_shop(elsewhere, "starfish").await;
    let before = house.all_of(&ours).await;

    let mut wrong = Vec::new();
    let mut judge = |route: &Route, who: &str, answer: &Answer| {
        let said = String::from_utf8_lossy(&answer.body);
        let of_another = is_named(route);
        let seen = ours.marks.iter().find(|mark| said.contains(*mark) || answer.header("location").contains(*mark));
        if answer.status.is_server_error() || of_another && answer.status != StatusCode::NOT_FOUND {
            wrong.push(format!("{} {} by their {who}: {}", route.method, route.path, answer.status));
        }
        if let Some(mark) = seen {
            wrong.push(format!("{} {} tells their {who} of {mark}", route.method, route.path));
        }
    };
    for route in all_routes() {
        let target = target(route, &ours);
        let is_page = route.path.starts_with("/office");
        let (kind, body) = form_or_json(is_page);
        if matches!(route.access, Access::People(_) | Access::PeopleOrDemo(_) | Access::Office(_) | Access::DeviceOr(_))
        {
            let request = Request::builder().method(route.method).uri(&target).header("content-type", kind);
            let request = request
                .header("authorization", format!("Bearer {}", theirs.owner))
                .header("sec-fetch-site", "same-origin");
            // Whoever signs out is out; that is not what is looked at here.
            if !(route.method == "DELETE" && route.path.starts_with("/api/v1/session")) {
                let answer = house.send(request.body(Body::from(body)).expect("a request")).await;
                judge(route, "owner", &answer);
            }
        }
        if matches!(route.access, Access::Device | Access::DeviceEvenRevoked | Access::DeviceOr(_)) {
            let body = if route.method == "GET" { "" } else { body };
            let answer = house.of_till(&theirs.till, route.method, &target, body.as_bytes()).await;
            judge(route, "till", &answer);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(house.all_of(&ours).await, before, "nothing of ours has changed");

    // And all that was asked for is really there, or nothing was proven.
    let all = before.join("\n");
    for mark in &ours.marks {
        assert!(*mark == ours.till.merchant_id.to_string() || all.contains(mark), "{mark} is nowhere in\n{all}");
    }
    for route in all_routes().filter(|route| route.method == "GET" && is_named(route)) {
        let target = target(route, &ours);
        let answer = match route.access {
            Access::Device => house.of_till(&ours.till, "GET", &target, b"").await,
            _ => house.bearer(&ours.owner, "GET", &target, "").await,
        };
        assert_eq!(answer.status, StatusCode::OK, "{}", route.path);
    }
}

#[tokio::test]
async fn a_sister_may_carry_records_up_and_a_stranger_may_not() {
    let house = house(true).await;
    let (mut ours, sister) = (house.till().await, house.till().await);
    let elsewhere = house.shop(77).await;
    let theirs = house.whole_shop(elsewhere, "starfish").await;
    let (_, record) = ours.payment(100, GOOD);
    let told = |answer: Answer| {
        let answer: BatchAnswer = answer.json();
        let ack = holdfast_wire::ack::AckPayload::parse(&answer.acks[0])
            .expect("parses")
            .accept(true)
            .expect("an acknowledgement");
        (ack.status, ack.reason)
    };
    let by_stranger = told(house.upload(&theirs.till, vec![record.clone()]).await);
    assert_eq!(by_stranger, ("quarantined".into(), Some("not-this-device".into())));
    assert_eq!(told(house.upload(&sister, vec![record]).await), ("stored".into(), None));
}

/// What is sent again word for word, as somebody might who has heard it, does nothing a second time.
#[tokio::test]
async fn what_a_device_sent_and_is_sent_again_changes_nothing() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, record) = till.payment(500, GOOD);
    let batch = Batch::new(vec![record]).to_json();
    let path = format!("/api/v1/payments/{id}");
    let device = till.device_id.to_string();
    let code = house.code().await;
    let key = SigningKey::make().expect("makes a key").0;
    let enrol = async || house.enrol_with(&key, &code).await.status.as_u16();
    assert_eq!((enrol().await, enrol().await), (201, 403), "a code is used up");

    let again = async |method: &str, target: &str, body: &str| -> (Answer, Answer) {
        let sent = async || house.signed(&till.key, &device, method, target, body.as_bytes()).await;
        (sent().await, sent().await)
    };
    let (first, second) = again("POST", "/api/v1/batches", &batch).await;
    let status = |answer: &Answer| {
        let answer: BatchAnswer = answer.json();
        holdfast_wire::ack::AckPayload::parse(&answer.acks[0])
            .expect("parses")
            .accept(true)
            .expect("an acknowledgement")
            .status
    };
    assert_eq!((status(&first), status(&second)), ("stored".into(), "duplicate".into()));
    house.of_till(&till, "GET", &format!("{path}?wait_ms=10000"), b"").await;
    let refund =
        json!({"v": 1, "id": "7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01", "amount_minor": 200, "reason": "mistake"})
            .to_string();
    again("POST", &format!("{path}/refunds"), &refund).await;
    let look = async || house.of_till(&till, "GET", &path, b"").await.json::<PaymentView>();
    for _ in 0..100 {
        if look().await.refunded_minor > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    again("POST", &format!("{path}/refunds"), &refund).await;
    assert_eq!(look().await.refunded_minor, 200, "paid back once");
    let ledger = house.server.demo.as_ref().expect("a demo").ledger().await.expect("is there");
    let of_kind = |kind: &str| ledger.entries.iter().filter(|entry| entry.kind.as_str() == kind).count();
    assert_eq!((of_kind("capture"), of_kind("refund")), (1, 1));
}
