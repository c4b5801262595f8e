//! `POST /api/v1/tombstones`: what a till was acknowledged by a server of another epoch.

use crate::stored::Tombstone;
use crate::{WireError, check_version, from_json, to_json};
use serde::{Deserialize, Serialize};

/// The request's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StoneOffer {
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub v: u32,
    #[cfg_attr(feature = "schema", schema(max_items = 50))]
    pub stones: Vec<OfferedStone>,
}

/// One payment that was acknowledged: enough to find it, and to name it to the owner when it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OfferedStone {
    pub id: String,
    pub seq: u64,
    pub hash: String,
    /// What it was acknowledged as, and in which epoch.
    pub status: String,
    pub epoch: String,
    pub acked_ms: i64,
    pub created_ms: i64,
    pub number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub brand: String,
    pub last4: String,
}

impl From<&Tombstone> for OfferedStone {
    fn from(stone: &Tombstone) -> Self {
        Self {
            id: stone.id.clone(),
            seq: stone.seq,
            hash: stone.hash.clone(),
            status: stone.status.clone(),
            epoch: stone.epoch.clone(),
            acked_ms: stone.at_ms,
            created_ms: stone.created_ms,
            number: stone.sale.number.clone(),
            amount_minor: stone.sale.total_minor,
            currency: stone.sale.currency.clone(),
            brand: stone.card.brand.clone(),
            last4: stone.card.last4.clone(),
        }
    }
}

impl StoneOffer {
    pub fn new<'a>(stones: impl Iterator<Item = &'a Tombstone>) -> Self {
        Self { v: crate::V, stones: stones.map(OfferedStone::from).collect() }
    }

    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let offer: Self = from_json(body)?;
        check_version(offer.v)?;
        Ok(offer)
    }
}

/// The answer's body: a signed answer for each ([`crate::ack::AckPayload`] with `known` or `missing`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StoneOfferAnswer {
    pub v: u32,
    pub answers: Vec<String>,
}

impl StoneOfferAnswer {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let answer: Self = from_json(body)?;
        check_version(answer.v)?;
        Ok(answer)
    }
}
