//! `POST` and `GET /api/v1/payments/{id}/receipt`: a receipt by e-mail, and what became of it.

use crate::{WireError, check_version, from_json, to_json};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Asks for a receipt. Personal data: it is shown by no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReceiptRequest {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    /// A UUIDv4 of the asker's: the same request under the same id is one letter.
    pub id: String,
    pub email: String,
}

impl fmt::Debug for ReceiptRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptRequest").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ReceiptRequest {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let request: Self = from_json(body)?;
        check_version(request.v)?;
        Ok(request)
    }
}

/// A letter about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReceiptMail {
    pub id: String,
    /// `queued`, `sent`, `refused`, `bounced` or `given-up`.
    pub state: String,
    /// The mail server's code, as `550`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub asked_ms: i64,
    pub changed_ms: i64,
}

impl ReceiptMail {
    /// Whether nothing more happens to it by itself.
    pub fn is_over(&self) -> bool {
        self.state != "queued"
    }
}

/// Every letter about a payment, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReceiptMails {
    pub v: u32,
    pub mails: Vec<ReceiptMail>,
}

impl ReceiptMails {
    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let mails: Self = from_json(body)?;
        check_version(mails.v)?;
        Ok(mails)
    }
}
