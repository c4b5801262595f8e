//! What came back for a batch: bytes from anywhere, into what the core may believe.

use crate::crypto::verified;
use crate::network::Answer;
use crate::world::World;
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::outbox::Reply;
use holdfast_wire::ack::AckPayload;
use holdfast_wire::batch::BatchAnswer;
use std::collections::BTreeMap;

/// The server's epoch in the acknowledgement of a record.
pub type Epochs = BTreeMap<(PaymentId, RecordHash), String>;

impl World {
    /// With the epoch of each acknowledgement, for the tombstones.
    pub fn read_reply(&mut self, t: usize, answer: &Answer) -> (Reply, Epochs) {
        let mut epochs = Epochs::new();
        let reply = self.read_acks(t, answer, &mut epochs);
        (reply, epochs)
    }

    fn read_acks(&mut self, t: usize, answer: &Answer, epochs: &mut Epochs) -> Reply {
        match answer.status {
            200 => {}
            429 | 503 => return Reply::Busy { retry_after_ms: None },
            400..500 => return Reply::Refused(String::from_utf8_lossy(&answer.body).into_owned()),
            _ => return Reply::NotHoldfast,
        }
        let Ok(body) = BatchAnswer::from_json(&answer.body) else {
            self.figures.count("answers that were not ours");
            return Reply::NotHoldfast;
        };
        let Some(keyset) = &self.tablets[t].keyset else { return Reply::Acks(Vec::new()) };
        let mut one = |compact: &String| {
            let payload = verified(AckPayload::parse(compact).ok()?, &keyset.ack_keys)?;
            let ack = payload.to_core()?;
            if let Some(id) = ack.id {
                epochs.insert((id, ack.hash), payload.epoch);
            }
            Some(ack)
        };
        Reply::Acks(body.acks.iter().filter_map(&mut one).collect())
    }
}
