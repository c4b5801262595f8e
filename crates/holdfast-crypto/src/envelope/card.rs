//! What is inside an envelope: the card, and the payment it is meant for.
//!
//! [`CardPlaintext`] has no `Serialize`: writing happens into one buffer that is encrypted in place, reading out of one that
//! is wiped. There is no member for a card verification value or a PIN.

#[cfg(feature = "native")]
use std::borrow::Cow;

use holdfast_core::card::{Card, Source};
#[cfg(feature = "native")]
use serde::Deserialize;
use serde::Serialize;

use super::{Entry, PLAINTEXT_BYTES, Pos};
use crate::SecretString;
use zeroize::Zeroizing;

/// Track 2 without its sentinels and check character has at most 37 characters (ISO/IEC 7813).
const TRACK2_BYTES_MAX: usize = 37;
/// A cardholder name has at most 26 characters on a card (ISO/IEC 7813); room for twice that, and for UTF-8.
const NAME_BYTES_MAX: usize = 64;

/// A card as it was read. Every field is secret; none is shown by `Debug`.
#[derive(Debug)]
pub struct CardPlaintext {
    pan: SecretString,
    exp: SecretString,
    track2: Option<SecretString>,
    name: Option<SecretString>,
    entry: Entry,
}

/// Card data of a shape that no card has. It carries nothing of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    #[error("the card number must have 8 to 19 digits")]
    Pan,
    #[error("the expiry must be four digits, YYMM")]
    Expiry,
    #[error("track 2 must be at most 37 digits and separators, without its sentinels")]
    Track2,
    #[error("the cardholder name is too long or has control characters")]
    Name,
}

impl CardPlaintext {
    /// A card by its number (8 to 19 digits, ISO/IEC 7812-1) and expiry (`YYMM`, as on track 2).
    ///
    /// Only the shape is checked. Luhn, brand and date are the till's rules and live in the core.
    ///
    /// # Errors
    /// [`CardError::Pan`], [`CardError::Expiry`].
    pub fn new(pan: &str, exp: &str, entry: Entry) -> Result<Self, CardError> {
        if !((8..=19).contains(&pan.len()) && is_digits(pan)) {
            return Err(CardError::Pan);
        }
        let month_holds = exp.len() == 4
            && is_digits(exp)
            && matches!(&exp.as_bytes()[2..], [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2']);
        if !month_holds {
            return Err(CardError::Expiry);
        }
        Ok(Self { pan: pan.into(), exp: exp.into(), track2: None, name: None, entry })
    }

    /// The card that the core read from the stripe or the keys.
    ///
    /// A name that an envelope cannot hold is left out: no acquirer needs it, so it is not worth a sale.
    ///
    /// # Errors
    /// [`CardError`], which a card that the core has parsed does not give.
    pub fn from_card(card: &Card) -> Result<Self, CardError> {
        // Sealing is what these are for.
        let exp = Zeroizing::new(card.expiry.expose_yymm());
        let plain = Self::new(card.number.expose(), &exp, card.entry())?;
        let Source::Swipe { track2, holder, .. } = &card.source else {
            return Ok(plain);
        };
        let mut plain = match track2 {
            Some(track2) => plain.with_track2(track2.expose())?,
            None => plain,
        };
        plain.name = holder.as_ref().filter(|name| is_name(name)).map(|name| name.as_str().into());
        Ok(plain)
    }

    /// Adds track 2 as it was swiped: `PAN=YYMM…`, without start and end sentinel and check character.
    ///
    /// # Errors
    /// [`CardError::Track2`].
    pub fn with_track2(mut self, track2: &str) -> Result<Self, CardError> {
        let shape_holds = (1..=TRACK2_BYTES_MAX).contains(&track2.len())
            && track2.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'=' | b'D'));
        if !shape_holds {
            return Err(CardError::Track2);
        }
        self.track2 = Some(track2.into());
        Ok(self)
    }

    /// Adds the cardholder name as track 1 had it: 1 to 64 bytes, no control characters.
    ///
    /// # Errors
    /// [`CardError::Name`].
    pub fn with_name(mut self, name: &str) -> Result<Self, CardError> {
        if !is_name(name) {
            return Err(CardError::Name);
        }
        self.name = Some(name.into());
        Ok(self)
    }

    /// The card number.
    pub fn pan(&self) -> &SecretString {
        &self.pan
    }

    /// The expiry, `YYMM`.
    pub fn exp(&self) -> &SecretString {
        &self.exp
    }

    /// Track 2, when the stripe was read.
    pub fn track2(&self) -> Option<&SecretString> {
        self.track2.as_ref()
    }

    /// The cardholder name, when track 1 was read.
    pub fn name(&self) -> Option<&SecretString> {
        self.name.as_ref()
    }

    /// How the card was read.
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// Writes the JSON of this card for the payment at `pos` into `buffer`, padded with spaces. `false` when it does not fit.
    ///
    /// Amount, currency and id come from `pos` itself, so inside and outside cannot differ.
    pub(super) fn write(&self, pos: &Pos, buffer: &mut [u8; PLAINTEXT_BYTES]) -> bool {
        buffer.fill(b' ');
        let json = Written {
            // Sealing is what these are for.
            pan: self.pan.expose(),
            exp: self.exp.expose(),
            track2: self.track2.as_ref().map(|secret| secret.expose().as_str()),
            name: self.name.as_ref().map(|secret| secret.expose().as_str()),
            entry: self.entry.name(),
            amt: pos.amt,
            cur: &pos.cur,
            pid: &pos.pid,
        };
        serde_json::to_writer(&mut buffer[..], &json).is_ok()
    }

    /// Reads what [`CardPlaintext::write`] wrote. `None` when it is not that, or was written for another payment than `pos`.
    #[cfg(feature = "native")]
    pub(super) fn read(buffer: &[u8], pos: &Pos) -> Option<Self> {
        let json: Read<'_> = serde_json::from_slice(buffer).ok()?;
        let name = json.name.map(Name::into_secret);
        if json.amt != pos.amt || json.cur != pos.cur || json.pid != pos.pid {
            return None;
        }
        let mut card = Self::new(json.pan, json.exp, Entry::from_name(json.entry)?).ok()?;
        if let Some(track2) = json.track2 {
            card = card.with_track2(track2).ok()?;
        }
        if let Some(name) = name {
            card = card.with_name(name.expose()).ok()?;
        }
        Some(card)
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[derive(Serialize)]
struct Written<'a> {
    pan: &'a str,
    exp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    track2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    entry: &'static str,
    amt: i64,
    cur: &'a str,
    pid: &'a str,
}

/// Borrows from the buffer, which is wiped; `&str` also refuses an escape in a field that never needs one.
#[cfg(feature = "native")]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read<'a> {
    pan: &'a str,
    exp: &'a str,
    track2: Option<&'a str>,
    #[serde(borrow)]
    name: Option<Name<'a>>,
    entry: &'a str,
    amt: i64,
    cur: &'a str,
    pid: &'a str,
}

/// A name may hold a quote, and so come as an owned copy, which goes into a secret to be wiped.
#[cfg(feature = "native")]
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(feature = "native")]
impl Name<'_> {
    fn into_secret(self) -> SecretString {
        SecretString::new(self.0.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::card::read_tracks;

    #[test]
    fn shapes_are_checked() {
        let make = |pan: &str, exp: &str| CardPlaintext::new(pan, exp, Entry::Keyed).map(|_| ());
        assert_eq!(make("4242424242424242", "2812"), Ok(()));
        for pan in
            ["", "4242424", "42424242424242424242", "4242 4242 4242 4242", "424242424242424a", "４２４２４２４２"]
        {
            assert_eq!(make(pan, "2812"), Err(CardError::Pan), "{pan}");
        }
        for exp in ["", "281", "28122", "2800", "2813", "28a2", "281é"] {
            assert_eq!(make("4242424242424242", exp), Err(CardError::Expiry), "{exp}");
        }
        let card = || CardPlaintext::new("4242424242424242", "2812", Entry::Swipe).unwrap();
        for track2 in ["", ";4242=2812?", &"1".repeat(38)] {
            assert_eq!(card().with_track2(track2).map(|_| ()), Err(CardError::Track2), "{track2}");
        }
        for name in ["", "A\nB", &"A".repeat(65)] {
            assert_eq!(card().with_name(name).map(|_| ()), Err(CardError::Name), "{name}");
        }
    }

    #[test]
    fn a_card_of_the_core_is_taken_over() {
        let take = |typed: &str| CardPlaintext::from_card(&read_tracks(typed).unwrap()).unwrap();
        let track1 = "%B4242424242424242^LOVELACE/ADA^30121011000000000000?";
        let both = take(&format!("{track1};4242424242424242=30121011000012345678?"));
        let text = |secret: Option<&SecretString>| secret.map(|secret| secret.expose().clone());
        assert_eq!((both.pan().expose().as_str(), both.exp().expose().as_str()), ("4242424242424242", "3012"));
        assert_eq!(text(both.track2()).as_deref(), Some("4242424242424242=30121011000012345678"));
        assert_eq!(text(both.name()).as_deref(), Some("LOVELACE/ADA"));
        assert_eq!(both.entry(), Entry::Swipe);
        assert!(take(track1).track2().is_none());
        assert!(take(&track1.replace("ADA", "A\u{7}")).name().is_none());

        let keyed = Card::keyed("4242424242424242".parse().unwrap(), "12/30".parse().unwrap());
        let keyed = CardPlaintext::from_card(&keyed).unwrap();
        assert_eq!((keyed.exp().expose().as_str(), keyed.entry()), ("3012", Entry::Keyed));
        assert!(keyed.track2().is_none() && keyed.name().is_none());
    }

    #[test]
    fn debug_shows_no_card() {
        let card = CardPlaintext::new("4242424242424242", "2812", Entry::Swipe)
            .and_then(|card| card.with_track2("4242424242424242=28121011000012345678"))
            .and_then(|card| card.with_name("DOE/JANE"))
            .unwrap();
        let shown = format!("{card:?}");
        for part in ["4242", "2812", "DOE"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
