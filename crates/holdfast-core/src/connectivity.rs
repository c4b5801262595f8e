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

/// One lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lamp {
    Unknown,
    Up,
    Down,
}

/// The three lamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lamps {
    pub network: Lamp,
    pub server: Lamp,
    pub acquirer: Lamp,
}

/// The way that a sale takes now. Each stores it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The bank is asked, and the answer waited for.
    Ask,
    /// The server takes it and stands in: it asks the bank when that is back. Nobody waits for an answer, so the caps hold.
    StandIn,
    /// It is stored here, and goes up by itself. The caps hold.
    Store,
}

/// What the server knows of its acquirer, from its calls and its own probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcquirerHealth {
    lamp: AcquirerLamp,
    failures: u32,
}

impl Default for AcquirerHealth {
    fn default() -> Self {
        Self { lamp: AcquirerLamp::Unknown, failures: 0 }
    }
}

impl AcquirerHealth {
    pub fn lamp(self) -> AcquirerLamp {
        self.lamp
    }

    /// A call was answered, or not. One answer is proof enough; one that is missing may be one request's own misfortune. Says whether the lamp
    /// turned.
    pub fn heard(&mut self, is_answer: bool) -> bool {
        let before = self.lamp;
        if is_answer {
            *self = Self { lamp: AcquirerLamp::Up, failures: 0 };
        } else {
            self.failures = self.failures.saturating_add(1);
            if self.failures >= FAILURES_TO_TURN {
                self.lamp = AcquirerLamp::Down;
            }
        }
        self.lamp != before
    }

    /// Whether it is worth a probe: while all is well, the payments themselves are.
    pub fn is_in_doubt(self) -> bool {
        self.lamp != AcquirerLamp::Up || self.failures > 0
    }
}

/// The lamps' state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connectivity {
    link: Link,
    acquirer: AcquirerLamp,
    failures: u32,
    /// The browser says that there is no network, and nothing has proved it wrong.
    cut_off: bool,
}

/// A single lost probe does not turn the lamp; a failed upload or the browser's own "offline" event does at once.
const FAILURES_TO_TURN: u32 = 2;

impl Default for Connectivity {
    fn default() -> Self {
        Self { link: Link::Checking, acquirer: AcquirerLamp::Unknown, failures: 0, cut_off: false }
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

    /// The three lamps. What lies behind something that is down is not known.
    pub fn lamps(&self) -> Lamps {
        use Lamp::{Down, Unknown, Up};
        let acquirer = match self.acquirer {
            AcquirerLamp::Up => Up,
            AcquirerLamp::Down => Down,
            AcquirerLamp::Unknown => Unknown,
        };
        match self.link {
            Link::Checking => Lamps { network: Unknown, server: Unknown, acquirer: Unknown },
            Link::Online => Lamps { network: Up, server: Up, acquirer },
            Link::ServerUnreachable => Lamps { network: Up, server: Down, acquirer: Unknown },
            Link::Offline if self.cut_off => Lamps { network: Down, server: Unknown, acquirer: Unknown },
            // Nothing answers at all: from here nobody can tell whether the network ends before the server or at it.
            Link::Offline => Lamps { network: Unknown, server: Down, acquirer: Unknown },
        }
    }

    /// The way that a sale takes now. Before the first probe the bank is asked: that costs a little time, and not asking costs an answer.
    pub fn way(&self) -> Way {
        match (self.link, self.acquirer) {
            (Link::Online, AcquirerLamp::Down) => Way::StandIn,
            (Link::Online | Link::Checking, _) => Way::Ask,
            (Link::ServerUnreachable | Link::Offline, _) => Way::Store,
        }
    }

    /// Takes a probe's result. One proof of Holdfast is enough to be online; it takes two misses in a row to be offline.
    pub fn probed(&mut self, result: ProbeResult) {
        match result {
            ProbeResult::Holdfast { acquirer } => {
                *self = Self { link: Link::Online, acquirer, failures: 0, cut_off: false };
            }
            ProbeResult::SomethingElse => {
                self.cut_off = false;
                self.failed(Link::ServerUnreachable);
            }
            ProbeResult::Nothing => self.failed(Link::Offline),
        }
    }

    /// The browser says that there is no network at all. It lies only in the other direction.
    pub fn browser_says_offline(&mut self) {
        self.failures = FAILURES_TO_TURN;
        self.link = Link::Offline;
        self.cut_off = true;
    }

    /// The browser says that there is a network again. It may lie: the lamp of the server waits for a proof.
    pub fn browser_says_online(&mut self) {
        self.cut_off = false;
    }

    /// A real request failed: as good as all the probes.
    pub fn request_failed(&mut self) {
        self.failures = FAILURES_TO_TURN.saturating_sub(1);
        self.failed(Link::Offline);
    }

    /// Whether nobody is known to answer for a payment now, so that the caps hold. Before the first probe nobody is.
    pub fn is_unanswered(&self) -> bool {
        !self.is_online() || self.acquirer == AcquirerLamp::Down
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
    fn three_lamps_say_where_it_ends_and_the_way_follows() {
        use Lamp::{Down, Unknown, Up};
        let bank_down = ProbeResult::Holdfast { acquirer: AcquirerLamp::Down };
        let bank_unknown = ProbeResult::Holdfast { acquirer: AcquirerLamp::Unknown };
        let mut c = Connectivity::default();
        let mut check = |step: &str, turn: &dyn Fn(&mut Connectivity), network, server, acquirer, way| {
            turn(&mut c);
            assert_eq!((c.lamps(), c.way()), (Lamps { network, server, acquirer }, way), "{step}");
            assert_eq!(c.is_unanswered(), way != Way::Ask || network == Unknown, "{step}");
        };
        check("at the start", &|_| {}, Unknown, Unknown, Unknown, Way::Ask);
        check("all is well", &|c| c.probed(UP), Up, Up, Up, Way::Ask);
        check("the bank fails", &|c| c.probed(bank_down), Up, Up, Down, Way::StandIn);
        check("a miss", &|c| c.probed(ProbeResult::Nothing), Up, Up, Down, Way::StandIn);
        check("a second miss", &|c| c.probed(ProbeResult::Nothing), Unknown, Down, Unknown, Way::Store);
        check("a portal", &|c| c.probed(ProbeResult::SomethingElse), Up, Down, Unknown, Way::Store);
        check("no network", &Connectivity::browser_says_offline, Down, Unknown, Unknown, Way::Store);
        check("a network", &Connectivity::browser_says_online, Unknown, Down, Unknown, Way::Store);
        check("proof", &|c| c.probed(bank_unknown), Up, Up, Unknown, Way::Ask);
    }

    #[test]
    fn an_acquirers_lamp_neither_flaps_nor_sticks() {
        let mut health = AcquirerHealth::default();
        assert!(health.is_in_doubt());
        for (is_answer, lamp, turned, in_doubt) in [
            (true, AcquirerLamp::Up, true, false),
            (false, AcquirerLamp::Up, false, true),
            (true, AcquirerLamp::Up, false, false),
            (false, AcquirerLamp::Up, false, true),
            (false, AcquirerLamp::Down, true, true),
            (false, AcquirerLamp::Down, false, true),
            (true, AcquirerLamp::Up, true, false),
        ] {
            assert_eq!((health.heard(is_answer), health.lamp(), health.is_in_doubt()), (turned, lamp, in_doubt));
        }
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
