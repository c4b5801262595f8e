//! What to answer next. A step is used up by the request it fits: decisions fit authorisations only, a fault in the
//! delivery fits whatever comes next.

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
    /// No script: the card's own rule. Not a step that can be asked for.
    #[serde(skip)]
    ByCard,
}

/// Answers in order, then `always`, then the card's own rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Script {
    #[serde(default)]
    pub next: VecDeque<Step>,
    #[serde(default)]
    pub always: Option<Step>,
}

impl Script {
    /// True when the script is within its limits and every code in it is an ISO 8583 response code.
    pub fn is_usable(&self) -> bool {
        let code_holds = |step: &Step| match step {
            Step::Decline { code } => {
                code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphanumeric()) && code != "00"
            }
            _ => true,
        };
        self.next.len() <= SCRIPT_STEPS_MAX && self.next.iter().chain(&self.always).all(code_holds)
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
        let mut script = Script { next: [Step::DropAnswer, Step::Approve].into(), always: None };
        assert_eq!(script.take_for_delivery(), Step::DropAnswer);
        assert_eq!(script.take_for_delivery(), Step::ByCard);
        assert_eq!(script.take_for_authorisation(), Step::Approve);
        assert_eq!(script.take_for_authorisation(), Step::ByCard);
    }

    #[test]
    fn a_decline_needs_a_code_of_a_decline() {
        for code in ["00", "", "5", "511", "5é"] {
            let script = Script { next: [Step::Decline { code: code.into() }].into(), always: None };
            assert!(!script.is_usable(), "{code}");
        }
    }
}
