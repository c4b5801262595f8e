//! `GET /r/<token>`: a payment's live receipt, for whoever holds its address. Unknown and mistyped addresses look the same.

use super::Server;
use crate::again::{Offer, Sale};
use crate::process::Clock as _;
use crate::receipts::{Lang, ReceiptView, Receipts};
use crate::store::StoreError;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// A page without a script, in nobody's frame, that asks nobody else for anything.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same for a page that may still change: our one script, which asks this server only. A form of it goes nowhere, also when the script
/// does not run, and no text can become a script or markup.
const LIVE_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

pub async fn page(State(server): State<Arc<Server>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let drawn = match find(&server, &token).await {
        Ok(Some((view, offer))) => {
            let policy = if offer.is_some() || view.state.is_open { LIVE_POLICY } else { POLICY };
            server.receipts.page.draw(&view, offer.as_ref()).map(|page| (StatusCode::OK, policy, page))
        }
        Ok(None) => {
            let wished = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            server.receipts.page.draw_unknown(Lang::of(wished)).map(|page| (StatusCode::NOT_FOUND, POLICY, page))
        }
        Err(error) => {
            tracing::error!(%error, "a receipt could not use the database");
            return (StatusCode::SERVICE_UNAVAILABLE, "Please look again in a moment.").into_response();
        }
    };
    match drawn {
        Ok((status, policy, page)) => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, policy),
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

/// What the page says, and what it offers.
async fn find(server: &Server, token: &str) -> Result<Option<(ReceiptView, Option<Offer>)>, StoreError> {
    let Some(sale) = sale(server, token).await? else { return Ok(None) };
    let offer = match server.receipts.pays_again {
        true => sale.offer(&server.keyring, server.clock.now_ms()),
        false => None,
    };
    let view = Receipts::view(&server.ledger, &sale, offer.is_some()).await?;
    Ok(Some((view, offer)))
}

/// The sale whose receipt has this token.
pub async fn sale(server: &Server, token: &str) -> Result<Option<Sale>, StoreError> {
    match server.receipts.payment_of(token) {
        Some(id) => Sale::read(&server.ledger, id).await,
        None => Ok(None),
    }
}

pub async fn light(State(server): State<Arc<Server>>) -> Response {
    file("text/css; charset=utf-8", &server.receipts.page.light)
}

pub async fn dark(State(server): State<Arc<Server>>) -> Response {
    file("text/css; charset=utf-8", &server.receipts.page.dark)
}

pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", crate::receipts::page::SCRIPT)
}

fn file(kind: &'static str, text: &str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=300")], text.to_owned()).into_response()
}
