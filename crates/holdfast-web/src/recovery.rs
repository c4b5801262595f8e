//! At the start, the two copies of the queue are made one again. The core decides ([`recover`]); here it is looked and done.

mod head_file;
mod seen;

pub use head_file::{copy_head, is_head, read_head, write_head};

use crate::clock::wall_ms;
use crate::locks;
use crate::money::Swapped;
use crate::shared::Shared;
use holdfast_core::limits::{PREPARED_STALE_MS, TOMBSTONE_MS};
use holdfast_core::outbox::{ChainPoint, Entry, RecoverOp, StoreFault};
use holdfast_wire::b64;
use holdfast_wire::stored::{ChainHead, prepared_at_ms};
use holdfast_wire::time::Head;
use seen::Seen;

/// What was found and put right, for the diagnostics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A payment that only the journal had is in the queue again.
    Restored { id: String, seq: u64 },
    /// The chain's head was behind the records.
    HeadRaised { seq: u64, sale_number: u64 },
    /// A payment's second copy was missing and is there again.
    JournalledAgain { id: String, seq: u64 },
    /// The second copy of an acknowledged payment is gone.
    Unjournalled { id: String, seq: u64 },
    /// A void that the till stopped in the middle of was carried out.
    Voided { id: String, seq: u64 },
    /// An empty file, left by a stop before its first byte, is gone.
    EmptyRemoved { name: String },
    /// A torn file is kept for whoever wants to look at it. Nobody was told that its payment is stored.
    TornKept { name: String },
    /// The journal's copy of the head was missing or behind.
    HeadCopied { seq: u64 },
    /// This many tombstones had served their time.
    Forgotten { count: usize },
    /// Something could not be put right now; the next start tries again.
    Failed { what: String, fault: StoreFault },
}

/// Looks and puts right. Nobody saves meanwhile.
pub async fn run(shared: &Shared) -> Result<Vec<Finding>, StoreFault> {
    let _guard = locks::hold(locks::CHAIN).await;
    run_locked(shared).await
}

/// The same for who holds the chain lock already.
pub async fn run_locked(shared: &Shared) -> Result<Vec<Finding>, StoreFault> {
    let seen = Seen::look(shared).await?;
    let mut findings = Vec::new();
    for op in seen.decide() {
        let name = op_name(&op);
        match carry_out(shared, &seen, op).await {
            Ok(finding) => findings.extend(finding),
            Err(fault) => findings.push(Finding::Failed { what: name, fault }),
        }
    }
    shared.money.count_anew(seen.tally).await?;
    findings.extend(forget_old(shared, &seen).await?);
    findings.extend(copy_missing_head(shared, &seen).await?);
    discard_left(shared, &seen).await;
    Ok(findings)
}

async fn carry_out(shared: &Shared, seen: &Seen, op: RecoverOp) -> Result<Option<Finding>, StoreFault> {
    let (money, journal) = (&shared.money, &shared.journal);
    let named = |e: &Entry| {
        let id = e.id.to_string();
        let names = seen.files_of(&id, &b64::hash_text(e.hash));
        (id, e.seq, names)
    };
    Ok(match op {
        RecoverOp::Restore(entry) => {
            let (id, seq, names) = named(&entry);
            let Some(stored) = names.first().and_then(|name| seen.files.get(name)) else { return Ok(None) };
            money.put_back(stored).await?.then_some(Finding::Restored { id, seq })
        }
        RecoverOp::RaiseHead(to) => {
            let head = Head { seq: to.seq, hash: hash_or_none(to) };
            money.raise_head(&ChainHead { v: holdfast_wire::V, head, sale_number: to.sale_number }).await?;
            Some(Finding::HeadRaised { seq: to.seq, sale_number: to.sale_number })
        }
        // The service worker cannot write; the page does it at its next start.
        RecoverOp::Journal(_) if !journal.can_write() => None,
        RecoverOp::Journal(entry) => {
            let (id, seq, _) = named(&entry);
            let Some(stored) = seen.rows.get(&id) else { return Ok(None) };
            let name = stored.journal_name();
            journal.write(&name, &stored.to_json()).await?;
            // An upload may have settled it meanwhile; then its ciphertext must not stay behind.
            if money.outbox_row(entry.id).await?.is_none() {
                journal.remove(&name).await?;
            }
            Some(Finding::JournalledAgain { id, seq })
        }
        RecoverOp::Unjournal(entry) => {
            let (id, seq, names) = named(&entry);
            journal.remove_all(&names).await?;
            Some(Finding::Unjournalled { id, seq })
        }
        RecoverOp::Void { void, payment } => {
            let ((id, seq, void_names), (_, _, payment_names)) = (named(&void), named(&payment));
            let Some(stored) = void_names.first().and_then(|name| seen.files.get(name)) else { return Ok(None) };
            match money.swap(stored, None).await? {
                Swapped::Done => {
                    journal.remove_all(&payment_names).await?;
                    Some(Finding::Voided { id, seq })
                }
                Swapped::Claimed => {
                    journal.remove_all(&void_names).await?;
                    Some(Finding::Unjournalled { id, seq })
                }
            }
        }
        RecoverOp::RemoveTorn(name) => torn(shared, seen, name).await?,
    })
}

/// A torn file goes when nothing is in it, when its payment was acknowledged, or when a whole copy took its place.
async fn torn(shared: &Shared, seen: &Seen, name: String) -> Result<Option<Finding>, StoreFault> {
    if seen.rows.values().any(|row| row.journal_name() == name) {
        return Ok(None);
    }
    let is_acknowledged = seen.tombstones.iter().any(|t| name.ends_with(&format!("-{}.json", t.id)));
    if seen.empty.contains(&name) || is_acknowledged {
        shared.journal.remove(&name).await?;
        return Ok(Some(Finding::EmptyRemoved { name }));
    }
    Ok(Some(Finding::TornKept { name }))
}

/// Old tombstones go, unless the journal still holds their record: they keep it from coming back.
async fn forget_old(shared: &Shared, seen: &Seen) -> Result<Option<Finding>, StoreFault> {
    let before_ms = wall_ms().saturating_sub(TOMBSTONE_MS);
    let held = |id: &str| seen.files.values().any(|f| f.id == id);
    let old: Vec<String> =
        seen.tombstones.iter().filter(|t| t.at_ms < before_ms && !held(&t.id)).map(|t| t.id.clone()).collect();
    if old.is_empty() {
        return Ok(None);
    }
    shared.money.forget(&old).await?;
    Ok(Some(Finding::Forgotten { count: old.len() }))
}

/// Without it a wiped journal and, at another time, a wiped database would together let the chain begin anew.
async fn copy_missing_head(shared: &Shared, seen: &Seen) -> Result<Option<Finding>, StoreFault> {
    match seen.head_to_copy() {
        Some(head) if shared.journal.can_write() => {
            copy_head(shared).await?;
            // A number that was given and led to no record is no news.
            Ok((seen.journal_seq() != Some(head.seq)).then_some(Finding::HeadCopied { seq: head.seq }))
        }
        _ => Ok(None),
    }
}

/// Prepared files of pages that are gone. One that a living page holds open cannot be discarded, and one that was written is not empty.
async fn discard_left(shared: &Shared, seen: &Seen) {
    let before_ms = wall_ms().saturating_sub(PREPARED_STALE_MS);
    for name in seen.prepared.iter().filter(|name| prepared_at_ms(name).is_some_and(|at_ms| at_ms < before_ms)) {
        shared.journal.discard(name).await;
    }
}

fn hash_or_none(point: ChainPoint) -> String {
    if point.seq == 0 { String::new() } else { b64::hash_text(point.hash) }
}

/// For a finding about an operation that failed. No ids: the text may be shown.
fn op_name(op: &RecoverOp) -> String {
    match op {
        RecoverOp::Restore(_) => "restore",
        RecoverOp::RaiseHead(_) => "raise-head",
        RecoverOp::Journal(_) => "journal",
        RecoverOp::Unjournal(_) => "unjournal",
        RecoverOp::RemoveTorn(_) => "torn",
        RecoverOp::Void { .. } => "void",
    }
    .into()
}
