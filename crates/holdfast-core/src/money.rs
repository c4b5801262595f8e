//! Money: integers of minor units with their currency, checked arithmetic, never a float.

use std::fmt;
use std::str::FromStr;

/// What is wrong with an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amounts are in different currencies: change the sale's currency or take them apart")]
    CurrencyMismatch,
    #[error("the amount is larger than Holdfast can hold: split the sale")]
    Overflow,
    #[error("this currency is not known: use an ISO 4217 code such as EUR")]
    UnknownCurrency,
}

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Code, number of decimals and numeric code (ISO 4217, list one) of the currencies that shops of today's acquirers settle in.
const CURRENCIES: &[(&str, u8, &str)] = &[
    ("AED", 2, "784"),
    ("AUD", 2, "036"),
    ("BGN", 2, "975"),
    ("BHD", 3, "048"),
    ("BRL", 2, "986"),
    ("CAD", 2, "124"),
    ("CHF", 2, "756"),
    ("CLP", 0, "152"),
    ("CNY", 2, "156"),
    ("CZK", 2, "203"),
    ("DKK", 2, "208"),
    ("EUR", 2, "978"),
    ("GBP", 2, "826"),
    ("HKD", 2, "344"),
    ("HUF", 2, "348"),
    ("IDR", 2, "360"),
    ("ILS", 2, "376"),
    ("INR", 2, "356"),
    ("ISK", 0, "352"),
    ("JOD", 3, "400"),
    ("JPY", 0, "392"),
    ("KES", 2, "404"),
    ("KRW", 0, "410"),
    ("KWD", 3, "414"),
    ("MAD", 2, "504"),
    ("MXN", 2, "484"),
    ("MYR", 2, "458"),
    ("NGN", 2, "566"),
    ("NOK", 2, "578"),
    ("NZD", 2, "554"),
    ("OMR", 3, "512"),
    ("PHP", 2, "608"),
    ("PLN", 2, "985"),
    ("QAR", 2, "634"),
    ("RON", 2, "946"),
    ("SAR", 2, "682"),
    ("SEK", 2, "752"),
    ("SGD", 2, "702"),
    ("THB", 2, "764"),
    ("TND", 3, "788"),
    ("TRY", 2, "949"),
    ("TWD", 2, "901"),
    ("UAH", 2, "980"),
    ("USD", 2, "840"),
    ("VND", 0, "704"),
    ("ZAR", 2, "710"),
];

impl Currency {
    pub const EUR: Self = Self { code: *b"EUR", exponent: 2 };

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// The three digits, as acquirers' messages want them: 978 for EUR.
    pub fn numeric(&self) -> &'static str {
        CURRENCIES.iter().find(|(code, ..)| *code == self.code()).map_or("999", |(_, _, numeric)| numeric)
    }

    /// Decimals of the minor unit: 2 for EUR, 0 for JPY.
    pub fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (code, exponent, _) = CURRENCIES.iter().find(|(c, ..)| *c == text).ok_or(MoneyError::UnknownCurrency)?;
        let code = code.as_bytes().try_into().map_err(|_| MoneyError::UnknownCurrency)?;
        Ok(Self { code, exponent: *exponent })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money. May be negative (a discount, a refund).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    pub fn minor(&self) -> i64 {
        self.minor
    }

    pub fn currency(&self) -> Currency {
        self.currency
    }

    pub fn is_positive(&self) -> bool {
        self.minor > 0
    }

    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    pub fn times(self, factor: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(factor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The tax that is contained in this gross amount at a rate in basis points, rounded half away from zero.
    pub fn tax_included(self, rate_bp: u32) -> Result<Self, MoneyError> {
        let rate = i128::from(rate_bp);
        let minor = divide_half_away(i128::from(self.minor) * rate, 10_000 + rate)?;
        Ok(Self { minor, ..self })
    }

    /// Digits with a decimal point and no currency, as `10.60`: for machines and tests. People get Intl's form.
    pub fn to_plain(self) -> String {
        let digits = usize::from(self.currency.exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", self.minor.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = text.split_at(text.len() - digits);
        if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// Reads what a person typed, `10.60`, `10,60` or `10`: digits with at most as many decimals as the currency has.
    pub fn from_plain(text: &str, currency: Currency) -> Option<Self> {
        let digits = usize::from(currency.exponent);
        let (whole, fraction) = text.trim().split_once(['.', ',']).unwrap_or((text.trim(), ""));
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || fraction.len() > digits || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let minor = format!("{whole}{fraction:0<digits$}").parse().ok()?;
        Some(Self::new(minor, currency))
    }
}

fn divide_half_away(numerator: i128, denominator: i128) -> Result<i64, MoneyError> {
    let half = denominator / 2;
    let shifted = if numerator < 0 { numerator - half } else { numerator + half };
    i64::try_from(shifted / denominator).map_err(|_| MoneyError::Overflow)
}

/// An amount typed on a keypad, from the right: 1, 0, 6, 0 reads 10.60.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keypad {
    amount: Amount,
}

/// Digits that a keypad takes: 9,999,999.99 is more than any sale and far from an overflow.
const KEYPAD_MINOR_MAX: i64 = 999_999_999;

impl Keypad {
    pub fn new(currency: Currency) -> Self {
        Self { amount: Amount::zero(currency) }
    }

    /// As if this amount had been typed; from nothing where it could not have been.
    pub fn of(amount: Amount) -> Self {
        let fits = (0..=KEYPAD_MINOR_MAX).contains(&amount.minor);
        if fits { Self { amount } } else { Self::new(amount.currency) }
    }

    /// Adds a digit (0 to 9). A digit too many leaves the amount as it is.
    pub fn digit(self, digit: u8) -> Self {
        let next = self.amount.minor * 10 + i64::from(digit.min(9));
        if next > KEYPAD_MINOR_MAX { self } else { Self { amount: Amount { minor: next, ..self.amount } } }
    }

    pub fn double_zero(self) -> Self {
        self.digit(0).digit(0)
    }

    pub fn backspace(self) -> Self {
        Self { amount: Amount { minor: self.amount.minor / 10, ..self.amount } }
    }

    pub fn amount(&self) -> Amount {
        self.amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Amount {
        Amount::new(minor, Currency::EUR)
    }

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Overflow));
        assert_eq!(eur(i64::MAX).times(2), Err(MoneyError::Overflow));
        let jpy = Amount::new(1, "JPY".parse().unwrap_or(Currency::EUR));
        assert_eq!(eur(1).plus(jpy), Err(MoneyError::CurrencyMismatch));
    }

    #[test]
    fn included_tax_rounds_half_away_from_zero() {
        for (gross, bp, tax) in
            [(1190, 1900, 190), (100, 700, 7), (840, 700, 55), (1, 1900, 0), (-1190, 1900, -190), (0, 1900, 0)]
        {
            assert_eq!(eur(gross).tax_included(bp), Ok(eur(tax)), "{gross} at {bp}");
        }
    }

    #[test]
    fn plain_text_keeps_the_decimals_of_the_currency() {
        assert_eq!(eur(5).to_plain(), "0.05");
        assert_eq!(eur(-1060).to_plain(), "-10.60");
        let jpy: Currency = "JPY".parse().unwrap_or(Currency::EUR);
        assert_eq!(Amount::new(1060, jpy).to_plain(), "1060");
    }

    #[test]
    fn a_keypad_fills_from_the_right_and_has_an_end() {
        let mut pad = Keypad::new(Currency::EUR);
        for d in [1, 0, 6, 0] {
            pad = pad.digit(d);
        }
        assert_eq!(pad.amount(), eur(1060));
        assert_eq!(pad.backspace().amount(), eur(106));
        for _ in 0..30 {
            pad = pad.digit(9);
        }
        assert!(pad.amount().minor() <= KEYPAD_MINOR_MAX);
    }
}
