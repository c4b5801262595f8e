//! `GET /api/v1/policy`: what a till may take when nobody can be asked, signed as the key set is (docs/protocol.md section 4).

use crate::jws::{JwsError, Unverified, typ};
use crate::keyset::Certificate;
use crate::{WireError, check_version, from_json, to_json};
use holdfast_core::card::{Brand, Entry};
use holdfast_core::limits::{BOOKED_MINOR_MAX, POLICY_WINDOW_MS_MIN, WINDOW_MS_MAX};
use holdfast_core::policy::{Caps, Policy, Rate, SwipedChip};
use holdfast_core::time::DAY_MS;
use serde::{Deserialize, Serialize};

/// Brands times entries, with room to spare.
const RATES_MAX: usize = 64;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PolicyAnswer {
    pub v: u32,
    /// JWS by a root.
    pub cert: String,
    /// JWS by the certified signer.
    pub policy: String,
}

/// Payload of `holdfast-policy+jws`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDocument {
    pub v: u32,
    pub version: u64,
    pub issued_ms: i64,
    pub merchant_id: String,
    pub currency: String,
    pub settings: PolicySettings,
    /// What to add to a time so that the shop's business days are whole days.
    pub day_offset_ms: i64,
    pub rates: Vec<RateWire>,
}

/// What an owner sets. Amounts are minor units of the shop's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PolicySettings {
    /// How long a payment may wait: one hour to 72.
    #[cfg_attr(feature = "schema", schema(minimum = 3_600_000, maximum = 259_200_000))]
    pub window_ms: i64,
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub payment_minor_max: i64,
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub keyed_minor_max: i64,
    /// All that waits on a device.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub total_minor_max: i64,
    /// All that a device takes without an answer on one business day.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub day_minor_max: i64,
    /// All that one card pays without an answer on one business day.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub card_minor_max: i64,
    /// All that waits on a device whose browser does not promise to keep it.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub unkept_minor_max: i64,
    /// Brands that are taken without an answer; none means every one.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<BrandName>, max_items = 8))]
    pub brands: Vec<String>,
    /// A card with a chip that was swiped is flagged or refused.
    #[cfg_attr(feature = "schema", schema(value_type = SwipedChipName))]
    pub swiped_chip: String,
    /// What is left of each cap at the end of the window: 100 leaves them as they are.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 100))]
    pub left_percent: u8,
}

/// The brands by name.
#[cfg(feature = "schema")]
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its names are of use")]
enum BrandName {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    Jcb,
    UnionPay,
    Maestro,
}

/// What becomes of a chip card that was swiped.
#[cfg(feature = "schema")]
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its names are of use")]
enum SwipedChipName {
    Flag,
    Refuse,
}

/// How often the shop's cards of one brand and entry are declined, and out of how many that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RateWire {
    pub brand: String,
    pub entry: String,
    /// Basis points, the prior for small numbers included.
    pub declined_bp: u32,
    pub count: u64,
    pub declined_count: u64,
}

/// Why a policy that is properly signed is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyDocumentRefusal {
    #[error("the policy is older (version {offered}) than the one this till has ({held}): the server must not go back")]
    Older { held: u64, offered: u64 },
    #[error("the signer's certificate was not valid when the policy was issued: the operator must renew it")]
    Certificate,
    #[error("the policy is another shop's")]
    Merchant,
}

impl PolicySettings {
    /// As a new shop has them, from the three caps that it must choose.
    pub fn of(window_ms: i64, caps: Caps) -> Self {
        Self {
            window_ms,
            payment_minor_max: caps.payment_minor_max,
            keyed_minor_max: caps.keyed_minor_max,
            total_minor_max: caps.total_minor_max,
            day_minor_max: caps.day_minor_max,
            card_minor_max: caps.card_minor_max,
            unkept_minor_max: caps.unkept_minor_max,
            brands: Vec::new(),
            swiped_chip: SwipedChip::Flag.name().to_owned(),
            left_percent: 100,
        }
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        from_json(text.as_bytes())
    }

    /// The policy that they make, without rates. Refused whole when a field holds what it should not: a brand that this program does not know,
    /// taken away, would leave a list that means more.
    pub fn to_core(&self) -> Result<Policy, WireError> {
        let caps = Caps {
            payment_minor_max: self.payment_minor_max,
            keyed_minor_max: self.keyed_minor_max,
            total_minor_max: self.total_minor_max,
            day_minor_max: self.day_minor_max,
            card_minor_max: self.card_minor_max,
            unkept_minor_max: self.unkept_minor_max,
        };
        for (name, minor) in [
            ("payment_minor_max", caps.payment_minor_max),
            ("keyed_minor_max", caps.keyed_minor_max),
            ("total_minor_max", caps.total_minor_max),
            ("day_minor_max", caps.day_minor_max),
            ("card_minor_max", caps.card_minor_max),
            ("unkept_minor_max", caps.unkept_minor_max),
        ] {
            if !(0..=BOOKED_MINOR_MAX).contains(&minor) {
                return Err(WireError::Field(name));
            }
        }
        if !(POLICY_WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&self.window_ms) {
            return Err(WireError::Field("window_ms"));
        }
        if self.left_percent > 100 {
            return Err(WireError::Field("left_percent"));
        }
        let brands = self.brands.iter().map(|name| brand(name)).collect::<Result<_, _>>()?;
        let swiped_chip = SwipedChip::from_name(&self.swiped_chip).ok_or(WireError::Field("swiped_chip"))?;
        Ok(Policy { brands, swiped_chip, left_percent: self.left_percent, ..Policy::new(self.window_ms, caps) })
    }
}

impl PolicyDocument {
    pub fn parse(compact: &str) -> Result<Unverified<Self>, JwsError> {
        Unverified::parse(compact, typ::POLICY)
    }

    /// Checks a verified policy against its certificate, the till's shop, and the highest version that the till has seen (0 for none).
    pub fn check(&self, cert: &Certificate, merchant_id: &str, held_version: u64) -> Result<(), PolicyDocumentRefusal> {
        if self.merchant_id != merchant_id {
            return Err(PolicyDocumentRefusal::Merchant);
        }
        if self.version < held_version {
            return Err(PolicyDocumentRefusal::Older { held: held_version, offered: self.version });
        }
        if !(cert.not_before_ms..cert.not_after_ms).contains(&self.issued_ms) {
            return Err(PolicyDocumentRefusal::Certificate);
        }
        Ok(())
    }

    /// The policy, or the field that is out of shape.
    pub fn to_core(&self) -> Result<Policy, WireError> {
        check_version(self.v)?;
        if self.day_offset_ms.abs() > 2 * DAY_MS {
            return Err(WireError::Field("day_offset_ms"));
        }
        if self.rates.len() > RATES_MAX {
            return Err(WireError::Field("rates"));
        }
        let rates = self.rates.iter().map(RateWire::to_core).collect::<Result<_, _>>()?;
        Ok(Policy { version: self.version, day_offset_ms: self.day_offset_ms, rates, ..self.settings.to_core()? })
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Reads what the till stored of a policy that it had verified.
    pub fn from_stored(text: &str) -> Result<Self, WireError> {
        let policy: Self = from_json(text.as_bytes())?;
        check_version(policy.v)?;
        Ok(policy)
    }
}

impl RateWire {
    pub fn to_core(&self) -> Result<Rate, WireError> {
        let entry = Entry::from_name(&self.entry).ok_or(WireError::Field("rates.entry"))?;
        let declined_bp =
            Some(self.declined_bp).filter(|bp| *bp <= 10_000).ok_or(WireError::Field("rates.declined_bp"))?;
        Ok(Rate { brand: Brand::from_name(&self.brand), entry, declined_bp })
    }
}

fn brand(name: &str) -> Result<Brand, WireError> {
    Some(Brand::from_name(name)).filter(|brand| *brand != Brand::Unknown).ok_or(WireError::Field("brands"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::Jwk;

    const FIXTURE: &str = include_str!("../fixtures/policy.v1.json");

    fn document() -> PolicyDocument {
        PolicyDocument::from_stored(FIXTURE.trim()).expect("the fixture")
    }

    fn cert(from_ms: i64, to_ms: i64) -> Certificate {
        let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: String::new(), y: String::new() };
        Certificate { v: 1, kid: "signer-1".into(), jwk, not_before_ms: from_ms, not_after_ms: to_ms }
    }

    #[test]
    fn the_released_bytes_are_read_and_written() {
        let document = document();
        assert_eq!(document.to_json(), FIXTURE.trim());
        let policy = document.to_core().expect("a policy");
        assert_eq!((policy.version, policy.window_ms, policy.left_percent), (1_795_392_000, 172_800_000, 50));
        assert_eq!(policy.brands, [Brand::Visa, Brand::Mastercard]);
        assert_eq!(policy.declined_bp(Brand::Visa, Entry::Keyed), 640);
        assert_eq!(policy.swiped_chip, SwipedChip::Refuse);
    }

    #[test]
    fn a_lower_version_another_shop_or_a_certificate_that_was_over_is_refused() {
        let (document, good) = (document(), cert(0, i64::MAX));
        let (version, issued_ms) = (document.version, document.issued_ms);
        for (cert, shop, held, refusal) in [
            (&good, "m", version, None),
            (&good, "m", 0, None),
            (&good, "m", version + 1, Some(PolicyDocumentRefusal::Older { held: version + 1, offered: version })),
            (&good, "n", 0, Some(PolicyDocumentRefusal::Merchant)),
            (&cert(issued_ms + 1, i64::MAX), "m", 0, Some(PolicyDocumentRefusal::Certificate)),
            (&cert(0, issued_ms), "m", 0, Some(PolicyDocumentRefusal::Certificate)),
        ] {
            assert_eq!(document.check(cert, shop, held).err(), refusal, "{shop} {held}");
        }
    }

    #[test]
    fn what_holds_something_else_than_it_should_is_refused_whole() {
        type Spoil = (&'static str, fn(&mut PolicyDocument));
        let spoils: [Spoil; 12] = [
            ("window_ms", |d| d.settings.window_ms = WINDOW_MS_MAX + 1),
            ("window_ms", |d| d.settings.window_ms = POLICY_WINDOW_MS_MIN - 1),
            ("payment_minor_max", |d| d.settings.payment_minor_max = -1),
            ("keyed_minor_max", |d| d.settings.keyed_minor_max = BOOKED_MINOR_MAX + 1),
            ("card_minor_max", |d| d.settings.card_minor_max = -1),
            ("brands", |d| d.settings.brands.push("visa card".into())),
            ("brands", |d| d.settings.brands.push("unknown".into())),
            ("swiped_chip", |d| d.settings.swiped_chip = "maybe".into()),
            ("left_percent", |d| d.settings.left_percent = 101),
            ("day_offset_ms", |d| d.day_offset_ms = 2 * DAY_MS + 1),
            ("rates.entry", |d| d.rates[0].entry = "chip".into()),
            ("rates.declined_bp", |d| d.rates[0].declined_bp = 10_001),
        ];
        for (field, spoil) in spoils {
            let mut spoilt = document();
            spoil(&mut spoilt);
            assert_eq!(spoilt.to_core().err(), Some(WireError::Field(field)));
        }
        let mut newer = document();
        newer.v = 2;
        assert!(newer.to_core().is_err());
    }
}
