//! A card's expiry: valid to the last day of its month.

use crate::time::{UnixMs, year_month};
use std::fmt;
use std::str::FromStr;

/// Year and month of expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    year: i32,
    month: u8,
}

/// What is wrong with an expiry date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("type the expiry date as four digits, month and year: 0928 for September 2028")]
pub struct ExpiryError;

impl Expiry {
    /// From the two-digit year and month of a track or an ISO 8583 field 14 (YYMM).
    pub fn from_yymm(text: &str) -> Result<Self, ExpiryError> {
        let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(ExpiryError);
        }
        let (yy, mm) = text.split_at(2);
        let (yy, month): (i32, u8) = (yy.parse().map_err(|_| ExpiryError)?, mm.parse().map_err(|_| ExpiryError)?);
        if !(1..=12).contains(&month) {
            return Err(ExpiryError);
        }
        Ok(Self { year: 2000 + yy, month })
    }

    /// YYMM, as an acquirer wants it. Card data: named so that a reader sees it leave.
    pub fn expose_yymm(&self) -> String {
        format!("{:02}{:02}", self.year.rem_euclid(100), self.month)
    }

    /// Whether the card's last month is over. A day of grace covers the time zones west of UTC.
    pub fn is_past(&self, now_ms: UnixMs) -> bool {
        let (year, month) = year_month(now_ms - crate::time::DAY_MS);
        (self.year, self.month) < (year, month)
    }
}

/// `MMYY`, with or without a separator, as it is printed on a card.
impl FromStr for Expiry {
    type Err = ExpiryError;
    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let digits: String = text.chars().filter(|c| !matches!(c, '/' | ' ' | '-')).collect();
        match (digits.get(..2), digits.get(2..)) {
            (Some(mm), Some(yy)) if yy.len() == 2 => Self::from_yymm(&format!("{yy}{mm}")),
            _ => Err(ExpiryError),
        }
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expiry([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_read_as_printed() {
        let nov_2026 = 1_795_392_000_000;
        for (text, past) in [("1126", false), ("11/26", false), ("12 / 26", false), ("1026", true), ("0199", false)] {
            assert_eq!(text.parse::<Expiry>().map(|e| e.is_past(nov_2026)), Ok(past), "{text}");
        }
        for text in ["", "1326", "0026", "126", "11266", "ab/cd", "１１２６"] {
            assert_eq!(text.parse::<Expiry>(), Err(ExpiryError), "{text}");
        }
    }

    #[test]
    fn the_first_of_the_next_month_is_still_the_last_month_somewhere() {
        let first_of_december_utc = 1_795_392_000_000 + 8 * crate::time::DAY_MS;
        assert_eq!("1126".parse::<Expiry>().map(|e| e.is_past(first_of_december_utc)), Ok(false));
        assert_eq!(
            "1126".parse::<Expiry>().map(|e| e.is_past(first_of_december_utc + 2 * crate::time::DAY_MS)),
            Ok(true)
        );
    }
}
