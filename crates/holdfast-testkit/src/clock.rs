//! A device's two clocks, as a test turns them.

use holdfast_core::time::{Anchor, Reading, UnixMs};

/// A wall clock that may be wrong and a monotonic clock that never is. `now_ms` is the true time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FakeClock {
    /// What the wall clock shows beyond the true time.
    pub wrong_by_ms: i64,
    /// True time at which the page started: its monotonic clock is 0 then.
    pub started_ms: UnixMs,
    /// The last signed server time.
    pub anchor: Option<Anchor>,
}

impl FakeClock {
    pub fn new(started_ms: UnixMs) -> Self {
        Self { wrong_by_ms: 0, started_ms, anchor: None }
    }

    pub fn reading(&self, now_ms: UnixMs) -> Reading {
        Reading {
            wall_ms: now_ms.saturating_add(self.wrong_by_ms),
            mono_ms: now_ms.saturating_sub(self.started_ms),
            anchor: self.anchor,
            kept: None,
        }
    }

    /// Sets the wall clock to show `wall_ms` at the true time `now_ms`.
    pub fn set_wall(&mut self, now_ms: UnixMs, wall_ms: UnixMs) {
        self.wrong_by_ms = wall_ms.saturating_sub(now_ms);
    }

    /// A signed server time arrived.
    pub fn signed(&mut self, now_ms: UnixMs, server_ms: UnixMs) {
        self.anchor = Some(Anchor { server_ms, at_mono_ms: now_ms.saturating_sub(self.started_ms) });
    }

    /// The page starts anew: its monotonic clock does too, and an anchor of before means nothing.
    pub fn restart(&mut self, now_ms: UnixMs) {
        self.started_ms = now_ms;
        self.anchor = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_may_jump_while_trusted_time_goes_on() {
        let mut clock = FakeClock::new(1_000);
        clock.signed(2_000, 9_000);
        clock.set_wall(2_000, 0);
        let reading = clock.reading(2_500);
        assert_eq!((reading.wall_ms, reading.mono_ms, reading.trusted_ms()), (500, 1_500, 9_500));
        clock.restart(3_000);
        assert_eq!(clock.reading(3_000).trusted_ms(), 1_000);
    }
}
