//! What the views are given: plain values, already decided, not yet put into words.

use super::outcome::Outcome;
use super::payment::Receipt;
use holdfast_core::card::{CardNumberError, CardRefusal, TrackError};
use holdfast_core::money::Amount;
use holdfast_core::policy::PolicyRefusal;

/// Where the seller is. The part of the address after `#`, so that Back and a reload work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Route {
    #[default]
    Sell,
    /// With the payment that is open beside the list.
    History(Option<String>),
    Settings,
}

impl Route {
    pub fn from_hash(hash: &str) -> Self {
        let mut parts = hash.trim_start_matches('#').trim_matches('/').splitn(2, '/');
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("history", id) => Self::History(id.map(str::to_owned)),
            ("settings", _) => Self::Settings,
            _ => Self::Sell,
        }
    }

    pub fn to_hash(&self) -> String {
        match self {
            Self::Sell => "/".to_owned(),
            Self::History(None) => "/history".to_owned(),
            Self::History(Some(id)) => format!("/history/{id}"),
            Self::Settings => "/settings".to_owned(),
        }
    }
}

/// How far the till has come since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Starting,
    /// The browser cannot keep anything: nothing must be sold here.
    Blocked,
    NotEnrolled,
    Ready,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.name() == name).unwrap_or_default()
    }
}

/// What lies over the sell screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Overlay {
    #[default]
    None,
    Tender(Tender),
    Result(Outcome),
    Receipt(Receipt),
}

/// Where the taking of a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tender {
    /// Waits for a card; `problem` is what was wrong with the last one.
    Swipe {
        problem: Option<Problem>,
    },
    Keyed {
        problem: Option<Problem>,
    },
    /// The customer's own tip is typed. A swipe is heard here as everywhere.
    Tip,
    /// Sealed and on its way; nothing to do but wait.
    Working,
}

impl Tender {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Swipe { .. } => "swipe",
            Self::Keyed { .. } => "keyed",
            Self::Tip => "tip",
            Self::Working => "working",
        }
    }
}

/// Why a card was not taken at all. Nothing was stored, nothing was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    Number(CardNumberError),
    Expiry,
    Card(CardRefusal),
    Track(TrackError),
    Policy(PolicyRefusal),
    /// More than one record can hold.
    TooLarge,
    /// No valid card key to seal with.
    NoKey,
    /// The owner has signed this tablet off.
    Revoked,
    CannotSign,
    /// The payment of the attempt before was voided since.
    Voided,
}

/// What waits on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingView {
    pub count: usize,
    pub sum: Amount,
    /// When the first of them passes its window.
    pub first_by_ms: i64,
}

/// The time that is left, in the unit that is worth saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Hours(usize),
    Minutes(usize),
    Over,
}

impl Left {
    pub fn until(by_ms: i64, now_ms: i64) -> Self {
        let minutes = usize::try_from((by_ms - now_ms).max(0) / 60_000).unwrap_or(0);
        match minutes {
            0 => Self::Over,
            1..120 => Self::Minutes(minutes),
            _ => Self::Hours(minutes / 60),
        }
    }
}

/// The palette's names for categories; `tint-…` in the stylesheet.
const TINTS: [&str; 8] = ["clay", "honey", "moss", "sea", "sky", "plum", "rose", "stone"];

/// The class of a category's colour: its own name when the palette has it, a near relative, else one by the name's letters.
pub fn tint_class(colour: &str) -> String {
    let wanted = colour.to_ascii_lowercase();
    let relative = match wanted.as_str() {
        "brown" | "orange" | "red" | "coffee" | "terracotta" => "clay",
        "amber" | "yellow" | "gold" | "sand" | "wheat" => "honey",
        "green" | "olive" | "leaf" | "lime" => "moss",
        "teal" | "cyan" | "kelp" | "aqua" => "sea",
        "blue" | "indigo" | "navy" => "sky",
        "violet" | "purple" => "plum",
        "pink" | "berry" => "rose",
        "grey" | "gray" | "slate" => "stone",
        other => other,
    };
    let letters = wanted.bytes().map(usize::from).sum::<usize>();
    let name = TINTS.into_iter().find(|t| *t == relative).unwrap_or(TINTS[letters % TINTS.len()]);
    format!("tint-{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_survive_the_address() {
        for route in [Route::Sell, Route::History(None), Route::History(Some("0192-x".into())), Route::Settings] {
            assert_eq!(Route::from_hash(&format!("#{}", route.to_hash())), route);
        }
        assert_eq!(Route::from_hash("#/nowhere"), Route::Sell);
    }

    #[test]
    fn time_left_is_said_in_the_unit_that_matters() {
        let hour = 3_600_000;
        for (left_ms, said) in [
            (72 * hour - 1, Left::Hours(71)),
            (2 * hour, Left::Hours(2)),
            (2 * hour - 1, Left::Minutes(119)),
            (59_999, Left::Over),
            (-hour, Left::Over),
        ] {
            assert_eq!(Left::until(left_ms, 0), said, "{left_ms}");
        }
    }

    #[test]
    fn every_colour_has_a_tint() {
        assert_eq!(tint_class("sea"), "tint-sea");
        assert_eq!(tint_class("Teal"), "tint-sea");
        assert!(TINTS.contains(&tint_class("#b5651d").trim_start_matches("tint-")));
    }
}
