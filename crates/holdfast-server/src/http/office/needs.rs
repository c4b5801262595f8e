//! What needs somebody, as lines that each open what they are made of.

use super::format::{money, span};
use crate::desk::{DeviceRow, Need, NeedKind};
use crate::http::door::Person;
use crate::people::Role;
use holdfast_core::time::UnixMs;
use maud::{Markup, html};

const OWNER: &[Role] = &[Role::Owner];
const KEEPERS: &[Role] = &[Role::Owner, Role::Manager];
const SHOP: &[Role] = &[Role::Owner, Role::Manager, Role::Cashier];

/// A till that holds payments and says nothing for this long is to be looked after.
const SILENT_MS: i64 = 12 * 3_600_000;

pub fn card(person: &Person, needs: &[Need], devices: &[DeviceRow], now_ms: UnixMs, currency: &str) -> Markup {
    let mine = needs.iter().filter(|need| person.may(known(need.kind).2)).collect::<Vec<_>>();
    let silent = devices.iter().filter(|device| is_silent(device, now_ms) && person.may(KEEPERS)).collect::<Vec<_>>();
    let is_calm = mine.is_empty() && silent.is_empty();
    html! {
        section.office-card data-colour=[(!is_calm).then_some("red")] {
            h2 { "Needs you" }
            @if is_calm { p.note { "Nothing. All that was sold is paid or on its way." } }
            div.office-needs {
                @for need in mine {
                    @let (words, href, _) = known(need.kind);
                    a.office-need href=(href) {
                        b { (need.count) } span { (words) }
                        span.num { @if !need.currency.is_empty() { (money(need.amount_minor, &need.currency)) } }
                    }
                }
                @for device in silent {
                    a.office-need href="/office/devices" {
                        b { "1" }
                        span { (device.name) " is silent for " (span((now_ms - device.seen_ms.unwrap_or(now_ms)) / 60_000)) ", holds " (device.waiting_count.unwrap_or(0)) }
                        span.num { (money(device.waiting_minor.unwrap_or(0), currency)) }
                    }
                }
            }
        }
    }
}

/// Its words, what it opens, and who may open it.
fn known(kind: NeedKind) -> (&'static str, &'static str, &'static [Role]) {
    match kind {
        NeedKind::Lost => ("declined after the sale", "/office/payments?state=lost", SHOP),
        NeedKind::ChargedBack => ("taken back by a card’s bank", "/office/reconciliation", KEEPERS),
        NeedKind::Quarantined => ("in quarantine", "/office/quarantine", OWNER),
        NeedKind::Missing => ("stored, and lost by the server", "/office/missing", OWNER),
        NeedKind::Different => ("differ from the acquirer’s account", "/office/reconciliation", KEEPERS),
    }
}

fn is_silent(device: &DeviceRow, now_ms: UnixMs) -> bool {
    let holds = device.waiting_count.is_some_and(|count| count > 0);
    device.revoked_ms.is_none() && holds && device.seen_ms.is_some_and(|seen| now_ms - seen > SILENT_MS)
}
