//! Amounts and times in words for people. A till asks its browser's Intl; a server has none, and needs few forms.

use super::Lang;
use holdfast_core::money::Amount;
use holdfast_core::time::UnixMs;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Signs that people know in every country that Holdfast sells in. Other currencies are written by their code.
const SIGNS: &[(&str, &str)] = &[("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("JPY", "¥"), ("INR", "₹"), ("ILS", "₪")];
const NO_BREAK: char = '\u{a0}';

/// `€1,060.50`, `1.060,50 €`.
pub fn money(amount: Amount, lang: Lang) -> String {
    let plain = amount.to_plain();
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let (thousands, point) = match lang {
        Lang::De => ('.', ","),
        Lang::En | Lang::Ar => (',', "."),
    };
    let mut number = grouped(whole, thousands);
    if !fraction.is_empty() {
        number = format!("{number}{point}{fraction}");
    }
    let code = amount.currency().code().to_owned();
    match (lang, SIGNS.iter().find(|(known, _)| *known == code)) {
        (Lang::En, Some((_, symbol))) => format!("{sign}{symbol}{number}"),
        (Lang::En, None) => format!("{sign}{code}{NO_BREAK}{number}"),
        (Lang::De | Lang::Ar, known) => format!("{sign}{number}{NO_BREAK}{}", known.map_or(code.as_str(), |(_, s)| s)),
    }
}

fn grouped(whole: &str, separator: char) -> String {
    let mut text = String::with_capacity(whole.len() * 2);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Date and time of day in a zone of the IANA database, with the zone's short name. An unknown zone is UTC.
pub fn time(at_ms: UnixMs, zone: &str, lang: Lang) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned_datetime(zone);
    let form = match lang {
        Lang::En => "%-d %B %Y, %H:%M %Z",
        Lang::De => "%-d.%-m.%Y, %H:%M %Z",
        Lang::Ar => "%-d/%-m/%Y %H:%M %Z",
    };
    at.strftime(form).to_string()
}

/// The same instant for a machine, in UTC.
pub fn machine_time(at_ms: UnixMs) -> String {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A tax rate: `19%`, `7.5%`.
pub fn rate(bp: u32, lang: Lang) -> String {
    let (whole, part) = (bp / 100, bp % 100);
    let text = format!("{whole}.{part:02}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match lang {
        Lang::De => format!("{}{NO_BREAK}%", text.replace('.', ",")),
        Lang::En | Lang::Ar => format!("{text}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        for (minor, code, lang, text) in [
            (1_060, "EUR", Lang::En, "€10.60"),
            (123_456_789, "EUR", Lang::En, "€1,234,567.89"),
            (123_456, "EUR", Lang::De, "1.234,56\u{a0}€"),
            (-5, "EUR", Lang::De, "-0,05\u{a0}€"),
            (1_060, "JPY", Lang::En, "¥1,060"),
            (1_060, "CHF", Lang::En, "CHF\u{a0}10.60"),
            (1_060, "KWD", Lang::Ar, "1.060\u{a0}KWD"),
        ] {
            assert_eq!(money(Amount::new(minor, code.parse().expect("a currency")), lang), text);
        }
        assert_eq!([rate(1_900, Lang::En), rate(750, Lang::De), rate(0, Lang::En)], ["19%", "7,5\u{a0}%", "0%"]);
    }

    #[test]
    fn times_are_the_shop_s() {
        let noon = 1_795_446_000_000;
        assert_eq!(time(noon, "Europe/Dublin", Lang::En), "23 November 2026, 15:00 GMT");
        assert_eq!(time(noon, "Europe/Berlin", Lang::De), "23.11.2026, 16:00 CET");
        assert_eq!(time(noon, "Mars/Base", Lang::En), "23 November 2026, 15:00 UTC");
        assert_eq!(machine_time(noon), "2026-11-23T15:00:00Z");
    }
}
