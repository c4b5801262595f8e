//! `POST /api/v1/payments/{id}/refunds`, `/void` and `/retry`: what a person asks for about a payment, and what became of it.

use crate::history::PaymentView;
use crate::{WireError, check_version, from_json, to_json};
use serde::{Deserialize, Serialize};

/// Asks for a refund, a void or a retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstructionRequest {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    /// A UUID of the asker's: the same request under the same id is carried out once. An `Idempotency-Key` may stand for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Of a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// A short name in small letters, digits and hyphens, as `customer-returned`.
    pub reason: String,
}

impl InstructionRequest {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let request: Self = from_json(body)?;
        check_version(request.v)?;
        Ok(request)
    }
}

/// One instruction about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstructionView {
    pub id: String,
    /// `refund`, `void` or `retry`.
    pub kind: String,
    pub amount_minor: i64,
    pub currency: String,
    pub reason: String,
    /// `asked`, `sent`, `done` or `refused`.
    pub progress: String,
    /// Of a refused one: the acquirer's code, or the state that the payment was found in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who asked: `user:<id>`, `device:<id>` or `server`.
    pub by: String,
    pub asked_ms: i64,
    pub changed_ms: i64,
}

impl InstructionView {
    /// Whether it is still to be carried out.
    pub fn is_open(&self) -> bool {
        matches!(self.progress.as_str(), "asked" | "sent")
    }
}

/// What became of it, and how the payment stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstructionAnswer {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    pub instruction: InstructionView,
    pub payment: PaymentView,
}

impl InstructionAnswer {
    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let answer: Self = from_json(body)?;
        check_version(answer.v)?;
        Ok(answer)
    }
}

/// Every instruction about a payment, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Instructions {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    pub instructions: Vec<InstructionView>,
}

impl Instructions {
    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let all: Self = from_json(body)?;
        check_version(all.v)?;
        Ok(all)
    }
}
