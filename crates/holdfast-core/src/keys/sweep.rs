//! Which keys should exist, be published and be destroyed: decided here, written by the server.

use super::{KeyState, KeyTimes, card_kid_after};
use crate::limits::{KEY_DAYS_AHEAD, KEYSET_LIFE_MS};
use crate::time::{UnixMs, utc_day};

/// A key that the server has, or had: destroyed ones are told too, so that a name is never given twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    pub kid: String,
    pub times: KeyTimes,
    /// When an emergency rotation took it out of the published set.
    pub withdrawn_ms: Option<UnixMs>,
    pub is_destroyed: bool,
    /// Records that name this key and were not opened yet.
    pub unopened_count: u64,
}

impl HeldKey {
    /// A new key.
    pub fn new(kid: String, times: KeyTimes) -> Self {
        Self { kid, times, withdrawn_ms: None, is_destroyed: false, unopened_count: 0 }
    }

    /// Where it stands. A destroyed key is over, whatever the clock says.
    pub fn state(&self, now_ms: UnixMs) -> KeyState {
        if self.is_destroyed {
            return KeyState::Over;
        }
        match (self.times.state(now_ms), self.withdrawn_ms) {
            (KeyState::Ahead | KeyState::InUse, Some(_)) => KeyState::Accepting,
            (state, _) => state,
        }
    }

    fn may_be_published(&self) -> bool {
        !self.is_destroyed && self.withdrawn_ms.is_none()
    }
}

/// What the published key set looks like now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Published {
    pub kids: Vec<String>,
    pub expires_ms: UnixMs,
    /// The books came from a copy since: what they had published after the copy was made is not known, and its version was higher.
    pub is_of_before: bool,
}

/// One thing to do, with its reason. The sweep decides; the server writes them in one transaction and logs each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOp {
    Create {
        kid: String,
        times: KeyTimes,
    },
    /// Out of the published set for good. It still opens.
    Withdraw {
        kid: String,
    },
    Destroy {
        kid: String,
    },
    /// Over, but an unopened record names it: kept, and the operator is told.
    Keep {
        kid: String,
        unopened_count: u64,
    },
    /// Sign a new key set with the next version number.
    Publish {
        kids: Vec<String>,
        reason: &'static str,
    },
}

/// Which keys an emergency rotation takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Today's.
    Today,
    /// Today's and the days ahead: whoever got at one could get at them all.
    AllPublished,
}

/// Decides what must be done so that today's key and the days ahead exist and are published, and what is over is destroyed.
///
/// `tag` goes into the names of new keys: [`super::card_kid`].
pub fn sweep(held: &[HeldKey], published: &Published, now_ms: UnixMs, tag: &str) -> Vec<KeyOp> {
    let today = utc_day(now_ms);
    let mut ops = Vec::new();
    let mut kids = Vec::new();
    for day in today..=today + i64::from(KEY_DAYS_AHEAD) {
        let of_day = || held.iter().filter(|key| key.times.day() == day);
        if let Some(key) = of_day().find(|key| key.may_be_published()) {
            kids.push(key.kid.clone());
            continue;
        }
        let kid = card_kid_after(day, tag, of_day().count());
        kids.push(kid.clone());
        ops.push(KeyOp::Create { kid, times: KeyTimes::of_day(day) });
    }
    for key in held.iter().filter(|key| !key.is_destroyed && key.state(now_ms) == KeyState::Over) {
        ops.push(match key.unopened_count {
            0 => KeyOp::Destroy { kid: key.kid.clone() },
            unopened_count => KeyOp::Keep { kid: key.kid.clone(), unopened_count },
        });
    }
    if published.kids != kids {
        ops.push(KeyOp::Publish { kids, reason: "the days ahead have changed" });
    } else if published.is_of_before {
        ops.push(KeyOp::Publish { kids, reason: "the books came from a copy" });
    } else if published.expires_ms.saturating_sub(now_ms) < KEYSET_LIFE_MS / 2 {
        ops.push(KeyOp::Publish { kids, reason: "the key set would expire" });
    }
    ops
}

/// An emergency rotation: withdraws, and does what a sweep does afterwards, so that successors are published at once.
pub fn rotate(held: &[HeldKey], published: &Published, now_ms: UnixMs, tag: &str, scope: Scope) -> Vec<KeyOp> {
    let today = utc_day(now_ms);
    let is_meant = |key: &HeldKey| match scope {
        Scope::Today => key.times.day() == today,
        Scope::AllPublished => key.times.day() >= today,
    };
    let mut after = held.to_vec();
    let mut ops = Vec::new();
    for key in after.iter_mut().filter(|key| key.may_be_published() && is_meant(key)) {
        key.withdrawn_ms = Some(now_ms);
        ops.push(KeyOp::Withdraw { kid: key.kid.clone() });
    }
    ops.extend(sweep(&after, published, now_ms, tag));
    ops
}

#[cfg(test)]
mod tests;
