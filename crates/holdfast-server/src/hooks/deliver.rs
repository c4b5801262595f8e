//! One attempt: read, sign, call, write what came of it.

use super::Hooks;
use super::call::Call;
use super::queue::{Attempt, Delivery, End};
use super::secret::signatures;
use crate::store::StoreError;

impl Hooks {
    /// Sends a delivery that was taken on.
    ///
    /// # Errors
    /// When the database refuses, or another one has the delivery by now.
    pub async fn deliver(&self, delivery: Delivery) -> Result<(), StoreError> {
        let now_ms = self.now_ms();
        let Some(parcel) = self.parcel(now_ms, &delivery).await? else { return Ok(()) };
        let timestamp_s = now_ms / 1_000;
        let call = Call {
            url: &parcel.url,
            id: &delivery.message_id,
            timestamp_s,
            signatures: signatures(&parcel.secrets, &delivery.message_id, timestamp_s, &parcel.body),
            body: &parcel.body,
        };
        let attempt = match self.caller.call(&call).await {
            Ok(reply) => {
                let end = match reply.status {
                    200..=299 => End::Taken,
                    410 => End::Gone,
                    _ => End::Failed,
                };
                let excerpt = Some(reply.excerpt).filter(|text| !text.is_empty());
                Attempt { end, code: reply.status.to_string(), excerpt }
            }
            Err(error) => Attempt { end: End::Failed, code: error.name().to_owned(), excerpt: None },
        };
        tracing::debug!(endpoint = %delivery.endpoint_id, message = %delivery.message_id, code = attempt.code, "webhook");
        let mut random = [0; 4];
        // Without chance, those that failed together come together: worse, and no reason to stop.
        let _ = getrandom::fill(&mut random);
        self.end(self.now_ms(), delivery, attempt, u32::from_le_bytes(random)).await
    }
}
