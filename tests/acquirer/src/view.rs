//! What the host saw of one payment, which a test tells from others by its amount.

use crate::tap::Tap;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A payment in the host's eyes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostView {
    /// Types of the requests, in order.
    pub requests: Vec<String>,
    /// STANs of authorisations that it approved and that no reversal has taken back.
    pub standing: BTreeSet<String>,
    /// STANs of captures. A repeat has the STAN of the first, by which a host knows it for the same.
    pub captured: BTreeSet<String>,
    /// STANs of refunds that it approved and that no reversal has taken back.
    pub refunded: BTreeSet<String>,
    /// Reference numbers.
    pub references: BTreeSet<String>,
}

impl HostView {
    /// # Panics
    /// When an authorisation was asked for while an earlier one stood, or something else was captured than stands.
    pub fn of(tap: &Tap, amount_minor: i64) -> Self {
        let mut view = Self::default();
        let amount = format!("{amount_minor:012}");
        let (mut asked, mut reversing): (BTreeSet<String>, Option<String>) = Default::default();
        for seen in tap.seen() {
            let text = |field| seen.message.trimmed(field).unwrap_or_default().to_owned();
            if text(4) != amount {
                continue;
            }
            let mti = seen.message.mti().as_str().to_owned();
            match (seen.from_host, mti.as_str()) {
                (false, "0100") => {
                    assert!(asked.is_empty(), "asked for anew while {asked:?} may stand: {view:?}");
                    asked.insert(text(11));
                }
                (true, "0110") if text(39) != "00" => drop(asked.remove(&text(11))),
                (true, "0110") => drop(view.standing.insert(text(11))),
                (true, "0210") if text(39) == "00" => drop(view.refunded.insert(text(11))),
                (false, "0420" | "0421") => reversing = text(90).get(4..10).map(str::to_owned),
                // The host carries a reversal out when it answers it.
                (true, "0430" | "0431") => {
                    let stan = reversing.take().unwrap_or_default();
                    asked.remove(&stan);
                    view.standing.remove(&stan);
                    view.refunded.remove(&stan);
                }
                (false, "0220" | "0221") => {
                    assert_eq!(view.standing.len(), 1, "captured what does not stand: {view:?}");
                    view.captured.insert(text(11));
                }
                _ => {}
            }
            if !seen.from_host {
                view.references.insert(text(37));
                view.requests.push(mti);
            }
        }
        view
    }

    /// Whether requests of these types came in this order, with others between them.
    pub fn came(&self, types: &[&str]) -> bool {
        let mut seen = self.requests.iter();
        types.iter().all(|expected| seen.any(|found| found == expected))
    }
}

/// Waits until it holds.
///
/// # Panics
/// When it does not within two minutes.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
