//! Signing in and out.

use super::ApiError;
use super::describe::{Description, describe};
use crate::http::api::sessions::{Choice, NewSession, SignIn, Who};
use serde_json::json;

const MERCHANT: &str = "5f0c7a52-6f6e-4b8e-9c2e-0d9a1b3c4d5e";

pub fn all() -> Vec<Description> {
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
