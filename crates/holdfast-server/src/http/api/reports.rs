//! `GET /api/v1/reports/{kind}`: the shop's books, for its owner.

use crate::http::Server;
use crate::http::owner::merchant_of;
use crate::http::problem::ApiError;
use crate::http::tagged;
use crate::journal::Journal;
use crate::journal::report::{Ask, AskError, to_csv};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{Extensions, HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Params {
    from: String,
    to: String,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
}

pub async fn get(
    State(server): State<Arc<Server>>,
    Path(kind): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let merchant_id = merchant_of(&server, &extensions).await?;
    let Query(params) = Query::<Params>::try_from_uri(&uri).map_err(|_| ApiError::REPORT_UNREADABLE)?;
    let ask = Ask::parse(&kind, &params.from, &params.to).map_err(|error| match error {
        AskError::Kind => ApiError::NOT_FOUND,
        AskError::Day | AskError::Range => ApiError::REPORT_UNREADABLE,
    })?;
    let report = Journal::new(&server.ledger).report(merchant_id, ask).await?;
    Ok(match params.format {
        Format::Json => tagged::json(&headers, &report)?,
        Format::Csv => {
            // Every part was read from a fixed set or is a date, so nothing in it needs quoting.
            let name = format!("attachment; filename=\"{}-{}-{}.csv\"", report.kind, report.from, report.to);
            let csv = tagged::bytes(&headers, "text/csv; charset=utf-8", to_csv(&report).into_bytes());
            ([(CONTENT_DISPOSITION, name)], csv).into_response()
        }
    })
}
