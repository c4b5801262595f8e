//! Selling without an answer: the caps that an owner sets, who changed them, and what may be lost now.

use super::format::{money, time};
use super::page::{Tab, alert, inside};
use crate::desk::{PolicyChange, PolicyNow, Risk};
use crate::http::Server;
use crate::http::api::policy::sound;
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::people::Role;
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::card::Brand;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::policy::Age;
use holdfast_wire::policy::{PolicySettings, RateWire};
use maud::{Markup, html};
use std::collections::HashMap;
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;
/// Changes that are shown.
const CHANGES_MAX: usize = 20;

/// The caps: the form's field, its name, and what it means.
const CAPS: [(&str, &str, &str); 6] = [
    ("payment", "One payment", "The most that one payment may be."),
    ("keyed", "One keyed payment", "For cards that are typed in: the riskier entry."),
    ("total", "All that waits on a till", "Beyond it the till takes no more until it is connected."),
    ("day", "One till on one business day", "Also what has gone up since."),
    ("card", "One card on one business day", "So that one stolen card cannot buy the shop empty."),
    ("unkept", "A till that is not installed", "Its browser may delete what waits."),
];

const BRANDS: [Brand; 8] = [
    Brand::Visa,
    Brand::Mastercard,
    Brand::Amex,
    Brand::Discover,
    Brand::Diners,
    Brand::Jcb,
    Brand::UnionPay,
    Brand::Maestro,
];

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    page(&server, &person, None).await
}

pub async fn set(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let typed: HashMap<String, String> = form(request).await?;
    let desk = person.desk()?;
    let currency = desk.policy().await?.currency.parse().map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let Some(settings) = read(&typed, currency).and_then(|settings| sound(settings).ok()) else {
        let words =
            "This could not be kept. Give amounts such as 500.00, a window of 1 to 72 hours, and a share of 0 to 100.";
        return page(&server, &person, Some(words)).await;
    };
    let by = format!("user:{}", person.session.user_id);
    desk.set_policy(server.clock.now_ms(), by, settings).await?;
    Ok(Redirect::to("/office/policy").into_response())
}

/// What was typed. All brands, or none of them, mean every one.
fn read(typed: &HashMap<String, String>, currency: Currency) -> Option<PolicySettings> {
    let text = |name: &str| typed.get(name).map(|text| text.trim());
    let amount = |name: &str| Amount::from_plain(text(name)?, currency).map(|amount| amount.minor());
    let chosen: Vec<String> =
        BRANDS.iter().filter(|brand| typed.contains_key(brand.name())).map(|brand| brand.name().to_owned()).collect();
    Some(PolicySettings {
        window_ms: text("window")?.parse::<i64>().ok()?.checked_mul(HOUR_MS)?,
        payment_minor_max: amount("payment")?,
        keyed_minor_max: amount("keyed")?,
        total_minor_max: amount("total")?,
        day_minor_max: amount("day")?,
        card_minor_max: amount("card")?,
        unkept_minor_max: amount("unkept")?,
        brands: if chosen.len() == BRANDS.len() { Vec::new() } else { chosen },
        swiped_chip: text("chip")?.to_owned(),
        left_percent: text("left")?.parse().ok()?,
    })
}

async fn page(server: &Server, person: &Person, words: Option<&str>) -> Result<Response, ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    let (now, rates, changes) =
        (desk.policy().await?, desk.decline_rates().await?, desk.policy_changes(CHANGES_MAX).await?);
    let risk = desk.risk(now_ms).await?;
    let may_set = person.may(&[Role::Owner]);
    let body = html! {
        p.office-say { "What a till may take when the bank cannot be asked. You carry the risk that such a payment is declined later." }
        (alert(words))
        (meter(&risk))
        (fields(&now, may_set))
        (history(&rates))
        (told(&changes, &now.currency, person.zone()))
    };
    Ok(inside(person, Tab::Policy, body))
}

/// One figure and a small picture: what waits on the tills and with the server, by how much of its time is used.
pub fn meter(risk: &Risk) -> Markup {
    let meter = &risk.meter;
    let share = |minor: i64| i128::from(minor) * 1_000 / i128::from(meter.minor.max(1));
    let mut from = 0;
    let parts = Age::ALL.map(|age| {
        let (minor, loss_minor) = meter.of_age(age);
        let x = from;
        from += share(minor);
        (age, minor, loss_minor, x, share(minor))
    });
    html! {
        section.office-meter {
            p.office-amount.num { (money(meter.loss_minor, &risk.currency)) }
            @if meter.minor == 0 { p.note { "may be lost: nothing waits." } } @else {
                p.note { "may be lost of " (money(meter.minor, &risk.currency)) " that waits, as often as your cards are declined." }
                svg.office-bar-of-ages viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true" {
                    @for (age, _, _, x, width) in &parts { rect data-age=(age.name()) x=(x) width=(width) height="1" {} }
                }
                ul.office-ages {
                    @for (age, minor, loss_minor, ..) in parts.iter().filter(|part| part.1 > 0) {
                        li {
                            span.office-age data-age=(age.name()) {}
                            span { (words_of(*age)) }
                            span.num { (money(*minor, &risk.currency)) }
                            strong.num { (money(*loss_minor, &risk.currency)) }
                        }
                    }
                }
            }
        }
    }
}

fn words_of(age: Age) -> &'static str {
    match age {
        Age::First => "fresh",
        Age::Second => "in the second third of its time",
        Age::Last => "in the last third of its time",
        Age::Over => "past its time",
    }
}

fn fields(now: &PolicyNow, may_set: bool) -> Markup {
    let s = &now.settings;
    let minors = [
        s.payment_minor_max,
        s.keyed_minor_max,
        s.total_minor_max,
        s.day_minor_max,
        s.card_minor_max,
        s.unkept_minor_max,
    ];
    let plain = |minor: i64| match now.currency.parse::<Currency>() {
        Ok(currency) => Amount::new(minor, currency).to_plain(),
        Err(_) => minor.to_string(),
    };
    html! {
        h2 { "Caps" }
        form.office-fields method="post" action="/office/policy" {
            fieldset.office-plain disabled[!may_set] {
                @for ((name, title, about), minor) in CAPS.iter().zip(minors) {
                    div.field {
                        label for=(name) { (title) " (" (now.currency) ")" }
                        input.input.num id=(name) name=(name) inputmode="decimal" required autocomplete="off" value=(plain(minor))
                            aria-describedby=(format!("{name}-about"));
                        p.note id=(format!("{name}-about")) { (about) }
                    }
                }
                div.field {
                    label for="window" { "Hours that a payment may wait" }
                    input.input.num id="window" name="window" type="number" min="1" max="72" required value=(s.window_ms / HOUR_MS);
                    p.note { "At most 72. A shorter window counts for what is taken from now on." }
                }
                div.field {
                    label for="left" { "Share of each cap at the window’s end, in percent" }
                    input.input.num id="left" name="left" type="number" min="0" max="100" required value=(s.left_percent);
                    p.note { "100 leaves the caps as they are. Less lets them shrink the longer an outage lasts." }
                }
                div.field {
                    label for="chip" { "A chip card that was swiped" }
                    select.input id="chip" name="chip" {
                        option value="flag" selected[s.swiped_chip == "flag"] { "Take it, and note it" }
                        option value="refuse" selected[s.swiped_chip == "refuse"] { "Refuse it" }
                    }
                }
                fieldset.office-brands {
                    legend { "Brands" }
                    div.office-checks {
                        @for brand in BRANDS {
                            label.office-check {
                                input type="checkbox" name=(brand.name()) value="on"
                                    checked[s.brands.is_empty() || s.brands.iter().any(|name| name == brand.name())];
                                span { (brand.to_string()) }
                            }
                        }
                    }
                }
                @if may_set { button.button.primary type="submit" { "Keep" } } @else { p.note { "An owner can change this." } }
            }
        }
    }
}

fn history(rates: &[RateWire]) -> Markup {
    html! {
        h2 { "How often your cards are declined" }
        @if rates.is_empty() { p.office-empty { "No card has been taken yet. Until then 3 in 100 swiped and 7 in 100 keyed cards are reckoned with." } } @else {
            div.office-scroll tabindex="0" role="region" aria-label="How often your cards are declined" {
                table.office-table {
                    thead { tr { th { "Brand" } th { "Entry" } th.num { "Declined" } th.num { "Of" } th.num { "Reckoned with" } } }
                    tbody {
                        @for rate in rates {
                            tr {
                                td { (Brand::from_name(&rate.brand).to_string()) }
                                td { (rate.entry) }
                                td.num { (rate.declined_count) }
                                td.num { (rate.count) }
                                td.num { (format!("{}.{:02} %", rate.declined_bp / 100, rate.declined_bp % 100)) }
                            }
                        }
                    }
                }
            }
            p.note { "Few payments say little, so each line is mixed with 50 imagined ones, of which 3 in 100 swiped and 7 in 100 keyed ones were declined." }
        }
    }
}

fn told(changes: &[PolicyChange], currency: &str, zone: &str) -> Markup {
    html! {
        @if !changes.is_empty() {
            h2 { "Who changed it" }
            ul.office-list {
                @for pair in changes.windows(2) {
                    li.office-row {
                        div.office-what {
                            h2 { (time(pair[0].at_ms, zone)) }
                            p.note {
                                (pair[0].who.as_deref().unwrap_or("Somebody who has left"))
                                @for line in differences(&pair[1].settings, &pair[0].settings, currency) { " · " (line) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is other than before, in words.
fn differences(before: &PolicySettings, after: &PolicySettings, currency: &str) -> Vec<String> {
    let amounts = |s: &PolicySettings| {
        [
            s.payment_minor_max,
            s.keyed_minor_max,
            s.total_minor_max,
            s.day_minor_max,
            s.card_minor_max,
            s.unkept_minor_max,
        ]
    };
    let mut lines: Vec<String> = CAPS
        .iter()
        .zip(amounts(before).into_iter().zip(amounts(after)))
        .filter(|(_, (old, new))| old != new)
        .map(|((_, title, _), (old, new))| format!("{title}: {} to {}", money(old, currency), money(new, currency)))
        .collect();
    if before.window_ms != after.window_ms {
        lines.push(format!("Window: {} h to {} h", before.window_ms / HOUR_MS, after.window_ms / HOUR_MS));
    }
    if before.left_percent != after.left_percent {
        lines.push(format!("Share at the end: {} % to {} %", before.left_percent, after.left_percent));
    }
    if before.swiped_chip != after.swiped_chip {
        lines.push(format!("Swiped chip cards: {} to {}", before.swiped_chip, after.swiped_chip));
    }
    if before.brands != after.brands {
        let words = |brands: &[String]| if brands.is_empty() { "every one".to_owned() } else { brands.join(", ") };
        lines.push(format!("Brands: {} to {}", words(&before.brands), words(&after.brands)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(change: &[(&str, &str)]) -> HashMap<String, String> {
        let all = [
            ("payment", "500.00"),
            ("keyed", "150"),
            ("total", "10000.00"),
            ("day", "20000"),
            ("card", "1000"),
            ("unkept", "1000"),
            ("window", "72"),
            ("left", "100"),
            ("chip", "flag"),
            ("visa", "on"),
        ];
        all.iter().chain(change).map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_an_owner_types_is_read_or_refused_whole() {
        let read = |change: &[(&str, &str)]| read(&typed(change), Currency::EUR).and_then(|s| sound(s).ok());
        let kept = read(&[]).expect("kept");
        assert_eq!((kept.payment_minor_max, kept.keyed_minor_max, kept.window_ms), (50_000, 15_000, 72 * HOUR_MS));
        assert_eq!(kept.brands, ["visa"]);
        let every: Vec<(&str, &str)> = BRANDS.iter().map(|brand| (brand.name(), "on")).collect();
        assert_eq!(read(&every).expect("kept").brands, Vec::<String>::new());
        for wrong in
            [("payment", ""), ("payment", "-1"), ("window", "73"), ("window", "0"), ("left", "101"), ("chip", "x")]
        {
            assert_eq!(read(&[wrong]), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_change_is_told_by_what_is_other() {
        let before = read(&typed(&[]), Currency::EUR).expect("settings");
        let after =
            read(&typed(&[("payment", "400"), ("window", "24"), ("chip", "refuse")]), Currency::EUR).expect("settings");
        assert_eq!(
            differences(&before, &after, "EUR"),
            ["One payment: €500.00 to €400.00", "Window: 72 h to 24 h", "Swiped chip cards: flag to refuse"]
        );
        assert!(differences(&before, &before, "EUR").is_empty());
    }
}
