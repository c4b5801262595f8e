//! Whether Holdfast can be reached: it signs the time with our nonce, which no captive portal can.

use crate::clock::mono_ms;
use crate::http::{Answer, Call, send};
use crate::rng;
use crate::shared::Shared;
use holdfast_core::connectivity::ProbeResult;
use holdfast_core::limits::PROBE_MS_MAX;
use holdfast_wire::b64;
use holdfast_wire::time::{TimeAnswer, TimePayload};

/// Asks once. A right answer also sets the clock's anchor.
pub async fn probe(shared: &Shared) -> ProbeResult {
    let Ok(nonce) = rng::bytes::<16>() else { return ProbeResult::Nothing };
    let nonce = b64::encode(nonce);
    let asked_at_mono_ms = mono_ms();
    let query = format!("nonce={nonce}");
    let body = match send(Call { query: &query, ..Call::get("/api/v1/time", PROBE_MS_MAX) }, None).await {
        Answer::Unreachable => return ProbeResult::Nothing,
        Answer::Ok { body, .. } => body,
        Answer::NotHoldfast | Answer::Problem { .. } => return ProbeResult::SomethingElse,
    };
    match believe(shared, &body, &nonce).await {
        Some(time) => {
            shared.clock.take(time.server_time_ms, asked_at_mono_ms);
            // Costs nothing unless it is another one than before.
            crate::offer::run_if_due(shared, &time.epoch).await;
            ProbeResult::Holdfast { acquirer: time.acquirer_lamp() }
        }
        None => ProbeResult::SomethingElse,
    }
}

/// The signed time, if signature and nonce are right.
async fn believe(shared: &Shared, body: &[u8], nonce: &str) -> Option<TimePayload> {
    let answer: TimeAnswer = serde_json::from_slice(body).ok()?;
    let time = shared.trust.accept(TimePayload::parse(&answer.time).ok()?, &shared.money).await.ok()?;
    (time.v == holdfast_wire::V && time.nonce == nonce).then_some(time)
}
