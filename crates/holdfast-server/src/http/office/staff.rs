//! Who sells at the tills: names, PINs, who is still here; and how the tills lock themselves and ask for tips.

use super::page::{Tab, alert, inside};
use crate::http::Server;
use crate::http::api::staff::{hashed, seller_name};
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use crate::store::{NewStaff, StaffAdded, StaffChange, StaffMember, TillSettings};
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::id::StaffId;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::staff::StaffRole;
use holdfast_core::tip::Tips;
use holdfast_wire::pin::is_pin;
use holdfast_wire::team::TipsWire;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

const NAME_WORDS: &str = "A name has 1 to 60 characters.";
const PIN_WORDS: &str = "A PIN has 4 to 8 digits, and nothing else.";
/// Minutes without a touch to choose from; 0 for never.
const IDLE_MINUTES: [i64; 6] = [0, 1, 2, 5, 10, 30];

#[derive(Deserialize)]
pub struct New {
    id: String,
    name: String,
    role: String,
    #[serde(default)]
    pin: String,
}

#[derive(Deserialize)]
pub struct Change {
    name: String,
    role: String,
    #[serde(default)]
    pin: String,
    /// There when the box is ticked.
    active: Option<String>,
}

#[derive(Deserialize)]
pub struct Settings {
    must_sign_in: Option<String>,
    on_receipts: Option<String>,
    idle_minutes: i64,
    tips: String,
    #[serde(default)]
    tip_1: String,
    #[serde(default)]
    tip_2: String,
    #[serde(default)]
    tip_3: String,
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    page(&server, &person, None).await
}

pub async fn add(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let asked: New = form(request).await?;
    let id: StaffId = asked.id.parse().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let role = role_of(&asked.role)?;
    let Some(name) = seller_name(&asked.name) else { return page(&server, &person, Some(NAME_WORDS)).await };
    let Ok(pin) = pin_of(asked.pin).await? else { return page(&server, &person, Some(PIN_WORDS)).await };
    let new = NewStaff { id, name, role, pin };
    match server.ledger.add_staff(person.desk()?.merchant_id(), server.clock.now_ms(), new).await? {
        StaffAdded::New | StaffAdded::There => Ok(Redirect::to("/office/staff").into_response()),
        StaffAdded::Full => {
            page(&server, &person, Some("The list is full. Give the entry of somebody who left to somebody new.")).await
        }
    }
}

pub async fn change(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let asked: Change = form(request).await?;
    let id: StaffId = id.parse().map_err(|_| ApiError::STAFF_UNKNOWN)?;
    let role = role_of(&asked.role)?;
    let Some(name) = seller_name(&asked.name) else { return page(&server, &person, Some(NAME_WORDS)).await };
    let Ok(pin) = pin_of(asked.pin).await? else { return page(&server, &person, Some(PIN_WORDS)).await };
    let change = StaffChange { name: Some(name), role: Some(role), is_active: Some(asked.active.is_some()), pin };
    if server.ledger.change_staff(person.desk()?.merchant_id(), server.clock.now_ms(), id, change).await? {
        Ok(Redirect::to("/office/staff").into_response())
    } else {
        Err(ApiError::STAFF_UNKNOWN)
    }
}

pub async fn set_settings(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let asked: Settings = form(request).await?;
    let currency = currency(&server, &person).await?;
    let minutes = IDLE_MINUTES.into_iter().find(|of| *of == asked.idle_minutes).ok_or(ApiError::REQUEST_UNREADABLE)?;
    let Some(tips) = tips_of(&asked, currency) else {
        let words = "Three tips are needed, each above nothing: percentages up to 100, or amounts such as 1.50.";
        return page(&server, &person, Some(words)).await;
    };
    let to = TillSettings {
        must_sign_in: asked.must_sign_in.is_some(),
        idle_lock_ms: minutes * 60_000,
        staff_on_receipts: asked.on_receipts.is_some(),
        tips,
    };
    server.ledger.set_till_settings(person.desk()?.merchant_id(), to).await?;
    Ok(Redirect::to("/office/staff").into_response())
}

fn role_of(text: &str) -> Result<StaffRole, ApiError> {
    StaffRole::from_name(text).ok_or(ApiError::REQUEST_UNREADABLE)
}

/// What is kept of a PIN that was typed; an empty field leaves it as it is. The inner error: it is none.
async fn pin_of(pin: String) -> Result<Result<Option<String>, ()>, ApiError> {
    let pin = Some(pin.trim().to_owned()).filter(|pin| !pin.is_empty());
    if pin.as_deref().is_some_and(|pin| !is_pin(pin)) {
        return Ok(Err(()));
    }
    Ok(Ok(hashed(pin).await?))
}

async fn currency(server: &Server, person: &Person) -> Result<Currency, ApiError> {
    let merchant = server.ledger.merchant(person.desk()?.merchant_id()).await?;
    Ok(merchant.currency.parse().unwrap_or(Currency::EUR))
}

fn tips_of(asked: &Settings, currency: Currency) -> Option<TipsWire> {
    let typed = [&asked.tip_1, &asked.tip_2, &asked.tip_3];
    let values = match asked.tips.as_str() {
        "off" => Vec::new(),
        // A percentage has two decimals, as the euro does.
        "percent" => plain(typed, Currency::EUR)?,
        "fixed" => plain(typed, currency)?,
        _ => return None,
    };
    let tips = TipsWire { kind: asked.tips.clone(), values };
    tips.parse().is_some().then_some(tips)
}

fn plain(typed: [&String; 3], currency: Currency) -> Option<Vec<i64>> {
    typed.into_iter().map(|text| Amount::from_plain(text, currency).map(|amount| amount.minor())).collect()
}

async fn page(server: &Server, person: &Person, words: Option<&str>) -> Result<Response, ApiError> {
    let merchant_id = person.desk()?.merchant_id();
    let staff = server.ledger.staff(merchant_id).await?;
    let settings = server.ledger.till_settings(merchant_id).await?;
    let currency = currency(server, person).await?;
    let body = html! {
        (alert(words))
        p.office-lead {
            "They sign in at the tills with a PIN, and each sale says who sold. A PIN is a screen lock: it keeps colleagues apart, and not a thief with time. "
            "If a tablet is stolen, revoke it under Devices and give everybody a new PIN."
        }
        @if staff.is_empty() { p.office-empty { "Nobody is on the list. Tills sell without signing in." } }
        ul.office-list { @for member in &staff { (line(member)) } }
        form.office-card.office-fields method="post" action="/office/staff" {
            h2 { "Add somebody" }
            input type="hidden" name="id" value=(uuid::Uuid::new_v4());
            div.office-line {
                div.field {
                    label for="name" { "Name" }
                    input.input id="name" name="name" maxlength="60" autocomplete="off" required;
                }
                div.field { label for="role" { "May do" } (roles("role", StaffRole::Cashier)) }
                div.field { label for="pin" { "PIN, 4 to 8 digits" } (pin("pin")) }
                button.button.primary type="submit" { "Add" }
            }
        }
        (settings_form(&settings, currency))
    };
    Ok(inside(person, Tab::Staff, body))
}

fn line(member: &StaffMember) -> Markup {
    let id = member.id;
    html! {
        li.office-row data-off[!member.is_active] {
            div.office-what {
                h2 { (member.name) }
                p.note { (words(member.role)) @if !member.is_active { " · no longer here" } @else if !member.has_pin { " · has no PIN yet" } }
            }
            details.office-more {
                summary.button { "Change" }
                div.office-choices {
                    form method="post" action=(format!("/office/staff/{id}")) {
                        label for=(format!("name-{id}")) { "Name" }
                        input.input id=(format!("name-{id}")) name="name" value=(member.name) maxlength="60" autocomplete="off" required;
                        label for=(format!("role-{id}")) { "May do" }
                        (roles(&format!("role-{id}"), member.role))
                        label for=(format!("pin-{id}")) { "New PIN" }
                        (pin(&format!("pin-{id}")))
                        p.note { "Left empty, the PIN stays." }
                        label.office-tick { input type="checkbox" name="active" value="1" checked[member.is_active]; "Works here" }
                        button.button type="submit" { "Keep" }
                    }
                }
            }
        }
    }
}

fn settings_form(now: &TillSettings, currency: Currency) -> Markup {
    let tips = now.tips.to_core();
    let (kind, shown) = match tips {
        Tips::Off => ("off", [const { String::new() }; 3]),
        Tips::Percent(rates) => ("percent", rates.map(|bp| Amount::new(i64::from(bp), Currency::EUR).to_plain())),
        Tips::Fixed(amounts) => ("fixed", amounts.map(|minor| Amount::new(minor, currency).to_plain())),
    };
    html! {
        form.office-card.office-fields method="post" action="/office/till-settings" {
            h2 { "The tills" }
            label.office-tick {
                input type="checkbox" name="must_sign_in" value="1" checked[now.must_sign_in];
                "Nobody sells without signing in"
            }
            p.note { "Without this, whoever wants signs in; from then on that tablet asks for a PIN." }
            label.office-tick {
                input type="checkbox" name="on_receipts" value="1" checked[now.staff_on_receipts];
                "Receipts say the first name of who served"
            }
            div.field {
                label for="idle_minutes" { "Lock a till that nobody touched for" }
                select.input id="idle_minutes" name="idle_minutes" {
                    @for minutes in IDLE_MINUTES {
                        option value=(minutes) selected[minutes * 60_000 == now.idle_lock_ms] {
                            @match minutes { 0 => "never", 1 => "1 minute", _ => { (minutes) " minutes" } }
                        }
                    }
                }
            }
            div.field {
                label for="tips" { "Tips" }
                select.input id="tips" name="tips" {
                    @for (name, words) in [("off", "Not asked for"), ("percent", "Percentages"), ("fixed", "Amounts")] {
                        option value=(name) selected[name == kind] { (words) }
                    }
                }
            }
            fieldset.office-three {
                legend { "Three to choose from, in percent or in " (currency.code()) }
                @for (n, value) in (1..).zip(&shown) {
                    input.input.num name=(format!("tip_{n}")) aria-label=(format!("Tip {n}")) value=(value) inputmode="decimal" maxlength="12" autocomplete="off";
                }
            }
            button.button type="submit" { "Keep" }
            p.note { "Tills hear of it with their next connection." }
        }
    }
}

fn pin(id: &str) -> Markup {
    html! { input.input.num id=(id) name="pin" type="password" inputmode="numeric" pattern="[0-9]{4,8}" maxlength="8" autocomplete="new-password"; }
}

fn roles(id: &str, chosen: StaffRole) -> Markup {
    html! {
        select.input id=(id) name="role" {
            @for role in StaffRole::ALL { option value=(role.name()) selected[role == chosen] { (words(role)) } }
        }
    }
}

fn words(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Cashier => "Sells (cashier)",
        StaffRole::Manager => "Sells, approves, lets others in (manager)",
    }
}
