//! The probe's answer: a signed server time.

use crate::jws::{JwsError, Unverified, typ};
use holdfast_core::connectivity::AcquirerLamp;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/time?nonce=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TimeAnswer {
    pub v: u32,
    pub time: String,
}

/// Payload of `holdfast-time+jws`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimePayload {
    pub v: u32,
    pub nonce: String,
    pub server_time_ms: i64,
    pub epoch: String,
    /// `up`, `down` or `unknown`.
    pub acquirer: String,
}

impl TimePayload {
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::TIME)
    }

    pub fn acquirer_lamp(&self) -> AcquirerLamp {
        match self.acquirer.as_str() {
            "up" => AcquirerLamp::Up,
            "down" => AcquirerLamp::Down,
            _ => AcquirerLamp::Unknown,
        }
    }
}

/// `POST /api/v1/heartbeat`: the head of the device's chain and what waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    pub head: Head,
    #[cfg_attr(feature = "schema", schema(maximum = 9223372036854775807_u64))]
    pub waiting_count: u64,
    pub waiting_minor: i64,
}

/// Head of a device's chain of records: the last sequence number and its record's hash (empty before the first).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Head {
    #[cfg_attr(feature = "schema", schema(maximum = 9223372036854775807_u64))]
    pub seq: u64,
    #[cfg_attr(feature = "schema", schema(pattern = r"^([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])?$"))]
    pub hash: String,
}
