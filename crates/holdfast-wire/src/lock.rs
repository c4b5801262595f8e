//! What the till's lock remembers: a small setting of the page, of which every version ever released stays readable.

use crate::{WireError, check_version, from_json, to_json};
use holdfast_core::id::StaffId;
use holdfast_core::staff::Attempts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// It outlives restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LockMemory {
    pub v: u32,
    /// Whether somebody has signed in on this tablet.
    pub signed_in_before: bool,
    /// Wrong PINs since the last right one, by staff id.
    pub attempts: BTreeMap<String, AttemptsWire>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptsWire {
    pub failures: u32,
    pub last_ms: i64,
}

impl LockMemory {
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    pub fn from_json(text: &str) -> Result<Self, WireError> {
        let memory: Self = from_json(text.as_bytes())?;
        check_version(memory.v)?;
        Ok(memory)
    }

    pub fn attempts(&self, id: StaffId) -> Attempts {
        let kept = self.attempts.get(&id.to_string());
        kept.map_or_else(Attempts::default, |of| Attempts { failures: of.failures, last_ms: of.last_ms })
    }

    pub fn set_attempts(&mut self, id: StaffId, attempts: Attempts) {
        let wire = AttemptsWire { failures: attempts.failures, last_ms: attempts.last_ms };
        self.attempts.insert(id.to_string(), wire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_ever_released_is_read() {
        let text = include_str!("../fixtures/lock-memory.v1.json");
        let memory = LockMemory::from_json(text.trim()).expect("a lock's memory");
        let id = StaffId::make([1; 16]);
        assert!(memory.attempts(id).failures == 3 && memory.signed_in_before && memory.to_json() == text.trim());
        assert_eq!(memory.attempts(StaffId::make([2; 16])), Attempts::default());
    }
}
