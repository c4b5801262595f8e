//! What to answer next. A step is used up by the request it fits: decisions fit authorisations only, a fault in the
//! delivery fits whatever comes next.

use holdfast_core::settlement::ChargebackReason;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Steps that a script may hold.
pub const SCRIPT_STEPS_MAX: usize = 1_000;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    Approve,
    Decline {
        code: String,
    },
    /// The request is carried out; its answer takes this long.
    Delay {
        ms: u64,
    },
    /// The request is carried out; its answer never arrives.
    DropAnswer,
    /// The request does not arrive.
    Unreachable,
    /// Approved, and its capture is refused later.
    LateDecline {
        code: String,
    },
    /// Approved, and taken back by the card's bank so many days after its capture.
    Chargeback {
        /// See [`holdfast_core::settlement::ChargebackReason`].
        reason: String,
        days: u16,
    },
    /// No script: the card's own rule. Not a step that can be asked for.
    #[serde(skip)]
    ByCard,
}

/// How often one card may be charged. Charges beyond it are declined with 65.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Velocity {
    pub charges_max: u32,
    pub window_ms: i64,
}

/// Answers in order, then `always`, then the card's own rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Script {
    #[serde(default)]
    pub next: VecDeque<Step>,
    #[serde(default)]
    pub always: Option<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub velocity: Option<Velocity>,
}

impl Script {
    /// True when the script is within its limits and every code in it is an ISO 8583 response code.
    pub fn is_usable(&self) -> bool {
        let code_holds = |step: &Step| match step {
            Step::Chargeback { reason, .. } => ChargebackReason::parse(reason).is_some(),
            Step::Decline { code } | Step::LateDecline { code } => {
                code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphanumeric()) && code != "00"
            }
            _ => true,
        };
        let velocity_holds = self.velocity.as_ref().is_none_or(|velocity| velocity.window_ms > 0);
        velocity_holds && self.next.len() <= SCRIPT_STEPS_MAX && self.next.iter().chain(&self.always).all(code_holds)
    }

    /// Whether a request would arrive: nothing is used up.
    pub(super) fn is_reachable(&self) -> bool {
        self.next.front().or(self.always.as_ref()) != Some(&Step::Unreachable)
    }

    pub(super) fn take_for_authorisation(&mut self) -> Step {
        self.next.pop_front().or_else(|| self.always.clone()).unwrap_or(Step::ByCard)
    }

    /// For a capture or a reversal: a decision in the queue waits for its authorisation.
    pub(super) fn take_for_delivery(&mut self) -> Step {
        match self.next.front() {
            Some(Step::Delay { .. } | Step::DropAnswer | Step::Unreachable) => {
                self.next.pop_front().unwrap_or(Step::ByCard)
            }
            Some(_) => Step::ByCard,
            None => match &self.always {
                Some(step @ (Step::Delay { .. } | Step::DropAnswer | Step::Unreachable)) => step.clone(),
                _ => Step::ByCard,
            },
        }
    }

    /// An inquiry only fails when nothing arrives; a lost answer to a question is a question asked again.
    pub(super) fn take_for_inquiry(&mut self) -> Step {
        match (self.next.front(), &self.always) {
            (Some(Step::Unreachable), _) => self.next.pop_front().unwrap_or(Step::ByCard),
            (None, Some(Step::Unreachable)) => Step::Unreachable,
            _ => Step::ByCard,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_json() {
        let text = r#"{"next":[{"kind":"approve"},{"kind":"decline","code":"51"},{"kind":"delay","ms":3000},{"kind":"drop-answer"},{"kind":"unreachable"}],"always":null}"#;
        let script: Script = serde_json::from_str(text).expect("the protocol's own example");
        assert!(script.is_usable());
        assert_eq!(serde_json::to_string(&script).expect("writes"), text);
    }

    #[test]
    fn a_decision_waits_for_an_authorisation_and_a_fault_does_not() {
        let mut script = Script { next: [Step::DropAnswer, Step::Approve].into(), ..Script::default() };
        assert_eq!(script.take_for_delivery(), Step::DropAnswer);
        assert_eq!(script.take_for_delivery(), Step::ByCard);
        assert_eq!(script.take_for_authorisation(), Step::Approve);
        assert_eq!(script.take_for_authorisation(), Step::ByCard);
    }

    #[test]
    fn a_decline_needs_a_code_of_a_decline() {
        for code in ["00", "", "5", "511", "5é"] {
            for step in [Step::Decline { code: code.into() }, Step::LateDecline { code: code.into() }] {
                let script = Script { next: [step].into(), ..Script::default() };
                assert!(!script.is_usable(), "{code}");
            }
        }
    }

    #[test]
    fn what_comes_later_is_read_and_checked() {
        let read = |text| serde_json::from_str::<Script>(text).expect("a script").is_usable();
        assert!(read(
            r#"{"next":[{"kind":"late-decline","code":"51"},{"kind":"chargeback","reason":"4837","days":2}]}"#
        ));
        assert!(read(r#"{"velocity":{"charges_max":3,"window_ms":60000}}"#));
        assert!(!read(r#"{"velocity":{"charges_max":3,"window_ms":0}}"#));
        assert!(!read(r#"{"always":{"kind":"chargeback","reason":"fraud","days":2}}"#));
    }
}
