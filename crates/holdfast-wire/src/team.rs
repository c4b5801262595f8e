//! Who sells, how the till's lock behaves, and which tips it offers: a part of the signed shop (docs/protocol.md section 4).

use crate::pin::PinVerifier;
use holdfast_core::id::StaffId;
use holdfast_core::limits::{IDLE_LOCK_MS_MAX, TIP_BP_MAX};
use holdfast_core::staff::{Seller, StaffRole, Team};
use holdfast_core::tip::Tips;
use serde::{Deserialize, Serialize};

/// The staff and the lock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TeamWire {
    pub staff: Vec<StaffWire>,
    /// Whether nobody sells without having signed in.
    pub must_sign_in: bool,
    /// A duration; 0 for never.
    pub idle_lock_ms: i64,
    /// Whether receipts say who served.
    pub on_receipts: bool,
}

/// Somebody who can sign in. Who cannot is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StaffWire {
    pub id: String,
    pub name: String,
    /// `cashier` or `manager`.
    pub role: String,
    /// [`PinVerifier`] as text.
    pub pin: String,
}

impl TeamWire {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// For the till. Somebody whose entry it cannot read cannot sign in, and keeps nobody else out.
    pub fn to_core(&self) -> Team {
        let seller = |of: &StaffWire| {
            let _: PinVerifier = of.pin.parse().ok()?;
            Some(Seller { id: of.id.parse().ok()?, name: of.name.clone(), role: StaffRole::from_name(&of.role)? })
        };
        Team {
            sellers: self.staff.iter().filter_map(seller).collect(),
            must_sign_in: self.must_sign_in,
            idle_lock_ms: self.idle_lock_ms.clamp(0, IDLE_LOCK_MS_MAX),
            on_receipts: self.on_receipts,
        }
    }

    /// What somebody's PIN is tried against.
    pub fn verifier(&self, id: StaffId) -> Option<PinVerifier> {
        let id = id.to_string();
        self.staff.iter().find(|of| of.id == id)?.pin.parse().ok()
    }
}

/// What customers are offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TipsWire {
    /// `off`, `percent` (three rates in basis points) or `fixed` (three amounts in minor units).
    #[cfg_attr(feature = "schema", schema(pattern = "^(off|percent|fixed)$"))]
    pub kind: String,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(max_items = 3))]
    pub values: Vec<i64>,
}

impl Default for TipsWire {
    fn default() -> Self {
        Self { kind: "off".into(), values: Vec::new() }
    }
}

impl TipsWire {
    pub fn is_off(&self) -> bool {
        self.to_core().is_off()
    }

    pub fn from_core(tips: Tips) -> Self {
        match tips {
            Tips::Off => Self::default(),
            Tips::Percent(rates) => Self { kind: "percent".into(), values: rates.map(i64::from).into() },
            Tips::Fixed(amounts) => Self { kind: "fixed".into(), values: amounts.into() },
        }
    }

    /// The offer, if it is one that can be made.
    pub fn parse(&self) -> Option<Tips> {
        let values =
            || <[i64; 3]>::try_from(self.values.as_slice()).ok().filter(|of| of.iter().all(|value| *value > 0));
        match self.kind.as_str() {
            "off" => Some(Tips::Off),
            "percent" => {
                let rates = values().filter(|of| of.iter().all(|bp| *bp <= TIP_BP_MAX))?;
                Some(Tips::Percent(rates.map(|bp| u32::try_from(bp).unwrap_or(0))))
            }
            "fixed" => values().map(Tips::Fixed),
            _ => None,
        }
    }

    /// For the till. What it cannot read it does not offer.
    pub fn to_core(&self) -> Tips {
        self.parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_three_amounts_or_none() {
        for (kind, values, expected) in [
            ("off", vec![], Some(Tips::Off)),
            ("percent", vec![500, 1_000, 1_500], Some(Tips::Percent([500, 1_000, 1_500]))),
            ("fixed", vec![50, 100, 200], Some(Tips::Fixed([50, 100, 200]))),
            ("percent", vec![500, 1_000], None),
            ("percent", vec![500, 1_000, 10_001], None),
            ("fixed", vec![0, 1, 2], None),
            ("later", vec![1, 2, 3], None),
        ] {
            let wire = TipsWire { kind: kind.into(), values };
            assert_eq!(wire.parse(), expected, "{wire:?}");
            if let Some(tips) = expected {
                assert_eq!(TipsWire::from_core(tips).to_core(), tips);
            }
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_keeps_nobody_else_out() {
        let pin = PinVerifier { rounds: 1, salt: [1; 16], hash: [2; 32] }.to_string();
        let staff = |n: u8, role: &str, pin: &str| StaffWire {
            id: StaffId::make([n; 16]).to_string(),
            name: "Ada".into(),
            role: role.into(),
            pin: pin.into(),
        };
        let team = TeamWire {
            staff: vec![staff(1, "cashier", &pin), staff(2, "robot", &pin), staff(3, "manager", "argon2id$")],
            idle_lock_ms: i64::MAX,
            ..TeamWire::default()
        };
        let core = team.to_core();
        assert_eq!((core.sellers.len(), core.idle_lock_ms), (1, IDLE_LOCK_MS_MAX));
        assert!(team.verifier(StaffId::make([1; 16])).is_some() && team.verifier(StaffId::make([9; 16])).is_none());
    }
}
