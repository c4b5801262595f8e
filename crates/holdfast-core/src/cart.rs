//! The open sale: lines, totals, contained tax.

use crate::catalogue::Item;
use crate::limits::{NAME_CHARS_MAX, SALE_LINES_MAX};
use crate::money::{Amount, Currency, MoneyError};

/// A line of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `None` for a keypad amount.
    pub item_id: Option<String>,
    pub name: String,
    pub quantity: u32,
    pub unit: Amount,
    pub tax_bp: u32,
}

impl Line {
    pub fn total(&self) -> Result<Amount, MoneyError> {
        self.unit.times(i64::from(self.quantity))
    }

    pub fn tax(&self) -> Result<Amount, MoneyError> {
        self.total()?.tax_included(self.tax_bp)
    }
}

/// What is wrong with a change of the cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    #[error("the sale has as many lines as it can hold: finish it and begin another")]
    TooManyLines,
    #[error("an amount of nothing cannot be added: type the amount first")]
    NothingToAdd,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// The open sale. A change that is refused leaves it as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    currency: Currency,
    lines: Vec<Line>,
}

impl Cart {
    pub fn new(currency: Currency) -> Self {
        Self { currency, lines: Vec::new() }
    }

    pub fn currency(&self) -> Currency {
        self.currency
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds an item, or one more of it when it is there at the same price.
    pub fn add(&mut self, item: &Item) -> Result<(), CartError> {
        let line = Line {
            item_id: Some(item.id.clone()),
            name: item.name.chars().take(NAME_CHARS_MAX).collect(),
            quantity: 1,
            unit: item.price,
            tax_bp: item.tax_bp,
        };
        self.change(|lines| match lines.iter_mut().find(|l| l.item_id == line.item_id && l.unit == line.unit) {
            Some(there) => there.quantity = there.quantity.saturating_add(1),
            None => lines.push(line),
        })
    }

    /// Adds an amount that was typed.
    pub fn add_amount(&mut self, name: &str, amount: Amount, tax_bp: u32) -> Result<(), CartError> {
        if amount.minor() <= 0 {
            return Err(CartError::NothingToAdd);
        }
        let name = name.chars().take(NAME_CHARS_MAX).collect();
        self.change(|lines| lines.push(Line { item_id: None, name, quantity: 1, unit: amount, tax_bp }))
    }

    /// Sets the quantity of a line; zero removes it. An index that is not there changes nothing.
    pub fn set_quantity(&mut self, index: usize, quantity: u32) -> Result<(), CartError> {
        self.change(|lines| match (lines.get_mut(index), quantity) {
            (Some(_), 0) => {
                lines.remove(index);
            }
            (Some(line), quantity) => line.quantity = quantity,
            (None, _) => {}
        })
    }

    pub fn clear(&mut self) {
        self.lines.clear();
    }

    pub fn total(&self) -> Amount {
        // `change` has checked that the sum exists.
        sum(self.currency, self.lines.iter().map(Line::total)).unwrap_or(Amount::zero(self.currency))
    }

    /// The tax contained in the total: rounded per line, then added, as it is printed.
    pub fn tax(&self) -> Amount {
        sum(self.currency, self.lines.iter().map(Line::tax)).unwrap_or(Amount::zero(self.currency))
    }

    fn change(&mut self, edit: impl FnOnce(&mut Vec<Line>)) -> Result<(), CartError> {
        let mut lines = self.lines.clone();
        edit(&mut lines);
        if lines.len() > SALE_LINES_MAX {
            return Err(CartError::TooManyLines);
        }
        sum(self.currency, lines.iter().map(Line::total))?;
        sum(self.currency, lines.iter().map(Line::tax))?;
        self.lines = lines;
        Ok(())
    }
}

fn sum(
    currency: Currency,
    mut amounts: impl Iterator<Item = Result<Amount, MoneyError>>,
) -> Result<Amount, MoneyError> {
    amounts.try_fold(Amount::zero(currency), |total, amount| total.plus(amount?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, minor: i64) -> Item {
        Item {
            id: id.into(),
            category_id: "c".into(),
            name: id.to_uppercase(),
            price: Amount::new(minor, Currency::EUR),
            tax_bp: 1900,
            barcode: None,
        }
    }

    #[test]
    fn lines_add_up() {
        let mut cart = Cart::new(Currency::EUR);
        for i in [item("a", 420), item("a", 420), item("b", 320)] {
            assert_eq!(cart.add(&i), Ok(()));
        }
        assert_eq!(cart.add_amount("Amount", Amount::new(100, Currency::EUR), 700), Ok(()));
        assert_eq!((cart.lines().len(), cart.total().minor()), (3, 1260));
        assert_eq!(cart.tax().minor(), 134 + 51 + 7);
        assert_eq!(cart.set_quantity(0, 0), Ok(()));
        assert_eq!((cart.lines().len(), cart.total().minor()), (2, 420));
        assert_eq!(cart.set_quantity(9, 4), Ok(()));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut cart = Cart::new(Currency::EUR);
        assert_eq!(cart.add_amount("x", Amount::zero(Currency::EUR), 0), Err(CartError::NothingToAdd));
        assert_eq!(cart.add(&item("huge", i64::MAX)), Ok(()));
        let before = cart.clone();
        assert_eq!(cart.add(&item("a", 1)), Err(CartError::Money(MoneyError::Overflow)));
        let foreign = Item { price: Amount::new(1, "JPY".parse().unwrap_or(Currency::EUR)), ..item("y", 1) };
        assert_eq!(cart.add(&foreign), Err(CartError::Money(MoneyError::CurrencyMismatch)));
        assert_eq!(cart, before);
    }
}
