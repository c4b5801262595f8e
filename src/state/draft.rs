//! The open sale as it is kept on the device, so that a reload or a crash in the middle of it loses nothing, and so that a
//! payment that was on its way keeps its id.

use holdfast_core::cart::{Cart, Line};
use holdfast_core::catalogue::Item;
use holdfast_core::id::PaymentId;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::tip::Tip;
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// The attempt to pay the open sale: made before the first try and kept for every further one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// `None` when the last payment was declined: the next one is another payment of the same sale.
    pub payment_id: Option<String>,
    /// The sale's number.
    pub number: String,
}

impl Attempt {
    pub fn payment_id(&self) -> Option<PaymentId> {
        self.payment_id.as_deref()?.parse().ok()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Draft {
    v: u32,
    currency: String,
    lines: Vec<DraftLine>,
    #[serde(default)]
    attempt: Option<Attempt>,
    #[serde(default)]
    tip: DraftTip,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DraftTip {
    #[default]
    None,
    Percent(u32),
    Fixed(i64),
}

/// What a page goes on from.
pub type Restored = (Cart, Tip, Option<Attempt>);

#[derive(Debug, Serialize, Deserialize)]
struct DraftLine {
    item_id: Option<String>,
    name: String,
    quantity: u32,
    unit_minor: i64,
    tax_bp: u32,
}

/// The draft's text, or `None` when there is nothing to keep.
pub fn write(cart: &Cart, tip: Tip, attempt: Option<&Attempt>) -> Option<String> {
    if cart.is_empty() {
        return None;
    }
    let line = |l: &Line| DraftLine {
        item_id: l.item_id.clone(),
        name: l.name.clone(),
        quantity: l.quantity,
        unit_minor: l.unit.minor(),
        tax_bp: l.tax_bp,
    };
    let draft = Draft {
        v: VERSION,
        currency: cart.currency().code().to_owned(),
        lines: cart.lines().iter().map(line).collect(),
        attempt: attempt.cloned(),
        tip: match tip {
            Tip::None => DraftTip::None,
            Tip::Percent(bp) => DraftTip::Percent(bp),
            Tip::Fixed(minor) => DraftTip::Fixed(minor),
        },
    };
    serde_json::to_string(&draft).ok()
}

/// Reads a draft. Anything that cannot be read is no sale: it held no money yet.
pub fn read(text: &str) -> Option<Restored> {
    let draft: Draft = serde_json::from_str(text).ok()?;
    if draft.v != VERSION {
        return None;
    }
    let currency: Currency = draft.currency.parse().ok()?;
    let mut cart = Cart::new(currency);
    for line in draft.lines {
        let unit = Amount::new(line.unit_minor, currency);
        let lines_before = cart.lines().len();
        match line.item_id {
            Some(id) => cart.add(&Item {
                id,
                category_id: String::new(),
                name: line.name,
                price: unit,
                tax_bp: line.tax_bp,
                barcode: None,
            }),
            None => cart.add_amount(&line.name, unit, line.tax_bp),
        }
        .ok()?;
        cart.set_quantity(lines_before, line.quantity).ok()?;
    }
    let tip = match draft.tip {
        DraftTip::None => Tip::None,
        DraftTip::Percent(bp) => Tip::Percent(bp),
        DraftTip::Fixed(minor) => Tip::Fixed(minor),
    };
    Some((cart, tip, draft.attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Amount {
        Amount::new(minor, Currency::EUR)
    }

    #[test]
    fn a_sale_survives_the_store() {
        let mut cart = Cart::new(Currency::EUR);
        let item = Item {
            id: "a".into(),
            category_id: "c".into(),
            name: "Flat white".into(),
            price: eur(420),
            tax_bp: 1900,
            barcode: None,
        };
        assert_eq!(
            (cart.add(&item), cart.set_quantity(0, 3), cart.add_amount("Amount", eur(5), 700)),
            (Ok(()), Ok(()), Ok(()))
        );
        let attempt = Attempt { payment_id: Some(PaymentId::make(1, [1; 10]).to_string()), number: "1-0042".into() };
        for tip in [Tip::None, Tip::Percent(1_500), Tip::Fixed(200)] {
            let text = write(&cart, tip, Some(&attempt)).unwrap_or_default();
            assert_eq!(read(&text), Some((cart.clone(), tip, Some(attempt.clone()))));
        }
        let older = r#"{"v":1,"currency":"EUR","lines":[{"item_id":null,"name":"Amount","quantity":1,"unit_minor":5,"tax_bp":700}]}"#;
        assert!(read(older).is_some_and(|(cart, tip, _)| cart.total() == eur(5) && tip == Tip::None));
    }

    #[test]
    fn nothing_and_nonsense_are_no_sale() {
        assert_eq!(write(&Cart::new(Currency::EUR), Tip::None, None), None);
        for text in ["", "{}", r#"{"v":2,"currency":"EUR","lines":[]}"#, r#"{"v":1,"currency":"???","lines":[]}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
