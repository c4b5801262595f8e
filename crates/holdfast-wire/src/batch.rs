//! `POST /api/v1/batches`.

use crate::{WireError, check_version, from_json, to_json};
use serde::{Deserialize, Serialize};

/// The request's body: compact records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Batch {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    #[cfg_attr(feature = "schema", schema(max_items = 50))]
    pub records: Vec<String>,
}

impl Batch {
    pub fn new(records: Vec<String>) -> Self {
        Self { v: crate::V, records }
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let batch: Self = from_json(body)?;
        check_version(batch.v)?;
        Ok(batch)
    }
}

/// The answer's body: compact acknowledgements, each to be verified by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    pub v: u32,
    pub acks: Vec<String>,
}

impl BatchAnswer {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let answer: Self = from_json(body)?;
        check_version(answer.v)?;
        Ok(answer)
    }
}
