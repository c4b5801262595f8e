//! A server in the page: it takes the place of `fetch`, signs with real keys, and answers batches as it is told, also wrongly.

pub mod envelope;
mod responses;

use crate::js::get;
use envelope::make_card_key;
use holdfast_core::id::StaffId;
use holdfast_core::policy::Caps;
use holdfast_web::device_key::DeviceKey;
use holdfast_web::rng;
use holdfast_wire::ack::AckPayload;
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::enrolment::Enrolment;
use holdfast_wire::history::{HistoryPage, PaymentView};
use holdfast_wire::jws::{NamedKey, ToSign, typ};
use holdfast_wire::keyset::{CardKey, Certificate, KeySet, KeySetAnswer, Roots};
use holdfast_wire::offer::{StoneOffer, StoneOfferAnswer};
use holdfast_wire::pin::PinVerifier;
use holdfast_wire::policy::{PolicyAnswer, PolicyDocument, PolicySettings};
use holdfast_wire::shop::{Shop, SignedShop};
use holdfast_wire::stored::StoredPayment;
use holdfast_wire::team::{StaffWire, TeamWire};
use holdfast_wire::time::{TimeAnswer, TimePayload};
use holdfast_wire::{b64, record::RecordPayload};
use js_sys::{Promise, Reflect};
use responses::{init, json, problem, respond, view};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Request, Response};

const DAY_MS: i64 = 86_400_000;
pub const MERCHANT: &str = "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1a001";

/// How a batch is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batches {
    Good,
    Duplicate,
    /// Only the first record of the batch is acknowledged.
    FirstOnly,
    /// Signed by a key that the key set does not name, under a name that it does.
    OtherKey,
    /// Signed rightly, for another hash.
    OtherHash,
    /// Signed rightly, for another payment.
    OtherId,
    /// Signed rightly by the acknowledgement key, but as another kind of document.
    OtherType,
    /// Signed rightly, then changed.
    Changed,
    /// The acknowledgements of the last batch again.
    Replayed,
    Empty,
    Html,
    NoContent,
    Truncated,
    Redirect,
    Problem,
    Unreachable,
}

/// The server.
pub struct Server {
    root: DeviceKey,
    signer: DeviceKey,
    ack: DeviceKey,
    other: DeviceKey,
    /// WebCrypto's private half of the card key: proves that what was sealed can be opened by somebody else's code.
    pub card_private: JsValue,
    card_n: String,
    pub batches: Cell<Batches>,
    pub keyset_version: Cell<u64>,
    /// Version and largest payment of the signed policy; none is served at 0.
    pub policy: Cell<(u64, i64)>,
    /// The root that signs: another than the till's when told so.
    pub foreign_root: Cell<bool>,
    /// Of the shop; with a version it has two on its staff whose PIN is 2468.
    pub shop_version: Cell<u64>,
    /// Another key than the acknowledgement key signs the shop.
    pub foreign_shop: Cell<bool>,
    pub wrong_nonce: Cell<bool>,
    pub portal: Cell<bool>,
    /// Whether the long poll for a payment ever answers.
    pub polls_answer: Cell<bool>,
    /// Records as they arrived.
    pub records: RefCell<Vec<String>>,
    last_acks: RefCell<Vec<String>>,
    pub requests: Cell<usize>,
    pub heartbeats: Cell<usize>,
    /// Whether the owner has revoked every device.
    pub revoked: Cell<bool>,
    /// In every signature of its own.
    pub epoch: Cell<&'static str>,
    /// Ids of payments that it knows no more.
    pub lost: RefCell<Vec<String>>,
    /// Tombstones that were offered.
    pub offered: Cell<usize>,
}

impl Server {
    pub async fn make() -> Rc<Self> {
        let key = async || DeviceKey::make().await.expect("a key");
        let (card_private, card_n) = make_card_key().await;
        Rc::new(Self {
            root: key().await,
            signer: key().await,
            ack: key().await,
            other: key().await,
            card_private,
            card_n,
            batches: Cell::new(Batches::Good),
            keyset_version: Cell::new(7),
            policy: Cell::new((0, 0)),
            foreign_root: Cell::new(false),
            shop_version: Cell::new(0),
            foreign_shop: Cell::new(false),
            wrong_nonce: Cell::new(false),
            portal: Cell::new(false),
            polls_answer: Cell::new(true),
            records: RefCell::default(),
            last_acks: RefCell::default(),
            requests: Cell::new(0),
            heartbeats: Cell::new(0),
            revoked: Cell::new(false),
            epoch: Cell::new("e1"),
            lost: RefCell::default(),
            offered: Cell::new(0),
        })
    }

    pub async fn roots_json(&self) -> String {
        let jwk = self.root.jwk().await.expect("a public key");
        serde_json::to_string(&Roots { roots: vec![NamedKey { kid: "root-1".into(), jwk }] }).expect("JSON")
    }

    /// Takes the place of `fetch` until the result is dropped.
    pub fn install(self: &Rc<Self>) -> Installed {
        let server = Rc::clone(self);
        let fetch = Closure::<dyn FnMut(Request) -> Promise>::new(move |request: Request| {
            let server = Rc::clone(&server);
            future_to_promise(async move { server.answer(request).await.map(JsValue::from) })
        });
        let global = js_sys::global();
        let before = get(&global, "fetch");
        Reflect::set(&global, &"fetch".into(), fetch.as_ref()).expect("fetch can be replaced");
        Installed { before, _fetch: fetch }
    }

    async fn answer(&self, request: Request) -> Result<Response, JsValue> {
        self.requests.set(self.requests.get() + 1);
        let url = web_sys::Url::new(&request.url())?;
        if self.portal.get() {
            return respond(200, "text/html", "<!doctype html><title>Log in</title>");
        }
        match (request.method().as_str(), url.pathname().as_str()) {
            ("GET", "/api/v1/shop/signed" | "/api/v1/payments") | ("POST", "/api/v1/heartbeat")
                if self.revoked.get() =>
            {
                problem(403, "device-revoked")
            }
            ("POST", "/api/v1/heartbeat") => {
                self.heartbeats.set(self.heartbeats.get() + 1);
                Response::new_with_opt_str_and_init(None, &init(204, ""))
            }
            ("GET", "/api/v1/keyset") => json(200, &self.keyset().await),
            ("GET", "/api/v1/policy") if self.policy.get().0 > 0 => json(200, &self.signed_policy().await),
            ("GET", "/api/v1/time") => json(200, &self.time(&url.search()).await),
            ("POST", "/api/v1/enrolments") => json(201, &enrolment()),
            ("GET", "/api/v1/shop/signed") => json(200, &self.signed_shop().await),
            ("POST", "/api/v1/batches") => {
                let body = JsFuture::from(request.text()?).await?.as_string().unwrap_or_default();
                self.batch(&body).await
            }
            ("POST", "/api/v1/tombstones") => {
                let body = JsFuture::from(request.text()?).await?.as_string().unwrap_or_default();
                json(200, &self.stones(&body).await)
            }
            ("GET", "/api/v1/payments") => json(200, &self.history(&url.search())),
            ("GET", path) if path.starts_with("/api/v1/payments/") => {
                if !self.polls_answer.get() {
                    return JsFuture::from(Promise::new(&mut |_, _| {})).await?.dyn_into();
                }
                let views = self.views();
                match views.iter().find(|view| path.ends_with(&view.id)) {
                    Some(view) => json(200, view),
                    None => problem(404, "payment-unknown"),
                }
            }
            _ => problem(404, "unknown"),
        }
    }

    /// Every payment that arrived, captured.
    fn views(&self) -> Vec<PaymentView> {
        let records = self.records.borrow();
        let payloads = records.iter().filter_map(|r| RecordPayload::parse(r).ok()).map(|r| r.claimed().clone());
        payloads.map(view).collect()
    }

    /// The feed, two payments a page. A cursor is how many were given.
    fn history(&self, search: &str) -> HistoryPage {
        let after: usize = search.split(['=', '&']).nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        let views = self.views();
        let page: Vec<PaymentView> = views.iter().skip(after).take(2).cloned().collect();
        let given = after + page.len();
        HistoryPage { v: 1, payments: page, cursor: given.to_string(), more: given < views.len() }
    }

    /// The signer's certificate, by the root that it was told to use.
    async fn cert(&self, now: i64) -> String {
        let cert = Certificate {
            v: 1,
            kid: "signer-1".into(),
            jwk: self.signer.jwk().await.expect("a public key"),
            not_before_ms: now - DAY_MS,
            not_after_ms: now + DAY_MS,
        };
        let root = if self.foreign_root.get() { &self.other } else { &self.root };
        sign(root, ToSign::new(typ::CERT, "root-1", &cert)).await
    }

    async fn signed_policy(&self) -> PolicyAnswer {
        let (now, (version, payment_minor_max)) = (js_sys::Date::now() as i64, self.policy.get());
        let caps = Caps { card_minor_max: 2_000, ..Caps::of(payment_minor_max, payment_minor_max, 500_000) };
        let policy = PolicyDocument {
            v: 1,
            version,
            issued_ms: now,
            merchant_id: MERCHANT.into(),
            currency: "EUR".into(),
            settings: PolicySettings::of(72 * 3_600_000, caps),
            day_offset_ms: 0,
            rates: Vec::new(),
        };
        let policy = sign(&self.signer, ToSign::new(typ::POLICY, "signer-1", &policy)).await;
        PolicyAnswer { v: 1, cert: self.cert(now).await, policy }
    }

    pub async fn keyset(&self) -> KeySetAnswer {
        let now = js_sys::Date::now() as i64;
        let ack = NamedKey { kid: "ack-1".into(), jwk: self.ack.jwk().await.expect("a public key") };
        let card = CardKey {
            kid: "card-today".into(),
            n: self.card_n.clone(),
            e: "AQAB".into(),
            not_before_ms: now - DAY_MS / 2,
            use_until_ms: now + DAY_MS / 2,
            accept_until_ms: now + DAY_MS * 9,
        };
        let version = self.keyset_version.get();
        let set = KeySet {
            v: 1,
            version,
            issued_ms: now,
            expires_ms: now + DAY_MS,
            ack_keys: vec![ack],
            card_keys: vec![card],
            log: None,
        };
        KeySetAnswer {
            v: 1,
            cert: self.cert(now).await,
            keyset: sign(&self.signer, ToSign::new(typ::KEYSET, "signer-1", &set)).await,
        }
    }

    async fn time(&self, search: &str) -> TimeAnswer {
        let nonce = search.strip_prefix("?nonce=").unwrap_or_default();
        let nonce = if self.wrong_nonce.get() { "another" } else { nonce };
        // Five minutes ahead of the tablet's clock.
        let server_time_ms = js_sys::Date::now() as i64 + 300_000;
        let time = TimePayload {
            v: 1,
            nonce: nonce.into(),
            server_time_ms,
            epoch: self.epoch.get().into(),
            acquirer: "up".into(),
        };
        TimeAnswer { v: 1, time: sign(&self.ack, ToSign::new(typ::TIME, "ack-1", &time)).await }
    }

    /// The shop that a till is told: signed by an acknowledgement key, or by somebody else.
    async fn signed_shop(&self) -> SignedShop {
        let mut shop = Shop::from_json(SHOP.as_bytes()).expect("a shop");
        shop.version = self.shop_version.get();
        if shop.version > 0 {
            let pin = PinVerifier { rounds: 2, salt: [7; 16], hash: PIN_2468 };
            let seller = |n: u8, role: &str| StaffWire {
                id: StaffId::make([n; 16]).to_string(),
                name: format!("Ada {n}"),
                role: role.into(),
                pin: pin.to_string(),
            };
            shop.team = TeamWire { staff: vec![seller(1, "cashier"), seller(2, "manager")], ..TeamWire::default() };
        }
        let key = if self.foreign_shop.get() { &self.other } else { &self.ack };
        SignedShop { v: 1, shop: sign(key, shop.to_sign("ack-1")).await }
    }

    async fn batch(&self, body: &str) -> Result<Response, JsValue> {
        let batch = Batch::from_json(body.as_bytes()).expect("a batch of ours");
        self.records.borrow_mut().extend(batch.records.clone());
        let acks = match self.batches.get() {
            Batches::Html => return respond(200, "text/html", "<!doctype html><title>Welcome</title>"),
            Batches::NoContent => return Response::new_with_opt_str_and_init(None, &init(204, "")),
            Batches::Redirect => return Ok(Response::error()),
            Batches::Unreachable => return Err(js_sys::TypeError::new("Failed to fetch").into()),
            Batches::Problem => return problem(403, "device-revoked"),
            Batches::Empty => Vec::new(),
            Batches::Replayed => self.last_acks.borrow().clone(),
            how => {
                let mut acks = Vec::new();
                let count = if how == Batches::FirstOnly { 1 } else { batch.records.len() };
                for record in batch.records.iter().take(count) {
                    acks.push(self.acknowledge(record, how).await);
                }
                // Never in the order of the records.
                acks.reverse();
                acks
            }
        };
        *self.last_acks.borrow_mut() = acks.clone();
        let text = BatchAnswer { v: 1, acks }.to_json();
        let cut = if self.batches.get() == Batches::Truncated { text.len() / 2 } else { text.len() };
        respond(200, "application/json", &text[..cut])
    }

    async fn stones(&self, body: &str) -> StoneOfferAnswer {
        let offer = StoneOffer::from_json(body.as_bytes()).expect("an offer of ours");
        self.offered.set(self.offered.get() + offer.stones.len());
        let mut answers = Vec::new();
        for stone in &offer.stones {
            let is_lost = self.lost.borrow().contains(&stone.id);
            let ack = AckPayload {
                v: 1,
                id: stone.id.clone(),
                record_hash: stone.hash.clone(),
                status: if is_lost { "missing" } else { "known" }.into(),
                reason: None,
                epoch: self.epoch.get().into(),
                server_time_ms: 1,
            };
            answers.push(sign(&self.ack, ToSign::new(typ::ACK, "ack-1", &ack)).await);
        }
        StoneOfferAnswer { v: 1, answers }
    }

    async fn acknowledge(&self, record: &str, how: Batches) -> String {
        let payload = RecordPayload::parse(record).expect("a record of ours");
        let hash = b64::hash_text(b64::record_hash(record));
        let other_id = holdfast_core::id::PaymentId::make(1, [9; 10]).to_string();
        let ack = AckPayload {
            v: 1,
            id: if how == Batches::OtherId { other_id } else { payload.claimed().id.clone() },
            record_hash: if how == Batches::OtherHash { b64::encode([9; 32]) } else { hash },
            status: if how == Batches::Duplicate { "duplicate" } else { "stored" }.into(),
            reason: None,
            epoch: self.epoch.get().into(),
            server_time_ms: 1,
        };
        let typ = if how == Batches::OtherType { typ::TIME } else { typ::ACK };
        let key = if how == Batches::OtherKey { &self.other } else { &self.ack };
        let signed = sign(key, ToSign::new(typ, "ack-1", &ack)).await;
        if how != Batches::Changed {
            return signed;
        }
        // The signature of "quarantined" under a "stored".
        let changed = AckPayload { status: "quarantined".into(), ..ack };
        let (_, signature) = signed.rsplit_once('.').expect("a signature");
        let to_sign = ToSign::new(typ, "ack-1", &changed);
        format!("{}.{signature}", String::from_utf8_lossy(to_sign.signing_input()))
    }
}

/// Puts `fetch` back when dropped.
pub struct Installed {
    before: JsValue,
    _fetch: Closure<dyn FnMut(Request) -> Promise>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = Reflect::set(&js_sys::global(), &"fetch".into(), &self.before);
    }
}

async fn sign(key: &DeviceKey, to_sign: ToSign) -> String {
    let signature = key.sign(to_sign.signing_input()).await.expect("a signature");
    to_sign.with_signature(&signature)
}

/// Each enrolment is another device.
fn enrolment() -> Enrolment {
    let device_id = holdfast_core::id::DeviceId::make(rng::bytes().expect("randomness")).to_string();
    Enrolment { v: 1, device_id, device_number: 3, merchant_id: MERCHANT.into(), epoch: "e1".into() }
}

/// PBKDF2-HMAC-SHA-256 of 2468 and sixteen sevens, two rounds, as Python's hashlib makes it.
const PIN_2468: [u8; 32] = [
    121, 249, 30, 93, 249, 245, 105, 204, 152, 230, 181, 212, 152, 170, 43, 127, 157, 81, 180, 57, 69, 214, 154, 240,
    189, 136, 206, 46, 84, 83, 115, 95,
];

const SHOP: &str = r#"{"v":1,"merchant":{"id":"7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1a001","name":"Test","currency":"EUR","locale":"en","tax_inclusive":true,"receipt_footer":""},
"policy":{"window_ms":259200000,"payment_minor_max":100000,"keyed_minor_max":20000,"total_minor_max":500000},"categories":[],"items":[]}"#;

/// A stored payment's record, as the server saw it.
pub fn stored_of(record: &str) -> StoredPayment {
    let payload = RecordPayload::parse(record).expect("a record of ours");
    StoredPayment::new(&payload.claimed().id, payload.claimed().seq, record.into(), 0)
}
