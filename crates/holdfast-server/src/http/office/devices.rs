//! Devices: which there are, their names, a code for a new one, and the end of one.

use super::format::{ago, money, span, time};
use super::page::{Tab, inside};
use crate::desk::{Code, DeviceRow};
use crate::http::api::devices::name_of;
use crate::http::body::form;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::http::{Server, qr};
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::id::DeviceId;
use holdfast_core::time::UnixMs;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use std::sync::Arc;

/// After so long without a word a till is silent.
const QUIET_MS: i64 = 5 * 60_000;

#[derive(Deserialize)]
pub struct Named {
    name: String,
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    let desk = person.desk()?;
    let currency = server.ledger.merchant(desk.merchant_id()).await?.currency;
    let devices = desk.devices().await?;
    let now_ms = server.clock.now_ms();
    let body = html! {
        form.office-lead method="post" action="/office/codes" {
            p.office-lead { "A new till needs a code. It works once, for ten minutes." }
            button.button.primary type="submit" { "Make a code" }
        }
        @if devices.is_empty() { p.office-empty { "No till is enrolled yet." } }
        ul.office-list { @for device in &devices { (line(device, now_ms, person.zone(), &currency)) } }
    };
    Ok(inside(&person, Tab::Devices, body))
}

/// A code, shown once.
pub async fn code(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Code { code, expires_ms } = person.desk()?.make_code(server.clock.now_ms(), None).await?;
    // The part after # never reaches a server, nor a log.
    let link = format!("{}/#enrol={code}", origin(&server, &headers));
    let body = html! {
        section.office-code {
            div.office-qr role="img" aria-label="QR code that opens the till with this code" {
                (PreEscaped(qr::svg(&link).unwrap_or_default()))
            }
            div {
                h2 { "A code for one till" }
                p { "Open the till on the tablet: scan the picture with its camera, or open " strong { (origin(&server, &headers)) }
                    " and type the code." }
                p.office-secret { (code) }
                p.note { "It works once, until " (time(expires_ms, person.zone())) ". It is not shown again." }
                p { a.button href="/office/devices" { "Done" } }
            }
        }
    };
    Ok(inside(&person, Tab::Devices, body))
}

pub async fn rename(Extension(person): Known, Path(id): Path<String>, request: Request) -> Result<Response, ApiError> {
    let id: DeviceId = id.parse().map_err(|_| ApiError::DEVICE_UNKNOWN)?;
    let named: Named = form(request).await?;
    let name = name_of(&named.name).ok_or(ApiError::REQUEST_UNREADABLE)?;
    if !person.desk()?.rename_device(id, name).await? {
        return Err(ApiError::DEVICE_UNKNOWN);
    }
    Ok(Redirect::to("/office/devices").into_response())
}

pub async fn revoke(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id: DeviceId = id.parse().map_err(|_| ApiError::DEVICE_UNKNOWN)?;
    if !person.desk()?.revoke_device(server.clock.now_ms(), id).await? {
        return Err(ApiError::DEVICE_UNKNOWN);
    }
    tracing::info!(device = %id, "device revoked");
    Ok(Redirect::to("/office/devices").into_response())
}

fn line(device: &DeviceRow, now_ms: UnixMs, zone: &str, currency: &str) -> Markup {
    html! {
        li.office-row data-off=[device.revoked_ms.map(|_| "yes")] {
            div.office-what {
                h2 { span.num.office-number { (device.number) } (device.name) }
                p.note {
                    @match (device.revoked_ms, device.seen_ms) {
                        (Some(at), _) => { "Revoked " (time(at, zone)) ". What it still holds goes to quarantine." }
                        (None, Some(seen)) => { "Last seen " (time(seen, zone)) }
                        (None, None) => { "Enrolled " (ago(now_ms, device.enrolled_ms)) ", not seen since" }
                    }
                    @if let Some(name) = &device.location_name { " · " (name) }
                }
            }
            @if device.revoked_ms.is_none() { (standing(device, now_ms, currency)) }
            @if device.revoked_ms.is_none() {
                details.office-more {
                    summary.button { "Change" }
                    div.office-choices {
                        form method="post" action=(format!("/office/devices/{}/name", device.id)) {
                            label for=(format!("name-{}", device.id)) { "Name" }
                            input.input id=(format!("name-{}", device.id)) name="name" value=(device.name) maxlength="120" required;
                            button.button type="submit" { "Keep the name" }
                        }
                        form method="post" action=(format!("/office/devices/{}/revocation", device.id)) {
                            p.note { "A revoked till takes no new payment. What it still holds goes up and waits in quarantine." }
                            button.button.danger type="submit" { "Revoke this till" }
                        }
                    }
                }
            }
        }
    }
}

/// Whether it is here, and what it then still held.
fn standing(device: &DeviceRow, now_ms: UnixMs, currency: &str) -> Markup {
    let is_here = is_online(device, now_ms);
    html! {
        @if let Some(held) = device.waiting_count.filter(|held| *held > 0) {
            div.office-state data-colour="amber" {
                strong.num { "Holds " (held) ", " (money(device.waiting_minor.unwrap_or(0), currency)) }
            }
        }
        div.office-state data-colour=(if is_here { "green" } else { "plain" }) { strong { (seen(device, now_ms)) } }
    }
}

/// A till tells about itself every few seconds while it is open; when it does not it is closed, or without a network.
pub fn is_online(device: &DeviceRow, now_ms: UnixMs) -> bool {
    device.seen_ms.is_some_and(|seen| now_ms - seen < QUIET_MS)
}

/// The same in words.
pub fn seen(device: &DeviceRow, now_ms: UnixMs) -> String {
    match device.seen_ms {
        Some(_) if is_online(device, now_ms) => "Online".to_owned(),
        Some(seen) => format!("Silent for {}", span((now_ms - seen) / 60_000)),
        None => "Not seen yet".to_owned(),
    }
}

/// What people type to come here.
pub fn origin(server: &Server, headers: &HeaderMap) -> String {
    if let Some(url) = &server.doors.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let scheme = if server.doors.is_secure { "https" } else { "http" };
    format!("{scheme}://{host}")
}
