//! Tombstones that a till offers after the epoch changed: which of its payments these books hold, and which are missing.

use super::{AckSigner, IngestError};
use crate::store::{AckedPayment, Device, Ledger};
use holdfast_core::limits::OFFER_STONES_MAX;
use holdfast_core::time::UnixMs;
use holdfast_wire::V;
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64::{hash_from_text, hash_text};
use holdfast_wire::jws::{ToSign, typ};
use holdfast_wire::offer::OfferedStone;

/// Characters of a text that a till says of a payment.
const TEXT_CHARS_MAX: usize = 64;

/// Looks for each, writes down those that are missing, and signs an answer for each. One that cannot be read, or for which there is no room, gets
/// none, and is offered again.
///
/// # Errors
/// When nothing was written down; the till comes again.
pub async fn take_offer<L: Ledger>(
    ledger: &L,
    signer: &dyn AckSigner,
    now_ms: UnixMs,
    device: &Device,
    stones: &[OfferedStone],
) -> Result<(Vec<String>, usize), IngestError> {
    if stones.len() > OFFER_STONES_MAX {
        return Err(IngestError::TooManyRecords);
    }
    let epoch = ledger.epoch();
    let acked: Vec<AckedPayment> = stones.iter().filter_map(read).collect();
    let known = ledger.offered(now_ms, device, acked.clone()).await?;
    let (mut answers, mut missing_count) = (Vec::with_capacity(acked.len()), 0);
    for (payment, known) in acked.into_iter().zip(known) {
        let Some(is_known) = known else { continue };
        missing_count += usize::from(!is_known);
        let payload = AckPayload {
            v: V,
            id: payment.id.to_string(),
            record_hash: hash_text(payment.record_hash),
            status: if is_known { "known" } else { "missing" }.to_owned(),
            reason: None,
            epoch: epoch.clone(),
            server_time_ms: now_ms,
        };
        let to_sign = ToSign::new(typ::ACK, signer.kid(), &payload);
        let signature = signer.sign(to_sign.signing_input())?;
        answers.push(to_sign.with_signature(&signature));
    }
    Ok((answers, missing_count))
}

/// What a till says is not proven: texts are cut, and four characters are taken for the last digits of a card only when they are digits.
fn read(stone: &OfferedStone) -> Option<AckedPayment> {
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect::<String>();
    let is_last4 = stone.last4.len() == 4 && stone.last4.bytes().all(|b| b.is_ascii_digit());
    Some(AckedPayment {
        id: stone.id.parse().ok()?,
        record_hash: hash_from_text(&stone.hash)?,
        seq: i64::try_from(stone.seq).ok().map(i64::unsigned_abs)?,
        status: short(&stone.status),
        acked_ms: stone.acked_ms,
        epoch: short(&stone.epoch),
        number: short(&stone.number),
        amount_minor: stone.amount_minor,
        currency: short(&stone.currency),
        brand: short(&stone.brand),
        last4: if is_last4 { stone.last4.clone() } else { String::new() },
        created_ms: stone.created_ms,
    })
}
