//! `GET /api/v1/payments`: the history, the same for every till of a merchant.

use crate::record::LineWire;
use crate::{WireError, check_version, from_json, to_json};
use serde::{Deserialize, Serialize};

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    pub v: u32,
    pub payments: Vec<PaymentView>,
    pub cursor: String,
    pub more: bool,
}

impl HistoryPage {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let page: Self = from_json(body)?;
        check_version(page.v)?;
        Ok(page)
    }
}

/// A payment as a till may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PaymentView {
    pub v: u32,
    pub id: String,
    pub device_id: String,
    pub device_name: String,
    pub seq: u64,
    pub number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub tax_minor: i64,
    /// The tip in `amount_minor`.
    #[serde(default)]
    pub tip_minor: i64,
    /// Who sold, and what they are called now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_name: Option<String>,
    /// What was paid back so far.
    #[serde(default)]
    pub refunded_minor: i64,
    /// A name of [`holdfast_core::payment::PaymentState::name`].
    pub state: String,
    #[serde(default)]
    pub reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_code: Option<String>,
    pub brand: String,
    pub last4: String,
    pub entry: String,
    pub offline: bool,
    pub taken_ms: i64,
    pub received_ms: i64,
    pub changed_ms: i64,
    pub lines: Vec<LineWire>,
    /// Path of the live receipt on the server that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Of a declined payment whose sealed card was kept: when it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryView>,
    /// The payment of the same sale that was not paid, and that its customer made this one in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The one that was made in place of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    /// What the card's bank took back, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chargebacks: Vec<ChargebackView>,
}

/// A part of a payment, or all of it, that its card's bank took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChargebackView {
    pub amount_minor: i64,
    /// The bank's code, if it gave one, and what it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub text: String,
    pub at_ms: i64,
}

/// When a declined payment may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RetryView {
    pub from_ms: i64,
    /// The sealed card is wiped then.
    pub until_ms: i64,
    /// The server tries by itself from then on; else somebody has to ask the customer first.
    pub by_itself: bool,
}

impl PaymentView {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let view: Self = from_json(body)?;
        check_version(view.v)?;
        Ok(view)
    }

    /// Whether nothing more happens to it by itself.
    pub fn is_settled(&self) -> bool {
        matches!(
            self.state.as_str(),
            "captured" | "partly-refunded" | "refunded" | "voided" | "declined" | "expired" | "quarantined"
        )
    }
}

/// Why a payment is declined or quarantined: a code for the details, words for the seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reason {
    pub code: String,
    pub text: String,
}
