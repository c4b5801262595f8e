//! The background half of the till. sw.js is the shell that registers the listeners in time; it calls what is exported here.
//!
//! No cards and no sealing here: the worker moves ciphertext only.
#![cfg(target_arch = "wasm32")]

use holdfast_core::outbox::UploadOutcome;
use holdfast_web::events::tell_queue_changed;
use holdfast_web::recovery;
use holdfast_web::shared::{Names, Shared};
use holdfast_web::upload::run_all;
use wasm_bindgen::prelude::*;

/// Uploads what waits. Gives `"drained"` when nothing waits any more, `"elsewhere"` when a page is at it, else why it
/// ended before: then the shell lets the browser try again.
#[wasm_bindgen]
pub async fn upload() -> Result<String, JsError> {
    let shared = open().await?;
    Ok(match run_all(&shared).await {
        None => "elsewhere".into(),
        Some((UploadOutcome::Drained, _)) => "drained".into(),
        Some((outcome, _)) => reason(&outcome).into(),
    })
}

/// Puts right what a crash or a wipe left behind, as far as a worker can. Gives the number of findings.
#[wasm_bindgen]
pub async fn recover() -> Result<u32, JsError> {
    let shared = open().await?;
    let findings = recovery::run(&shared).await?;
    if !findings.is_empty() {
        tell_queue_changed();
    }
    Ok(u32::try_from(findings.len()).unwrap_or(u32::MAX))
}

async fn open() -> Result<Shared, JsError> {
    Ok(Shared::open(holdfast_web::ROOTS_JSON, &Names::for_worker()).await?)
}

fn reason(outcome: &UploadOutcome) -> &'static str {
    match outcome {
        UploadOutcome::Drained => "drained",
        UploadOutcome::Unreachable => "unreachable",
        UploadOutcome::NotHoldfast => "not-holdfast",
        UploadOutcome::Busy { .. } => "busy",
        UploadOutcome::Refused(_) => "refused",
        UploadOutcome::Unacknowledged => "unacknowledged",
        UploadOutcome::StoreFailed => "store-failed",
        UploadOutcome::MoreLater => "more-later",
    }
}
