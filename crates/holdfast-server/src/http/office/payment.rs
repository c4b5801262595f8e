//! One payment: how it stands, what happened to it and who did it, and what can be done: refund, void, try again.

use super::again::{others, settle_form};
use super::format::money;
use super::mails::letters;
use super::page::{Tab, alert, below};
use super::{slip, story};
use crate::again::Sale;
use crate::http::Server;
use crate::http::api::instructions::{by_person, carry_out};
use crate::http::api::payments::look;
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::people::Role;
use crate::store::{Ledger as _, Payment};
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::money::Amount;
use holdfast_core::payment::instruction::{InstructionKind, Wanted};
use holdfast_core::payment::{GiveBackReason, PaymentState, Retry};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

const KEEPERS: &[Role] = &[Role::Owner, Role::Manager];

/// Reasons to choose from, and their words.
const REASONS: [(&str, &str); 5] = [
    ("customer-returned", "The customer brought it back"),
    ("damaged-goods", "It was damaged"),
    ("wrong-amount", "The amount was wrong"),
    ("paid-twice", "It was paid twice"),
    ("other", "Another reason"),
];

/// What a form brings. `id` was made with the page: however often it is sent, it is one instruction.
#[derive(Deserialize)]
pub struct Asked {
    id: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
}

pub async fn get(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    page(&server, &person, &id, StatusCode::OK, None).await
}

pub async fn refund(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    act(&server, &person, &id, request, InstructionKind::Refund).await
}

pub async fn void(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    act(&server, &person, &id, request, InstructionKind::Void).await
}

pub async fn retry(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    act(&server, &person, &id, request, InstructionKind::Retry).await
}

async fn act(
    server: &Server,
    person: &Person,
    id: &str,
    request: Request,
    kind: InstructionKind,
) -> Result<Response, ApiError> {
    let merchant_id = person.desk()?.merchant_id();
    let payment = look(server, merchant_id, id).await?;
    let asked: Asked = form(request).await?;
    let fault = match wanted(person, &payment, asked, kind) {
        Err(words) => words.to_owned(),
        Ok(wanted) => match carry_out(server, merchant_id, payment.id, wanted).await {
            Ok(_) => return Ok(Redirect::to(&format!("/office/payments/{}", payment.id)).into_response()),
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => format!("{}. {}", error.title(), error.detail()),
        },
    };
    page(server, person, id, StatusCode::CONFLICT, Some(&fault)).await
}

fn wanted(person: &Person, payment: &Payment, asked: Asked, kind: InstructionKind) -> Result<Wanted, &'static str> {
    let id = asked.id.parse::<uuid::Uuid>().map_err(|_| "Open this page again and repeat it.")?.to_string();
    let amount_minor = match kind {
        InstructionKind::Refund => {
            let currency =
                payment.sale.currency.parse().map_err(|_| "The currency of this payment is not known here.")?;
            let amount = Amount::from_plain(&asked.amount, currency).filter(Amount::is_positive);
            amount.ok_or("Type the amount in digits, such as 4.20.")?.minor()
        }
        InstructionKind::Void | InstructionKind::Retry => 0,
    };
    let reason = if asked.reason.is_empty() { kind.name() } else { asked.reason.as_str() };
    let reason: GiveBackReason = reason.parse().map_err(|_| "Choose a reason.")?;
    Ok(Wanted { id, kind, amount_minor, reason, by: by_person(person) })
}

async fn page(
    server: &Server,
    person: &Person,
    id: &str,
    status: StatusCode,
    fault: Option<&str>,
) -> Result<Response, ApiError> {
    let desk = person.desk()?;
    let payment = look(server, desk.merchant_id(), id).await?;
    let lines = desk.story(payment.id).await?;
    let names = server.ledger.device_names(desk.merchant_id()).await?;
    let till = names.iter().find(|(of, _)| *of == payment.device_id).map(|(_, name)| name.as_str());
    let sale = Sale::read(&server.ledger, payment.id).await?.ok_or(ApiError::PAYMENT_UNKNOWN)?;
    let sellers = server.ledger.staff_names(desk.merchant_id()).await?;
    let seller = sellers.iter().find(|(of, _)| *of == payment.sale.staff).map(|(_, name)| name.as_str());
    let mails = server.ledger.mails_of(payment.id).await?;
    let is_open = server.ledger.instructions(payment.id).await?.iter().any(|known| known.progress.is_open());
    let currency = payment.sale.currency.as_str();
    let title = format!("Sale {}", payment.sale.number);
    let acts = if person.may(KEEPERS) && !is_open {
        html! { (forms(&payment)) (settle_form(server, &sale, &payment)) }
    } else {
        html! {}
    };
    let body = html! {
        div.office-title { h1 { (title) } a.office-link href="/office/payments" { "All payments" } }
        (alert(fault))
        div.office-halves {
            div {
                (slip::head(&payment, till.unwrap_or_default(), seller, person.zone()))
                section.office-card {
                    h2 { "What happened" }
                    ol.office-steps id="story" data-live { (story::told(&lines, currency, person.zone())) }
                }
            }
            div {
                div id="open" data-live {
                    @if is_open {
                        p.office-empty role="status" { "Something is on its way for this payment. What comes of it shows up here." }
                    }
                }
                (acts)
                (others(&sale, &payment))
                (letters(&mails, person.zone()))
                (slip::sold(&payment))
            }
        }
    };
    Ok(below(status, person, Tab::Payments, &title, body))
}

/// What can be done now.
fn forms(payment: &Payment) -> Markup {
    let left_minor = payment.sale.amount_minor - payment.state.refunded_minor();
    match &payment.state {
        PaymentState::Captured { .. } | PaymentState::PartlyRefunded { .. } => refund_form(payment, left_minor),
        PaymentState::Received
        | PaymentState::Authorising
        | PaymentState::Authorised { .. }
        | PaymentState::Capturing { .. } => plain_form(
            payment,
            "void",
            "danger",
            "Void this payment",
            "The customer's money is not taken. What the bank has approved by then is given back.",
        ),
        PaymentState::Declined { .. } if payment.again.replaced_by.is_some() || payment.again.is_settled => html! {},
        PaymentState::Declined { decline, .. } if decline.retry() != Retry::Never && payment.record.is_some() => {
            plain_form(
                payment,
                "retry",
                "primary",
                "Try it again",
                "Ask the customer first when the bank wants to hear from them. The sealed card is kept until the end of the payment's window.",
            )
        }
        PaymentState::Declined { decline, .. } => html! {
            p.office-empty {
                @if decline.retry() == Retry::Never { "The bank said never to try this card again." }
                @else { "To try it again the card is needed: its sealed data were wiped with the bank's answer." }
            }
        },
        _ => html! {},
    }
}

fn refund_form(payment: &Payment, left_minor: i64) -> Markup {
    let currency = payment.sale.currency.as_str();
    let plain = currency.parse().map(|currency| Amount::new(left_minor, currency).to_plain()).unwrap_or_default();
    html! {
        form.office-card.office-fields method="post" action=(format!("/office/payments/{}/refund", payment.id)) {
            h2 { "Pay back" }
            (form_id())
            div.field {
                label for="amount" { "Amount, at most " span.num { (money(left_minor, currency)) } }
                input.input.num id="amount" name="amount" value=(plain) inputmode="decimal" maxlength="14" autocomplete="off" required;
            }
            div.field {
                label for="reason" { "Why" }
                select.input id="reason" name="reason" {
                    @for (name, words) in REASONS { option value=(name) { (words) } }
                }
            }
            p.note { "It goes back to the card that paid. Banks take some days to show it." }
            button.button.danger type="submit" { "Pay this amount back" }
        }
    }
}

fn plain_form(payment: &Payment, path: &str, weight: &str, button: &str, note: &str) -> Markup {
    html! {
        form.office-card.office-fields method="post" action=(format!("/office/payments/{}/{path}", payment.id)) {
            h2 { (button) }
            (form_id())
            p.note { (note) }
            button.button.(weight) type="submit" { (button) }
        }
    }
}

/// Made with the page, so that its button does one thing once.
fn form_id() -> Markup {
    html! { input type="hidden" name="id" value=(uuid::Uuid::new_v4().to_string()); }
}
