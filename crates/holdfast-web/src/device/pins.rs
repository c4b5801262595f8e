//! The till's lock: PINs are tried here, against what the signed shop says, with or without a network. Nothing of it touches the queue.

use super::{Device, DeviceError};
use crate::locks::{self, PINS};
use crate::pin::fits;
use holdfast_core::id::StaffId;
use holdfast_core::staff::{Approval, Attempts};
use holdfast_wire::lock::LockMemory;

/// The name of the lock's memory among the page's small settings.
const MEMORY: &str = "lock";

/// What became of a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinAnswer {
    Right(Approval),
    /// `wait_ms`: how long until the next one may be tried; 0 for now.
    Wrong {
        wait_ms: i64,
    },
    /// It was not tried: too many were wrong.
    TooSoon {
        wait_ms: i64,
    },
    /// Nobody here has this id, or the shop took their PIN away.
    Unknown,
}

impl Device {
    /// What the lock remembers. A memory that cannot be read is none: it held no money.
    pub async fn lock_memory(&self) -> LockMemory {
        let text = self.load_setting(MEMORY).await.ok().flatten();
        let kept = text.and_then(|text| LockMemory::from_json(&text).ok());
        kept.unwrap_or(LockMemory { v: holdfast_wire::V, ..LockMemory::default() })
    }

    /// Tries somebody's PIN. The attempt is written down before it is judged, and forgotten when it was right. By the server's time as far as the
    /// till knows it: after a start without a network that is the tablet's clock.
    pub async fn try_pin(&self, id: StaffId, pin: &str) -> Result<PinAnswer, DeviceError> {
        let team = self.shop().map(|shop| shop.team).unwrap_or_default();
        let Some(verifier) = team.verifier(id) else { return Ok(PinAnswer::Unknown) };
        let is_manager = team.to_core().managers().any(|manager| manager.id == id);
        let _one_at_a_time = locks::hold(PINS).await;
        let now_ms = self.reading().trusted_ms();
        let mut memory = self.lock_memory().await;
        let before = memory.attempts(id);
        if before.left_ms(now_ms) > 0 {
            return Ok(PinAnswer::TooSoon { wait_ms: before.left_ms(now_ms) });
        }
        let after = before.and_one(now_ms);
        memory.set_attempts(id, after);
        self.keep_memory(&memory).await?;
        if !fits(pin, &verifier).await {
            return Ok(PinAnswer::Wrong { wait_ms: after.left_ms(now_ms) });
        }
        if is_manager {
            // Whoever had to wait may try again: a manager is here.
            memory.attempts.clear();
        } else {
            memory.set_attempts(id, Attempts::default());
        }
        self.keep_memory(&memory).await?;
        Ok(PinAnswer::Right(Approval { by: id, at_ms: now_ms }))
    }

    /// Somebody signed in here: from now on this tablet has a lock, whatever the shop's setting.
    pub async fn note_signed_in(&self) -> Result<(), DeviceError> {
        let memory = self.lock_memory().await;
        self.keep_memory(&LockMemory { signed_in_before: true, ..memory }).await
    }

    async fn keep_memory(&self, memory: &LockMemory) -> Result<(), DeviceError> {
        self.save_setting(MEMORY, &memory.to_json()).await
    }
}
