//! Taking a batch in: read and check each record by itself, decide, write in one transaction (one for each device that signed some), and only
//! then acknowledge.
//!
//! Nothing here reads a clock, draws a random number or starts a task, so the simulation drives this very code.

mod decide;
mod offer;
mod read;

#[cfg(test)]
mod tests;

pub use decide::{QUARANTINE_PER_DEVICE_MAX, Status, Verdict};
pub use offer::take_offer;

use crate::store::{Device, IngestOp, IngestQuery, Ledger, StoreError};
use holdfast_core::id::PaymentId;
use holdfast_core::limits::BATCH_RECORDS_MAX;
use holdfast_core::time::UnixMs;
use holdfast_wire::V;
use holdfast_wire::ack::{AckPayload, reason};
use holdfast_wire::b64::hash_text;
use holdfast_wire::jws::{ToSign, typ};

/// Signs acknowledgements and times with the acknowledgement key.
pub trait AckSigner: Send + Sync {
    fn kid(&self) -> &str;
    /// R || S over `message`.
    ///
    /// # Errors
    /// When the key cannot be used.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// The acknowledgement key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the acknowledgement key cannot be used: nothing is acknowledged, and tills keep what they have")]
pub struct SignError;

/// Why a batch got no answer at all. The till keeps everything and comes again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    #[error("a batch has at most {BATCH_RECORDS_MAX} records")]
    TooManyRecords,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Compact acknowledgements. A record that could not even be kept has none.
    pub acks: Vec<String>,
    /// Payments that are new.
    pub stored: Vec<PaymentId>,
    pub quarantined_count: usize,
}

/// Takes a batch of `device`, whose request signature was checked.
///
/// # Errors
/// When nothing was committed, or it was and cannot be acknowledged now; the till comes again with the same batch.
pub async fn ingest<L: Ledger>(
    ledger: &L,
    signer: &dyn AckSigner,
    now_ms: UnixMs,
    device: &Device,
    records: Vec<String>,
) -> Result<Ingested, IngestError> {
    if records.len() > BATCH_RECORDS_MAX {
        return Err(IngestError::TooManyRecords);
    }
    let epoch = ledger.epoch();
    let mut verdicts = Vec::with_capacity(records.len());
    for group in by_device(ledger, now_ms, device, records).await? {
        let (places, candidates): (Vec<usize>, Vec<read::Candidate>) = group.candidates.into_iter().unzip();
        let query = IngestQuery {
            device_id: group.device.id,
            ids: candidates.iter().filter_map(|c| c.claimed_id).collect(),
            seqs: candidates.iter().flat_map(read::Candidate::seqs).collect(),
            hashes: candidates.iter().map(|c| c.hash).collect(),
        };
        let is_revoked = device.revoked_ms.is_some() || group.device.revoked_ms.is_some();
        let decided =
            ledger.ingest(now_ms, query, move |snapshot| decide::decide(snapshot, candidates, is_revoked)).await?;
        verdicts.extend(places.into_iter().zip(decided));
    }
    verdicts.sort_by_key(|(place, _)| *place);
    let verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    acknowledge(&epoch, signer, now_ms, &verdicts)
}

/// Takes a string that the owner lets out of quarantine, as if its device had never been revoked. It is read as of the time when it came, so its
/// window is judged as it would have been.
///
/// # Errors
/// When nothing was committed.
pub async fn release<L: Ledger>(
    ledger: &L,
    now_ms: UnixMs,
    device: &Device,
    raw: String,
    received_ms: UnixMs,
) -> Result<Status, StoreError> {
    let candidate = read::read(raw, device, received_ms);
    let query = IngestQuery {
        device_id: device.id,
        ids: candidate.claimed_id.into_iter().collect(),
        seqs: candidate.seqs().collect(),
        hashes: Vec::new(),
    };
    let decided = ledger.ingest(now_ms, query, move |snapshot| {
        let (mut ops, verdicts) = decide::decide(snapshot, vec![candidate], false);
        // What cannot be a payment stays where it is.
        ops.retain(|op| !matches!(op, IngestOp::Quarantine(_)));
        (ops, verdicts)
    });
    Ok(decided.await?.pop().map_or(Status::NotKept, |verdict| verdict.status))
}

/// The strings of a batch that are records of one device, with their places in the batch.
struct Group {
    device: Device,
    candidates: Vec<(usize, read::Candidate)>,
}

/// Reads every string as a record of the device that carries the batch, or of the sister that signed it.
///
/// A tablet whose database was wiped comes back as a new device and brings what its journal still held: sealed, bound and signed by the
/// old one. Who carries a record up proves nothing about it, and who signed it is all that counts.
async fn by_device<L: Ledger>(
    ledger: &L,
    now_ms: UnixMs,
    carrier: &Device,
    records: Vec<String>,
) -> Result<Vec<Group>, IngestError> {
    let mut groups = vec![Group { device: carrier.clone(), candidates: Vec::new() }];
    for (place, raw) in records.into_iter().enumerate() {
        let candidate = read::read(raw, carrier, now_ms);
        let signer = match (&candidate.reading, candidate.claimed_device) {
            (Err(reason::NOT_THIS_DEVICE), Some(id)) if id != carrier.id => id,
            _ => {
                groups[0].candidates.push((place, candidate));
                continue;
            }
        };
        let known = groups.iter().position(|g| g.device.id == signer);
        let at = match known {
            Some(at) => at,
            None => match ledger.device(signer).await?.filter(|d| d.merchant_id == carrier.merchant_id) {
                Some(device) => {
                    groups.push(Group { device, candidates: Vec::new() });
                    groups.len() - 1
                }
                None => {
                    groups[0].candidates.push((place, candidate));
                    continue;
                }
            },
        };
        let candidate = read::read(candidate.raw, &groups[at].device, now_ms);
        // What the sister did not sign is the carrier's to answer for.
        let at = if candidate.reading.is_ok() { at } else { 0 };
        groups[at].candidates.push((place, candidate));
    }
    groups.retain(|g| !g.candidates.is_empty());
    Ok(groups)
}

/// Signs one acknowledgement per verdict.
fn acknowledge(
    epoch: &str,
    signer: &dyn AckSigner,
    now_ms: UnixMs,
    verdicts: &[Verdict],
) -> Result<Ingested, IngestError> {
    let mut ingested = Ingested { acks: Vec::with_capacity(verdicts.len()), stored: Vec::new(), quarantined_count: 0 };
    for verdict in verdicts {
        let (status, reason) = match &verdict.status {
            Status::Stored => ("stored", None),
            Status::Duplicate => ("duplicate", None),
            Status::Quarantined(reason) => ("quarantined", Some(reason.clone())),
            Status::NotKept => continue,
        };
        match (&verdict.status, verdict.id) {
            (Status::Stored, Some(id)) => ingested.stored.push(id),
            (Status::Quarantined(_), _) => ingested.quarantined_count += 1,
            _ => {}
        }
        let payload = AckPayload {
            v: V,
            id: verdict.id.map(|id| id.to_string()).unwrap_or_default(),
            record_hash: hash_text(verdict.hash),
            status: status.to_owned(),
            reason,
            epoch: epoch.to_owned(),
            server_time_ms: now_ms,
        };
        let to_sign = ToSign::new(typ::ACK, signer.kid(), &payload);
        let signature = signer.sign(to_sign.signing_input())?;
        ingested.acks.push(to_sign.with_signature(&signature));
    }
    Ok(ingested)
}
