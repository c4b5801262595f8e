//! `GET /r/<token>`: a payment's live receipt, for whoever holds its address. Unknown and mistyped addresses look the same.

use super::Server;
use crate::receipts::{Lang, ReceiptView};
use crate::store::StoreError;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// A page without a script, in nobody's frame, that asks nobody else for anything.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn page(State(server): State<Arc<Server>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let drawn = match find(&server, &token).await {
        Ok(Some(view)) => server.receipts.page.draw(&view).map(|page| (StatusCode::OK, page)),
        Ok(None) => {
            let wished = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            server.receipts.page.draw_unknown(Lang::of(wished)).map(|page| (StatusCode::NOT_FOUND, page))
        }
        Err(error) => {
            tracing::error!(%error, "a receipt could not use the database");
            return (StatusCode::SERVICE_UNAVAILABLE, "Please look again in a moment.").into_response();
        }
    };
    match drawn {
        Ok((status, page)) => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, POLICY),
                (CACHE_CONTROL, "no-store"),
            ];
            (status, headers, [("x-robots-tag", "noindex, nofollow, noarchive")], page).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a receipt could not be drawn");
            (StatusCode::INTERNAL_SERVER_ERROR, "This receipt cannot be shown.").into_response()
        }
    }
}

async fn find(server: &Server, token: &str) -> Result<Option<ReceiptView>, StoreError> {
    let Some(id) = server.receipts.payment_of(token) else { return Ok(None) };
    server.receipts.view_of(&server.ledger, id).await
}

pub async fn light(State(server): State<Arc<Server>>) -> Response {
    style(&server.receipts.page.light)
}

pub async fn dark(State(server): State<Arc<Server>>) -> Response {
    style(&server.receipts.page.dark)
}

fn style(text: &str) -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=300")], text.to_owned())
        .into_response()
}
