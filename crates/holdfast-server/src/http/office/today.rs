//! The first page: how is today, what is waiting, what needs me, are my tills well.

use super::devices::{is_online, seen};
use super::format::{ago, money};
use super::page::{Tab, inside};
use super::{hours, needs, policy};
use crate::desk::{DeviceRow, Waiting};
use crate::http::Server;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::people::Role;
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use holdfast_core::time::{DAY_MS, UnixMs};
use maud::{Markup, html};
use std::sync::Arc;

/// How long what was lost is shown as something new.
const NEWS_MS: i64 = 7 * DAY_MS;

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    let currency = server.ledger.merchant(desk.merchant_id()).await?.currency;
    let devices = desk.devices().await?;
    let waiting = desk.waiting().await?;
    let risk = desk.risk(now_ms).await?;
    let needs = desk.needs(now_ms - NEWS_MS).await?;
    let day = hours::card(&server, desk.merchant_id(), &currency, now_ms, person.may(&[Role::Owner])).await?;
    let body = html! {
        div.office-today id="today" data-live {
            (day)
            (needs::card(&person, &needs, &devices, now_ms, &currency))
            div.office-stack {
                (waits(&waiting, &devices, now_ms, &currency))
                @if risk.meter.minor > 0 && person.may(&[Role::Owner, Role::Manager]) {
                    section.office-card data-colour="amber" {
                        h2 { a href="/office/policy" { "May be lost" } }
                        (policy::meter(&risk))
                    }
                }
                section.office-card {
                    h2 { "Tills" }
                    (tills(&devices, now_ms, &currency))
                }
            }
        }
    };
    Ok(inside(&person, Tab::Today, body))
}

/// What is on its way, at the bank and on the tills.
fn waits(waiting: &[Waiting], devices: &[DeviceRow], now_ms: UnixMs, currency: &str) -> Markup {
    let sum = |of: fn(&DeviceRow) -> Option<i64>| devices.iter().filter_map(of).fold(0_i64, i64::saturating_add);
    let (held, held_minor) = (sum(|device| device.waiting_count), sum(|device| device.waiting_minor));
    let is_calm = held == 0 && waiting.is_empty();
    let banked = waiting.iter().filter(|sum| sum.currency == currency).map(|sum| sum.amount_minor);
    let all_minor = banked.fold(held_minor, i64::saturating_add);
    html! {
        section.office-card data-colour=[(!is_calm).then_some("amber")] {
            h2 { "Waiting" }
            @if is_calm {
                p.note { "Nothing. The bank has answered everything, and the tills hold nothing." }
            } @else {
                p.office-amount.num { (money(all_minor, currency)) }
            }
            div.office-needs {
                @for sum in waiting {
                    a.office-need href="/office/payments?state=waiting" {
                        b { (sum.count) }
                        span { "with the bank, oldest " (ago(now_ms, sum.oldest_ms)) }
                        span.num { (money(sum.amount_minor, &sum.currency)) }
                    }
                }
                @if held > 0 {
                    a.office-need href="/office/devices" {
                        b { (held) }
                        span { "on the tills, as last told" }
                        span.num { (money(held_minor, currency)) }
                    }
                }
            }
        }
    }
}

fn tills(devices: &[DeviceRow], now_ms: UnixMs, currency: &str) -> Markup {
    let active = devices.iter().filter(|device| device.revoked_ms.is_none()).collect::<Vec<_>>();
    html! {
        @if active.is_empty() { p { "No till yet. " a href="/office/devices" { "Add one." } } }
        ul.office-tills { @for device in active { (till(device, now_ms, currency)) } }
    }
}

fn till(device: &DeviceRow, now_ms: UnixMs, currency: &str) -> Markup {
    html! {
        li {
            span.office-lamp data-on=(is_online(device, now_ms)) {}
            span.office-till { (device.name) }
            span.note { (seen(device, now_ms)) }
            @if let Some(held) = device.waiting_count.filter(|held| *held > 0) {
                span.office-held {
                    "Holds " (held) ", " span.num { (money(device.waiting_minor.unwrap_or(0), currency)) }
                }
            }
        }
    }
}
