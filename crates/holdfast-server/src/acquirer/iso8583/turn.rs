//! How long a server has an exchange to itself: for as long as what it sends can leave and be answered.

use super::config::Config;
use holdfast_core::time::UnixMs;
use std::time::{Duration, Instant};

/// How far the clocks of two servers may be apart, as NTP keeps them, and what a busy machine may add.
const MARGIN_MS: i64 = 5_000;

/// The instant that a caller said it was, and how long ago that was.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    said_ms: UnixMs,
    at: Instant,
}

impl Now {
    pub fn said(said_ms: UnixMs) -> Self {
        Self { said_ms, at: Instant::now() }
    }

    pub fn ms(self) -> UnixMs {
        self.said_ms.saturating_add(i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// One sending of one message. It begins before the log is written, so that whatever that takes counts.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// When it was decided.
    pub sent_ms: UnixMs,
    pub now_ms: UnixMs,
    /// No other server touches the exchange before.
    pub until_ms: UnixMs,
    /// The message leaves before, or never. By a clock that nobody sets.
    pub leaves_by: Instant,
}

impl Turn {
    pub fn begin(config: &Config, now: Now) -> Self {
        let now_ms = now.ms();
        let (connect, answer) = (config.connect_ms, config.answer_ms);
        let held_ms = i64::try_from(connect.saturating_add(answer)).unwrap_or(i64::MAX);
        Self {
            sent_ms: now.said_ms,
            now_ms,
            until_ms: now_ms.saturating_add(held_ms).saturating_add(MARGIN_MS),
            leaves_by: Instant::now() + Duration::from_millis(connect),
        }
    }
}
