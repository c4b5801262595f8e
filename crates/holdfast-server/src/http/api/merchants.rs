//! `GET /api/v1/merchants`: which merchants this server has, for whoever runs it. Nothing of their business.

use crate::http::Server;
use crate::http::problem::ApiError;
use crate::http::tagged;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use holdfast_wire::V;
use serde::Serialize;
use sqlx::Row as _;
use std::sync::Arc;
use utoipa::ToSchema;

/// Every merchant.
#[derive(Serialize, ToSchema)]
pub struct Merchants {
    v: u32,
    merchants: Vec<MerchantLine>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub struct MerchantLine {
    id: String,
    name: String,
    /// Devices that may sell.
    device_count: i64,
}

pub async fn list(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let rows = sqlx::query(
        "SELECT m.id, m.name, (SELECT count(*) FROM devices d WHERE d.merchant_id = m.id AND d.revoked_ms IS NULL AND d.kind = 'till') AS device_count
         FROM merchants m ORDER BY m.name, m.id",
    )
    .fetch_all(server.ledger.db().reader())
    .await
    .map_err(crate::store::StoreError::from)?;
    let line = |row: &sqlx::any::AnyRow| -> Result<MerchantLine, crate::store::StoreError> {
        Ok(MerchantLine {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            device_count: row.try_get("device_count")?,
        })
    };
    tagged::json(&headers, &Merchants { v: V, merchants: rows.iter().map(line).collect::<Result<_, _>>()? })
}
