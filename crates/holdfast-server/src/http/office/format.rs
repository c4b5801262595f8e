//! Amounts, times, cards and states as the office writes them.

use crate::receipts::Lang;
use crate::receipts::format as receipt;
use holdfast_core::card::Brand;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::time::{DAY_MS, UnixMs};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// `€1,060.50`; of an unknown currency the minor units, said as such.
pub fn money(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(known) => receipt::money(Amount::new(minor, known), Lang::En).replacen('-', "\u{2212}", 1),
        Err(_) => format!("{minor} minor units of {currency}"),
    }
}

/// A time for people, on the shop's own clock, and for machines.
pub fn time(at_ms: UnixMs, zone: &str) -> Markup {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let local = at.to_zoned_datetime(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
    html! { time.num datetime=(at.to_string()) { (local.strftime("%-d %b %Y, %H:%M").to_string()) } }
}

/// A business day, counted from 1970-01-01: `Mon 23 Nov 2026`.
pub fn day(day: i64) -> String {
    let at = Timestamp::from_millisecond(day.saturating_mul(DAY_MS)).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned_datetime(TimeZone::UTC).strftime("%a %-d %b %Y").to_string()
}

/// The day of the week, for people.
pub fn weekday(day: i64) -> String {
    let at = Timestamp::from_millisecond(day.saturating_mul(DAY_MS)).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned_datetime(TimeZone::UTC).strftime("%A").to_string()
}

/// How long ago, roughly.
pub fn ago(now_ms: UnixMs, at_ms: UnixMs) -> String {
    match (now_ms - at_ms).max(0) / 60_000 {
        0 => "just now".to_owned(),
        minutes => format!("{} ago", span(minutes)),
    }
}

/// How long, roughly, of minutes.
pub fn span(minutes: i64) -> String {
    match minutes {
        ..=59 => format!("{minutes} min"),
        60..=2_879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// `1 payment`, `2 payments`.
pub fn count(count: i64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

/// `Visa 4242`.
pub fn card(brand: &str, last4: &str) -> Markup {
    html! { (Brand::from_name(brand)) " " span.num { (last4) } }
}

/// A state in words, and the colour of its meaning: amber waits, red needs a person, green is done.
pub fn state(name: &str) -> (String, &'static str) {
    let known = match name {
        "received" => ("Waiting for the bank", "amber"),
        "authorising" | "authorised" | "capturing" => ("With the bank", "amber"),
        "captured" => ("Paid", "green"),
        "partly-refunded" => ("Paid back in part", "green"),
        "refunded" => ("Paid back", "plain"),
        "declined" => ("Declined", "red"),
        "expired" => ("Past its window", "red"),
        "quarantined" => ("In quarantine", "red"),
        other => return (capitalised(other), "plain"),
    };
    (known.0.to_owned(), known.1)
}

/// The same as a step in a payment's story, where each says something else.
pub fn step(name: &str) -> String {
    match name {
        "received" => "Received",
        "authorising" => "The bank is asked",
        "authorised" => "The bank approves",
        "capturing" => "The money is called in",
        _ => return state(name).0,
    }
    .to_owned()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_read_well() {
        assert_eq!(money(1060, "EUR"), "€10.60");
        assert_eq!(money(-1060, "EUR"), "\u{2212}€10.60");
        assert_eq!(money(5, "XX?"), "5 minor units of XX?");
        let shown = time(1_795_446_000_000, "Europe/Berlin").into_string();
        assert_eq!(shown, "<time class=\"num\" datetime=\"2026-11-23T15:00:00Z\">23 Nov 2026, 16:00</time>");
        assert!(time(0, "Nowhere").into_string().contains("1 Jan 1970, 00:00"));
        assert_eq!((day(20_780).as_str(), weekday(20_780).as_str()), ("Mon 23 Nov 2026", "Monday"));
        assert_eq!((ago(60_000, 60_000).as_str(), ago(7_200_000, 0).as_str()), ("just now", "2 h ago"));
        assert_eq!((count(1, "sale", "sales").as_str(), count(0, "sale", "sales").as_str()), ("1 sale", "0 sales"));
        assert_eq!(card("amex", "0005").into_string(), "American Express <span class=\"num\">0005</span>");
        assert_eq!(state("voided").0, "Voided");
    }
}
