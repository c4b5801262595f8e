//! A card number and an expiry date while they are typed.
//!
//! The digits live here, are wiped on drop, and leave only as a [`Card`]. What the views get is a mask: dots in the card's
//! groups and the last four digits typed, so the number is never in the DOM.

use super::view_model::Problem;
use holdfast_core::card::{Brand, Card, CardNumber, Expiry};
use zeroize::Zeroizing;

/// The longest card number (ISO/IEC 7812-1).
const NUMBER_DIGITS_MAX: usize = 19;
const EXPIRY_DIGITS: usize = 4;
const SHOWN_DIGITS: usize = 4;

/// Which of the two is typed into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    #[default]
    Number,
    Expiry,
}

/// What may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    pub field: Field,
    /// Dots and the last digits, in groups.
    pub number: String,
    pub number_digits: usize,
    /// `12/3`, as far as typed.
    pub expiry: String,
    pub brand: Option<String>,
    /// Both are complete and right: the card can be charged.
    pub complete: bool,
}

/// The digits.
pub struct Keyed {
    number: Zeroizing<String>,
    expiry: Zeroizing<String>,
    field: Field,
}

impl Default for Keyed {
    fn default() -> Self {
        // Room for all digits at once: a buffer that grows would leave unwiped copies behind.
        Self {
            number: Zeroizing::new(String::with_capacity(NUMBER_DIGITS_MAX)),
            expiry: Zeroizing::new(String::with_capacity(EXPIRY_DIGITS)),
            field: Field::Number,
        }
    }
}

impl Keyed {
    /// Takes a digit. A number that is complete hands over to the expiry by itself.
    pub fn digit(&mut self, digit: char) {
        if !digit.is_ascii_digit() {
            return;
        }
        match self.field {
            Field::Number if self.number.len() < NUMBER_DIGITS_MAX => {
                self.number.push(digit);
                if self.number.len() == usual_length(&self.number) && self.number.parse::<CardNumber>().is_ok() {
                    self.field = Field::Expiry;
                }
            }
            Field::Expiry if self.expiry.len() < EXPIRY_DIGITS => self.expiry.push(digit),
            Field::Number | Field::Expiry => {}
        }
    }

    /// Takes the last digit back; from an empty expiry it goes back to the number.
    pub fn backspace(&mut self) {
        match self.field {
            Field::Expiry if self.expiry.is_empty() => self.field = Field::Number,
            Field::Expiry => drop(self.expiry.pop()),
            Field::Number => drop(self.number.pop()),
        }
    }

    pub fn choose(&mut self, field: Field) {
        self.field = field;
    }

    /// The card, or what to correct.
    pub fn card(&self) -> Result<Card, Problem> {
        let number: CardNumber = self.number.parse().map_err(Problem::Number)?;
        let expiry: Expiry = self.expiry.parse().map_err(|_| Problem::Expiry)?;
        Ok(Card::keyed(number, expiry))
    }

    pub fn mask(&self) -> Mask {
        let brand = Brand::of(&self.number);
        let expiry = match self.expiry.split_at_checked(2) {
            Some((month, year)) => format!("{month}/{year}"),
            None => self.expiry.to_string(),
        };
        Mask {
            field: self.field,
            number: mask(&self.number, brand),
            number_digits: self.number.len(),
            expiry,
            brand: (brand != Brand::Unknown && self.number.len() >= 2).then(|| brand.to_string()),
            complete: self.card().is_ok(),
        }
    }
}

/// What most cards of a brand have; a longer number goes on with the Expiry button or Enter.
fn usual_length(number: &str) -> usize {
    match Brand::of(number) {
        Brand::Amex => 15,
        Brand::Diners => 14,
        _ => 16,
    }
}

fn mask(number: &str, brand: Brand) -> String {
    let breaks: &[usize] = if matches!(brand, Brand::Amex | Brand::Diners) { &[4, 10] } else { &[4, 8, 12, 16] };
    let hidden = number.len().saturating_sub(SHOWN_DIGITS);
    let mut shown = String::new();
    for (i, digit) in number.chars().enumerate() {
        if breaks.contains(&i) {
            shown.push(' ');
        }
        shown.push(if i < hidden { '•' } else { digit });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::card::CardNumberError;

    fn typed(digits: &str) -> Keyed {
        let mut keyed = Keyed::default();
        digits.chars().for_each(|d| keyed.digit(d));
        keyed
    }

    #[test]
    fn a_complete_number_hands_over_to_the_expiry() {
        for (digits, number, expiry, complete) in [
            ("", "", "", false),
            ("424", "424", "", false),
            ("42424", "•242 4", "", false),
            ("42424242424242421230", "•••• •••• •••• 4242", "12/30", true),
            ("4242424242424242123099", "•••• •••• •••• 4242", "12/30", true),
            ("3782822463100051230", "•••• •••••• •0005", "12/30", true),
            ("424242424242424213", "•••• •••• •••• 4242", "13/", false),
        ] {
            let mask = typed(digits).mask();
            assert_eq!(
                (mask.number.as_str(), mask.expiry.as_str(), mask.complete),
                (number, expiry, complete),
                "{digits}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |digits| typed(digits).card().err();
        assert_eq!(problem("4242"), Some(Problem::Number(CardNumberError::TooShort)));
        assert_eq!(problem("4242424242424241"), Some(Problem::Number(CardNumberError::CheckDigit)));
        assert_eq!(problem("42424242424242421330"), Some(Problem::Expiry));
    }

    #[test]
    fn backspace_walks_back_through_both() {
        let mut keyed = typed("42424242424242421");
        for _ in 0..3 {
            keyed.backspace();
        }
        assert_eq!(
            (keyed.mask().field, keyed.mask().number_digits, keyed.mask().expiry.as_str()),
            (Field::Number, 15, "")
        );
        keyed.digit('x');
        assert_eq!(keyed.mask().number_digits, 15);
    }

    #[test]
    fn a_mask_never_shows_more_than_four_digits() {
        let mut keyed = Keyed::default();
        for d in "6200000000000000000".chars() {
            keyed.digit(d);
            let shown = keyed.mask().number.chars().filter(char::is_ascii_digit).count();
            assert!(shown <= SHOWN_DIGITS);
        }
    }
}
