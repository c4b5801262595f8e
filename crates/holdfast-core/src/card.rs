//! Cards: number, expiry, brand and magnetic stripe. Types that hold card data open only by name and wipe on drop.

mod brand;
mod expiry;
mod number;
mod track;

pub use brand::Brand;
pub use expiry::{Expiry, ExpiryError};
pub use number::{CardNumber, CardNumberError};
pub use track::{ServiceCode, Track2, TrackError, read_tracks};

use crate::time::UnixMs;
use std::fmt;
use zeroize::Zeroizing;

/// How the card's data reached the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    Swipe,
    Keyed,
}

impl Entry {
    pub fn name(self) -> &'static str {
        match self {
            Self::Swipe => "swipe",
            Self::Keyed => "keyed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Swipe, Self::Keyed].into_iter().find(|e| e.name() == name)
    }
}

/// A card as it was read, with all that an acquirer may be sent. Never a card verification value, never a PIN.
pub struct Card {
    pub number: CardNumber,
    pub expiry: Expiry,
    pub source: Source,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card([secret])")
    }
}

/// What only a swipe, or only a keyed entry, has.
pub enum Source {
    Swipe { track2: Option<Track2>, service_code: ServiceCode, holder: Option<Zeroizing<String>> },
    Keyed,
}

/// Why a card cannot be taken on this device, in words for the seller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardRefusal {
    #[error("the card has expired: ask for another card")]
    Expired,
    #[error("this card is not for payments (service code): ask for another card")]
    NotForGoods,
    #[error("this brand is not accepted here: ask for another card")]
    BrandNotAccepted,
}

impl Card {
    /// Makes a card from keyed digits. `expiry` is `MMYY`, any separators allowed.
    pub fn keyed(number: CardNumber, expiry: Expiry) -> Self {
        Self { number, expiry, source: Source::Keyed }
    }

    pub fn entry(&self) -> Entry {
        match self.source {
            Source::Swipe { .. } => Entry::Swipe,
            Source::Keyed => Entry::Keyed,
        }
    }

    /// Whether a swiped card also carries a chip (service code 2xx or 6xx).
    pub fn has_chip(&self) -> bool {
        match &self.source {
            Source::Swipe { service_code, .. } => service_code.has_chip(),
            Source::Keyed => false,
        }
    }

    /// What may be kept and shown: brand, last four digits, entry mode.
    pub fn summary(&self) -> CardSummary {
        CardSummary {
            brand: self.number.brand(),
            last4: self.number.last4(),
            entry: self.entry(),
            chip: self.has_chip(),
        }
    }

    /// The checks that a till can do by itself. Luhn was done when the number was parsed.
    pub fn check(&self, now_ms: UnixMs) -> Result<(), CardRefusal> {
        if self.expiry.is_past(now_ms) {
            return Err(CardRefusal::Expired);
        }
        if let Source::Swipe { service_code, .. } = &self.source
            && !service_code.allows_goods()
        {
            return Err(CardRefusal::NotForGoods);
        }
        if self.number.brand() == Brand::Unknown {
            return Err(CardRefusal::BrandNotAccepted);
        }
        Ok(())
    }
}

/// The part of a card that may be stored in clear and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSummary {
    pub brand: Brand,
    pub last4: String,
    pub entry: Entry,
    pub chip: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(number: &str, expiry: &str) -> Card {
        match (number.parse(), expiry.parse()) {
            (Ok(n), Ok(e)) => Card::keyed(n, e),
            _ => unreachable!("test data"),
        }
    }

    #[test]
    fn the_till_checks_what_it_can() {
        let nov_2026 = 1_795_392_000_000;
        assert_eq!(keyed("4242424242424242", "11/26").check(nov_2026), Ok(()));
        assert_eq!(keyed("4242424242424242", "10/26").check(nov_2026), Err(CardRefusal::Expired));
        assert_eq!(keyed("9999999999999995", "12/30").check(nov_2026), Err(CardRefusal::BrandNotAccepted));
    }
}
