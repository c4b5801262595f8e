//! A payment's own figures: the amount and how it stands, and the lines that it is made of.

use super::format::{card, money, state, time};
use crate::store::Payment;
use holdfast_wire::record::LineWire;
use maud::{Markup, html};

/// The amount, how it stands, and with what it was paid.
pub fn head(payment: &Payment, till: &str, seller: Option<&str>, zone: &str) -> Markup {
    let (currency, refunded_minor) = (payment.sale.currency.as_str(), payment.state.refunded_minor());
    let (words, colour) = state(payment.state.name());
    html! {
        section.office-card id="head" data-live {
            div.office-lead {
                p.office-amount.num { (money(payment.sale.amount_minor, currency)) }
                div.office-state data-colour=(colour) { strong { (words) } }
            }
            dl.office-facts {
                @if refunded_minor > 0 {
                    dt { "Paid back" } dd.num { (money(refunded_minor, currency)) }
                    dt { "Left" } dd.num { (money(payment.sale.amount_minor - refunded_minor, currency)) }
                }
                dt { "Card" } dd { (card(&payment.card.brand, &payment.card.last4)) }
                dt { "Till" } dd { (till) }
                @if let Some(seller) = seller { dt { "Sold by" } dd { (seller) } }
                dt { "Taken" } dd { (time(payment.taken_ms, zone)) @if payment.offline { ", offline" } }
            }
        }
    }
}

/// What was sold: the lines that the amount is made of.
pub fn sold(payment: &Payment) -> Markup {
    let currency = payment.sale.currency.as_str();
    // Written by us when the record was taken; lines that cannot be read are not worth a broken page.
    let lines = serde_json::from_str::<Vec<LineWire>>(&payment.sale.lines).unwrap_or_default();
    html! {
        @if !lines.is_empty() {
            section.office-card {
                h2 { "What was sold" }
                dl.office-facts {
                    @for line in &lines {
                        dt { (line.qty) " × " (line.name) } dd.num { (money(line.total_minor, currency)) }
                    }
                    @if payment.sale.tip_minor > 0 {
                        dt { "Tip" } dd.num { (money(payment.sale.tip_minor, currency)) }
                    }
                    dt { "Tax in it" } dd.num { (money(payment.sale.tax_minor, currency)) }
                }
            }
        }
    }
}
