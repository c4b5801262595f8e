//! `/demo/mails`: the letters that a demo keeps instead of sending, and its merchant's templates.

use super::Server;
use super::door::Access;
use super::office::letters::PREVIEW_LINK;
use super::problem::ApiError;
use super::routes::{Route, route};
use crate::mail::{Post, Rendered, TemplateError, Templates};
use crate::process::Clock as _;
use crate::receipts::{SAMPLE_STATES, sample};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use holdfast_core::id::MailId;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Serialize)]
struct Kept {
    id: String,
    bytes: u64,
}

#[derive(Serialize)]
struct List {
    mails: Vec<Kept>,
}

#[derive(Serialize)]
struct Current {
    /// 0: the server's own.
    version: i64,
    #[serde(flatten)]
    templates: Templates,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Preview {
    Good(Rendered),
    Wrong { error: TemplateError },
}

/// The demo's routes about letters.
pub const ROUTES: &[Route] = &[
    route("GET", "/demo/mails", Access::Demo, || get(list)),
    route("GET", "/demo/mails/{id}", Access::Demo, || get(one)),
    route("GET", "/demo/mail/templates", Access::Demo, || get(templates)),
    route("PUT", "/demo/mail/templates", Access::Demo, || put(put_templates)),
    route("POST", "/demo/mail/preview", Access::Demo, || post(preview)),
];

/// The letters, the oldest first.
async fn list(State(server): State<Arc<Server>>) -> Result<Json<List>, ApiError> {
    let Post::Folder(folder) = &server.mails.post else { return Err(ApiError::NOT_FOUND) };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = PathBuf::from(entry.file_name());
        let is_whole = name.extension().is_some_and(|extension| extension == "eml");
        if let (true, Some(id), Ok(meta)) =
            (is_whole, name.file_stem().and_then(|stem| stem.to_str()), entry.metadata())
        {
            found.push((meta.modified().ok(), Kept { id: id.to_owned(), bytes: meta.len() }));
        }
    }
    found.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    Ok(Json(List { mails: found.into_iter().map(|(_, kept)| kept).collect() }))
}

/// One letter as it would have been sent.
async fn one(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let Post::Folder(folder) = &server.mails.post else { return Err(ApiError::NOT_FOUND) };
    let id: MailId = id.parse().map_err(|_| ApiError::NOT_FOUND)?;
    let bytes = std::fs::read(folder.join(format!("{id}.eml"))).map_err(|_| ApiError::NOT_FOUND)?;
    Ok(([(CONTENT_TYPE, "message/rfc822")], bytes).into_response())
}

async fn templates(State(server): State<Arc<Server>>) -> Result<Json<Current>, ApiError> {
    let merchant_id = server.ledger.first_merchant().await?.ok_or(ApiError::TRY_LATER)?;
    let own = server.ledger.mail_templates(merchant_id).await?;
    let (version, templates) = own.unwrap_or_else(|| (0, Templates::built_in()));
    Ok(Json(Current { version, templates }))
}

/// Keeps templates that every state of a payment can be written with.
async fn put_templates(
    State(server): State<Arc<Server>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Current>), ApiError> {
    let templates: Templates = serde_json::from_slice(&body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    if let Preview::Wrong { .. } = tried(&server, &templates).await? {
        return Err(ApiError::TEMPLATE_REFUSED);
    }
    let merchant_id = server.ledger.first_merchant().await?.ok_or(ApiError::TRY_LATER)?;
    let version = server.ledger.put_mail_templates(server.clock.now_ms(), merchant_id, templates.clone()).await?;
    Ok((StatusCode::CREATED, Json(Current { version, templates })))
}

async fn preview(State(server): State<Arc<Server>>, body: Bytes) -> Result<Json<Preview>, ApiError> {
    let templates: Templates = serde_json::from_slice(&body).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    tried(&server, &templates).await.map(Json)
}

async fn tried(server: &Server, templates: &Templates) -> Result<Preview, ApiError> {
    let merchant_id = server.ledger.first_merchant().await?.ok_or(ApiError::TRY_LATER)?;
    let merchant = server.ledger.merchant(merchant_id).await?;
    let mut good = None;
    for state in SAMPLE_STATES {
        match templates.render(&sample(&merchant, state), PREVIEW_LINK) {
            Ok(rendered) if state == "captured" => good = Some(rendered),
            Ok(_) => {}
            Err(error) => return Ok(Preview::Wrong { error }),
        }
    }
    good.map(Preview::Good).ok_or(ApiError::TRY_LATER)
}
