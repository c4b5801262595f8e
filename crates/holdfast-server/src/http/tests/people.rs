//! From an empty server to a till that sells and one that no longer may: the way of a shop's owner, by page and by interface.

use super::*;
use crate::people::{NewPerson, Role, Stage, totp};
use crate::process::Clock as _;
use holdfast_core::id::MerchantId;

const PASSWORD: &str = "a long walk home";

/// A browser, as far as a page without a script needs one: it keeps a cookie and sends forms.
pub(super) struct Browser<'a> {
    pub house: &'a House,
    pub cookie: String,
}

impl Browser<'_> {
    pub async fn send(&mut self, method: &str, target: &str, fields: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "till.example")
            .header("origin", "https://till.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &self.cookie)
            .body(Body::from(fields.to_owned()))
            .expect("a request");
        let answer = self.house.send(request).await;
        if let Some(set) = answer.headers.get("set-cookie").and_then(|value| value.to_str().ok()) {
            assert!(set.contains("HttpOnly; SameSite=Strict"), "{set}");
            self.cookie = set.split(';').next().unwrap_or_default().to_owned();
        }
        answer
    }

    pub async fn page(&mut self, target: &str) -> String {
        let answer = self.send("GET", target, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.header("location"));
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'self';"));
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "same-origin"));
        String::from_utf8(answer.body).expect("text")
    }

    async fn post(&mut self, target: &str, fields: &str) -> (u16, String) {
        let answer = self.send("POST", target, fields).await;
        (answer.status.as_u16(), answer.header("location").to_owned())
    }

    /// Types the code of the moment. On a machine that takes longer than a code lives, the next one.
    async fn prove(&mut self, secret: &[u8]) {
        for _ in 0..4 {
            let code = totp::code_at(secret, self.house.server.clock.now_ms());
            let (status, to) = self.post("/office/code", &format!("code={code}")).await;
            if status == 303 {
                assert_eq!(to, "/office");
                return;
            }
        }
        panic!("no code was taken");
    }
}

/// What stands in the first element of this class.
fn text_of(page: &str, class: &str) -> String {
    let rest = page.split_once(&format!("class=\"{class}\">")).map(|(_, rest)| rest).unwrap_or_default();
    rest.split('<').next().unwrap_or_default().to_owned()
}

fn from_base32(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter(|b| *b != b' ').map(|b| if b >= b'A' { b - b'A' } else { b - b'2' + 26 });
    let bits = digits.flat_map(|digit| (0..5).rev().map(move |at| digit >> at & 1)).collect::<Vec<_>>();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

impl House {
    pub(super) async fn shop(&self, number: u8) -> MerchantId {
        let id = MerchantId::make([number; 16]);
        let mut shop = crate::demo::shop(id);
        shop.merchant.name = format!("Shop {number}");
        self.server.ledger.add_shop(shop).await.expect("adds");
        id
    }

    async fn person(&self, email: &str, role: Role, merchant_id: Option<MerchantId>) -> String {
        let person = NewPerson { email: email.into(), name: "Ada".into(), role, merchant_id };
        self.server.people.add(self.server.clock.now_ms(), person).await.expect("adds")
    }

    /// An open session's token.
    pub(super) async fn token(&self, email: &str, role: Role, merchant_id: Option<MerchantId>) -> String {
        let id = self.person(email, role, merchant_id).await;
        self.server.people.open(self.server.clock.now_ms(), &id, Stage::Open).await.expect("opens")
    }

    pub(super) async fn bearer(&self, token: &str, method: &str, target: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(target).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }
}

#[tokio::test]
async fn an_owner_comes_in_by_a_link_lets_a_till_in_and_puts_it_out() {
    let house = house(false).await;
    let shop = house.shop(1).await;
    let owner = house.person("ada@example.com", Role::Owner, Some(shop)).await;
    let link = house.server.people.invite(house.server.clock.now_ms(), &owner).await.expect("invites");
    let mut browser = Browser { house: &house, cookie: String::new() };
    assert_eq!(browser.send("GET", "/office", "").await.header("location"), "/office/sign-in");

    let welcome = format!("/office/welcome/{link}");
    assert!(browser.page(&welcome).await.contains("ada@example.com"));
    assert_eq!(browser.post(&welcome, "password=short&again=short").await.0, 422);
    assert_eq!(browser.post(&welcome, "password=a+long+walk+home&again=another").await.0, 422);
    let chosen = browser.post(&welcome, "password=a+long+walk+home&again=a+long+walk+home").await;
    assert_eq!(chosen, (303, "/office/code".into()));
    assert_eq!(browser.send("GET", &welcome, "").await.status, StatusCode::NOT_FOUND, "once");
    assert_eq!(browser.send("GET", "/office", "").await.header("location"), "/office/sign-in", "half is not in");
    let page = browser.page("/office/code").await;
    assert!(page.contains("<svg") && !page.contains("<script"));
    let secret = from_base32(&text_of(&page, "office-secret num"));
    assert_eq!(secret.len(), totp::SECRET_BYTES);
    browser.prove(&secret).await;
    assert!(browser.page("/office").await.contains("No till yet"));

    let answer = browser.send("POST", "/office/codes", "").await;
    let page = String::from_utf8(answer.body).expect("text");
    let code = text_of(&page, "office-secret");
    assert_eq!(code.len(), 22, "128 bits");
    let key = SigningKey::make().expect("makes a key").0;
    let enrolled: Enrolment = house.enrol_with(&key, &code).await.json();
    assert_eq!(enrolled.merchant_id, shop.to_string());
    assert_eq!(house.enrol_with(&key, &code).await.problem(), (403, "enrolment-code-refused".into()));
    let device = format!("/office/devices/{}", enrolled.device_id);
    assert_eq!(browser.post(&format!("{device}/name"), "name=Bar").await.0, 303);
    assert!(browser.page("/office/devices").await.contains("Bar"));

    let mut till = TestTill::with_key(key, enrolled.device_id.parse().expect("an id"), shop);
    let (paid, record) = till.payment(1060, GOOD);
    assert_eq!(house.upload(&till, vec![record]).await.status, StatusCode::OK);
    assert!(browser.page("/office/payments").await.contains("€10.60"));
    assert_eq!(browser.post(&format!("{device}/revocation"), "").await.0, 303);
    let shop_answer = house.of_till(&till, "GET", "/api/v1/shop", b"").await;
    assert_eq!(shop_answer.problem(), (403, "device-revoked".into()));
    let (late, record) = till.payment(4711, GOOD);
    assert_eq!(house.upload(&till, vec![record]).await.status, StatusCode::OK);
    let page = browser.page("/office/quarantine").await;
    assert!(page.contains("€47.11") && page.contains("From a revoked till"), "{page}");
    let payments = browser.page("/office/payments").await;
    assert!(!payments.contains("€47.11"));
    let (paid, late) = (paid.to_string(), late.to_string());
    assert!(!page.contains(&paid) && !payments.contains(&late) && !page.contains("4242424242"));

    assert_eq!(browser.post("/office/sign-out", "").await, (303, "/office/sign-in".into()));
    assert_eq!(browser.send("GET", "/office", "").await.header("location"), "/office/sign-in");
    let in_again = format!("email=ada%40example.com&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(browser.post("/office/sign-in", &in_again).await, (303, "/office/code".into()));
    assert_eq!(browser.post("/office/sign-in", "email=ada%40example.com&password=wrong").await.0, 401);
}

#[tokio::test]
async fn another_sites_page_cannot_ride_on_the_cookie() {
    let house = house(false).await;
    let shop = house.shop(1).await;
    let token = house.token("ada@example.com", Role::Owner, Some(shop)).await;
    let send = async |target: &str, headers: &[(&str, &str)]| {
        let mut request =
            Request::post(target).header("host", "till.example").header("cookie", format!("holdfast={token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        house.send(request.body(Body::from("{\"v\":1}")).expect("a request")).await.status.as_u16()
    };
    for target in ["/office/codes", "/api/v1/enrolment-codes", "/office/sign-in"] {
        for headers in [
            &[][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://till.example")],
            &[("sec-fetch-site", "same-site")],
        ] {
            assert_eq!(send(target, headers).await, 403, "{target} {headers:?}");
        }
    }
    assert_eq!(send("/api/v1/enrolment-codes", &[("origin", "https://till.example")]).await, 201);
    assert_eq!(send("/api/v1/enrolment-codes", &[("sec-fetch-site", "same-origin")]).await, 201);
}

#[tokio::test]
async fn the_interface_for_people_does_what_the_pages_do() {
    let house = house(false).await;
    let (shop, other) = (house.shop(1).await, house.shop(2).await);
    let owner = house.token("ada@example.com", Role::Owner, Some(shop)).await;
    let stranger = house.token("eve@example.com", Role::Owner, Some(other)).await;
    let who: serde_json::Value = house.bearer(&owner, "GET", "/api/v1/session", "").await.json();
    assert_eq!((&who["role"], &who["merchant_id"]), (&"owner".into(), &shop.to_string().into()));

    let place: serde_json::Value =
        house.bearer(&owner, "POST", "/api/v1/locations", r#"{"v":1,"name":"Harbour"}"#).await.json();
    let asked = format!(r#"{{"v":1,"location_id":{}}}"#, place["id"]);
    let with_key = async |token: &str, key: &str, body: &str| {
        let request = Request::post("/api/v1/enrolment-codes").header("authorization", format!("Bearer {token}"));
        house.send(request.header("idempotency-key", key).body(Body::from(body.to_owned())).expect("a request")).await
    };
    let first: serde_json::Value = with_key(&owner, "k1", &asked).await.json();
    let again: serde_json::Value = with_key(&owner, "k1", &asked).await.json();
    assert_eq!(first, again, "repeated");
    assert_eq!(with_key(&owner, "k1", r#"{"v":1}"#).await.problem(), (422, "idempotency-key-reused".into()));
    let fresh: serde_json::Value = with_key(&owner, "k2", &asked).await.json();
    assert_ne!(first["code"], fresh["code"]);
    let foreign: serde_json::Value = with_key(&stranger, "k1", r#"{"v":1}"#).await.json();
    assert_ne!(first["code"], foreign["code"]);
    assert_eq!(with_key(&stranger, "k3", &asked).await.problem(), (404, "location-unknown".into()));

    let key = SigningKey::make().expect("makes a key").0;
    let enrolled: Enrolment = house.enrol_with(&key, first["code"].as_str().expect("a code")).await.json();
    assert_eq!(enrolled.merchant_id, shop.to_string());
    let devices: serde_json::Value = house.bearer(&owner, "GET", "/api/v1/devices", "").await.json();
    assert_eq!(devices["devices"][0]["location_name"], "Harbour");
    let path = format!("/api/v1/devices/{}", enrolled.device_id);
    for (method, target) in [("PATCH", path.clone()), ("POST", format!("{path}/revocation"))] {
        let answer = house.bearer(&stranger, method, &target, r#"{"v":1,"name":"Mine"}"#).await;
        assert_eq!(answer.problem(), (404, "device-unknown".into()), "of another shop");
    }
    let renamed = house.bearer(&owner, "PATCH", &path, r#"{"v":1,"name":"Bar"}"#).await;
    assert_eq!(renamed.status, StatusCode::NO_CONTENT);
    let page: HistoryPage = house.bearer(&owner, "GET", "/api/v1/payments", "").await.json();
    assert!(page.payments.is_empty());
    for _ in 0..2 {
        let revoked = house.bearer(&owner, "POST", &format!("{path}/revocation"), "").await;
        assert_eq!(revoked.status, StatusCode::NO_CONTENT, "again changes nothing");
    }
    assert_eq!(house.bearer(&owner, "DELETE", "/api/v1/session", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.bearer(&owner, "GET", "/api/v1/devices", "").await.problem(), (401, "sign-in-needed".into()));
}
