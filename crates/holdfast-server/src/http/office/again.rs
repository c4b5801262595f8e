//! What a payment's page says about paying again: the payment that it was made in place of, the one in its place, and that a sale was settled
//! in another way.

use super::format::{card, state};
use crate::again::Sale;
use crate::http::Server;
use crate::http::api::payments::look;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use crate::process::Clock as _;
use crate::store::Payment;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use std::sync::Arc;

/// The other payments of the same sale, each with where it stands.
pub fn others(sale: &Sale, payment: &Payment) -> Markup {
    let others = sale.payments().iter().filter(|other| other.id != payment.id);
    html! {
        @if sale.attempts() > 0 {
            section.office-card {
                h2 { "The same sale" }
                dl.office-facts {
                    @for other in others {
                        dt { a.office-link href=(format!("/office/payments/{}", other.id)) {
                            @if Some(other.id) == payment.again.replaces { "The payment before it" }
                            @else if Some(other.id) == payment.again.replaced_by { "The payment in its place" }
                            @else { "Another payment" }
                        } }
                        dd { (state(other.state.name()).0) ", " (card(&other.card.brand, &other.card.last4)) }
                    }
                }
            }
        }
    }
}

/// The way to end it, while the customer may still pay on the receipt.
pub fn settle_form(server: &Server, sale: &Sale, payment: &Payment) -> Markup {
    let is_offered = server.receipts.pays_again && sale.is_payable(server.clock.now_ms());
    html! {
        @if is_offered && sale.last().id == payment.id {
            form.office-card.office-fields method="post" action=(format!("/office/payments/{}/settled", payment.id)) {
                h2 { "Settled in another way?" }
                p.note { "The customer can pay this again by card on its receipt, until you say that nothing is owed any more." }
                button.button type="submit" { "It is settled in another way" }
            }
        }
    }
}

pub async fn settled(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let merchant_id = person.desk()?.merchant_id();
    let payment = look(&server, merchant_id, &id).await?;
    let by = person.session.user_id.clone();
    // When it was paid or settled meanwhile, the page says so.
    server.ledger.settle_otherwise(server.clock.now_ms(), merchant_id, payment.id, by).await?;
    Ok(Redirect::to(&format!("/office/payments/{}", payment.id)).into_response())
}
