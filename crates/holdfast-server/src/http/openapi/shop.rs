//! What a person sees and does of a shop.

use super::ApiError;
use super::describe::{Description, describe, part, query, text, uuid, word};
use super::tills::{cursor, limit};
use crate::desk::Location;
use crate::http::api::codes::{CodeAnswer, CodeRequest};
use crate::http::api::devices::{Devices, Locations, Named};
use crate::http::api::merchants::Merchants;
use crate::http::api::missing::MissingPage;
use crate::http::api::quarantine::{Page, WriteOff};
use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;

pub const PAYMENT: &str = "01938a5c-7c00-7000-8000-0242ac120002";
const DEVICE: &str = "8a1b0f6e-3c55-4a39-9a0e-2f1d5f7f9d10";
const LOCATION: &str = "1f7b7c0e-9d2a-4f51-8a44-6f0f3a5b2c11";

/// A payment as an example.
pub fn payment() -> Value {
    json!({"v": 1, "id": PAYMENT, "device_id": DEVICE, "device_name": "Counter", "seq": 12, "number": "1-0012", "amount_minor": 1060, "currency": "EUR",
        "tax_minor": 98, "tip_minor": 0, "refunded_minor": 0, "state": "captured", "reason": null, "approval_code": "123456", "brand": "visa", "last4": "4242", "entry": "swipe", "offline": true,
        "taken_ms": 1_795_446_000_000_i64, "received_ms": 1_795_446_060_000_i64, "changed_ms": 1_795_446_061_000_i64,
        "lines": [{"name": "Flat white", "qty": 2, "unit_minor": 420, "total_minor": 840, "tax_bp": 1900, "tax_minor": 134}], "receipt": "/r/AAAAAAAAAAAAAAAAAAAAAA"})
}

pub fn all() -> Vec<Description> {
    [devices(), quarantine()].into_iter().flatten().collect()
}

fn devices() -> Vec<Description> {
    vec![
        describe("shop", "GET", "/api/v1/devices", "listDevices", "Gives every device of the shop, by its number")
            .gives::<Devices>(
                200,
                "Every device, revoked ones too.",
                json!({"v": 1, "devices": [{"id": DEVICE, "number": 1, "name": "Counter", "location_id": null, "location_name": null,
                    "enrolled_ms": 1_795_446_000_000_i64, "revoked_ms": null, "seen_ms": 1_795_446_060_000_i64, "waiting_count": 0, "waiting_minor": 0}]}),
            )
            .tagged(),
        describe("shop", "PATCH", "/api/v1/devices/{id}", "renameDevice", "Gives a device another name")
            .parameter(device_id())
            .takes::<Named>(json!({"v": 1, "name": "Terrace"}))
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::DEVICE_UNKNOWN]),
        describe("shop", "POST", "/api/v1/devices/{id}/revocation", "revokeDevice", "Ends a device's right to sell")
            .about("What it still holds goes up and waits in quarantine. Doing it again changes nothing.")
            .parameter(device_id())
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::DEVICE_UNKNOWN]),
        describe("shop", "POST", "/api/v1/enrolment-codes", "makeEnrolmentCode", "Makes a one-time code for a new device")
            .about("It works once, for ten minutes.")
            .takes::<CodeRequest>(json!({"v": 1, "location_id": null}))
            .gives::<CodeAnswer>(
                201,
                "The code, as text and as a picture.",
                json!({"v": 1, "code": "AAAAAAAAAAAAAAAAAAAAAA", "expires_ms": 1_795_446_600_000_i64, "qr_svg": "<svg/>"}),
            )
            .problems(&[ApiError::LOCATION_UNKNOWN]),
        describe("shop", "GET", "/api/v1/locations", "listLocations", "Gives the places where devices stand")
            .gives::<Locations>(200, "Every location.", json!({"v": 1, "locations": [{"id": LOCATION, "name": "Harbour Street"}]}))
            .tagged(),
        describe("shop", "POST", "/api/v1/locations", "addLocation", "Adds a place")
            .takes::<Named>(json!({"v": 1, "name": "Harbour Street"}))
            .gives::<Location>(201, "The new location.", json!({"id": LOCATION, "name": "Harbour Street"})),
        describe("server", "GET", "/api/v1/merchants", "listMerchants", "Gives the merchants of this server, and nothing of their business")
            .gives::<Merchants>(200, "Every merchant.", json!({"v": 1, "merchants": [{"id": DEVICE, "name": "Harbour Street Café", "device_count": 2}]}))
            .tagged(),
    ]
}

fn quarantine() -> Vec<Description> {
    vec![
        describe("shop", "GET", "/api/v1/quarantine", "listQuarantine", "Gives what could not be taken as a payment, newest first")
            .about("What a line claims to be was not checked, or was found wrong.")
            .parameter(query("state", "What waits, unless said otherwise; or what was decided.", word(&["waiting", "decided"])))
            .parameter(query("before", "The cursor of an earlier page; missing for the newest.", cursor()))
            .parameter(limit())
            .gives::<Page>(
                200,
                "A page of lines.",
                json!({"v": 1, "lines": [{"cursor": 3, "record_hash": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "device_id": DEVICE, "device_name": "Counter",
                    "reason": "device-revoked", "received_ms": 1_795_446_000_000_i64,
                    "claims": {"payment_id": PAYMENT, "number": "1-0012", "amount_minor": 1060, "currency": "EUR", "brand": "visa", "last4": "4242", "created_ms": 1_795_446_000_000_i64},
                    "decision": null}],
                    "cursor": null}),
            )
            .tagged()
            .problems(&[ApiError::REQUEST_UNREADABLE]),
        describe("shop", "GET", "/api/v1/missing", "listMissing", "Gives what tills were told is stored and the server has lost, newest first")
            .about("The books came from a copy, or a standby took over that had not heard of it. A line goes when its payment comes in after all.")
            .parameter(query("before", "The cursor of an earlier page; missing for the newest.", cursor()))
            .parameter(limit())
            .gives::<MissingPage>(
                200,
                "A page of lines.",
                json!({"v": 1, "lines": [{"cursor": 3, "payment_id": PAYMENT, "device_id": DEVICE, "device_name": "Counter", "number": "1-0012", "amount_minor": 1060,
                    "currency": "EUR", "brand": "visa", "last4": "4242", "created_ms": 1_795_446_000_000_i64, "acked_ms": 1_795_446_060_000_i64, "status": "stored",
                    "reported_ms": 1_795_449_660_000_i64}], "cursor": null}),
            )
            .tagged()
            .problems(&[ApiError::REQUEST_UNREADABLE]),
        describe("shop", "POST", "/api/v1/quarantine/{id}/release", "releaseQuarantined", "Lets what a revoked device brought become a payment")
            .about("Its window is judged as of when it came. Whatever else is in quarantine is damaged, forged, or in another payment's place, and cannot be let out.")
            .parameter(line_id())
            .gives_nothing(204, "It is a payment now.")
            .problems(&[ApiError::QUARANTINE_UNKNOWN, ApiError::QUARANTINE_DECIDED, ApiError::QUARANTINE_FINAL]),
        describe("shop", "POST", "/api/v1/quarantine/{id}/write-off", "writeOffQuarantined", "Ends a line's wait for good")
            .about("What was sealed in it is wiped; what it claimed to be, who decided, when and why stay.")
            .parameter(line_id())
            .takes::<WriteOff>(json!({"v": 1, "why": "The customer paid in cash"}))
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::QUARANTINE_UNKNOWN, ApiError::QUARANTINE_DECIDED]),
    ]
}

fn line_id() -> Parameter {
    part("id", "The line's `cursor`.", text("^[0-9]{1,18}$", "3"))
}

fn device_id() -> Parameter {
    part("id", "The device's id, a UUIDv4.", uuid(DEVICE))
}
