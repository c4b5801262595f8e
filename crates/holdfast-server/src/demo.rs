//! The demo's shop: a café with a market shelf, so that a first visitor has something to sell.

use crate::journal::Calendar;
use crate::people::PeopleError;
use crate::people::pin::verifier;
use crate::store::{Books, NewStaff};
use holdfast_core::id::{MerchantId, StaffId};
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::staff::StaffRole;
use holdfast_core::time::UnixMs;
use holdfast_core::tip::Tips;
use holdfast_wire::shop::{CategoryWire, ItemWire, Merchant, PolicyWire, Shop};
use holdfast_wire::team::{TeamWire, TipsWire};

/// Tax rates in basis points: the full rate, and the reduced one for food to take away.
const FULL: u32 = 1_900;
const REDUCED: u32 = 700;

/// Id, name, and the name of its colour in the till's palette.
const CATEGORIES: [(&str, &str, &str); 5] = [
    ("coffee", "Coffee", "umber"),
    ("bakery", "Bakery", "wheat"),
    ("lunch", "Lunch", "leaf"),
    ("drinks", "Cold drinks", "sky"),
    ("retail", "Retail", "plum"),
];

/// Category, id, name, price in cents, tax rate, barcode.
type DemoItem = (&'static str, &'static str, &'static str, i64, u32, Option<&'static str>);

const ITEMS: [DemoItem; 25] = [
    ("coffee", "espresso", "Espresso", 260, FULL, None),
    ("coffee", "cortado", "Cortado", 340, FULL, None),
    ("coffee", "flat-white", "Flat white", 420, FULL, None),
    ("coffee", "cappuccino", "Cappuccino", 390, FULL, None),
    ("coffee", "filter", "Filter of the day", 350, FULL, None),
    ("coffee", "cold-brew", "Cold brew", 450, FULL, None),
    ("bakery", "croissant", "Butter croissant", 320, REDUCED, None),
    ("bakery", "pain-chocolat", "Pain au chocolat", 360, REDUCED, None),
    ("bakery", "cinnamon-bun", "Cinnamon bun", 380, REDUCED, None),
    ("bakery", "banana-bread", "Banana bread", 410, REDUCED, None),
    ("bakery", "sourdough", "Sourdough loaf", 620, REDUCED, None),
    ("lunch", "tomato-soup", "Roast tomato soup", 750, REDUCED, None),
    ("lunch", "halloumi-wrap", "Halloumi wrap", 890, REDUCED, None),
    ("lunch", "ploughmans", "Ploughman’s plate", 1_150, REDUCED, None),
    ("lunch", "grain-bowl", "Grain bowl", 990, REDUCED, None),
    ("lunch", "quiche", "Leek quiche and salad", 920, REDUCED, None),
    ("drinks", "lemonade", "Ginger lemonade", 390, FULL, None),
    ("drinks", "apple-juice", "Cloudy apple juice", 340, FULL, Some("4012345000016")),
    ("drinks", "sparkling", "Sparkling water", 280, FULL, Some("4012345000023")),
    ("drinks", "iced-tea", "Iced hibiscus tea", 370, FULL, None),
    ("retail", "beans-250", "House beans 250 g", 1_190, REDUCED, Some("4012345000030")),
    ("retail", "beans-1000", "House beans 1 kg", 3_950, REDUCED, Some("4012345000047")),
    ("retail", "mug", "Enamel mug", 1_600, FULL, Some("4012345000054")),
    ("retail", "tote", "Canvas tote", 1_800, FULL, Some("4012345000061")),
    ("retail", "honey", "Wildflower honey", 780, REDUCED, Some("4012345000078")),
];

/// The shop, for a merchant with this id.
pub fn shop(merchant_id: MerchantId) -> Shop {
    Shop {
        v: holdfast_wire::V,
        version: 0,
        merchant: Merchant {
            id: merchant_id.to_string(),
            name: "Harbour Street Café".to_owned(),
            currency: "EUR".to_owned(),
            locale: "en-IE".to_owned(),
            tax_inclusive: true,
            keypad_tax_bp: FULL,
            receipt_footer: "Thank you. See you at the harbour.".to_owned(),
            zone: "Europe/Dublin".to_owned(),
        },
        policy: PolicyWire {
            window_ms: WINDOW_MS_MAX,
            payment_minor_max: 50_000,
            keyed_minor_max: 15_000,
            total_minor_max: 1_000_000,
        },
        categories: CATEGORIES.map(category).into(),
        items: ITEMS.map(item).into(),
        team: TeamWire { idle_lock_ms: 10 * 60_000, on_receipts: true, ..TeamWire::default() },
        tips: TipsWire::from_core(Tips::Percent([500, 1_000, 1_500])),
    }
}

/// Who sells there, with PINs that everybody may know. The lock is off until one of them signs in.
pub const STAFF: [(&str, StaffRole, &str); 2] =
    [("Ada Byrne", StaffRole::Manager, "2468"), ("Brendan Quinn", StaffRole::Cashier, "1357")];

/// Rounds for PINs that are no secret: a first start does not wait for them.
const STAFF_ROUNDS: u32 = 1_000;

/// Puts them on the list of a merchant.
///
/// # Errors
/// When the database refuses, or the system gives no random numbers.
pub async fn add_staff(books: &Books, merchant_id: MerchantId, now_ms: UnixMs) -> Result<(), PeopleError> {
    for (number, (name, role, pin)) in (1..).zip(STAFF) {
        let pin = Some(verifier(pin, STAFF_ROUNDS)?.to_string());
        let new = NewStaff { id: StaffId::make([number; 16]), name: name.to_owned(), role, pin };
        books.add_staff(merchant_id, now_ms, new).await?;
    }
    Ok(())
}

/// The shop's days: what is sold before four in the morning belongs to the evening before.
pub fn calendar() -> Option<Calendar> {
    Calendar::new("Europe/Dublin", 4).ok()
}

fn category((id, name, colour): (&str, &str, &str)) -> CategoryWire {
    CategoryWire { id: id.to_owned(), name: name.to_owned(), colour: colour.to_owned() }
}

fn item((category_id, id, name, price_minor, tax_bp, barcode): DemoItem) -> ItemWire {
    ItemWire {
        id: id.to_owned(),
        category_id: category_id.to_owned(),
        name: name.to_owned(),
        price_minor,
        tax_bp,
        sku: Some(id.to_ascii_uppercase()),
        barcode: barcode.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_a_category_and_every_barcode_reads() {
        let shop = shop(MerchantId::make([7; 16]));
        assert!(shop.catalogue().is_ok() && calendar().is_some());
        for item in &shop.items {
            assert!(shop.categories.iter().any(|c| c.id == item.category_id), "{}", item.id);
            if let Some(code) = &item.barcode {
                // EAN-13: weights 1 and 3, and the sum with the check digit is a multiple of ten.
                let sum: u32 =
                    code.chars().zip([1, 3].iter().cycle()).filter_map(|(c, w)| Some(c.to_digit(10)? * w)).sum();
                assert_eq!((code.len(), sum % 10), (13, 0), "{}", item.id);
            }
        }
    }
}
