//! Magnetic stripe data (ISO/IEC 7813) as a keyboard-wedge reader types it: tracks 1 and 2, one good track is enough.
//!
//! Track 1: `%B<PAN>^<name>^<YYMM><service code>…?`, track 2: `;<PAN>=<YYMM><service code>…?`.

use super::{Card, CardNumber, Expiry, Source};
use std::fmt;
use zeroize::Zeroizing;

/// Track 2's content between the sentinels, as an acquirer wants it (ISO 8583 field 35).
pub struct Track2(Zeroizing<String>);

impl Track2 {
    /// `PAN=YYMM…`, for sealing or for the acquirer; nothing else may ask.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Track2([secret])")
    }
}

/// The service code of ISO/IEC 7813: interchange and chip, authorisation, allowed services.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServiceCode([u8; 3]);

impl ServiceCode {
    fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_digit).then_some(Self(code))
    }

    /// First digit 2 or 6: the card has a chip, so a swipe is a fallback and carries more risk.
    pub fn has_chip(&self) -> bool {
        matches!(self.0[0], b'2' | b'6')
    }

    /// Third digit 3 (cash machine only) and 4 (cash only) allow no goods.
    pub fn allows_goods(&self) -> bool {
        !matches!(self.0[2], b'3' | b'4')
    }
}

impl fmt::Debug for ServiceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceCode([secret])")
    }
}

/// Why a swipe could not be read. Holds nothing of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrackError {
    #[error("the card could not be read: swipe again, evenly, or key the number in")]
    Unreadable,
    #[error("the two tracks of the card name different numbers: do not take this card")]
    TracksDiffer,
}

/// Reads what a wedge typed between the first sentinel and Enter.
pub fn read_tracks(typed: &str) -> Result<Card, TrackError> {
    let second = find_track2(typed);
    let first = find_track1(typed);
    match (first, second) {
        (None, None) => Err(TrackError::Unreadable),
        (Some(a), Some(b)) if a.number.expose() != b.number.expose() => Err(TrackError::TracksDiffer),
        // Track 2 is what acquirers take; the name is only on track 1.
        (first, Some(b)) => Ok(b.into_card(first.and_then(|a| a.holder))),
        (Some(a), None) => {
            let holder = a.holder.clone();
            Ok(a.into_card(holder))
        }
    }
}

struct Read {
    number: CardNumber,
    expiry: Expiry,
    service_code: ServiceCode,
    track2: Option<Track2>,
    holder: Option<Zeroizing<String>>,
}

impl Read {
    fn into_card(self, holder: Option<Zeroizing<String>>) -> Card {
        let source = Source::Swipe { track2: self.track2, service_code: self.service_code, holder };
        Card { number: self.number, expiry: self.expiry, source }
    }
}

/// Tries every start sentinel: noise before a good track must not hide it.
fn find_track2(typed: &str) -> Option<Read> {
    typed.match_indices(';').find_map(|(at, _)| {
        let body = typed.get(at + 1..)?.split('?').next()?;
        let (pan, rest) = body.split_once('=')?;
        let mut read = read_fields(pan, rest)?;
        // 40 characters in all with sentinels and check character, of which the wedge types at most 37.
        if body.len() > 37 || !rest.bytes().all(|b| b.is_ascii_digit() || b == b'=') {
            return None;
        }
        read.track2 = Some(Track2(Zeroizing::new(body.to_owned())));
        Some(read)
    })
}

fn find_track1(typed: &str) -> Option<Read> {
    typed.match_indices(['B', 'b']).find_map(|(at, _)| {
        let body = typed.get(at + 1..)?.split('?').next()?;
        let mut parts = body.splitn(3, '^');
        let (pan, name, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let mut read = read_fields(pan, rest)?;
        let name = name.trim();
        read.holder = (!name.is_empty() && name.chars().count() <= 26).then(|| Zeroizing::new(name.to_owned()));
        Some(read)
    })
}

fn read_fields(pan: &str, rest: &str) -> Option<Read> {
    if !pan.bytes().all(|b| b.is_ascii_digit() || b == b' ') {
        return None;
    }
    let number = pan.parse().ok()?;
    let expiry = Expiry::from_yymm(rest.get(..4)?).ok()?;
    let service_code = ServiceCode::parse(rest.get(4..7)?)?;
    Some(Read { number, expiry, service_code, track2: None, holder: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Entry;

    const T1: &str = "%B4242424242424242^LOVELACE/ADA^30121011000000000000?";
    const T2: &str = ";4242424242424242=30121011000012345678?";

    #[test]
    fn one_good_track_is_enough() {
        let both = format!("{T1}{T2}");
        let noisy = format!("x]{T1};E?+E?{T2}");
        let broken_first = format!("%E?{T2}");
        let broken_second = format!("{T1};42=?");
        for (typed, track2) in
            [(T1, false), (T2, true), (&both, true), (&noisy, true), (&broken_first, true), (&broken_second, false)]
        {
            let card = read_tracks(typed);
            assert!(card.is_ok(), "{typed}: {:?}", card.err());
            if let Ok(card) = card {
                assert_eq!(card.number.last4(), "4242");
                assert_eq!(card.entry(), Entry::Swipe);
                let Source::Swipe { track2: Some(_), .. } = card.source else {
                    assert!(!track2, "{typed} has track 2");
                    continue;
                };
                assert!(track2, "{typed} has no track 2");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for typed in [
            "",
            "%E?;E?",
            ";4242424242424241=3012101?",
            ";4242424242424242=3013101?",
            ";4242424242424242=30",
            "%B4242424242424242^X",
            ";4242424242424242=3012abc?",
        ] {
            assert_eq!(read_tracks(typed).err(), Some(TrackError::Unreadable), "{typed}");
        }
        let other = ";5555555555554444=30121011000012345678?";
        assert_eq!(read_tracks(&format!("{T1}{other}")).err(), Some(TrackError::TracksDiffer));
    }

    #[test]
    fn service_codes_tell_chip_and_goods() {
        let code = |c: &str| {
            read_tracks(&format!(";4242424242424242=3012{c}00?")).map(|card| (card.has_chip(), card.check(0)))
        };
        assert_eq!(code("101"), Ok((false, Ok(()))));
        assert_eq!(code("201"), Ok((true, Ok(()))));
        assert_eq!(code("603"), Ok((true, Err(crate::card::CardRefusal::NotForGoods))));
    }
}
