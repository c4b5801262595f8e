//! `GET /api/v1/shop` and `/api/v1/shop/signed`: merchant, policy, catalogue, staff and tips.

use crate::jws::{JwsError, ToSign, Unverified, typ};
use crate::team::{TeamWire, TipsWire};
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
    /// Grows with every change; 0 where it is not signed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
    pub merchant: Merchant,
    pub policy: PolicyWire,
    pub categories: Vec<CategoryWire>,
    pub items: Vec<ItemWire>,
    /// Only in what is signed: nobody else may say who can sign in.
    #[serde(default, skip_serializing_if = "TeamWire::is_empty")]
    pub team: TeamWire,
    #[serde(default, skip_serializing_if = "TipsWire::is_off")]
    pub tips: TipsWire,
}

/// `GET /api/v1/shop/signed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignedShop {
    pub v: u32,
    /// JWS by an acknowledgement key; its payload is a [`Shop`].
    pub shop: String,
}

impl SignedShop {
    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let answer: Self = from_json(body)?;
        check_version(answer.v)?;
        Ok(answer)
    }
}

/// Why a shop that is properly signed is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShopRefusal {
    #[error(
        "the shop's data are older (version {offered}) than those this till has ({held}): the server must not go back"
    )]
    Older { held: u64, offered: u64 },
    #[error("the data are another shop's")]
    AnotherMerchant,
    #[error(transparent)]
    Wire(#[from] WireError),
}

fn is_zero(version: &u64) -> bool {
    *version == 0
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
    /// What an acknowledgement key signs.
    pub fn to_sign(&self, kid: &str) -> ToSign {
        ToSign::new(typ::SHOP, kid, self)
    }

    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::SHOP)
    }

    /// Checks verified data against the till's own merchant and the highest version that it has seen.
    pub fn check(&self, merchant_id: &str, held_version: u64) -> Result<(), ShopRefusal> {
        check_version(self.v)?;
        self.currency()?;
        if self.merchant.id != merchant_id {
            return Err(ShopRefusal::AnotherMerchant);
        }
        if self.version < held_version {
            return Err(ShopRefusal::Older { held: held_version, offered: self.version });
        }
        Ok(())
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_servers_shop_is_read_and_an_older_version_is_refused() {
        let text = include_str!("../fixtures/shop.v1.json");
        let shop = Shop::from_json(text.trim().as_bytes()).expect("a shop");
        assert!(shop.team.is_empty() && shop.tips.is_off() && shop.version == 0 && shop.to_json() == text.trim());
        let text = include_str!("../fixtures/shop.v1-team.json");
        let shop = Shop::from_json(text.trim().as_bytes()).expect("a shop");
        assert_eq!((shop.team.to_core().sellers.len(), shop.to_json().as_str()), (1, text.trim()));
        assert_eq!(shop.check("m", 7), Ok(()));
        assert_eq!(shop.check("m", 8), Err(ShopRefusal::Older { held: 8, offered: 7 }));
        assert_eq!(shop.check("n", 7), Err(ShopRefusal::AnotherMerchant));
    }
}
