//! Errors of the API: application/problem+json (RFC 9457).

use serde::{Deserialize, Serialize};

/// A problem. `kind` is a path such as `/problems/device-revoked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What to do.
    pub detail: String,
}

impl Problem {
    pub const CONTENT_TYPE: &str = "application/problem+json";

    pub fn new(name: &str, status: u16, title: &str, detail: &str) -> Self {
        Self { kind: format!("/problems/{name}"), title: title.into(), status, detail: detail.into() }
    }

    /// The name without its path.
    pub fn name(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }

    pub fn from_json(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}
