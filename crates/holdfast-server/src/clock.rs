//! The clock of a running server.

use crate::process::Clock;
use holdfast_core::time::UnixMs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The system's clock, moved by an offset that only the demo may set.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock {
    offset_ms: i64,
}

impl SystemClock {
    pub fn with_offset_ms(offset_ms: i64) -> Self {
        Self { offset_ms }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> UnixMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(self.offset_ms)
    }
}
