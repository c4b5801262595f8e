//! Webhooks. What is sent to them is in docs/webhooks.md.

use super::ApiError;
use super::describe::{Description, describe, part, query, text, uuid};
use super::tills::limit;
use crate::desk::Webhook;
use crate::http::api::deliveries::{Deliveries, ReplayRequest, Replayed};
use crate::http::api::webhooks::{NewWebhookRequest, WebhookChanges, WebhookSecret, WebhookTested, Webhooks};
use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;

const WEBHOOK: &str = "3d0f5a7c-1e2b-4c3d-8e4f-5a6b7c8d9e0f";
const MESSAGE: &str = "msg_AAAAAAAAAAAAAAAAAAAAAA";
const AT_MS: i64 = 1_795_446_000_000;

pub fn all() -> Vec<Description> {
    [endpoints(), deliveries()].into_iter().flatten().collect()
}

fn id() -> Parameter {
    part("id", "The webhook.", uuid(WEBHOOK))
}

fn webhook() -> Value {
    json!({"id": WEBHOOK, "url": "https://books.example/hooks", "events": ["payment.captured"], "state": "on", "failing_since_ms": null,
        "old_secret_until_ms": null, "waiting_count": 0, "created_ms": AT_MS})
}

fn secret() -> Value {
    json!({"v": 1, "id": WEBHOOK, "secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
}

fn endpoints() -> Vec<Description> {
    vec![
        describe("webhooks", "GET", "/api/v1/webhooks", "listWebhooks", "Gives whom the shop's events are told")
            .gives::<Webhooks>(
            200,
            "Every webhook, the oldest first, and the types of events that can be chosen.",
            json!({"v": 1, "webhooks": [webhook()], "types": ["payment.captured"]}),
        ),
        describe("webhooks", "POST", "/api/v1/webhooks", "addWebhook", "Tells another program from now on")
            .takes::<NewWebhookRequest>(
                json!({"v": 1, "url": "https://books.example/hooks", "events": ["payment.captured"]}),
            )
            .gives::<WebhookSecret>(201, "The secret that signs, shown this once.", secret())
            .problems(&[ApiError::WEBHOOK_ADDRESS_REFUSED, ApiError::WEBHOOK_TYPE_UNKNOWN, ApiError::WEBHOOKS_USED_UP]),
        describe("webhooks", "GET", "/api/v1/webhooks/{id}", "getWebhook", "Gives one webhook")
            .parameter(id())
            .gives::<Webhook>(200, "The webhook.", webhook())
            .problems(&[ApiError::WEBHOOK_UNKNOWN]),
        describe(
            "webhooks",
            "PATCH",
            "/api/v1/webhooks/{id}",
            "changeWebhook",
            "Changes address, types, or whether it is on",
        )
        .about("What waits for one that is switched off has failed, and can be sent again.")
        .parameter(id())
        .takes::<WebhookChanges>(json!({"v": 1, "on": false}))
        .gives_nothing(204, "Done.")
        .problems(&[
            ApiError::WEBHOOK_UNKNOWN,
            ApiError::WEBHOOK_ADDRESS_REFUSED,
            ApiError::WEBHOOK_TYPE_UNKNOWN,
        ]),
        describe(
            "webhooks",
            "DELETE",
            "/api/v1/webhooks/{id}",
            "removeWebhook",
            "Removes a webhook and its deliveries",
        )
        .parameter(id())
        .gives_nothing(204, "Done.")
        .problems(&[ApiError::WEBHOOK_UNKNOWN]),
        describe("webhooks", "POST", "/api/v1/webhooks/{id}/secret", "renewWebhookSecret", "Makes another secret")
            .about("The one before signs for a day beside it.")
            .parameter(id())
            .gives::<WebhookSecret>(201, "The secret, shown this once.", secret())
            .problems(&[ApiError::WEBHOOK_UNKNOWN]),
        describe("webhooks", "POST", "/api/v1/webhooks/{id}/test", "testWebhook", "Sends an event that means nothing")
            .parameter(id())
            .gives::<WebhookTested>(202, "It is on its way.", json!({"v": 1, "message_id": MESSAGE}))
            .problems(&[ApiError::WEBHOOK_UNKNOWN]),
    ]
}

fn deliveries() -> Vec<Description> {
    vec![
        describe("webhooks", "GET", "/api/v1/webhooks/{id}/deliveries", "listDeliveries", "Gives what became of messages, newest first")
            .parameter(id())
            .parameter(query("before", "The `next` of the page above.", text(r"^([0-9]{1,15}\.msg_[A-Za-z0-9_-]{22})?$", "")))
            .parameter(limit())
            .gives::<Deliveries>(
                200,
                "A page.",
                json!({"v": 1, "deliveries": [{"message_id": MESSAGE, "type": "payment.captured", "state": "delivered", "attempts": 1, "code": "200",
                    "excerpt": "ok", "created_ms": AT_MS, "due_ms": null, "changed_ms": AT_MS}]}),
            )
            .problems(&[ApiError::WEBHOOK_UNKNOWN, ApiError::REQUEST_UNREADABLE]),
        describe("webhooks", "POST", "/api/v1/webhooks/{id}/replays", "replayWebhook", "Sends again, under the same ids")
            .about("One message, or everything that the webhook wants and that happened since a time, at most 30 days back.")
            .parameter(id())
            .takes::<ReplayRequest>(json!({"v": 1, "since_ms": AT_MS}))
            .gives::<Replayed>(202, "So many are on their way.", json!({"v": 1, "count": 3}))
            .problems(&[ApiError::WEBHOOK_UNKNOWN, ApiError::REPLAY_UNCLEAR]),
    ]
}
