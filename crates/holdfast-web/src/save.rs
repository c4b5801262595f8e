//! Carries out what the core's [`Save`] asks for. The caller holds the chain lock.

use crate::shared::Shared;
use holdfast_core::id::RecordHash;
use holdfast_core::outbox::{Save, SaveOutcome, SaveRequest, SaveResponse, SaveStep, StoreFault};
use holdfast_core::policy::DayTally;
use holdfast_wire::stored::StoredPayment;
use holdfast_wire::time::Head;

/// Stores a record twice and reads it back. `prev` is the head that it follows, `day` the business day with it.
pub async fn save(
    shared: &Shared,
    stored: &StoredPayment,
    hash: RecordHash,
    prev: &Head,
    day: Option<&DayTally>,
) -> SaveOutcome {
    drive(shared, stored, prev, day, Save::start(hash)).await
}

/// Makes sure of a record whose row is there already, after an attempt that ended in doubt.
pub async fn save_again(shared: &Shared, stored: &StoredPayment, hash: RecordHash, prev: &Head) -> SaveOutcome {
    drive(shared, stored, prev, None, Save::again(hash)).await
}

async fn drive(
    shared: &Shared,
    stored: &StoredPayment,
    prev: &Head,
    day: Option<&DayTally>,
    mut step: SaveStep,
) -> SaveOutcome {
    let text = stored.to_json();
    loop {
        match step {
            SaveStep::End(outcome) => return outcome,
            SaveStep::Ask(save, request) => {
                step = save.next(answer(shared, stored, &text, (prev, day), request).await);
            }
        }
    }
}

async fn answer(
    shared: &Shared,
    stored: &StoredPayment,
    text: &str,
    (prev, day): (&Head, Option<&DayTally>),
    request: SaveRequest,
) -> SaveResponse {
    let (money, journal, name) = (&shared.money, &shared.journal, stored.journal_name());
    match request {
        SaveRequest::Journal => done(journal.write(&name, text).await.map(drop)),
        SaveRequest::Commit => done(money.commit_with(stored, Some(prev), 0, day).await),
        SaveRequest::ReadBack => match money.read_back(&stored.id).await {
            Ok(hash) => SaveResponse::Hash(hash),
            Err(fault) => SaveResponse::Failed(fault),
        },
        SaveRequest::Unjournal => done(journal.remove(&name).await),
        SaveRequest::Uncommit => done(money.uncommit(stored, prev).await),
    }
}

fn done(result: Result<(), StoreFault>) -> SaveResponse {
    result.map_or_else(SaveResponse::Failed, |()| SaveResponse::Done)
}
