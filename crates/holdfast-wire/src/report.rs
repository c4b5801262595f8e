//! `GET /api/v1/reports/{kind}`: a report of the shop's books.

use crate::{WireError, check_version, from_json, to_json};
use serde::{Deserialize, Serialize};

/// A report over business days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Report {
    pub v: u32,
    pub kind: String,
    /// First and last business day, as `2026-11-23`.
    pub from: String,
    pub to: String,
    pub time_zone: String,
    pub day_start_hour: i64,
    pub rows: Vec<Row>,
    /// What the rows add up to, a currency each.
    pub totals: Vec<Row>,
}

/// One row. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Row {
    /// What the row is about: a date, an hour, a name, an id, a rate in basis points.
    pub key: String,
    /// The same for a person.
    pub label: String,
    pub currency: String,
    pub count: i64,
    pub quantity: i64,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub tips_minor: i64,
    /// Net, tax and tips.
    pub gross_minor: i64,
    pub refunds_minor: i64,
    pub refunds_tax_minor: i64,
    pub lost_minor: i64,
    /// In the report of the accounts only: debits less credits.
    pub balance_minor: i64,
}

impl Report {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let report: Self = from_json(body)?;
        check_version(report.v)?;
        Ok(report)
    }
}
