//! Money: the acquirer's ledger against the books, and against what people were told is taken.

use super::Judge;
use crate::desk::Asked;
use crate::world::World;
use holdfast_core::id::PaymentId;
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::{Instruction, InstructionKind, Progress};
use holdfast_server::acquirer::Decision;
use holdfast_server::acquirer::simulator::{Entry, EntryKind, LedgerView};
use holdfast_server::store::Payment;
use holdfast_server::store::memory::MemoryLedger;
use std::collections::{BTreeMap, BTreeSet};

impl Judge {
    /// The server answered that it took an instruction.
    pub fn instructed(&mut self, asked: Asked) {
        self.instructed.insert(asked.wanted.id.clone(), asked);
    }

    /// The books came from a copy: what they do not know any more was never asked for, as far as they go.
    pub fn forget_lost_instructions(&mut self, ledger: &MemoryLedger) {
        self.instructed
            .retain(|id, asked| ledger.instructions_of(asked.payment_id).iter().any(|known| known.id == *id));
    }
}

/// What the acquirer carried out of one payment.
struct Carried<'a>(Vec<&'a Entry>);

impl<'a> Carried<'a> {
    fn of(view: &'a LedgerView, id: PaymentId) -> Self {
        let reference = id.to_string();
        Self(view.entries.iter().filter(|entry| entry.reference == reference).collect())
    }

    fn approved(&self, kind: EntryKind) -> impl Iterator<Item = &'a Entry> {
        let is_approved = |entry: &Entry| matches!(entry.decision(), Decision::Approved { .. });
        self.0.iter().copied().filter(move |entry| entry.kind == kind && is_approved(entry))
    }

    fn sum(&self, kind: EntryKind) -> i64 {
        self.approved(kind).map(|entry| entry.amount_minor).sum()
    }

    /// An authorisation that was neither captured nor given back.
    fn stands(&self) -> bool {
        self.approved(EntryKind::Authorisation).next().is_some()
            && self.approved(EntryKind::Capture).next().is_none()
            && self.approved(EntryKind::Reversal).next().is_none()
    }
}

impl World {
    pub(super) fn judge_money(&self, payments: &BTreeMap<PaymentId, Payment>, view: &LedgerView) -> Vec<String> {
        let mut found = Vec::new();
        for (id, payment) in payments {
            let instructions = self.server.ledger.instructions_of(*id);
            found.extend(self.judge_payment(payment, &instructions, &Carried::of(view, *id)));
        }
        let references: BTreeSet<&String> = view.entries.iter().map(|entry| &entry.reference).collect();
        for reference in references {
            let Ok(id) = reference.parse::<PaymentId>() else { continue };
            let carried = Carried::of(view, id);
            if carried.sum(EntryKind::Refund) > carried.sum(EntryKind::Capture) {
                found.push("more was paid back than was captured".to_owned());
            }
            let is_lost = self.judge.held.iter().any(|(held, _)| *held == id);
            if !payments.contains_key(&id) && !is_lost {
                found.push(format!("the acquirer was asked about a payment that the server never had: {id}"));
            }
        }
        if view.repeated_captures > 0 {
            found.push(format!("{} captures were asked for twice", view.repeated_captures));
        }
        found.extend(self.judge.instructed.iter().filter_map(|(id, asked)| self.judge_instruction(id, asked)));
        found
    }

    fn judge_payment(&self, payment: &Payment, instructions: &[Instruction], carried: &Carried<'_>) -> Option<String> {
        let name = payment.state.name();
        let captures = carried.approved(EntryKind::Capture).count();
        let is_captured = matches!(
            payment.state,
            PaymentState::Captured { .. } | PaymentState::PartlyRefunded { .. } | PaymentState::Refunded { .. }
        );
        let (ours, theirs) = (payment.state.refunded_minor(), carried.sum(EntryKind::Refund));
        let done = |kind| instructions.iter().filter(|i| i.kind == kind && i.progress == Progress::Done).count();
        let refunds = carried.approved(EntryKind::Refund).count();
        let refused = carried.0.iter().any(|entry| entry.kind == EntryKind::Refund && entry.code == "13");
        // What was paid back and lost with the books is for the reconciliation to find.
        let is_whole = self.server.copies.count == 0;
        if captures != usize::from(is_captured) {
            return Some(format!("a payment that is {name} was captured {captures} times"));
        }
        if is_captured && carried.sum(EntryKind::Capture) != payment.sale.amount_minor {
            return Some(format!("{} were captured of {}", carried.sum(EntryKind::Capture), payment.sale.amount_minor));
        }
        if !is_captured && carried.stands() {
            return Some(format!("a payment that is {name} is still authorised at the acquirer"));
        }
        if ours != theirs && (is_whole || ours > theirs) {
            return Some(format!("our books paid back {ours}, the acquirer {theirs}"));
        }
        if refunds != done(InstructionKind::Refund) && is_whole {
            return Some(format!("{} refunds were asked for, and {refunds} made", done(InstructionKind::Refund)));
        }
        if refused && is_whole {
            return Some("the acquirer was asked to pay back more than was left".to_owned());
        }
        (done(InstructionKind::Void) > 0 && name != "voided").then(|| format!("a voided payment is {name}"))
    }

    /// What was taken is there, and came to an end.
    fn judge_instruction(&self, id: &str, asked: &Asked) -> Option<String> {
        let known = self.server.ledger.instructions_of(asked.payment_id);
        let kind = asked.wanted.kind.name();
        match known.iter().filter(|known| known.id == id).count() {
            0 => Some(format!("a {kind} was taken and is lost")),
            1 => known
                .iter()
                .find(|known| known.id == id && known.progress.is_open())
                .map(|_| format!("a {kind} is still open")),
            count => Some(format!("a {kind} was kept {count} times")),
        }
    }
}
