//! Signing in and out, who works for a shop, and who sells at its tills.

use super::ApiError;
use super::describe::{Description, describe, part, uuid};
use crate::http::api::people::{Invited, NewStaff, RoleChange, Staff};
use crate::http::api::sessions::{Choice, NewSession, SignIn, Who};
use crate::http::api::staff::{NewSeller, SellerChange, StaffEntry, StaffList, TillSettingsBody};
use serde_json::json;
use utoipa::openapi::path::Parameter;

const PERSON: &str = "0b8f6a52-1d3e-4c7a-8f19-7a2c4e6d8b90";
const MERCHANT: &str = "5f0c7a52-6f6e-4b8e-9c2e-0d9a1b3c4d5e";

pub fn all() -> Vec<Description> {
    [sessions(), staff(), sellers()].into_iter().flatten().collect()
}

fn staff() -> Vec<Description> {
    let invited = || json!({"v": 1, "id": PERSON, "link": "/office/welcome/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "expires_ms": 1_795_532_400_000_i64});
    vec![
        describe("people", "GET", "/api/v1/people", "listPeople", "Gives everybody who works for the shop")
            .gives::<Staff>(
                200,
                "Everybody, by address.",
                json!({"v": 1, "people": [{"id": PERSON, "email": "ada@shop.example", "name": "Ada", "role": "owner", "can_sign_in": true, "invited_until_ms": null}]}),
            )
            .tagged(),
        describe("people", "POST", "/api/v1/people", "letPersonIn", "Lets somebody in, by a one-time link")
            .about("Somebody whose account is from another shop keeps it, and gets no link.")
            .takes::<NewStaff>(json!({"v": 1, "email": "grace@shop.example", "name": "Grace", "role": "cashier"}))
            .gives::<Invited>(201, "The person, and the link, shown this once.", invited())
            .problems(&[ApiError::EMAIL_UNREADABLE, ApiError::PERSON_HERE]),
        describe("people", "PATCH", "/api/v1/people/{id}", "changeRole", "Gives somebody another role, and ends their sessions here")
            .parameter(person_id())
            .takes::<RoleChange>(json!({"v": 1, "role": "manager"}))
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::PERSON_UNKNOWN, ApiError::LAST_OWNER]),
        describe("people", "DELETE", "/api/v1/people/{id}", "letPersonGo", "Lets somebody in no longer, and ends their sessions here")
            .parameter(person_id())
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::PERSON_UNKNOWN, ApiError::LAST_OWNER]),
        describe("people", "POST", "/api/v1/people/{id}/invitation", "invitePersonAgain", "Makes a fresh link for a lost password or phone")
            .about("What let this person in before no longer does.")
            .parameter(person_id())
            .gives::<Invited>(201, "The link, shown this once.", invited())
            .problems(&[ApiError::PERSON_UNKNOWN, ApiError::PERSON_ELSEWHERE]),
    ]
}

fn sellers() -> Vec<Description> {
    let entry = || json!({"id": PERSON, "name": "Ada Byrne", "role": "manager", "active": true, "has_pin": true});
    vec![
        describe("people", "GET", "/api/v1/staff", "listStaff", "Gives who sells at the tills, those who left too")
            .gives::<StaffList>(200, "Everybody, by name.", json!({"v": 1, "staff": [entry()]}))
            .tagged(),
        describe("people", "POST", "/api/v1/staff", "addStaff", "Puts somebody on the staff list")
            .about("Tills hear of it with their next connection. A PIN is a screen lock, not a key.")
            .takes::<NewSeller>(json!({"v": 1, "id": PERSON, "name": "Ada Byrne", "role": "manager", "pin": "2468"}))
            .gives::<StaffEntry>(201, "On the list.", entry())
            .gives::<StaffEntry>(200, "This id is on the list already, and was left as it is.", entry())
            .problems(&[ApiError::STAFF_FULL]),
        describe("people", "PATCH", "/api/v1/staff/{id}", "changeStaff", "Changes somebody's name, role or PIN, or lets them sign in no longer")
            .parameter(person_id())
            .takes::<SellerChange>(json!({"v": 1, "pin": "8642"}))
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::STAFF_UNKNOWN]),
        describe("people", "GET", "/api/v1/till-settings", "getTillSettings", "Gives how the tills lock themselves, and which tips they offer")
            .gives::<TillSettingsBody>(200, "The settings.", settings())
            .tagged(),
        describe("people", "PUT", "/api/v1/till-settings", "setTillSettings", "Says how the tills lock themselves, and which tips they offer")
            .about("Tips of the kind `percent` are three rates in basis points, up to 10000; those of the kind `fixed` are three amounts in minor units.")
            .takes::<TillSettingsBody>(settings())
            .gives_nothing(204, "Done."),
    ]
}

fn settings() -> serde_json::Value {
    json!({"v": 1, "must_sign_in": true, "idle_lock_ms": 300_000, "staff_on_receipts": false, "tips": {"kind": "percent", "values": [500, 1_000, 1_500]}})
}

fn person_id() -> Parameter {
    part("id", "The person's id.", uuid(PERSON))
}

fn sessions() -> Vec<Description> {
    vec![
        describe("people", "POST", "/api/v1/sessions", "signIn", "Opens a session by password and second factor")
            .about("Failed attempts make the account and the address wait longer each time, up to 15 minutes.")
            .takes::<SignIn>(json!({"v": 1, "email": "ada@shop.example", "password": "a long walk home", "code": "123456"}))
            .gives::<NewSession>(201, "The session's token, shown this once.", json!({"v": 1, "token": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}))
            .problems(&[ApiError::SIGN_IN_REFUSED, ApiError::SECOND_FACTOR_MISSING, ApiError::SIGN_IN_WAIT]),
        describe("people", "DELETE", "/api/v1/sessions", "signOutEverywhere", "Ends every session of the person")
            .gives_nothing(204, "Done."),
        describe("people", "GET", "/api/v1/session", "getSession", "Says who is signed in, and where they may act")
            .gives::<Who>(
                200,
                "The session.",
                json!({"v": 1, "email": "ada@shop.example", "name": "Ada", "role": "owner", "merchant_id": MERCHANT, "expires_ms": 1_795_447_800_000_i64,
                    "merchants": [{"id": MERCHANT, "name": "Harbour Street Café", "role": "owner"}]}),
            ),
        describe("people", "PUT", "/api/v1/session", "chooseShop", "Lets the session act for another shop of the person's own")
            .takes::<Choice>(json!({"v": 1, "merchant_id": MERCHANT}))
            .gives_nothing(204, "Done.")
            .problems(&[ApiError::NOT_ALLOWED]),
        describe("people", "DELETE", "/api/v1/session", "signOut", "Ends this session").gives_nothing(204, "Done."),
    ]
}
