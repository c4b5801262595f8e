//! The simulator's ledger: what was carried out, and what a repeated request gets.

use super::super::{Account, AcquirerError, Decision, Known};
use super::plan::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    Authorisation,
    Capture,
    Reversal,
    Refund,
}

impl EntryKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorisation => "authorisation",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
        }
    }

    pub(super) fn from_str(text: &str) -> Option<Self> {
        [Self::Authorisation, Self::Capture, Self::Reversal, Self::Refund]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Approved,
    Declined,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub reference: String,
    pub kind: EntryKind,
    pub amount_minor: i64,
    pub currency: String,
    pub result: Outcome,
    pub code: String,
    pub last4: String,
    pub at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval_code: Option<String>,
}

impl Entry {
    /// Which refund of its payment this is; 1 for everything else.
    pub fn refund_number(&self) -> u32 {
        1
    }

    pub fn decision(&self) -> Decision {
        match self.result {
            Outcome::Approved => Decision::Approved { approval_code: self.approval_code.clone().unwrap_or_default() },
            Outcome::Declined => Decision::Declined { code: self.code.clone() },
        }
    }
}

/// The ledger as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerView {
    pub entries: Vec<Entry>,
    /// Captures that were asked for and approved, per reference. More than one is money taken twice.
    pub captures_per_reference: BTreeMap<String, u32>,
    /// Requests that repeated a reference. Harmless, because they got the first answer; captures among them are alarms.
    pub repeated_requests: u32,
    pub repeated_captures: u32,
}

/// Where the ledger is kept. Writing is atomic per request.
pub trait Book: Send + Sync {
    /// Carries a request out once, and answers a repeated one with its first answer.
    fn carry_out(&self, entry: Entry) -> impl Future<Output = Result<Decision, AcquirerError>> + Send;
    fn known(&self, reference: &str) -> impl Future<Output = Result<Known, AcquirerError>> + Send;
    /// Keeps what is to become of a reference; a later plan for it changes nothing.
    fn plan(&self, reference: &str, plan: Plan) -> impl Future<Output = Result<(), AcquirerError>> + Send;
    /// The code that the capture of a reference is to be refused with.
    fn capture_code(&self, reference: &str) -> impl Future<Output = Result<Option<String>, AcquirerError>> + Send;
    /// The entries that a merchant's account of a day may be made of, oldest first, with their plans.
    fn of_account(
        &self,
        account: Account,
    ) -> impl Future<Output = Result<Vec<(Entry, Option<Plan>)>, AcquirerError>> + Send;
    fn view(&self) -> impl Future<Output = Result<LedgerView, AcquirerError>> + Send;
}

/// What to do with a request, given the earlier entries of its reference.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write this entry and answer with it.
    Write(Entry),
    /// The request repeats this one: count it, and answer as before.
    Repeat(Decision),
    /// A second capture: count it as an alarm. It is refused, so no money moves twice.
    Alarm(Decision),
}

pub(super) fn judge(mut entry: Entry, earlier: &[Entry]) -> Verdict {
    let first = |kind| earlier.iter().find(|e| e.kind == kind);
    let authorised = first(EntryKind::Authorisation).filter(|e| e.result == Outcome::Approved);
    match (entry.kind, first(entry.kind)) {
        (EntryKind::Capture, Some(done)) if done.result == Outcome::Approved => {
            Verdict::Alarm(Decision::Declined { code: "94".to_owned() })
        }
        (_, Some(done)) => Verdict::Repeat(done.decision()),
        (EntryKind::Authorisation, None) => Verdict::Write(entry),
        (EntryKind::Capture | EntryKind::Reversal | EntryKind::Refund, None) => {
            let may = match entry.kind {
                EntryKind::Capture => {
                    authorised.is_some_and(|a| a.amount_minor >= entry.amount_minor && a.currency == entry.currency)
                        && first(EntryKind::Reversal).is_none()
                }
                EntryKind::Reversal => {
                    authorised.is_some() && first(EntryKind::Capture).is_none_or(|c| c.result == Outcome::Declined)
                }
                _ => first(EntryKind::Capture).is_some_and(|c| c.result == Outcome::Approved),
            };
            if let Some(a) = authorised {
                entry.last4.clone_from(&a.last4);
                entry.approval_code.clone_from(&a.approval_code);
            }
            if !may {
                entry.result = Outcome::Declined;
                entry.code = "12".to_owned();
                entry.approval_code = None;
            }
            Verdict::Write(entry)
        }
    }
}

pub(super) fn known_from(entries: &[Entry]) -> Known {
    let first = |kind| entries.iter().find(|e| e.kind == kind).map(Entry::decision);
    Known {
        authorisation: first(EntryKind::Authorisation),
        capture: first(EntryKind::Capture),
        reversed: matches!(first(EntryKind::Reversal), Some(Decision::Approved { .. })),
    }
}

pub(super) fn view_of(
    entries: Vec<Entry>,
    repeated_requests: u32,
    repeated_captures: &BTreeMap<String, u32>,
) -> LedgerView {
    let mut captures_per_reference = BTreeMap::new();
    for entry in entries.iter().filter(|e| e.kind == EntryKind::Capture && e.result == Outcome::Approved) {
        *captures_per_reference.entry(entry.reference.clone()).or_insert(0) += 1;
    }
    // A second capture that was asked for counts here too: an outside judge reads this number, and must see the attempt.
    for (reference, count) in repeated_captures {
        *captures_per_reference.entry(reference.clone()).or_insert(0) += count;
    }
    let repeated_captures = repeated_captures.values().sum();
    LedgerView { entries, captures_per_reference, repeated_requests, repeated_captures }
}

/// A ledger in memory, for the simulation and for tests.
#[derive(Debug, Default)]
pub struct MemoryBook(Mutex<MemoryState>);

#[derive(Debug, Default)]
struct MemoryState {
    entries: Vec<Entry>,
    plans: BTreeMap<String, Plan>,
    repeated_requests: u32,
    repeated_captures: BTreeMap<String, u32>,
}

impl MemoryBook {
    fn lock(&self) -> MutexGuard<'_, MemoryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(state: &MemoryState, reference: &str) -> Vec<Entry> {
        state.entries.iter().filter(|e| e.reference == reference).cloned().collect()
    }
}

impl Book for MemoryBook {
    async fn carry_out(&self, entry: Entry) -> Result<Decision, AcquirerError> {
        let mut state = self.lock();
        let earlier = Self::of(&state, &entry.reference);
        let reference = entry.reference.clone();
        Ok(match judge(entry, &earlier) {
            Verdict::Write(entry) => {
                let decision = entry.decision();
                state.entries.push(entry);
                decision
            }
            Verdict::Repeat(decision) => {
                state.repeated_requests += 1;
                decision
            }
            Verdict::Alarm(decision) => {
                state.repeated_requests += 1;
                *state.repeated_captures.entry(reference).or_insert(0) += 1;
                decision
            }
        })
    }

    async fn known(&self, reference: &str) -> Result<Known, AcquirerError> {
        Ok(known_from(&Self::of(&self.lock(), reference)))
    }

    async fn plan(&self, reference: &str, plan: Plan) -> Result<(), AcquirerError> {
        self.lock().plans.entry(reference.to_owned()).or_insert(plan);
        Ok(())
    }

    async fn capture_code(&self, reference: &str) -> Result<Option<String>, AcquirerError> {
        Ok(self.lock().plans.get(reference).and_then(|plan| plan.capture_code.clone()))
    }

    async fn of_account(&self, account: Account) -> Result<Vec<(Entry, Option<Plan>)>, AcquirerError> {
        let state = self.lock();
        let with_plan = state.entries.iter().map(|entry| (entry.clone(), state.plans.get(&entry.reference).cloned()));
        Ok(with_plan.filter(|(_, plan)| plan.as_ref().is_none_or(|p| p.merchant_id == account.merchant_id)).collect())
    }

    async fn view(&self) -> Result<LedgerView, AcquirerError> {
        let state = self.lock();
        Ok(view_of(state.entries.clone(), state.repeated_requests, &state.repeated_captures))
    }
}
