//! The first page: how was today, what is waiting, what needs me, are my tills well.

use super::format::{ago, money, state};
use super::page::{Tab, inside};
use crate::desk::{DeviceRow, StateSum};
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

/// A till tells about itself every few seconds while it is open; after this long it is closed, or without a network.
const QUIET_MS: i64 = 5 * 60_000;

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    let sums = desk.sums_since(now_ms - DAY_MS).await?;
    let devices = desk.devices().await?;
    let (quarantined, missing) = (desk.quarantine_count().await?, desk.missing_count().await?);
    let is = |colour: &'static str| sums.iter().filter(move |sum| state(&sum.state).1 == colour);
    let body = html! {
        div.office-cards {
            section.office-card data-colour="green" {
                h2 { "Paid in the last 24 hours" }
                (amounts(is("green")))
                p { a href="/office/payments" { "Every payment" } }
            }
            section.office-card data-colour="amber" {
                h2 { "Waiting" }
                (amounts(is("amber")))
                p.note { (held(&devices)) }
            }
            section.office-card data-colour="red" {
                h2 { "Needs you" }
                (amounts(is("red")))
                @if person.may(&[Role::Owner]) {
                    p { a href="/office/quarantine" { (quarantined) " in quarantine" } }
                    @if missing > 0 { p { a href="/office/missing" { (missing) " stored and lost by the server" } } }
                }
            }
            section.office-card {
                h2 { "Tills" }
                (tills(&devices, now_ms))
            }
        }
    };
    Ok(inside(&person, Tab::Today, body))
}

fn amounts<'a>(sums: impl Iterator<Item = &'a StateSum>) -> Markup {
    // One line a currency; a shop has one, and a change of it must not add up apples and pears.
    let mut lines: Vec<(String, i64, i64)> = Vec::new();
    for sum in sums {
        match lines.iter_mut().find(|(currency, ..)| *currency == sum.currency) {
            Some((_, minor, count)) => {
                *minor += sum.amount_minor;
                *count += sum.count;
            }
            None => lines.push((sum.currency.clone(), sum.amount_minor, sum.count)),
        }
    }
    html! {
        @if lines.is_empty() { p.office-amount.num { "none" } }
        @for (currency, minor, count) in &lines {
            p.office-amount.num { (money(*minor, currency)) }
            p.note { (count) @if *count == 1 { " payment" } @else { " payments" } }
        }
    }
}

/// What the tills themselves still hold, as they last told.
fn held(devices: &[DeviceRow]) -> String {
    let count: i64 = devices.iter().filter_map(|device| device.waiting_count).sum();
    match count {
        0 => "Nothing is held on the tills.".to_owned(),
        1 => "1 more is held on a till, as it last told.".to_owned(),
        _ => format!("{count} more are held on the tills, as they last told."),
    }
}

fn tills(devices: &[DeviceRow], now_ms: UnixMs) -> Markup {
    let active = devices.iter().filter(|device| device.revoked_ms.is_none()).collect::<Vec<_>>();
    html! {
        @if active.is_empty() { p { "No till yet. " a href="/office/devices" { "Add one." } } }
        ul.office-tills {
            @for device in active {
                @let is_here = device.seen_ms.is_some_and(|seen| now_ms - seen < QUIET_MS);
                li {
                    span.office-lamp data-on=(is_here) {}
                    span.office-till { (device.name) }
                    span.note {
                        @match device.seen_ms {
                            Some(seen) => { (ago(now_ms, seen)) }
                            None => { "not seen yet" }
                        }
                    }
                }
            }
        }
    }
}
