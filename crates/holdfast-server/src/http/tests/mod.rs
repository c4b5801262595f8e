//! The interface through its router. Here: a whole server without a listener, and requests as a till signs them.

mod access;
mod desk;
mod edge;
mod instructions;
mod letters;
mod matrix;
mod missing;
mod paths;
mod pay_again;
mod people;
mod policy;
mod problems;
mod rates;
mod receipt_mails;
mod receipts;
mod replicas;
mod reports;
mod settlement;
mod staff;
mod strangers;
mod webhooks;

use super::{Server, router};
use crate::cli::serve::build;
use crate::cli::{AcquirerArgs, DoorArgs, KeyStoreArgs, ServeArgs};
use crate::keys::root::make_root_files;
use crate::process::runner;
use crate::store::{PostgresUrl, StoreError};
use crate::testing::{self, GOOD, TestTill};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use holdfast_core::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use holdfast_crypto::envelope::PublicCardKey;
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::enrolment::{Enrolment, EnrolmentCode, EnrolmentRequest};
use holdfast_wire::history::{HistoryPage, PaymentView};
use holdfast_wire::httpsig::{Request as ToBeSigned, ToSign};
use holdfast_wire::jws::Jwk;
use holdfast_wire::keyset::{KeySet, KeySetAnswer};
use holdfast_wire::problem::Problem;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// A server without a listener, with its jobs running.
pub(crate) struct House {
    folder: tempfile::TempDir,
    pub server: Arc<Server>,
    router: Router,
    stop: watch::Sender<bool>,
}

pub(crate) async fn house(demo: bool) -> House {
    let (folder, database) = place();
    start(folder, demo, database).await
}

/// A demo with other settings.
async fn house_that(change: impl FnOnce(&mut ServeArgs)) -> House {
    let (folder, database) = place();
    start_that(folder, true, database, change).await
}

fn place() -> (tempfile::TempDir, Option<PostgresUrl>) {
    let folder = tempfile::tempdir().expect("a folder");
    make_root_files(folder.path()).expect("makes keys");
    let app = folder.path().join("app");
    std::fs::create_dir(&app).expect("makes a folder");
    std::fs::write(app.join("index.html"), "<p>till</p>").expect("writes");
    let is_on_postgres = std::env::var_os("HOLDFAST_TEST_POSTGRES").is_some();
    (folder, is_on_postgres.then(crate::testing::postgres_url))
}

async fn start(folder: tempfile::TempDir, demo: bool, database: Option<PostgresUrl>) -> House {
    start_that(folder, demo, database, |_| {}).await
}

async fn start_that(
    folder: tempfile::TempDir,
    demo: bool,
    database: Option<PostgresUrl>,
    change: impl FnOnce(&mut ServeArgs),
) -> House {
    let mut args = ServeArgs {
        demo,
        data: folder.path().to_owned(),
        database,
        port: 0,
        host: [127, 0, 0, 1].into(),
        app: folder.path().join("app"),
        root_keys: folder.path().to_owned(),
        mail: crate::mail::MailArgs::default(),
        hooks: crate::hooks::HookArgs { webhook_loopback: demo, ..Default::default() },
        acquirer: AcquirerArgs::default(),
        keystore: KeyStoreArgs::default(),
        doors: DoorArgs::default(),
        payments: crate::cli::PaymentArgs::default(),
    };
    change(&mut args);
    let (stop, stopped) = watch::channel(false);
    let server = build(&args, testing::clock(), stopped.clone()).await.expect("starts");
    tokio::spawn(crate::mail::run(Arc::clone(&server.mails), stopped.clone()));
    tokio::spawn(crate::hooks::run(Arc::clone(&server.hooks), stopped.clone()));
    tokio::spawn(runner::run(Arc::clone(&server.processor), Arc::clone(&server.wake), stopped));
    House { folder, router: router(Arc::clone(&server)), server, stop }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// An answer that was read whole.
pub(crate) struct Answer {
    pub status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.expect("a body").to_vec();
        Self { status: parts.status, headers: parts.headers, body }
    }

    fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Status and the problem's name.
    fn problem(&self) -> (u16, String) {
        let problem: Problem = self.json();
        assert_eq!(self.header("content-type"), Problem::CONTENT_TYPE);
        assert_eq!(problem.status, self.status.as_u16());
        assert!(!problem.detail.is_empty());
        (self.status.as_u16(), problem.name().to_owned())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

impl House {
    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.expect("an answer")).await
    }

    async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Body::empty()).expect("a request")).await
    }

    async fn signed(&self, key: &SigningKey, keyid: &str, method: &str, target: &str, body: &[u8]) -> Answer {
        self.send(signed(key, keyid, method, target, body)).await
    }

    async fn code(&self) -> String {
        self.get("/demo/enrolment-code").await.json::<EnrolmentCode>().code
    }

    async fn enrol_with(&self, key: &SigningKey, code: &str) -> Answer {
        let public = key.verifying_key();
        let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: public.x(), y: public.y() };
        let asked = EnrolmentRequest { v: 1, code: code.into(), device_name: "Counter".into(), jwk };
        let body = serde_json::to_vec(&asked).expect("writes");
        self.signed(key, "enrol", "POST", "/api/v1/enrolments", &body).await
    }

    /// A till that is enrolled and has today's card key.
    pub async fn till(&self) -> TestTill {
        self.till_with(&self.code().await).await
    }

    async fn till_with(&self, code: &str) -> TestTill {
        let key = SigningKey::make().expect("makes a key").0;
        let answer = self.enrol_with(&key, code).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let enrolled: Enrolment = answer.json();
        let set: KeySetAnswer = self.get("/api/v1/keyset").await.json();
        let set = KeySet::parse(&set.keyset).expect("a key set").accept(true).expect("a key set");
        let card = &set.card_keys[0];
        let mut till = TestTill::with_key(
            key,
            enrolled.device_id.parse().expect("an id"),
            enrolled.merchant_id.parse().expect("an id"),
        );
        till.card_key = PublicCardKey::parse(&card.kid, &card.n, &card.e).expect("a key");
        till
    }

    pub async fn upload(&self, till: &TestTill, records: Vec<String>) -> Answer {
        let body = Batch::new(records).to_json();
        self.of_till(till, "POST", "/api/v1/batches", body.as_bytes()).await
    }

    async fn of_till(&self, till: &TestTill, method: &str, target: &str, body: &[u8]) -> Answer {
        self.signed(&till.key, &till.device_id.to_string(), method, target, body).await
    }
}

fn signed(key: &SigningKey, keyid: &str, method: &str, target: &str, body: &[u8]) -> Request<Body> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let to_sign = ToSign::new(&ToBeSigned { method, path, query, body }, keyid, 1_700_000_000);
    let signature = key.sign(to_sign.signing_input()).expect("signs");
    let fields = to_sign.with_signature(&signature);
    Request::builder()
        .method(method)
        .uri(target)
        .header("content-digest", fields.content_digest)
        .header("signature-input", fields.signature_input)
        .header("signature", fields.signature)
        .body(Body::from(body.to_vec()))
        .expect("a request")
}
