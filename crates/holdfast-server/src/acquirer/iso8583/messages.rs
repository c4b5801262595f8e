//! Exchanges as messages. A repeat is made from the log alone and so carries what the first one carried.

use super::config::{Config, Rrn};
use super::log::{Exchange, Kind};
use crate::acquirer::AuthorisationRequest;
use holdfast_core::money::Currency;
use holdfast_core::time::{UnixMs, iso_date, utc_day};
use holdfast_crypto::envelope::Entry;
use holdfast_iso8583::{Message, Mti};
use sha2::{Digest as _, Sha256};

/// Field 70: what a network message is about.
pub const SIGN_ON: &str = "001";
pub const ECHO: &str = "301";
/// Processing code, field 3: goods and services; a refund.
const PURCHASE: &str = "000000";
const REFUND: &str = "200000";
/// Base 32 without letters that are taken for digits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 0100. The only message with card data.
pub fn authorisation(config: &Config, exchange: &Exchange, request: &AuthorisationRequest<'_>) -> Message {
    let mut message = base(config, Mti::AUTHORISATION, exchange, PURCHASE);
    // Asking the acquirer takes the card; the message wipes it when it is dropped.
    message.set(2, request.card.pan().expose()).set(14, request.card.exp().expose());
    message.set(25, "00");
    message.set(
        22,
        match request.card.entry() {
            Entry::Swipe => &config.entry.swipe,
            Entry::Keyed => &config.entry.keyed,
        },
    );
    if let Some(track2) = request.card.track2() {
        let separated = zeroize::Zeroizing::new(track2.expose().replace('D', "="));
        message.set(35, separated.as_str());
    }
    add(&mut message, &config.always);
    if request.offline {
        add(&mut message, &config.deferred);
    }
    message
}

/// 0220: the sale that was authorised is completed. It is told apart by the original's numbers, for the card is wiped by now.
pub fn capture(config: &Config, exchange: &Exchange, authorisation: &Exchange) -> Message {
    let mut message = base(config, Mti::FINANCIAL_ADVICE, exchange, PURCHASE);
    continues(&mut message, config, authorisation);
    message.set(25, "00");
    add(&mut message, &config.always);
    repeat(message, exchange)
}

/// 0420: the original is taken back, whether it arrived or not.
pub fn reversal(config: &Config, exchange: &Exchange, original: &Exchange) -> Message {
    let code = if original.kind == Kind::Refund { REFUND } else { PURCHASE };
    let mut message = base(config, Mti::REVERSAL_ADVICE, exchange, code);
    continues(&mut message, config, original);
    add(&mut message, &config.always);
    repeat(message, exchange)
}

/// 0200 with the processing code of a refund.
pub fn refund(config: &Config, exchange: &Exchange, capture: &Exchange) -> Message {
    let mut message = base(config, Mti::FINANCIAL, exchange, REFUND);
    continues(&mut message, config, capture);
    message.set(25, "00");
    add(&mut message, &config.always);
    message
}

/// 0800: sign-on or echo.
pub fn network(stan: u32, now_ms: UnixMs, about: &str) -> Message {
    let mut message = Message::new(Mti::NETWORK);
    let sent = Moment::of(now_ms);
    message.set(7, format!("{}{}", sent.month_day, sent.time)).set(11, format!("{stan:06}")).set(70, about);
    message
}

/// 0810, for a host that asks whether we are there. `None` when it asks for something else.
pub fn network_answer(request: &Message) -> Option<Message> {
    let mut message = Message::new(Mti::new(*b"0810")?);
    for field in [7, 11, 33, 70] {
        if let Some(value) = request.bytes(field) {
            message.set(field, value);
        }
    }
    message.set(39, "00");
    (request.mti() == Mti::NETWORK).then_some(message)
}

fn base(config: &Config, mti: Mti, exchange: &Exchange, processing_code: &str) -> Message {
    let mut message = Message::new(mti);
    let sent = Moment::of(exchange.sent_ms);
    let local = Moment::of(exchange.sent_ms + config.utc_offset_minutes * 60_000);
    let currency: Option<Currency> = exchange.currency.parse().ok();
    message
        .set(3, processing_code)
        .set(4, format!("{:012}", exchange.amount_minor))
        .set(7, format!("{}{}", sent.month_day, sent.time))
        .set(11, format!("{:06}", exchange.stan))
        .set(12, local.time)
        .set(13, local.month_day)
        .set(32, &config.institution)
        .set(37, &exchange.rrn)
        .set(41, &config.terminal)
        .set(42, &config.merchant)
        .set(49, currency.map_or("999", |currency| currency.numeric()));
    message
}

/// Field 38, and field 90: type, STAN and time of the original, and the two institutions.
fn continues(message: &mut Message, config: &Config, original: &Exchange) {
    let mti = match original.kind {
        Kind::Authorisation => Mti::AUTHORISATION,
        Kind::Capture => Mti::FINANCIAL_ADVICE,
        Kind::Reversal => Mti::REVERSAL_ADVICE,
        Kind::Refund => Mti::FINANCIAL,
    };
    let sent = Moment::of(original.sent_ms);
    let (stan, institution) = (original.stan, &config.institution);
    message.set(90, format!("{mti}{stan:06}{}{}{institution:0>11}{:011}", sent.month_day, sent.time, 0));
    if let Some(code) = &original.approval_code {
        message.set(38, code);
    }
}

fn repeat(mut message: Message, exchange: &Exchange) -> Message {
    if exchange.sends > 1 {
        message.set_mti(message.mti().repeated());
    }
    message
}

fn add(message: &mut Message, fields: &[(u8, String)]) {
    for (number, value) in fields {
        message.set(*number, value);
    }
}

/// Field 37 for the `earlier`-th try of a payment.
pub fn rrn(style: Rrn, reference: &str, now_ms: UnixMs, stan: u32, earlier: u32) -> String {
    let letter = |value: u64| char::from(ALPHABET.get((value & 31) as usize).copied().unwrap_or(b'0'));
    match style {
        Rrn::Julian => {
            let at = Moment::of(now_ms);
            format!("{}{:03}{}{stan:06}", at.year_digit, at.day_of_year, at.hour)
        }
        Rrn::Reference => {
            let hash = Sha256::digest(reference.as_bytes());
            let bits = hash.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            let name = (0..10).map(|at| letter(bits >> (5 * at)));
            let number = [letter(u64::from(earlier) >> 5), letter(u64::from(earlier))];
            name.chain(number).collect()
        }
    }
}

/// An instant in the pieces that messages want.
struct Moment {
    year_digit: char,
    day_of_year: i64,
    month_day: String,
    hour: String,
    /// hhmmss.
    time: String,
}

impl Moment {
    fn of(at_ms: UnixMs) -> Self {
        let day = utc_day(at_ms);
        let date = iso_date(day);
        let seconds = at_ms.div_euclid(1_000).rem_euclid(86_400);
        let year_digit = date.chars().nth(3).unwrap_or('0');
        // The first of January is found by going back: a year has at most 366 days.
        let year = date.get(..4).unwrap_or_default();
        let day_of_year = (0..366).take_while(|back| iso_date(day - back).starts_with(year)).count();
        Self {
            year_digit,
            day_of_year: i64::try_from(day_of_year).unwrap_or(1),
            month_day: date.get(5..).unwrap_or_default().replace('-', ""),
            hour: format!("{:02}", seconds / 3_600),
            time: format!("{:02}{:02}{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T15:00:00Z.
    const NOW: UnixMs = 1_795_446_000_000;

    #[test]
    fn reference_numbers_lead_back_to_the_payment() {
        let of = |reference: &str, earlier| rrn(Rrn::Reference, reference, NOW, 7, earlier);
        let (first, second, other) = (of("a", 0), of("a", 1), of("b", 0));
        assert_eq!((first.len(), first.get(..10), first.get(10..)), (12, second.get(..10), Some("00")));
        assert_eq!(second.get(10..), Some("01"));
        assert_ne!(first.get(..10), other.get(..10));
        assert_eq!(rrn(Rrn::Julian, "a", NOW, 7, 0), "632715000007");
    }

    #[test]
    fn moments_are_taken_apart() {
        let at = Moment::of(NOW + 61_000);
        assert_eq!((at.month_day.as_str(), at.time.as_str(), at.day_of_year), ("1123", "150101", 327));
        assert_eq!(Moment::of(0).day_of_year, 1);
    }
}
