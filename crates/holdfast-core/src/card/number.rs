//! The primary account number: digits that passed Luhn, opened only by name, wiped on drop.

use super::Brand;
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A primary account number (PAN, ISO/IEC 7812-1): 12 to 19 digits with a valid check digit.
pub struct CardNumber(Zeroizing<String>);

/// What is wrong with a card number. Holds no digit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardNumberError {
    #[error("the card number is too short: 12 to 19 digits are expected")]
    TooShort,
    #[error("the card number is too long: 12 to 19 digits are expected")]
    TooLong,
    #[error("the card number holds something that is not a digit")]
    NotDigits,
    #[error("the card number has a typing mistake: its check digit does not fit")]
    CheckDigit,
}

impl CardNumber {
    /// The digits, for sealing or for the acquirer; nothing else may ask.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn brand(&self) -> Brand {
        Brand::of(&self.0)
    }

    /// The last four digits, which may be shown and stored (PCI DSS 3.4.1).
    pub fn last4(&self) -> String {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }
}

impl FromStr for CardNumber {
    type Err = CardNumberError;
    fn from_str(text: &str) -> Result<Self, CardNumberError> {
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        for c in text.chars() {
            match c {
                '0'..='9' => digits.push(c),
                ' ' | '-' => {}
                _ => return Err(CardNumberError::NotDigits),
            }
        }
        match digits.len() {
            0..12 => Err(CardNumberError::TooShort),
            12..=19 if luhn(&digits) => Ok(Self(digits)),
            12..=19 => Err(CardNumberError::CheckDigit),
            _ => Err(CardNumberError::TooLong),
        }
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber([secret])")
    }
}

/// The check digit of ISO/IEC 7812-1 annex B. All zeros pass the sum and are refused by hand.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .map(|b| u32::from(b - b'0'))
        .enumerate()
        .map(|(i, d)| match (i % 2, d) {
            (0, d) => d,
            (_, d) if d > 4 => d * 2 - 9,
            (_, d) => d * 2,
        })
        .sum();
    sum.is_multiple_of(10) && sum > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked() {
        use CardNumberError::*;
        for (text, error) in [
            ("4242 4242 4242 4242", None),
            ("3782-822463-10005", None),
            ("4242424242424241", Some(CheckDigit)),
            ("4224242424242424", Some(CheckDigit)),
            ("42424242424", Some(TooShort)),
            ("", Some(TooShort)),
            ("42424242424242424242", Some(TooLong)),
            ("4242x24242424242", Some(NotDigits)),
            ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", Some(NotDigits)),
            ("0000000000000000", Some(CheckDigit)),
        ] {
            assert_eq!(text.parse::<CardNumber>().err(), error, "{text}");
        }
    }

    #[test]
    fn debug_tells_nothing() {
        let shown = format!("{:?}", "4242424242424242".parse::<CardNumber>());
        assert!(!shown.contains('4'), "{shown}");
    }
}
