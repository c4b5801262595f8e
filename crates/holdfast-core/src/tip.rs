//! Tips: what a shop offers, and what a choice comes to. A tip is part of the amount that is sealed and charged.

use crate::money::Amount;

/// What a shop offers its customers, three at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tips {
    #[default]
    Off,
    /// Of the goods, in basis points.
    Percent([u32; 3]),
    /// In minor units of the shop's currency.
    Fixed([i64; 3]),
}

impl Tips {
    pub fn is_off(self) -> bool {
        self == Self::Off
    }

    /// The three choices, in the shop's order.
    pub fn choices(self) -> Vec<Tip> {
        match self {
            Self::Off => Vec::new(),
            Self::Percent(rates) => rates.map(Tip::Percent).into(),
            Self::Fixed(amounts) => amounts.map(Tip::Fixed).into(),
        }
    }
}

/// What the customer chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tip {
    #[default]
    None,
    /// In basis points. It follows the sale when a line is added after it was chosen.
    Percent(u32),
    /// Minor units.
    Fixed(i64),
}

impl Tip {
    /// What it comes to for goods of this amount: rounded half up to the minor unit, and nothing where nothing is sold.
    pub fn of(self, goods: Amount) -> Amount {
        let minor = match self {
            _ if !goods.is_positive() => 0,
            Self::None => 0,
            Self::Percent(bp) => {
                let scaled = (i128::from(goods.minor()) * i128::from(bp) + 5_000) / 10_000;
                i64::try_from(scaled).unwrap_or(0)
            }
            Self::Fixed(minor) => minor.max(0),
        };
        Amount::new(minor, goods.currency())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn a_choice_comes_to_whole_minor_units() {
        for (tip, goods, minor) in [
            (Tip::None, 1_000, 0),
            (Tip::Percent(1_000), 1_060, 106),
            (Tip::Percent(1_500), 1_063, 159),
            (Tip::Percent(1_500), 1_070, 161),
            (Tip::Percent(2_000), 0, 0),
            (Tip::Percent(2_000), -500, 0),
            (Tip::Percent(u32::MAX), i64::MAX, 0),
            (Tip::Fixed(200), 1_000, 200),
            (Tip::Fixed(200), 0, 0),
            (Tip::Fixed(-1), 1_000, 0),
        ] {
            assert_eq!(tip.of(Amount::new(goods, Currency::EUR)).minor(), minor, "{tip:?} of {goods}");
        }
        assert!(Tips::Off.choices().is_empty() && Tips::Fixed([1, 2, 3]).choices()[2] == Tip::Fixed(3));
    }
}
