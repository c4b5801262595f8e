//! The clocks: the tablet's, the monotonic one, and the last signed server time. The only place that reads them.

use holdfast_core::time::{Anchor, Kept, Reading};
use std::cell::Cell;

/// The tablet's wall clock.
pub fn wall_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// The monotonic clock. It starts anew with the page, so its values are only compared within one page.
pub fn mono_ms() -> i64 {
    crate::js::global().performance().now() as i64
}

/// The clocks with the last signed time that this page has seen. An earlier page's is not taken over: its monotonic clock is gone. What is taken
/// over is the trusted time that it kept.
#[derive(Debug, Default)]
pub struct Clock {
    anchor: Cell<Option<Anchor>>,
    kept: Cell<Option<Kept>>,
}

impl Clock {
    pub fn reading(&self) -> Reading {
        Reading { wall_ms: wall_ms(), mono_ms: mono_ms(), anchor: self.anchor.get(), kept: self.kept.get() }
    }

    /// Goes on from what an earlier page kept.
    pub fn go_on_from(&self, kept: Kept) {
        self.kept.set(Some(kept));
    }

    /// The trusted time, to be kept for the next page; `None` while no server ever said the time.
    pub fn to_keep(&self) -> Option<Kept> {
        let reading = self.reading();
        let is_known = reading.anchor.is_some() || reading.kept.is_some();
        is_known.then(|| Kept { trusted_ms: reading.trusted_ms(), wall_ms: reading.wall_ms })
    }

    /// Takes a server time whose signature was right. `asked_at_mono_ms`: when it was asked for; the answer is not younger.
    pub fn take(&self, server_ms: i64, asked_at_mono_ms: i64) {
        self.anchor.set(Some(Anchor { server_ms, at_mono_ms: asked_at_mono_ms }));
    }
}
