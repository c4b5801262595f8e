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
    /// Which refund of the payment, from 1, or how often it was tried before; 0 for everything else.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub number: u32,
    pub amount_minor: i64,
    pub currency: String,
    pub result: Outcome,
    pub code: String,
    pub last4: String,
    pub at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval_code: Option<String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Entry {
    /// Which refund of its payment this is; 1 for everything else.
    pub fn refund_number(&self) -> u32 {
        if self.kind == EntryKind::Refund { self.number } else { 1 }
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

/// What is to be carried out.
#[derive(Debug, Clone)]
pub struct Request {
    pub entry: Entry,
    /// What is to become of the reference, with its authorisation. Once that is approved, a later plan changes nothing.
    pub plan: Option<Plan>,
}

/// Where the ledger is kept. Writing is atomic per request.
pub trait Book: Send + Sync {
    /// Carries a request out once, and answers a repeated one with its first answer.
    fn carry_out(&self, request: Request) -> impl Future<Output = Result<Decision, AcquirerError>> + Send;
    fn known(&self, reference: &str) -> impl Future<Output = Result<Known, AcquirerError>> + Send;
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

/// `capture_code` is what the plan of the reference says that its capture is refused with.
pub(super) fn judge(mut entry: Entry, earlier: &[Entry], capture_code: Option<&str>) -> Verdict {
    if let (EntryKind::Capture, Some(code)) = (entry.kind, capture_code) {
        (entry.result, entry.code) = (Outcome::Declined, code.to_owned());
    }
    // What was said about this very request. Only refunds and tries are numbered.
    match earlier.iter().find(|done| done.kind == entry.kind && done.number == entry.number) {
        Some(done) if entry.kind == EntryKind::Capture && done.result == Outcome::Approved => {
            return Verdict::Alarm(Decision::Declined { code: "94".to_owned() });
        }
        Some(done) => return Verdict::Repeat(done.decision()),
        None => {}
    }
    let latest = latest_authorisation(earlier);
    let authorised = latest.filter(|e| e.result == Outcome::Approved);
    let refusal = match entry.kind {
        // A new try of what stands would take the money twice.
        EntryKind::Authorisation => authorised.map(|_| "94"),
        EntryKind::Capture => {
            let may = authorised.is_some_and(|a| a.amount_minor >= entry.amount_minor && a.currency == entry.currency)
                && first(earlier, EntryKind::Reversal).is_none();
            (!may).then_some("12")
        }
        EntryKind::Reversal => {
            let is_captured = first(earlier, EntryKind::Capture).is_some_and(|c| c.result == Outcome::Approved);
            (authorised.is_none() || is_captured).then_some("12")
        }
        EntryKind::Refund => refuse_refund(&entry, earlier),
    };
    if let (Some(a), true) = (authorised, entry.kind != EntryKind::Authorisation) {
        entry.last4.clone_from(&a.last4);
        entry.approval_code.clone_from(&a.approval_code);
    }
    if let Some(code) = refusal {
        entry.result = Outcome::Declined;
        code.clone_into(&mut entry.code);
        entry.approval_code = None;
    }
    Verdict::Write(entry)
}

fn first(entries: &[Entry], kind: EntryKind) -> Option<&Entry> {
    entries.iter().find(|e| e.kind == kind)
}

/// Whether a plan may still be made.
pub(super) fn is_open_to_plans(earlier: &[Entry]) -> bool {
    latest_authorisation(earlier).is_none_or(|authorisation| authorisation.result != Outcome::Approved)
}

fn latest_authorisation(entries: &[Entry]) -> Option<&Entry> {
    entries.iter().filter(|e| e.kind == EntryKind::Authorisation).max_by_key(|e| e.number)
}

/// Why a refund is not carried out: nothing was captured (12), or more would go back than came in (13).
fn refuse_refund(entry: &Entry, earlier: &[Entry]) -> Option<&'static str> {
    let captured = first(earlier, EntryKind::Capture).filter(|c| c.result == Outcome::Approved);
    let Some(captured) = captured.filter(|c| c.currency == entry.currency) else { return Some("12") };
    let is_refund = |e: &&Entry| e.kind == EntryKind::Refund && e.result == Outcome::Approved;
    let refunded =
        earlier.iter().filter(is_refund).try_fold(entry.amount_minor, |sum, e| sum.checked_add(e.amount_minor));
    let holds = entry.amount_minor > 0 && refunded.is_some_and(|sum| sum <= captured.amount_minor);
    (!holds).then_some("13")
}

pub(super) fn known_from(entries: &[Entry]) -> Known {
    let latest = latest_authorisation(entries);
    let of = |kind| first(entries, kind).map(Entry::decision);
    let refunds = entries.iter().filter(|e| e.kind == EntryKind::Refund);
    Known {
        authorisation: latest.map(Entry::decision),
        try_number: latest.map_or(0, |e| e.number),
        capture: of(EntryKind::Capture),
        reversed: matches!(of(EntryKind::Reversal), Some(Decision::Approved { .. })),
        refunds: refunds.map(|e| (e.number, e.decision())).collect(),
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
    async fn carry_out(&self, Request { entry, plan }: Request) -> Result<Decision, AcquirerError> {
        let mut state = self.lock();
        let earlier = Self::of(&state, &entry.reference);
        let reference = entry.reference.clone();
        if let Some(plan) = plan.filter(|_| is_open_to_plans(&earlier)) {
            state.plans.insert(reference.clone(), plan);
        }
        let code = state.plans.get(&reference).and_then(|plan| plan.capture_code.clone());
        Ok(match judge(entry, &earlier, code.as_deref()) {
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
