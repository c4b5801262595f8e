//! Whether the network, our server and the acquirer can be reached: probed, not believed, and with hysteresis so that a lamp
//! neither flaps nor sticks.

use crate::limits::{PROBE_CALM_MS, PROBE_DOWN_MS};

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// The signed time came back with our nonce. `acquirer`: what the server says of it.
    Holdfast { acquirer: AcquirerLamp },
    /// Something answered that is not Holdfast: a captive portal, or a proxy whose upstream is down.
    SomethingElse,
    /// Nothing answered in time.
    Nothing,
}

/// What the server knows of its acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcquirerLamp {
    Up,
    Down,
    Unknown,
}

/// What the seller is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Not probed yet since the start.
    Checking,
    Online,
    /// The network answers, but it is not Holdfast that does.
    ServerUnreachable,
    Offline,
}

/// The lamps' state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connectivity {
    link: Link,
    acquirer: AcquirerLamp,
    failures: u32,
}

/// A single lost probe does not turn the lamp; a failed upload or the browser's own "offline" event does at once.
const FAILURES_TO_TURN: u32 = 2;

impl Default for Connectivity {
    fn default() -> Self {
        Self { link: Link::Checking, acquirer: AcquirerLamp::Unknown, failures: 0 }
    }
}

impl Connectivity {
    pub fn link(&self) -> Link {
        self.link
    }

    pub fn acquirer(&self) -> AcquirerLamp {
        self.acquirer
    }

    pub fn is_online(&self) -> bool {
        self.link == Link::Online
    }

    /// Takes a probe's result. One proof of Holdfast is enough to be online; it takes two misses in a row to be offline.
    pub fn probed(&mut self, result: ProbeResult) {
        match result {
            ProbeResult::Holdfast { acquirer } => {
                *self = Self { link: Link::Online, acquirer, failures: 0 };
            }
            ProbeResult::SomethingElse => self.failed(Link::ServerUnreachable),
            ProbeResult::Nothing => self.failed(Link::Offline),
        }
    }

    /// The browser says that there is no network at all. It lies only in the other direction.
    pub fn browser_says_offline(&mut self) {
        self.failures = FAILURES_TO_TURN;
        self.link = Link::Offline;
    }

    /// A real request failed: as good as all the probes.
    pub fn request_failed(&mut self) {
        self.failures = FAILURES_TO_TURN.saturating_sub(1);
        self.failed(Link::Offline);
    }

    /// When to probe next.
    pub fn next_probe_ms(&self) -> i64 {
        match (self.link, self.failures) {
            (Link::Online, 0) => PROBE_CALM_MS,
            (Link::Online, _) => PROBE_DOWN_MS / 3,
            _ => PROBE_DOWN_MS,
        }
    }

    fn failed(&mut self, to: Link) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES_TO_TURN || self.link != Link::Online {
            self.link = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: ProbeResult = ProbeResult::Holdfast { acquirer: AcquirerLamp::Up };

    #[test]
    fn one_lost_probe_does_not_turn_the_lamp_and_one_proof_turns_it_back() {
        let mut c = Connectivity::default();
        for (result, link) in [
            (ProbeResult::Nothing, Link::Offline),
            (UP, Link::Online),
            (ProbeResult::Nothing, Link::Online),
            (UP, Link::Online),
            (ProbeResult::Nothing, Link::Online),
            (ProbeResult::SomethingElse, Link::ServerUnreachable),
            (ProbeResult::Nothing, Link::Offline),
            (UP, Link::Online),
        ] {
            c.probed(result);
            assert_eq!(c.link(), link, "after {result:?}");
        }
    }

    #[test]
    fn a_failed_sale_or_the_browsers_word_turn_it_at_once() {
        let mut c = Connectivity::default();
        c.probed(UP);
        c.request_failed();
        assert_eq!(c.link(), Link::Offline);
        c.probed(UP);
        c.browser_says_offline();
        assert_eq!(c.link(), Link::Offline);
        c.probed(UP);
        assert!(c.is_online());
    }

    #[test]
    fn doubt_is_probed_sooner() {
        let mut c = Connectivity::default();
        c.probed(UP);
        let calm = c.next_probe_ms();
        c.probed(ProbeResult::Nothing);
        assert!(c.next_probe_ms() < calm);
    }
}
