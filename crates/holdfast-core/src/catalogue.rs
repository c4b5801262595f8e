//! What the shop sells.

use crate::money::Amount;

/// A group of items, with the name of its colour in the till's palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub id: String,
    pub name: String,
    pub colour: String,
}

/// An item with its price, tax included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub category_id: String,
    pub name: String,
    pub price: Amount,
    /// Tax rate in basis points: 1900 is 19 %.
    pub tax_bp: u32,
    pub barcode: Option<String>,
}

/// The whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    pub categories: Vec<Category>,
    pub items: Vec<Item>,
}

impl Catalogue {
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|i| i.id == id)
    }

    /// Items whose name holds every word of the query, in any case; or whose barcode is the query.
    pub fn search<'a>(&'a self, query: &str) -> Vec<&'a Item> {
        let query = query.trim().to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        if words.is_empty() {
            return Vec::new();
        }
        let hit = |item: &&Item| {
            let name = item.name.to_lowercase();
            item.barcode.as_deref() == Some(query.as_str()) || words.iter().all(|w| name.contains(w))
        };
        self.items.iter().filter(hit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn search_finds_words_in_any_order_and_barcodes_whole() {
        let item = |id: &str, name: &str, barcode: Option<&str>| Item {
            id: id.into(),
            category_id: "c".into(),
            name: name.into(),
            price: Amount::new(100, Currency::EUR),
            tax_bp: 1900,
            barcode: barcode.map(Into::into),
        };
        let shop = Catalogue {
            categories: vec![],
            items: vec![item("1", "Flat White", None), item("2", "White Mug", Some("4006381333931"))],
        };
        let found = |q: &str| shop.search(q).iter().map(|i| i.id.clone()).collect::<Vec<_>>();
        assert_eq!(found("white flat"), ["1"]);
        assert_eq!(found("WHITE"), ["1", "2"]);
        assert_eq!(found("4006381333931"), ["2"]);
        assert!(found("400638").is_empty() && found(" ").is_empty());
    }
}
