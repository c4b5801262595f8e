//! Amounts and times as the office writes them.

use holdfast_core::money::{Amount, Currency};
use holdfast_core::time::UnixMs;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// `10.60 EUR`; of an unknown currency the minor units, said as such.
pub fn money(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(known) => format!("{} {currency}", Amount::new(minor, known).to_plain()),
        Err(_) => format!("{minor} minor units of {currency}"),
    }
}

/// A time for people, on the shop's own clock, and for machines.
pub fn time(at_ms: UnixMs, zone: &str) -> Markup {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let local = at.to_zoned_datetime(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
    html! { time datetime=(at.to_string()) { (local.strftime("%Y-%m-%d %H:%M %Z").to_string()) } }
}

/// The same in UTC, by which acquirers count.
pub fn utc(at_ms: UnixMs) -> Markup {
    time(at_ms, "UTC")
}

/// How long ago, roughly.
pub fn ago(now_ms: UnixMs, at_ms: UnixMs) -> String {
    match (now_ms - at_ms).max(0) / 60_000 {
        0 => "just now".to_owned(),
        minutes @ 1..=59 => format!("{minutes} min ago"),
        minutes @ 60..=2_879 => format!("{} h ago", minutes / 60),
        minutes => format!("{} days ago", minutes / 1_440),
    }
}

/// A state in words, and the colour of its meaning: amber waits, red needs a person, green is done.
pub fn state(name: &str) -> (String, &'static str) {
    match name {
        "received" => ("Waiting for the bank".to_owned(), "amber"),
        "authorising" | "authorised" | "capturing" => ("With the bank".to_owned(), "amber"),
        "captured" => ("Paid".to_owned(), "green"),
        "partly-refunded" => ("Paid back in part".to_owned(), "green"),
        "refunded" => ("Paid back".to_owned(), "plain"),
        "declined" => ("Declined".to_owned(), "red"),
        "expired" => ("Past its window".to_owned(), "red"),
        "quarantined" => ("In quarantine".to_owned(), "red"),
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            (format!("{first}{}", letters.as_str()), "plain")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_read_well() {
        assert_eq!(money(1060, "EUR"), "10.60 EUR");
        assert_eq!(money(5, "XX?"), "5 minor units of XX?");
        let shown = time(1_795_446_000_000, "Europe/Berlin").into_string();
        assert_eq!(shown, "<time datetime=\"2026-11-23T15:00:00Z\">2026-11-23 16:00 CET</time>");
        assert!(time(0, "Nowhere").into_string().contains("1970-01-01 00:00 UTC"));
        assert_eq!((ago(60_000, 60_000).as_str(), ago(7_200_000, 0).as_str()), ("just now", "2 h ago"));
        assert_eq!(state("voided").0, "Voided");
    }
}
