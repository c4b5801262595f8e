//! The queue of sealed payments on a device: how one gets in ([`Save`]), how it gets out ([`Upload`]), how one is
//! voided before that ([`Void`]), how the two copies
//! are made one again at the start ([`recover`]), and how what was handed in is compared with a server that came from a copy ([`Offer`]).
//!
//! All but the recovery are machines without IO: they hand a request out and take its response in. The page, the service worker and the
//! simulation drive the same machines; what differs is who carries the requests out.

mod offer;
mod recover;
mod save;
mod upload;
mod void;

pub use offer::{
    Offer, OfferOutcome, OfferRequest, OfferResponse, OfferStep, OfferSummary, Stone, StoneAnswer, StoneStanding,
};
pub use recover::{ChainPoint, Found, RecoverOp, head_to_copy, recover};
pub use save::{Save, SaveOutcome, SaveRequest, SaveResponse, SaveStep, StoreFault};
pub use upload::{
    Ack, AckStatus, Reply, Scope, Upload, UploadOutcome, UploadRequest, UploadResponse, UploadStep, UploadSummary,
    busy_delay_ms, retry_delay_ms,
};
pub use void::{Void, VoidOutcome, VoidRequest, VoidResponse, VoidStep};

use crate::id::{PaymentId, RecordHash};
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX};
use crate::time::UnixMs;

/// What the machines need to know of a waiting payment; its ciphertext stays in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: PaymentId,
    pub hash: RecordHash,
    pub seq: u64,
    pub bytes: usize,
    /// When the offline window of this payment ends.
    pub expires_ms: UnixMs,
    /// The record whose place this one has taken: it is a void then, and nothing is sealed in it.
    pub voids: Option<RecordHash>,
}

/// Chooses the next batch: oldest expiry first, within the limits of one request.
///
/// A record that is too large for any batch goes alone: the server quarantines it, and it holds up nobody.
pub fn next_batch(queue: &[Entry], skip: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let mut waiting: Vec<&Entry> = queue.iter().filter(|e| !skip(e)).collect();
    waiting.sort_by_key(|e| (e.expires_ms, e.seq));
    let mut batch: Vec<Entry> = Vec::new();
    // Brackets and the version; each record costs two quotes and a comma more than its bytes.
    let mut bytes = 64;
    for entry in waiting.into_iter().take(BATCH_RECORDS_MAX) {
        bytes += entry.bytes + 3;
        if bytes > BATCH_BYTES_MAX && !batch.is_empty() {
            break;
        }
        batch.push(entry.clone());
    }
    batch
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn entry(n: u8, bytes: usize) -> Entry {
        Entry {
            id: PaymentId::make(i64::from(n), [n; 10]),
            hash: RecordHash([n; 32]),
            seq: u64::from(n),
            bytes,
            expires_ms: i64::from(n) * 1_000,
            voids: None,
        }
    }

    #[test]
    fn batches_are_bounded_and_the_oldest_expiry_goes_first() {
        let mut queue: Vec<Entry> = (1..=120).map(|n| entry(n, 3_000)).collect();
        queue.reverse();
        let batch = next_batch(&queue, |_| false);
        assert_eq!(batch.len(), BATCH_RECORDS_MAX);
        assert_eq!(batch.first().map(|e| e.seq), Some(1));
        let big: Vec<Entry> = (1..=9).map(|n| entry(n, 100_000)).collect();
        assert_eq!(next_batch(&big, |_| false).len(), 2);
        assert_eq!(next_batch(&[entry(1, BATCH_BYTES_MAX * 2)], |_| false).len(), 1, "one too large goes alone");
        assert_eq!(next_batch(&queue, |e| e.seq <= 100).len(), 20);
    }
}
