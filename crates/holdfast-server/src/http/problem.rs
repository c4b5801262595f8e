//! Errors as application/problem+json (RFC 9457), with what to do.

use crate::desk::CodeError;
use crate::hooks::SecretError;
use crate::ingest::IngestError;
use crate::instructions::InstructError;
use crate::people::{PeopleError, SignInError};
use crate::store::StoreError;
use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use holdfast_core::payment::instruction::InstructionError;
use holdfast_wire::problem::Problem;

/// One kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiError {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: &'static str,
    retry_after_s: Option<u16>,
}

const fn error(name: &'static str, status: StatusCode, title: &'static str, detail: &'static str) -> ApiError {
    ApiError { name, status, title, detail, retry_after_s: None }
}

impl ApiError {
    pub const SIGNATURE_MISSING: Self = error(
        "signature-missing",
        StatusCode::UNAUTHORIZED,
        "The request is not signed",
        "Send Content-Digest, Signature-Input and Signature as RFC 9421 and docs/protocol.md section 2 say.",
    );
    pub const SIGNATURE_WRONG: Self = error(
        "signature-wrong",
        StatusCode::UNAUTHORIZED,
        "The request's signature is wrong",
        "Sign the request as it is sent, with the key of the device that is named. Enrol the device if it is not known here.",
    );
    pub const DEVICE_REVOKED: Self = error(
        "device-revoked",
        StatusCode::FORBIDDEN,
        "This device was revoked",
        "The owner can enrol it again. What it still holds can be uploaded, and goes to the owner.",
    );
    pub const CODE_REFUSED: Self = error(
        "enrolment-code-refused",
        StatusCode::FORBIDDEN,
        "The enrolment code is not valid",
        "Ask for a fresh code: each works once, for ten minutes.",
    );
    pub const REPORT_UNREADABLE: Self = error(
        "report-unreadable",
        StatusCode::BAD_REQUEST,
        "The report that was asked for cannot be read",
        "Give from and to as days such as 2026-11-23, at most ten years apart, and format as json or csv.",
    );
    pub const NOT_FOUND: Self = error("not-found", StatusCode::NOT_FOUND, "There is nothing here", "Check the path.");
    pub const SIGN_IN_NEEDED: Self = error(
        "sign-in-needed",
        StatusCode::UNAUTHORIZED,
        "Nobody is signed in",
        "Sign in again: POST /api/v1/sessions, or /office in a browser.",
    );
    pub const SIGN_IN_REFUSED: Self = error(
        "sign-in-refused",
        StatusCode::UNAUTHORIZED,
        "This sign-in is not right",
        "Check the e-mail address, the password and the code. A code works once.",
    );
    pub const SIGN_IN_WAIT: Self =
        error("sign-in-wait", StatusCode::TOO_MANY_REQUESTS, "Too many attempts", "Come again after Retry-After.");
    pub const SECOND_FACTOR_MISSING: Self = error(
        "second-factor-missing",
        StatusCode::FORBIDDEN,
        "This account has no second factor yet",
        "Sign in at /office in a browser and set it up.",
    );
    pub const NOT_ALLOWED: Self = error(
        "not-allowed",
        StatusCode::FORBIDDEN,
        "Your role does not allow this",
        "Ask an owner of the shop; or choose the shop first, with PUT /api/v1/session.",
    );
    pub const FOREIGN_PAGE: Self = error(
        "foreign-page",
        StatusCode::FORBIDDEN,
        "This request comes from another site's page",
        "Send it from the back office itself, or with a bearer token instead of the cookie.",
    );
    pub const IDEMPOTENCY_KEY_REUSED: Self = error(
        "idempotency-key-reused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came with another request before",
        "Take a fresh key for a new request.",
    );
    pub const IDEMPOTENCY_KEY_IN_USE: Self = ApiError {
        retry_after_s: Some(5),
        ..error(
            "idempotency-key-in-use",
            StatusCode::CONFLICT,
            "The first request with this Idempotency-Key is still being worked on",
            "Come again after Retry-After, with the same key.",
        )
    };
    pub const NOT_JSON: Self = error(
        "body-not-json",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is said to be something else than JSON",
        "Send JSON, with Content-Type: application/json.",
    );
    pub const NOT_ACCEPTABLE: Self = error(
        "not-acceptable",
        StatusCode::NOT_ACCEPTABLE,
        "The answer would be of a kind that was not asked for",
        "Ask with Accept: application/json, or without Accept.",
    );
    pub const IDEMPOTENCY_KEY_MISSING: Self = error(
        "idempotency-key-missing",
        StatusCode::BAD_REQUEST,
        "This request needs an Idempotency-Key",
        "Send an Idempotency-Key, or a UUID as id in the body, so that a repeated request is carried out once.",
    );
    pub const INSTRUCTION_OPEN: Self = error(
        "instruction-open",
        StatusCode::CONFLICT,
        "Something is already on its way for this payment",
        "Look at the payment again in a moment: one refund, void or retry is carried out at a time.",
    );
    pub const INSTRUCTIONS_USED_UP: Self = error(
        "instructions-used-up",
        StatusCode::CONFLICT,
        "This was asked for often enough",
        "Settle it with the acquirer directly.",
    );
    pub const NOT_CAPTURED: Self = error(
        "not-captured",
        StatusCode::CONFLICT,
        "Nothing was taken that could be paid back",
        "Only a captured payment can be refunded. One that is still on its way can be voided.",
    );
    pub const REFUND_TOO_LARGE: Self = error(
        "refund-too-large",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This is not an amount that can be paid back",
        "Give more than nothing, and at most amount_minor less refunded_minor of the payment.",
    );
    pub const NOT_VOIDABLE: Self = error(
        "not-voidable",
        StatusCode::CONFLICT,
        "This payment cannot be voided any more",
        "What was captured can be refunded. What was declined or expired was never taken.",
    );
    pub const NOT_DECLINED: Self = error(
        "not-declined",
        StatusCode::CONFLICT,
        "Only a declined payment can be tried again",
        "Look at the payment again: it may have moved.",
    );
    pub const RETRY_NEVER: Self = error(
        "retry-never",
        StatusCode::CONFLICT,
        "The card's bank said never to try this card again",
        "Ask the customer for another card.",
    );
    pub const RETRY_TOO_EARLY: Self = error(
        "retry-too-early",
        StatusCode::CONFLICT,
        "It is too early to try this card again",
        "Come again after Retry-After. The server tries by itself at that time.",
    );
    pub const CARD_DATA_WIPED: Self = error(
        "card-data-wiped",
        StatusCode::CONFLICT,
        "The sealed card data are gone",
        "They are wiped with the bank's answer, or at the end of the payment's window where this server keeps them. Take the payment \
         anew, with the card. docs/lifecycle.md says what --retry-declined keeps, and of which payments.",
    );
    pub const NOT_PAYABLE: Self = error(
        "not-payable",
        StatusCode::CONFLICT,
        "This cannot be paid here",
        "Load the receipt again: it says where the payment stands. Ask the shop how to pay.",
    );
    pub const PAYMENT_ON_ITS_WAY: Self = error(
        "payment-on-its-way",
        StatusCode::CONFLICT,
        "A payment is on its way already",
        "Load the receipt again: it shows the result as soon as there is one.",
    );
    pub const RECEIPT_STALE: Self = error(
        "receipt-stale",
        StatusCode::CONFLICT,
        "This page is older than what happened since",
        "Load the receipt again, and seal the card anew if it still offers to pay.",
    );
    pub const ENVELOPE_REFUSED: Self = error(
        "envelope-refused",
        StatusCode::BAD_REQUEST,
        "The sealed card is not one for this payment",
        "Seal it as the page of the receipt does; docs/receipts.md says what is in it.",
    );
    pub const CASH_ID_REUSED: Self = error(
        "cash-id-reused",
        StatusCode::CONFLICT,
        "Another move of cash has this id",
        "Take a fresh id for a new move.",
    );
    pub const DEVICE_UNKNOWN: Self = error(
        "device-unknown",
        StatusCode::NOT_FOUND,
        "This device is not known",
        "GET /api/v1/devices lists those of this shop.",
    );
    pub const LOCATION_UNKNOWN: Self = error(
        "location-unknown",
        StatusCode::NOT_FOUND,
        "This location is not known",
        "GET /api/v1/locations lists those of this shop.",
    );
    pub const PERSON_UNKNOWN: Self = error(
        "person-unknown",
        StatusCode::NOT_FOUND,
        "This person does not work here",
        "GET /api/v1/people lists those who do.",
    );
    pub const STAFF_UNKNOWN: Self = error(
        "staff-unknown",
        StatusCode::NOT_FOUND,
        "Nobody on the staff list has this id",
        "GET /api/v1/staff lists everybody.",
    );
    pub const STAFF_FULL: Self = error(
        "staff-full",
        StatusCode::CONFLICT,
        "The staff list has as many people as it can hold",
        "Give the entry of somebody who left to somebody new.",
    );
    pub const PERSON_HERE: Self = error(
        "person-here",
        StatusCode::CONFLICT,
        "This person works here already",
        "Change the role instead, or make a fresh link.",
    );
    pub const PERSON_ELSEWHERE: Self = error(
        "person-elsewhere",
        StatusCode::CONFLICT,
        "This person works for another shop too",
        "Only whoever runs the server can make a fresh link: holdfast owner reset.",
    );
    pub const LAST_OWNER: Self = error(
        "last-owner",
        StatusCode::CONFLICT,
        "This is the shop's last owner",
        "Make somebody else an owner first.",
    );
    pub const QUARANTINE_UNKNOWN: Self = error(
        "quarantine-unknown",
        StatusCode::NOT_FOUND,
        "There is no such line in quarantine",
        "GET /api/v1/quarantine lists them.",
    );
    pub const QUARANTINE_DECIDED: Self = error(
        "quarantine-decided",
        StatusCode::CONFLICT,
        "This was decided before",
        "GET /api/v1/quarantine?state=decided says how, when and by whom.",
    );
    pub const QUARANTINE_FINAL: Self = error(
        "quarantine-final",
        StatusCode::CONFLICT,
        "No payment can be made of this",
        "Only what a revoked device brought can be let out. Write this off, or ask the customer to pay again.",
    );
    pub const PAYMENT_UNKNOWN: Self = error(
        "payment-unknown",
        StatusCode::NOT_FOUND,
        "This payment is not known",
        "It was not uploaded yet, or belongs to somebody else.",
    );
    pub const EMAIL_UNREADABLE: Self = error(
        "email-unreadable",
        StatusCode::BAD_REQUEST,
        "This is no e-mail address",
        "Ask the customer for the address again.",
    );
    pub const MAIL_NOT_SET_UP: Self = error(
        "mail-not-set-up",
        StatusCode::CONFLICT,
        "This server sends no e-mail",
        "Show the live receipt's code instead. Whoever runs the server can set up a mail server with --smtp-url.",
    );
    pub const RECEIPTS_USED_UP: Self = error(
        "receipts-used-up",
        StatusCode::CONFLICT,
        "This payment's receipt was sent often enough",
        "Show the live receipt's code instead.",
    );
    pub const TEMPLATE_REFUSED: Self = error(
        "template-refused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This template cannot be used",
        "Try it with the preview, which says what is wrong and in which line.",
    );
    pub const WEBHOOK_UNKNOWN: Self = error(
        "webhook-unknown",
        StatusCode::NOT_FOUND,
        "This webhook is not known",
        "GET /api/v1/webhooks lists those of this shop.",
    );
    pub const WEBHOOKS_USED_UP: Self = error(
        "webhooks-used-up",
        StatusCode::CONFLICT,
        "This shop has as many webhooks as it may",
        "Remove one that is no longer needed.",
    );
    pub const WEBHOOK_ADDRESS_REFUSED: Self = error(
        "webhook-address-refused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Webhooks cannot go to this address",
        "Give one that begins with https://, without a user or password, and outside private networks. Whoever runs the server          can let a network of your own in with --webhook-allow.",
    );
    pub const REPLAY_UNCLEAR: Self = error(
        "replay-unclear",
        StatusCode::UNPROCESSABLE_ENTITY,
        "It is not clear what to send again",
        "Give either message_id, as a list of deliveries has it, or since_ms.",
    );
    pub const WEBHOOK_TYPE_UNKNOWN: Self = error(
        "webhook-type-unknown",
        StatusCode::UNPROCESSABLE_ENTITY,
        "There is no such type of event",
        "GET /api/v1/webhooks lists the types.",
    );
    pub const METHOD_NOT_ALLOWED: Self = error(
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This path does not take this method",
        "See docs/protocol.md for the method.",
    );
    pub const BATCH_TOO_LARGE: Self = error(
        "batch-too-large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The batch is too large",
        "Send at most 50 records and 262144 bytes at once.",
    );
    pub const BODY_TOO_LARGE: Self =
        error("body-too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", "Send less at once.");
    pub const TOO_SLOW: Self = error(
        "request-too-slow",
        StatusCode::REQUEST_TIMEOUT,
        "The request did not arrive in time",
        "Keep everything and send it again, in smaller batches if the line is slow.",
    );
    pub const BATCH_UNREADABLE: Self = error(
        "batch-unreadable",
        StatusCode::BAD_REQUEST,
        "The batch cannot be read",
        "Send JSON of the shape in docs/protocol.md section 7. Nothing of it was kept.",
    );
    pub const REQUEST_UNREADABLE: Self = error(
        "request-unreadable",
        StatusCode::BAD_REQUEST,
        "The request cannot be read",
        "Send the shape in docs/protocol.md.",
    );
    pub const TOO_MANY_REQUESTS: Self = error(
        "too-many-requests",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests",
        "Keep everything and come again after Retry-After.",
    );
    pub const SLOW_DOWN: Self = ApiError {
        retry_after_s: Some(2),
        ..error("slow-down", StatusCode::TOO_MANY_REQUESTS, "Too many batches at once", "Come again after Retry-After.")
    };
    pub const TRY_LATER: Self = ApiError {
        retry_after_s: Some(5),
        ..error(
            "try-later",
            StatusCode::SERVICE_UNAVAILABLE,
            "The server cannot do this now",
            "Keep everything and come again after Retry-After.",
        )
    };
}

impl ApiError {
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What stands in `type`.
    pub fn kind(&self) -> String {
        self.problem().kind
    }

    pub fn asks_to_wait(&self) -> bool {
        self.retry_after_s.is_some() || self.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// As it is sent.
    pub fn problem(&self) -> Problem {
        Problem::new(self.name, self.status.as_u16(), self.title, self.detail)
    }

    /// What stands for an error that some library answered in words of its own.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED => Self::METHOD_NOT_ALLOWED,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BODY_TOO_LARGE,
            StatusCode::REQUEST_TIMEOUT => Self::TOO_SLOW,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::NOT_JSON,
            status if status.is_server_error() => Self::TRY_LATER,
            _ => Self::REQUEST_UNREADABLE,
        }
    }

    pub fn detail(&self) -> &'static str {
        self.detail
    }

    /// Whether it is the server's fault.
    pub fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }

    /// The same, to be tried again after so many milliseconds.
    pub fn after_ms(self, wait_ms: i64) -> Self {
        let seconds = u16::try_from(wait_ms.max(0) / 1000 + 1).unwrap_or(u16::MAX);
        Self { retry_after_s: Some(seconds), ..self }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request could not use the database");
        Self::TRY_LATER
    }
}

impl From<InstructError> for ApiError {
    fn from(error: InstructError) -> Self {
        match error {
            InstructError::Unknown => Self::PAYMENT_UNKNOWN,
            InstructError::Store(error) => error.into(),
            InstructError::Refused(refused) => match refused {
                InstructionError::IdReused => Self::IDEMPOTENCY_KEY_REUSED,
                InstructionError::AnotherOpen => Self::INSTRUCTION_OPEN,
                InstructionError::TooMany => Self::INSTRUCTIONS_USED_UP,
                InstructionError::NotCaptured => Self::NOT_CAPTURED,
                InstructionError::TooMuch { .. } => Self::REFUND_TOO_LARGE,
                InstructionError::NotVoidable => Self::NOT_VOIDABLE,
                InstructionError::NotDeclined => Self::NOT_DECLINED,
                InstructionError::Never => Self::RETRY_NEVER,
                InstructionError::Wiped => Self::CARD_DATA_WIPED,
                InstructionError::TooEarly { wait_ms } => Self::RETRY_TOO_EARLY.after_ms(wait_ms),
            },
        }
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        tracing::error!(%error, "a request about people could not be done");
        Self::TRY_LATER
    }
}

impl From<SecretError> for ApiError {
    fn from(error: SecretError) -> Self {
        tracing::error!(%error, "a webhook's secret could not be made");
        Self::TRY_LATER
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => Self::SIGN_IN_REFUSED,
            SignInError::Wait(wait_ms) => Self::SIGN_IN_WAIT.after_ms(wait_ms),
            SignInError::People(error) => error.into(),
        }
    }
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::LocationUnknown => Self::LOCATION_UNKNOWN,
            CodeError::People(error) => error.into(),
        }
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::TooManyRecords => Self::BATCH_TOO_LARGE,
            IngestError::Store(error) => error.into(),
            IngestError::Sign(error) => {
                tracing::error!(%error, "a batch was kept and cannot be acknowledged");
                Self::TRY_LATER
            }
        }
    }
}
