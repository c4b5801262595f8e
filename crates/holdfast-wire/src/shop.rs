//! `GET /api/v1/shop`: merchant, policy and catalogue.

use crate::{WireError, check_version, from_json, to_json};
use holdfast_core::catalogue::{Catalogue, Category, Item};
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::policy::{Caps, Policy};
use serde::{Deserialize, Serialize};

/// The answer, which the till also keeps for a start without network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Shop {
    pub v: u32,
    pub merchant: Merchant,
    pub policy: PolicyWire,
    pub categories: Vec<CategoryWire>,
    pub items: Vec<ItemWire>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Merchant {
    pub id: String,
    pub name: String,
    pub currency: String,
    /// BCP 47.
    pub locale: String,
    pub tax_inclusive: bool,
    /// Tax rate of an amount that was typed, in basis points.
    #[serde(default)]
    pub keypad_tax_bp: u32,
    pub receipt_footer: String,
    /// The shop's time zone, by its name in the IANA database.
    #[serde(default = "utc")]
    pub zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PolicyWire {
    pub window_ms: i64,
    pub payment_minor_max: i64,
    pub keyed_minor_max: i64,
    pub total_minor_max: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CategoryWire {
    pub id: String,
    pub name: String,
    pub colour: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ItemWire {
    pub id: String,
    pub category_id: String,
    pub name: String,
    pub price_minor: i64,
    pub tax_bp: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
}

impl Shop {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let shop: Self = from_json(body)?;
        check_version(shop.v)?;
        shop.currency()?;
        Ok(shop)
    }

    pub fn currency(&self) -> Result<Currency, WireError> {
        self.merchant.currency.parse().map_err(|_| WireError::Field("merchant.currency"))
    }

    /// What a till goes by that has never seen a signed policy: one that was updated while offline, say.
    pub fn policy(&self) -> Policy {
        let PolicyWire { window_ms, payment_minor_max, keyed_minor_max, total_minor_max } = self.policy;
        Policy::new(window_ms.clamp(0, WINDOW_MS_MAX), Caps::of(payment_minor_max, keyed_minor_max, total_minor_max))
    }

    pub fn catalogue(&self) -> Result<Catalogue, WireError> {
        let currency = self.currency()?;
        let category = |c: &CategoryWire| Category { id: c.id.clone(), name: c.name.clone(), colour: c.colour.clone() };
        let item = |i: &ItemWire| Item {
            id: i.id.clone(),
            category_id: i.category_id.clone(),
            name: i.name.clone(),
            price: Amount::new(i.price_minor, currency),
            tax_bp: i.tax_bp,
            barcode: i.barcode.clone(),
        };
        Ok(Catalogue {
            categories: self.categories.iter().map(category).collect(),
            items: self.items.iter().map(item).collect(),
        })
    }
}
