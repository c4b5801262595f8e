//! What can be asked for about a payment: refunds, voids, retries.

use super::ApiError;
use super::describe::{Description, describe, header_parameter, part, uuid};
use super::shop::{PAYMENT, payment};
use holdfast_wire::instruction::{InstructionAnswer, InstructionRequest, Instructions};
use serde_json::{Value, json};

const ID: &str = "7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01";
const ABOUT: &str = "It is kept before anything is done about it, and the answer waits up to 8 seconds for what comes of it. Name it by `id` or by an \
    `Idempotency-Key`: the same name again is the same instruction, for ever. One is carried out at a time for a payment.";

pub fn all() -> Vec<Description> {
    let refund = json!({"v": 1, "id": ID, "amount_minor": 400, "reason": "customer-returned"});
    let plain = json!({"v": 1, "id": ID, "reason": "mistake"});
    vec![
        asks(
            "/api/v1/payments/{id}/refunds",
            "refundPayment",
            "Pays a captured payment back, in part or in full",
            refund,
        )
        .problems(&[ApiError::NOT_CAPTURED, ApiError::REFUND_TOO_LARGE]),
        asks("/api/v1/payments/{id}/void", "voidPayment", "Gives a payment up before it is captured", plain.clone())
            .problems(&[ApiError::NOT_VOIDABLE]),
        asks(
            "/api/v1/payments/{id}/retry",
            "retryPayment",
            "Tries a declined payment again, if its sealed card was kept",
            plain,
        )
        .problems(&[
            ApiError::NOT_DECLINED,
            ApiError::RETRY_NEVER,
            ApiError::RETRY_TOO_EARLY,
            ApiError::CARD_DATA_WIPED,
        ]),
        describe(
            "shop",
            "GET",
            "/api/v1/payments/{id}/instructions",
            "listInstructions",
            "Gives what was asked for about a payment",
        )
        .parameter(part("id", "The payment.", uuid(PAYMENT)))
        .gives::<Instructions>(
            200,
            "Every instruction, the oldest first.",
            json!({"v": 1, "instructions": [instruction("done")]}),
        )
        .problems(&[ApiError::PAYMENT_UNKNOWN]),
    ]
}

fn asks(path: &'static str, id: &'static str, summary: &'static str, example: Value) -> Description {
    let answer = |progress| json!({"v": 1, "instruction": instruction(progress), "payment": payment()});
    describe("shop", "POST", path, id, summary)
        .about(ABOUT)
        .parameter(part("id", "The payment.", uuid(PAYMENT)))
        .parameter(header_parameter(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters of the asker's own making, where the body has no `id`.",
            r"^[\x21-\x7e]{1,255}$",
        ))
        .takes::<InstructionRequest>(example)
        .gives::<InstructionAnswer>(200, "It is over: `done`, or `refused` with the reason.", answer("done"))
        .gives::<InstructionAnswer>(202, "It is kept and under way.", answer("sent"))
        .problems(&[
            ApiError::PAYMENT_UNKNOWN,
            ApiError::IDEMPOTENCY_KEY_MISSING,
            ApiError::IDEMPOTENCY_KEY_REUSED,
            ApiError::INSTRUCTION_OPEN,
            ApiError::INSTRUCTIONS_USED_UP,
        ])
}

fn instruction(progress: &str) -> Value {
    json!({"id": ID, "kind": "refund", "amount_minor": 400, "currency": "EUR", "reason": "customer-returned", "progress": progress,
        "by": "user:5f0c7a52-6f6e-4b8e-9c2e-0d9a1b3c4d5e", "asked_ms": 1_795_446_100_000_i64, "changed_ms": 1_795_446_101_000_i64})
}
