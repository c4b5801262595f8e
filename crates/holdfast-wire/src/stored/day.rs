//! What a till keeps of its business day and of the time.

use crate::{V, WireError, b64, check_version, from_json, to_json};
use holdfast_core::limits::CARD_TAGS_MAX;
use holdfast_core::policy::{CardTag, DayTally};
use holdfast_core::time::Kept;
use serde::{Deserialize, Serialize};

/// What was taken without an answer on the device's business day: a row of `chain`. No card is in it, only tags under the day's salt, and
/// both go with the day.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDay {
    pub v: u32,
    pub day: i64,
    /// 32 bytes.
    salt: String,
    pub total_minor: i64,
    /// Tag and sum of each card.
    cards: Vec<(String, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_since_ms: Option<i64>,
}

impl StoredDay {
    pub fn of(day: &DayTally) -> Self {
        Self {
            v: V,
            day: day.day,
            salt: b64::encode(*day.salt),
            total_minor: day.total_minor,
            cards: day.cards.iter().map(|(tag, minor)| (b64::encode(tag.0), *minor)).collect(),
            outage_since_ms: day.outage_since_ms,
        }
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let day: Self = from_json(text.as_bytes())?;
        check_version(day.v)?;
        Ok(day)
    }

    pub fn to_core(&self) -> Result<DayTally, WireError> {
        let card = |(tag, minor): &(String, i64)| Some((CardTag(b64::decode_array(tag)?), *minor));
        let cards: Option<_> = self.cards.iter().take(CARD_TAGS_MAX).map(card).collect();
        Ok(DayTally {
            day: self.day,
            salt: b64::decode_array(&self.salt).ok_or(WireError::Field("salt"))?.into(),
            total_minor: self.total_minor,
            cards: cards.ok_or(WireError::Field("cards"))?,
            outage_since_ms: self.outage_since_ms,
        })
    }
}

/// The trusted time as it was kept last, for a start without a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTime {
    pub v: u32,
    pub trusted_ms: i64,
    pub wall_ms: i64,
}

impl StoredTime {
    pub fn of(kept: Kept) -> Self {
        Self { v: V, trusted_ms: kept.trusted_ms, wall_ms: kept.wall_ms }
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let time: Self = from_json(text.as_bytes())?;
        check_version(time.v)?;
        Ok(time)
    }

    pub fn to_core(&self) -> Kept {
        Kept { trusted_ms: self.trusted_ms, wall_ms: self.wall_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_ever_released_is_read() {
        let text = include_str!("../../fixtures/stored-day.v1.json").trim();
        let stored = StoredDay::from_json(text).expect("a day");
        assert_eq!(stored.to_json(), text);
        let day = stored.to_core().expect("its tally");
        assert_eq!((day.day, day.total_minor, day.card_minor(Some(CardTag([1, 2, 3])))), (20_780, 2_120, 1_060));
        assert_eq!((day.outage_since_ms, *day.salt), (Some(1_795_392_000_000), [7; 32]));
        assert!(StoredDay::of(&day) == stored);
        let text = include_str!("../../fixtures/stored-time.v1.json").trim();
        let time = StoredTime::from_json(text).expect("a time");
        assert_eq!((time.to_json().as_str(), StoredTime::of(time.to_core())), (text, time));
    }

    #[test]
    fn a_torn_day_is_none() {
        let text = include_str!("../../fixtures/stored-day.v1.json").trim();
        for (from, to) in [("AQID", "AQ"), ("BwcH", "Bw"), ("\"v\":1", "\"v\":2")] {
            let spoilt = text.replacen(from, to, 1);
            assert!(StoredDay::from_json(&spoilt).and_then(|day| day.to_core()).is_err(), "{spoilt}");
        }
    }
}
