//! What to do with the strings of a batch, given what is in the books. Pure: it reads a snapshot and returns operations.

use super::read::Candidate;
use crate::store::{IngestOp, IngestSnapshot, Payment, Quarantined};
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_wire::ack::reason;

/// Strings of one device that quarantine holds. Beyond it they are not kept and not acknowledged, so the device keeps them.
pub const QUARANTINE_PER_DEVICE_MAX: u64 = 10_000;

/// What is said about one string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub id: Option<PaymentId>,
    pub hash: RecordHash,
    pub status: Status,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Stored,
    Duplicate,
    Quarantined(String),
    /// Quarantine is full: no acknowledgement.
    NotKept,
}

/// Decides about every string by itself. Strings of one batch see those before them as if they were in the books.
pub fn decide(
    snapshot: &IngestSnapshot,
    candidates: Vec<Candidate>,
    is_revoked: bool,
) -> (Vec<IngestOp>, Vec<Verdict>) {
    let mut known = snapshot.clone();
    let mut ops = Vec::new();
    let mut verdicts = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let (id, hash) = (candidate.claimed_id, candidate.hash);
        let status = match judge(&known, &candidate, is_revoked) {
            Judgement::Store => store(&mut known, &mut ops, candidate),
            Judgement::Repeat(status) => status,
            Judgement::Quarantine(reason) => quarantine(&mut known, &mut ops, candidate, reason),
        };
        verdicts.push(Verdict { id, hash, status });
    }
    (ops, verdicts)
}

enum Judgement {
    Store,
    Repeat(Status),
    Quarantine(&'static str),
}

fn judge(known: &IngestSnapshot, candidate: &Candidate, is_revoked: bool) -> Judgement {
    if let Some(reason) = known.quarantined.get(&candidate.hash) {
        return Judgement::Repeat(Status::Quarantined(reason.clone()));
    }
    let payment = match &candidate.reading {
        Ok(payment) => payment,
        Err(reason) => return Judgement::Quarantine(reason),
    };
    match known.by_id.get(&payment.id) {
        Some(hash) if *hash == payment.record_hash => return Judgement::Repeat(Status::Duplicate),
        // The record that was voided came all the same: it is known, and not charged.
        Some(_) if known.voided.get(&payment.id) == Some(&payment.record_hash) => {
            return Judgement::Repeat(Status::Duplicate);
        }
        Some(hash) if candidate.void.as_ref().is_some_and(|void| void.voided == *hash) => {
            return Judgement::Quarantine(reason::VOID_TOO_LATE);
        }
        Some(_) => return Judgement::Quarantine(reason::ID_CONFLICT),
        None => {}
    }
    if is_revoked {
        return Judgement::Quarantine(reason::DEVICE_REVOKED);
    }
    if candidate.seqs().any(|seq| known.seqs.contains(&seq)) {
        return Judgement::Quarantine(reason::SEQUENCE_CONFLICT);
    }
    Judgement::Store
}

fn store(known: &mut IngestSnapshot, ops: &mut Vec<IngestOp>, candidate: Candidate) -> Status {
    known.seqs.extend(candidate.seqs());
    let Ok(payment) = candidate.reading else { return Status::NotKept };
    known.by_id.insert(payment.id, payment.record_hash);
    let id = payment.id;
    match candidate.void {
        Some(void) => {
            note_chain(known, &payment, void.seq, &void.prev);
            known.voided.insert(id, void.voided);
            ops.push(IngestOp::StoreVoid(payment, void));
        }
        None => {
            note_chain(known, &payment, payment.seq, &payment.prev);
            ops.push(IngestOp::Store(payment));
        }
    }
    ops.extend(candidate.approval.map(|word| IngestOp::Approve(id, word)));
    Status::Stored
}

/// A break in the chain holds up no payment; it is said, for somebody to look into.
fn note_chain(known: &mut IngestSnapshot, payment: &Payment, seq: u64, prev: &str) {
    if let Some((head, hash)) = known.head {
        if seq == head + 1 && prev != holdfast_wire::b64::hash_text(hash) {
            tracing::warn!(device = %payment.device_id, seq, "the chain of records forks: a cloned or edited profile");
        }
        if seq <= head {
            return;
        }
    }
    known.head = Some((seq, payment.record_hash));
}

fn quarantine(
    known: &mut IngestSnapshot,
    ops: &mut Vec<IngestOp>,
    candidate: Candidate,
    reason: &'static str,
) -> Status {
    if known.quarantine_count >= QUARANTINE_PER_DEVICE_MAX {
        return Status::NotKept;
    }
    known.quarantine_count += 1;
    known.quarantined.insert(candidate.hash, reason.to_owned());
    // Only what the device really signed keeps a card key alive: garbage must not.
    let card_key_kid = candidate.reading.ok().and_then(|payment| payment.card_key_kid);
    ops.push(IngestOp::Quarantine(Quarantined {
        record_hash: candidate.hash,
        payment_id: candidate.claimed_id,
        reason: reason.to_owned(),
        raw: candidate.raw.into_bytes(),
        card_key_kid,
    }));
    Status::Quarantined(reason.to_owned())
}
