//! The probe's answer: a signed server time.

use crate::jws::{JwsError, Unverified, typ};
use holdfast_core::card::{Brand, Entry};
use holdfast_core::connectivity::AcquirerLamp;
use holdfast_core::policy::{Age, Cell};
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
    /// The same by brand, entry and age. Tills of earlier versions tell nothing here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(max_items = 128))]
    pub risk: Vec<RiskWire>,
}

/// Kinds of waiting payments that one heartbeat names: brands, entries and ages, with room to spare.
pub const RISK_MAX: usize = 128;

/// What waits of one brand, entry and age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RiskWire {
    pub brand: String,
    /// `swipe` or `keyed`.
    pub entry: String,
    /// By the thirds of the window that are used: `first`, `second`, `last`; `over` past it.
    pub age: String,
    #[cfg_attr(feature = "schema", schema(maximum = 9223372036854775807_u64))]
    pub count: u64,
    pub minor: i64,
}

impl RiskWire {
    pub fn of(cell: &Cell) -> Self {
        Self {
            brand: cell.brand.name().into(),
            entry: cell.entry.name().into(),
            age: cell.age.name().into(),
            count: cell.count as u64,
            minor: cell.minor,
        }
    }

    /// Brand, entry, age, count and sum; `None` for what this program does not know.
    pub fn to_core(&self) -> Option<(Brand, Entry, Age, usize, i64)> {
        let (entry, age) = (Entry::from_name(&self.entry)?, Age::from_name(&self.age)?);
        let count = usize::try_from(self.count).ok()?;
        (self.minor >= 0).then(|| (Brand::from_name(&self.brand), entry, age, count, self.minor))
    }
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
