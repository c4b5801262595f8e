//! `POST /api/v1/enrolments`.

use crate::jws::Jwk;
use serde::{Deserialize, Serialize};

/// The request, signed by the key in `jwk` with key id [`ENROL_KEYID`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnrolmentRequest {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    pub code: String,
    pub device_name: String,
    pub jwk: Jwk,
}

/// `keyid` of the request's HTTP signature: the device has no id yet.
pub const ENROL_KEYID: &str = "enrol";

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Enrolment {
    pub v: u32,
    pub device_id: String,
    /// Small number of the device, the first part of its sales' numbers.
    pub device_number: u32,
    pub merchant_id: String,
    pub epoch: String,
}

/// `GET /demo/enrolment-code`, in demo mode only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnrolmentCode {
    pub code: String,
    pub expires_ms: i64,
}
