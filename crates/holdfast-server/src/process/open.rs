//! Opening a payment's envelope, after its acknowledgement and away from any request.

use super::{Processor, Run};
use crate::acquirer::Acquirer;
use crate::store::{Ledger, Payment};
use holdfast_crypto::envelope::{self, CardPlaintext, ContentKey, Opened};
use holdfast_wire::record::{Record, RecordPayload};
use std::future::Future;

/// The private card keys: in the database wrapped by a key-encryption key, or behind an HSM.
pub trait CardKeys: Send + Sync {
    /// Decrypts a content key with the private key of `kid`.
    fn content_key(
        &self,
        kid: &str,
        encrypted_key: &[u8],
    ) -> impl Future<Output = Result<ContentKey, CardKeyFault>> + Send;
}

/// Why there is no content key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardKeyFault {
    #[error("there never was a card key of this name")]
    Unknown,
    #[error("the card key was destroyed after its time")]
    Destroyed,
    #[error("the envelope was not sealed with this key")]
    Refused,
    /// A fault of ours. The payment waits.
    #[error("the card keys cannot be used now; check the key-encryption key and the database")]
    Unavailable,
}

/// Why a payment cannot be authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenFault {
    /// It never will: the name of the reason, for quarantine.
    Never(&'static str),
    Later,
}

/// Names of reasons, shown to the owner.
pub mod reason {
    pub const RECORD_MISSING: &str = "record-missing";
    pub const ENVELOPE_UNREADABLE: &str = "envelope-unreadable";
    pub const ENVELOPE_REFUSED: &str = "envelope-refused";
    pub const ENVELOPE_MISMATCH: &str = "envelope-mismatch";
    pub const CARD_KEY_UNKNOWN: &str = "card-key-unknown";
    pub const CARD_KEY_DESTROYED: &str = "card-key-destroyed";
}

impl<L: Ledger, A: Acquirer, K: CardKeys, C: super::Clock> Processor<L, A, K, C> {
    /// `record` is the payment's, from [`record_of`].
    pub(super) async fn open(&self, run: &Run, record: Option<&Record>) -> Result<CardPlaintext, OpenFault> {
        let record = record.ok_or(OpenFault::Never(reason::RECORD_MISSING))?;
        let parsed = envelope::parse(&record.jwe).map_err(|_| OpenFault::Never(reason::ENVELOPE_UNREADABLE))?;
        // Compared before a key is spent on it, and again below once it is authenticated.
        if !fits(parsed.header().pos(), &run.payment) {
            return Err(OpenFault::Never(reason::ENVELOPE_MISMATCH));
        }
        let content_key = self.card_keys.content_key(parsed.header().kid(), parsed.encrypted_key()).await.map_err(
            |fault| match fault {
                CardKeyFault::Unknown => OpenFault::Never(reason::CARD_KEY_UNKNOWN),
                CardKeyFault::Destroyed => OpenFault::Never(reason::CARD_KEY_DESTROYED),
                CardKeyFault::Refused => OpenFault::Never(reason::ENVELOPE_REFUSED),
                CardKeyFault::Unavailable => OpenFault::Later,
            },
        )?;
        let Opened { card, pos } = parsed.open(content_key).map_err(|error| {
            OpenFault::Never(match error {
                envelope::OpenError::Mismatch => reason::ENVELOPE_MISMATCH,
                _ => reason::ENVELOPE_REFUSED,
            })
        })?;
        // The receipt and the history show last4: it must be this card's.
        let shows_this_card = card.pan().expose().ends_with(&run.payment.card.last4);
        if fits(&pos, &run.payment) && shows_this_card {
            Ok(card)
        } else {
            Err(OpenFault::Never(reason::ENVELOPE_MISMATCH))
        }
    }
}

/// Whether the envelope is for this very payment of this till.
fn fits(pos: &envelope::Pos, payment: &Payment) -> bool {
    pos.mid == payment.merchant_id.to_string()
        && pos.did == payment.device_id.to_string()
        && pos.pid == payment.id.to_string()
        && pos.seq == payment.seq
        && pos.amt == payment.sale.amount_minor
        && pos.cur == payment.sale.currency
}

/// The payment's record, if it is still there and can be read.
pub(super) fn record_of(payment: &Payment) -> Option<Record> {
    RecordPayload::parse(payment.record.as_deref()?).ok()?.accept(true).ok()?.to_core()
}
