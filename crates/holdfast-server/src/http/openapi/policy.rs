//! What tills may take without an answer.

use super::ApiError;
use super::describe::{Description, describe};
use super::tills::JWS;
use crate::http::api::policy::{PolicyChanges, PolicySettingsAnswer, PolicySettingsChange};
use holdfast_wire::policy::PolicyAnswer;
use serde_json::{Value, json};

pub fn all() -> Vec<Description> {
    vec![
        describe("tills", "GET", "/api/v1/policy", "getPolicy", "Gives the signed policy for sales without an answer")
            .about("It proves itself as the key set does, by the same signer. A till takes no lower version than it has.")
            .gives::<PolicyAnswer>(200, "The policy that holds now.", json!({"v": 1, "cert": JWS, "policy": JWS}))
            .problems(&[ApiError::TRY_LATER])
            .tagged(),
        describe("shop", "GET", "/api/v1/policy/settings", "getPolicySettings", "Gives what tills may take without an answer")
            .gives::<PolicySettingsAnswer>(
                200,
                "The settings, and how often cards were declined here.",
                json!({"v": 1, "currency": "EUR", "settings": settings(),
                    "rates": [{"brand": "visa", "entry": "keyed", "declined_bp": 640, "count": 50, "declined_count": 3}]}),
            )
            .tagged(),
        describe("shop", "PUT", "/api/v1/policy/settings", "setPolicySettings", "Sets what tills may take without an answer")
            .about("Tills go by it as soon as they hear of it. A window that is shortened holds on for 72 hours for what offline tills have taken.")
            .takes::<PolicySettingsChange>(json!({"v": 1, "settings": settings()}))
            .gives_nothing(204, "Done, and written down with who did it."),
        describe("shop", "GET", "/api/v1/policy/changes", "listPolicyChanges", "Gives who changed the policy and when, newest first")
            .gives::<PolicyChanges>(
                200,
                "At most a hundred changes; the first of all is what the shop began with.",
                json!({"v": 1, "changes": [{"number": 1, "at_ms": 1_795_446_000_000_i64, "who": "Ada", "settings": settings()}]}),
            )
            .tagged(),
    ]
}

fn settings() -> Value {
    json!({"window_ms": 172_800_000, "payment_minor_max": 50_000, "keyed_minor_max": 15_000, "total_minor_max": 1_000_000,
        "day_minor_max": 2_000_000, "card_minor_max": 100_000, "unkept_minor_max": 50_000, "brands": ["visa", "mastercard"],
        "swiped_chip": "flag", "left_percent": 50})
}
