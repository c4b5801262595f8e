//! Card brands by the leading digits (ISO/IEC 7812-1 issuer identification; ranges as the brands publish them).

use std::fmt;

/// A card brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Brand {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    Jcb,
    UnionPay,
    Maestro,
    Unknown,
}

const NAMES: &[(Brand, &str)] = &[
    (Brand::Visa, "visa"),
    (Brand::Mastercard, "mastercard"),
    (Brand::Amex, "amex"),
    (Brand::Discover, "discover"),
    (Brand::Diners, "diners"),
    (Brand::Jcb, "jcb"),
    (Brand::UnionPay, "unionpay"),
    (Brand::Maestro, "maestro"),
    (Brand::Unknown, "unknown"),
];

impl Brand {
    /// How many leading digits, from which to which, are whose. No two overlap.
    pub const RANGES: &[(usize, u32, u32, Self)] = &[
        (2, 40, 49, Self::Visa),
        (2, 51, 55, Self::Mastercard),
        (4, 2221, 2720, Self::Mastercard),
        (2, 34, 34, Self::Amex),
        (2, 37, 37, Self::Amex),
        (4, 6011, 6011, Self::Discover),
        (2, 65, 65, Self::Discover),
        (3, 644, 649, Self::Discover),
        (2, 36, 36, Self::Diners),
        (2, 38, 39, Self::Diners),
        (3, 300, 305, Self::Diners),
        (4, 3528, 3589, Self::Jcb),
        (2, 62, 62, Self::UnionPay),
        (2, 81, 81, Self::UnionPay),
        (2, 50, 50, Self::Maestro),
        (2, 56, 58, Self::Maestro),
        (4, 6304, 6304, Self::Maestro),
        (4, 6759, 6759, Self::Maestro),
        (4, 6761, 6763, Self::Maestro),
    ];

    /// The brand of a number, from its leading digits.
    pub fn of(digits: &str) -> Self {
        let prefix = |n: usize| digits.get(..n).and_then(|p| p.parse::<u32>().ok()).unwrap_or(0);
        let found = Self::RANGES.iter().find(|(n, from, to, _)| (*from..=*to).contains(&prefix(*n)));
        found.map_or(Self::Unknown, |(.., brand)| *brand)
    }

    /// The wire's name, in lower case.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(b, _)| *b == self).map_or("unknown", |(_, n)| n)
    }

    pub fn from_name(name: &str) -> Self {
        NAMES.iter().find(|(_, n)| *n == name).map_or(Self::Unknown, |(b, _)| *b)
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Amex => "American Express",
            Self::Discover => "Discover",
            Self::Diners => "Diners Club",
            Self::Jcb => "JCB",
            Self::UnionPay => "UnionPay",
            Self::Maestro => "Maestro",
            Self::Unknown => "Card",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_test_numbers_have_their_brand() {
        for (digits, brand) in [
            ("4242424242424242", Brand::Visa),
            ("5555555555554444", Brand::Mastercard),
            ("2223003122003222", Brand::Mastercard),
            ("378282246310005", Brand::Amex),
            ("6011111111111117", Brand::Discover),
            ("3056930009020004", Brand::Diners),
            ("36227206271667", Brand::Diners),
            ("3566002020360505", Brand::Jcb),
            ("6200000000000005", Brand::UnionPay),
            ("9999999999999995", Brand::Unknown),
            ("", Brand::Unknown),
        ] {
            assert_eq!(Brand::of(digits), brand, "{digits}");
            assert_eq!(Brand::from_name(brand.name()), brand);
        }
    }
}
