//! What an enrolled device does.

use super::describe::{Description, describe, needed, number, part, query, text, uuid};
use super::shop::{PAYMENT, payment};
use super::{ApiError, policy};
use holdfast_core::limits::{HISTORY_PAGE_MAX, POLL_WAIT_MS_MAX};
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::enrolment::{Enrolment, EnrolmentRequest};
use holdfast_wire::history::{HistoryPage, PaymentView};
use holdfast_wire::keylog::KeyLogPage;
use holdfast_wire::keyset::KeySetAnswer;
use holdfast_wire::offer::{StoneOffer, StoneOfferAnswer};
use holdfast_wire::receipt::{ReceiptMail, ReceiptMails, ReceiptRequest};
use holdfast_wire::shop::{Shop, SignedShop};
use holdfast_wire::time::{Heartbeat, TimeAnswer};
use serde_json::{Value, json};
use utoipa::openapi::Schema;
use utoipa::openapi::path::Parameter;

const DEVICE: &str = "8a1b0f6e-3c55-4a39-9a0e-2f1d5f7f9d10";
const MERCHANT: &str = "5f0c7a52-6f6e-4b8e-9c2e-0d9a1b3c4d5e";
/// Stands for a compact JWS.
pub const JWS: &str = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl";
const HASH: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

pub fn all() -> Vec<Description> {
    [keys(), enrolment(), policy::all(), sales(), receipts()].into_iter().flatten().collect()
}

fn keys() -> Vec<Description> {
    vec![
        describe("server", "GET", "/healthz", "getHealth", "Says that the server takes requests")
            .gives_text(200, "It does.", "text/plain"),
        describe("server", "GET", "/api/v1/openapi.json", "getDocument", "Gives this document")
            .gives_text(200, "The document, as JSON.", "application/json")
            .tagged(),
        describe("server", "GET", "/api/v1/docs", "getDocumentPage", "Shows this document to people")
            .gives_text(200, "A page without a script.", "text/html"),
        describe("tills", "GET", "/api/v1/keyset", "getKeySet", "Gives the certificate and the signed key set")
            .about("Both prove themselves: a root certifies the signer, the signer signs the set (docs/protocol.md section 4).")
            .gives::<KeySetAnswer>(200, "The key set that holds now.", json!({"v": 1, "cert": JWS, "keyset": JWS}))
            .tagged(),
        describe("tills", "GET", "/api/v1/keylog", "getKeyLog", "Gives what happened to the keys, oldest line first")
            .parameter(after())
            .parameter(limit())
            .gives::<KeyLogPage>(
                200,
                "A page of the log.",
                json!({"v": 1, "entries": [{"n": 1, "at_ms": 1_795_446_000_000_i64, "kid": "card-2026-11-23", "event": "created", "reason": "its day is today", "prev": ""}], "cursor": "1", "more": false}),
            )
            .problems(&[ApiError::REQUEST_UNREADABLE]),
        describe("tills", "GET", "/api/v1/time", "getTime", "Gives the signed time, by which a till knows that it reached Holdfast")
            .parameter(needed("nonce", "16 random bytes in base64url, which the signed answer repeats.", text("^[A-Za-z0-9_-]{22}$", "AAAAAAAAAAAAAAAAAAAAAA")))
            .gives::<TimeAnswer>(200, "A JWS of the time, signed by the acknowledgement key.", json!({"v": 1, "time": JWS}))
            .problems(&[ApiError::REQUEST_UNREADABLE]),
    ]
}

fn enrolment() -> Vec<Description> {
    vec![
        describe("tills", "POST", "/api/v1/enrolments", "enrolDevice", "Binds a device's key to a merchant, by a one-time code")
            .takes::<EnrolmentRequest>(json!({"v": 1, "code": "AAAAAAAAAAAAAAAAAAAAAA", "device_name": "Counter",
                "jwk": {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}}))
            .gives::<Enrolment>(
                201,
                "The device is enrolled.",
                json!({"v": 1, "device_id": DEVICE, "device_number": 1, "merchant_id": MERCHANT, "epoch": "AAAAAAAAAAAAAAAAAAAAAA"}),
            )
            .problems(&[ApiError::CODE_REFUSED]),
        describe("tills", "GET", "/api/v1/shop", "getShop", "Gives merchant, policy and catalogue")
            .gives::<Shop>(
                200,
                "What the till sells, and by which rules.",
                json!({"v": 1, "merchant": {"id": MERCHANT, "name": "Harbour Street Café", "currency": "EUR", "locale": "en-IE", "tax_inclusive": true,
                    "keypad_tax_bp": 1900, "receipt_footer": "Thank you!", "zone": "Europe/Dublin"},
                    "policy": {"window_ms": 259_200_000, "payment_minor_max": 20_000, "keyed_minor_max": 5_000, "total_minor_max": 200_000},
                    "categories": [{"id": "coffee", "name": "Coffee", "colour": "brown"}],
                    "items": [{"id": "flat-white", "category_id": "coffee", "name": "Flat white", "price_minor": 420, "tax_bp": 1900}]}),
            )
            .tagged(),
        describe("tills", "GET", "/api/v1/shop/signed", "getSignedShop", "Gives the same with staff and tips, signed")
            .about("The payload is a Shop, with a version that only grows. The ETag goes by what is signed.")
            .gives::<SignedShop>(200, "A JWS by an acknowledgement key of the key set.", json!({"v": 1, "shop": JWS}))
            .tagged(),
    ]
}

fn sales() -> Vec<Description> {
    vec![
        describe("tills", "POST", "/api/v1/heartbeat", "tellHeartbeat", "Tells what a device holds")
            .takes::<Heartbeat>(json!({"v": 1, "head": {"seq": 12, "hash": HASH}, "waiting_count": 3, "waiting_minor": 4820}))
            .gives_nothing(204, "Kept."),
        describe("tills", "POST", "/api/v1/batches", "uploadBatch", "Takes records of payments, and acknowledges each")
            .about("At most 50 records and 262144 bytes. A repeated record is answered as a duplicate, so a batch may be sent again whenever its answer was lost.")
            .takes::<Batch>(json!({"v": 1, "records": [JWS]}))
            .gives::<BatchAnswer>(200, "One signed acknowledgement for each record, made after the commit.", json!({"v": 1, "acks": [JWS]}))
            .problems(&[ApiError::BATCH_UNREADABLE, ApiError::BATCH_TOO_LARGE, ApiError::SLOW_DOWN]),
        describe("tills", "POST", "/api/v1/tombstones", "offerTombstones", "Says which acknowledged payments the server still holds")
            .about("For a device that sees another epoch. At most 50 and 65536 bytes. What is missing is named to the shop's owner, once however often it is offered.")
            .takes::<StoneOffer>(json!({"v": 1, "stones": [{"id": PAYMENT, "seq": 12, "hash": HASH, "status": "stored", "epoch": "q83vEjRWeJA", "acked_ms": 1_795_446_060_000_i64,
                "created_ms": 1_795_446_000_000_i64, "number": "1-0012", "amount_minor": 1060, "currency": "EUR", "brand": "visa", "last4": "4242"}]}))
            .gives::<StoneOfferAnswer>(200, "A signed answer for each: `known` or `missing`.", json!({"v": 1, "answers": [JWS]}))
            .problems(&[ApiError::BATCH_UNREADABLE, ApiError::BATCH_TOO_LARGE]),
        describe("shop", "GET", "/api/v1/payments", "listPayments", "Gives the payments that changed, oldest change first")
            .about("Ask `after` the last cursor again for what changes from now on.")
            .parameter(after())
            .parameter(limit())
            .gives::<HistoryPage>(200, "A page of payments.", json!({"v": 1, "payments": [payment()], "cursor": "7", "more": false}))
            .tagged()
            .problems(&[ApiError::REQUEST_UNREADABLE]),
        describe("shop", "GET", "/api/v1/payments/{id}", "getPayment", "Gives one payment, when it is settled or the time is over")
            .parameter(payment_id())
            .parameter(query("wait_ms", "How long to wait for the bank's word, a duration in milliseconds.", number(0, POLL_WAIT_MS_MAX)))
            .gives::<PaymentView>(200, "The payment.", payment())
            .problems(&[ApiError::PAYMENT_UNKNOWN, ApiError::REQUEST_UNREADABLE]),
    ]
}

fn receipts() -> Vec<Description> {
    let mail = || -> Value {
        json!({"id": DEVICE, "state": "queued", "asked_ms": 1_795_446_000_000_i64, "changed_ms": 1_795_446_000_000_i64})
    };
    vec![
        describe(
            "tills",
            "POST",
            "/api/v1/payments/{id}/receipt",
            "sendReceipt",
            "Sends a payment's receipt by e-mail",
        )
        .about("The same `id` again is the same letter, however often it is asked for.")
        .parameter(payment_id())
        .takes::<ReceiptRequest>(json!({"v": 1, "id": DEVICE, "email": "ada@customer.example"}))
        .gives::<ReceiptMail>(202, "The letter waits to be sent.", mail())
        .problems(&[
            ApiError::PAYMENT_UNKNOWN,
            ApiError::EMAIL_UNREADABLE,
            ApiError::MAIL_NOT_SET_UP,
            ApiError::RECEIPTS_USED_UP,
        ]),
        describe(
            "tills",
            "GET",
            "/api/v1/payments/{id}/receipt",
            "listReceipts",
            "Says what became of a payment's letters",
        )
        .parameter(payment_id())
        .gives::<ReceiptMails>(200, "Every letter, without its address.", json!({"v": 1, "mails": [mail()]}))
        .problems(&[ApiError::PAYMENT_UNKNOWN]),
        describe("tills", "GET", "/r/{token}", "getReceipt", "Shows a payment's live receipt")
            .parameter(part("token", "The receipt's own token.", text("^[A-Za-z0-9_-]+$", "AAAAAAAAAAAAAAAAAAAAAA")))
            .gives_text(200, "The receipt, as a page.", "text/html")
            .gives_text(404, "There is no such receipt; a page that says so.", "text/html")
            .gives_text(503, "Not now.", "text/plain"),
    ]
}

fn payment_id() -> Parameter {
    part("id", "The payment's id, a UUIDv7.", uuid(PAYMENT))
}

fn after() -> Parameter {
    query("after", "The cursor of an earlier page; empty or missing for the beginning.", cursor())
}

/// A cursor is a number inside, and nobody's business.
pub fn cursor() -> Schema {
    text("^[0-9]{0,18}$", "7")
}

pub fn limit() -> Parameter {
    query("limit", "How many at most.", number(1, i64::try_from(HISTORY_PAGE_MAX).unwrap_or(i64::MAX)))
}
