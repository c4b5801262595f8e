//! A row of the outbox, as it was found.

use holdfast_core::outbox::Entry;
use holdfast_wire::record::RecordPayload;
use holdfast_wire::stored::StoredPayment;

/// A row that could be read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub stored: StoredPayment,
    pub entry: Entry,
    pub payload: RecordPayload,
}

impl OutboxRow {
    /// `None` for a text that is torn or not ours.
    pub fn read(text: &str) -> Option<Self> {
        let stored = StoredPayment::from_json(text).ok()?;
        Some(Self { entry: stored.entry().ok()?, payload: stored.payload().ok()?, stored })
    }

    /// What of it waits to be charged; nothing, when it is a void.
    pub fn waiting_minor(&self) -> Option<i64> {
        self.entry.voids.is_none().then_some(self.payload.sale.total_minor)
    }
}
