//! Carries out what the core's [`Offer`] asks for, in the page and in the service worker: after every sign of the server's epoch, and nothing
//! when it is the one that was seen before.

use crate::events::tell_queue_changed;
use crate::http::{Answer, Call};
use crate::locks;
use crate::money::{Marked, OutboxRow, tombstone_key};
use crate::recovery::is_head;
use crate::shared::{Identity, Shared};
use crate::standing::{Open, ask};
use holdfast_core::limits::UPLOAD_MS_MAX;
use holdfast_core::outbox::{
    Offer, OfferOutcome, OfferRequest, OfferResponse, OfferStep, OfferSummary, Stone, StoneAnswer, StoneStanding,
    StoreFault,
};
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64::hash_text;
use holdfast_wire::offer::{StoneOffer, StoneOfferAnswer};
use holdfast_wire::stored::{OfferedEpoch, StoredPayment};
use std::collections::BTreeMap;

/// Offers what is due to a server of this epoch, of which its signature told. `None`: nothing was due, or somebody else is at it.
pub async fn run_if_due(shared: &Shared, epoch: &str) -> Option<(OfferOutcome, OfferSummary)> {
    if shared.heard_epoch() == epoch {
        return None;
    }
    let _guard = locks::hold_if_free(locks::UPLOAD).await?;
    run(shared, epoch).await
}

/// The same for who holds the upload lock already.
pub async fn run(shared: &Shared, epoch: &str) -> Option<(OfferOutcome, OfferSummary)> {
    let identity = shared.identity()?;
    let offered = shared.money.offered_epoch().await.ok()?.unwrap_or_default();
    let Some(mut step) = Offer::start(epoch, Some(&offered.epoch)) else {
        shared.hear_epoch(epoch);
        return None;
    };
    let mut missing_count = offered.missing_count;
    loop {
        match step {
            OfferStep::End(outcome, summary) => {
                if outcome == OfferOutcome::Offered {
                    shared.hear_epoch(epoch);
                }
                if !summary.missing.is_empty() {
                    tell_queue_changed();
                }
                return Some((outcome, summary));
            }
            OfferStep::Ask(offer, request) => {
                if let OfferRequest::Mark { answers, .. } = &request {
                    let is_missing = |(_, standing): &&(Stone, StoneStanding)| *standing == StoneStanding::Missing;
                    missing_count += answers.iter().filter(is_missing).count() as u64;
                }
                let response = answer(shared, &identity, request, missing_count).await;
                step = offer.next(response.unwrap_or(OfferResponse::Failed));
            }
        }
    }
}

async fn answer(
    shared: &Shared,
    identity: &Identity,
    request: OfferRequest,
    missing_count: u64,
) -> Result<OfferResponse, StoreFault> {
    Ok(match request {
        OfferRequest::List => {
            let stones = shared.money.tombstones().await?;
            let of = |stone: &holdfast_wire::stored::Tombstone| {
                let (id, hash) = tombstone_key(stone)?;
                Some(Stone { id, hash, epoch: stone.epoch.clone() })
            };
            OfferResponse::Stones(stones.iter().filter_map(of).collect())
        }
        OfferRequest::Send(batch) => OfferResponse::Answers(send(shared, identity, &batch).await?),
        OfferRequest::Mark { epoch, answers } => {
            shared.money.mark_stones(&epoch, &marked(shared, answers).await?).await?;
            // Said at once: a run that ends early must not hide what is missing.
            let held = shared.money.offered_epoch().await?.unwrap_or_default();
            shared.money.put_offered_epoch(&OfferedEpoch { v: holdfast_wire::V, missing_count, ..held }).await?;
            OfferResponse::Done
        }
        OfferRequest::Remember { epoch } => {
            shared.money.put_offered_epoch(&OfferedEpoch { v: holdfast_wire::V, epoch, missing_count }).await?;
            OfferResponse::Done
        }
    })
}

/// The verified answers; none when nothing of ours came back.
async fn send(shared: &Shared, identity: &Identity, batch: &[Stone]) -> Result<Vec<StoneAnswer>, StoreFault> {
    let ids: Vec<String> = batch.iter().map(|stone| stone.id.to_string()).collect();
    let stones = shared.money.tombstones_of(&ids).await?;
    let body = StoneOffer::new(stones.iter()).to_json();
    let call = Call::post("/api/v1/tombstones", body.as_bytes(), UPLOAD_MS_MAX);
    let Answer::Ok { body, .. } = ask(shared, identity, call, Open::ToRevokedToo).await else { return Ok(Vec::new()) };
    let Ok(answer) = StoneOfferAnswer::from_json(&body) else { return Ok(Vec::new()) };
    let unverified = answer.answers.iter().filter_map(|compact| AckPayload::parse(compact).ok()).collect();
    let payloads = shared.trust.accept_all(unverified, &shared.money).await;
    Ok(payloads.iter().filter_map(AckPayload::to_stone_answer).collect())
}

/// With the sealed records of what is missing, as far as the journal still has them: a till that stopped between its acknowledgement and the last
/// removal does.
async fn marked(
    shared: &Shared,
    answers: Vec<(Stone, StoneStanding)>,
) -> Result<Vec<(String, String, Marked)>, StoreFault> {
    let mut left = BTreeMap::new();
    if answers.iter().any(|(_, standing)| *standing == StoneStanding::Missing) {
        left = files(shared).await?;
    }
    let of = |(stone, standing): (Stone, StoneStanding)| {
        let (id, hash) = (stone.id.to_string(), hash_text(stone.hash));
        let marked = match standing {
            StoneStanding::Known => Marked::Known,
            StoneStanding::Missing => left.remove(&(id.clone(), hash.clone())).map_or(Marked::Missing, Marked::Again),
        };
        (id, hash, marked)
    };
    Ok(answers.into_iter().map(of).collect())
}

async fn files(shared: &Shared) -> Result<BTreeMap<(String, String), StoredPayment>, StoreFault> {
    let mut files = BTreeMap::new();
    for name in shared.journal.list().await?.into_iter().filter(|name| !is_head(name)) {
        let text = shared.journal.read(&name).await?.unwrap_or_default();
        if let Some(row) = OutboxRow::read(&text) {
            files.insert((row.stored.id.clone(), row.stored.hash.clone()), row.stored);
        }
    }
    Ok(files)
}
