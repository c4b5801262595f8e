//! What every [`DeviceStore`] must do, as generic async functions: natively over memory, in browsers over IndexedDB and the
//! journal. Each case takes an empty store and panics where the store does something else.

use crate::build::{self, entry, head_of, payment_id, stored, stored_with, tombstone};
use crate::store::DeviceStore;
use holdfast_core::limits::RECORD_BYTES_MAX;
use holdfast_core::outbox::{
    AckStatus, ChainPoint, Entry, Found, RecoverOp, Save, SaveOutcome, SaveRequest, SaveResponse, SaveStep, StoreFault,
    head_to_copy, recover,
};
use holdfast_wire::b64;
use holdfast_wire::stored::{ChainHead, StoredPayment, Tombstone, prepared_name};

/// Runs every case, each on a store that `fresh` opens empty under the case's name. Returns how many there were.
pub async fn all<S: DeviceStore>(mut fresh: impl AsyncFnMut(&'static str) -> S) -> usize {
    put_is_read_back_and_listed(&fresh("put").await).await;
    the_list_is_in_order_of_sequence(&fresh("order").await).await;
    settling_removes_exactly_id_and_hash(&fresh("settle").await).await;
    a_batch_is_settled_at_once(&fresh("batch").await).await;
    what_was_delivered_cannot_be_taken_back(&fresh("delivered").await).await;
    tombstones_are_kept_and_swept(&fresh("tombstones").await).await;
    the_head_only_grows_but_for_a_sale_that_was_not_stored(&fresh("head").await).await;
    the_journal_keeps_files_and_head(&fresh("journal").await).await;
    a_prepared_files_name_is_kept_in_both_copies(&fresh("prepared").await).await;
    the_database_comes_back_from_the_journal(&fresh("recovery").await).await;
    the_journal_comes_back_from_the_database(&fresh("rewrite").await).await;
    big_values_survive(&fresh("big").await).await;
    the_save_machine_runs_over_it(&fresh("save").await).await;
    13
}

pub async fn put_is_read_back_and_listed(store: &impl DeviceStore) {
    let payment = stored(1);
    assert_eq!(store.read_back(&payment.id).await, Ok(None));
    assert_eq!(store.head().await, Ok(None));
    assert_eq!(store.list().await, Ok(vec![]));
    put(store, &payment).await;
    put(store, &payment).await;
    assert_eq!(store.read_back(&payment.id).await, Ok(Some(entry(&payment).hash)));
    assert_eq!(store.payment(&payment.id).await, Ok(Some(payment.clone())));
    assert_eq!(store.list().await, Ok(vec![entry(&payment)]));
    assert_eq!(store.head().await, Ok(Some(head_of(&payment, 1))));
    assert_eq!(store.payment(&payment_id(9)).await, Ok(None));
}

pub async fn the_list_is_in_order_of_sequence(store: &impl DeviceStore) {
    for n in [3, 1, 200, 2, 12] {
        put(store, &stored(n)).await;
    }
    let listed = store.list().await.expect("a list");
    assert_eq!(listed.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 12, 200]);
    let content = store.journal_content().await.expect("the journal");
    assert_eq!(content.whole.iter().map(|p| p.seq).collect::<Vec<_>>(), [1, 2, 3, 12, 200]);
}

pub async fn settling_removes_exactly_id_and_hash(store: &impl DeviceStore) {
    let (one, two) = (stored(1), stored(2));
    put(store, &one).await;
    put(store, &two).await;
    let stone = tombstone(&one, &AckStatus::Stored, "e1", 5);
    assert_eq!(settle(store, &one, &stone).await, Ok(()));
    assert_eq!(store.list().await, Ok(vec![entry(&two)]));
    assert_eq!(store.tombstones().await, Ok(vec![stone.clone()]));
    // Again, as two runs at once may do it.
    assert_eq!(settle(store, &one, &stone).await, Ok(()));
    // The same id with another hash is another record: it stays.
    let other = Entry { hash: entry(&one).hash, ..entry(&two) };
    let stone = tombstone(&two, &AckStatus::Stored, "e1", 5);
    assert_eq!(store.settle(&[(other, stone)]).await, Ok(()));
    assert_eq!(store.payment(&two.id).await, Ok(Some(two.clone())));
    assert_eq!(store.read_back(&two.id).await, Ok(Some(entry(&two).hash)));
}

pub async fn a_batch_is_settled_at_once(store: &impl DeviceStore) {
    let payments: Vec<StoredPayment> = (1..=60).map(stored).collect();
    for payment in &payments {
        put(store, payment).await;
    }
    let stone = |p: &StoredPayment| tombstone(p, &AckStatus::Stored, "e1", 5);
    // One of them was settled by another run before, one is another record under its id.
    settle(store, &payments[3], &stone(&payments[3])).await.expect("a settled payment");
    let mut settled: Vec<_> = payments.iter().take(50).map(|p| (entry(p), stone(p))).collect();
    settled[7].0.hash = settled[8].0.hash;
    assert_eq!(store.settle(&settled).await, Ok(()));
    let left: Vec<u64> = store.list().await.expect("a list").iter().map(|e| e.seq).collect();
    assert_eq!(left, [8, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60]);
    assert_eq!(store.tombstones().await.map(|stones| stones.len()), Ok(50));
    assert_eq!(store.settle(&[]).await, Ok(()));
}

pub async fn what_was_delivered_cannot_be_taken_back(store: &impl DeviceStore) {
    let (one, two) = (stored(1), stored(2));
    let before = head_of(&one, 1);
    put(store, &one).await;
    put(store, &two).await;
    let stone = tombstone(&two, &AckStatus::Stored, "e1", 5);
    settle(store, &two, &stone).await.expect("a settled payment");
    assert_eq!(store.read_back(&two.id).await, Ok(Some(entry(&two).hash)), "a tombstone answers for its payment");
    assert_eq!(store.uncommit(&two, &before).await, Err(StoreFault::Mismatch));
    assert_eq!(store.head().await, Ok(Some(head_of(&two, 2))));
    assert_eq!(store.restore(&two).await, Ok(()));
    assert_eq!(store.payment(&two.id).await, Ok(None), "nor does it come back");
}

pub async fn tombstones_are_kept_and_swept(store: &impl DeviceStore) {
    for (n, status) in [(1, AckStatus::Stored), (2, AckStatus::Duplicate), (3, AckStatus::Quarantined("x".into()))] {
        let payment = stored(n);
        put(store, &payment).await;
        let stone = tombstone(&payment, &status, "e1", i64::from(n) * 100);
        assert_eq!(settle(store, &payment, &stone).await, Ok(()));
    }
    assert_eq!(store.sweep_tombstones(200).await, Ok(()));
    let mut stones = store.tombstones().await.expect("the tombstones");
    stones.sort_by_key(|s| s.seq);
    let expected = [("duplicate", None), ("quarantined", Some("x"))];
    let found: Vec<_> = stones.iter().map(|s| (s.status.as_str(), s.reason.as_deref())).collect();
    assert_eq!(found, expected);
}

pub async fn the_head_only_grows_but_for_a_sale_that_was_not_stored(store: &impl DeviceStore) {
    let (one, two) = (stored(1), stored(2));
    put(store, &one).await;
    put(store, &two).await;
    assert_eq!(store.raise_head(&head_of(&one, 1)).await, Ok(()));
    assert_eq!(store.head().await, Ok(Some(head_of(&two, 2))));
    // A row that is there may be on its way already: it is not taken back.
    assert_eq!(store.uncommit(&two, &head_of(&one, 1)).await, Err(StoreFault::Mismatch));
    assert_eq!(store.list().await, Ok(vec![entry(&one), entry(&two)]));
    assert_eq!(store.head().await, Ok(Some(head_of(&two, 2))));
    // Of a sale whose row is not there, the chain goes back; its number was given and stays given.
    let three = stored(3);
    assert_eq!(store.raise_head(&head_of(&three, 3)).await, Ok(()));
    let before = ChainHead { sale_number: 3, ..head_of(&two, 2) };
    assert_eq!(store.uncommit(&three, &before).await, Ok(()));
    assert_eq!(store.head().await, Ok(Some(before.clone())));
    // Twice, and for a record that is not the head: the head stays.
    assert_eq!(store.uncommit(&three, &before).await, Ok(()));
    assert_eq!(store.uncommit(&stored(4), &head_of(&one, 1)).await, Ok(()));
    assert_eq!(store.head().await, Ok(Some(before)));
    assert_eq!(store.raise_head(&head_of(&stored(7), 9)).await, Ok(()));
    assert_eq!(store.head().await, Ok(Some(head_of(&stored(7), 9))));
}

pub async fn the_journal_keeps_files_and_head(store: &impl DeviceStore) {
    let (one, two) = (stored(1), stored(2));
    assert_eq!(store.journal_content().await, Ok(crate::store::JournalContent::default()));
    for payment in [&one, &two, &two] {
        assert_eq!(store.journal(payment, &head_of(payment, payment.seq)).await, Ok(()));
    }
    let content = store.journal_content().await.expect("the journal");
    assert_eq!((content.whole, content.torn), (vec![one.clone(), two.clone()], vec![]));
    assert_eq!(store.unjournal(&two.journal_name()).await, Ok(()));
    assert_eq!(store.unjournal(&two.journal_name()).await, Ok(()), "nothing there: done");
    let content = store.journal_content().await.expect("the journal");
    assert_eq!((content.whole, content.head), (vec![one], Some(head_of(&two, 2))), "the head outlives its record");
}

pub async fn a_prepared_files_name_is_kept_in_both_copies(store: &impl DeviceStore) {
    let payment = StoredPayment { file: Some(prepared_name(9, [7; 8])), ..stored(1) };
    put(store, &payment).await;
    assert_eq!(store.payment(&payment.id).await, Ok(Some(payment.clone())));
    assert_eq!(store.journal_content().await.map(|c| c.whole), Ok(vec![payment.clone()]));
    let stone = tombstone(&payment, &AckStatus::Stored, "e1", 5);
    settle(store, &payment, &stone).await.expect("a settled payment");
    assert_eq!(run_recovery(store).await, Ok(1), "the file goes by the name that it has");
    assert_eq!(store.journal_content().await.map(|c| c.whole), Ok(vec![]));
}

pub async fn the_database_comes_back_from_the_journal(store: &impl DeviceStore) {
    for n in [1, 2] {
        let payment = stored(n);
        store.journal(&payment, &head_of(&payment, payment.seq)).await.expect("a journalled payment");
    }
    assert_eq!(run_recovery(store).await, Ok(3));
    assert_eq!(store.list().await, Ok(vec![entry(&stored(1)), entry(&stored(2))]));
    assert_eq!(store.head().await, Ok(Some(head_of(&stored(2), 2))));
    assert_eq!(run_recovery(store).await, Ok(0), "a second recovery has nothing to do");
}

pub async fn the_journal_comes_back_from_the_database(store: &impl DeviceStore) {
    let (one, two) = (stored(1), stored(2));
    for payment in [&one, &two] {
        store.commit(payment, &head_of(payment, payment.seq)).await.expect("a committed payment");
    }
    assert_eq!(run_recovery(store).await, Ok(3));
    assert_eq!(store.journal_content().await.map(|c| c.whole), Ok(vec![one.clone(), two]));
    assert_eq!(store.journal_content().await.map(|c| c.head), Ok(Some(head_of(&stored(2), 2))));
    // Acknowledged, but the journal's file outlived it.
    let stone = tombstone(&one, &AckStatus::Stored, "e1", 5);
    settle(store, &one, &stone).await.expect("a settled payment");
    assert_eq!(run_recovery(store).await, Ok(1));
    assert_eq!(store.journal_content().await.map(|c| c.whole.len()), Ok(1));
    assert_eq!(run_recovery(store).await, Ok(0));
}

pub async fn big_values_survive(store: &impl DeviceStore) {
    let payment = stored_with(1, RECORD_BYTES_MAX * 4);
    put(store, &payment).await;
    assert_eq!(store.read_back(&payment.id).await, Ok(Some(b64::record_hash(&payment.record))));
    let content = store.journal_content().await.expect("the journal");
    assert_eq!(content.whole, vec![payment]);
}

pub async fn the_save_machine_runs_over_it(store: &impl DeviceStore) {
    let (one, two) = (stored(1), stored(2));
    assert_eq!(save(store, &one, &ChainHead::default(), 1).await, SaveOutcome::Stored);
    assert_eq!(save(store, &two, &head_of(&one, 1), 2).await, SaveOutcome::Stored);
    assert_eq!(store.list().await.map(|l| l.len()), Ok(2));
    assert_eq!(store.journal_content().await.map(|c| c.whole.len()), Ok(2));
}

/// Drives the core's save machine over a store.
pub async fn save(
    store: &impl DeviceStore,
    payment: &StoredPayment,
    before: &ChainHead,
    sale_number: u64,
) -> SaveOutcome {
    let head = head_of(payment, sale_number);
    let mut step = Save::start(entry(payment).hash);
    loop {
        match step {
            SaveStep::End(outcome) => return outcome,
            SaveStep::Ask(save, request) => {
                let done = match request {
                    SaveRequest::Journal => store.journal(payment, &head).await,
                    SaveRequest::Commit => store.commit(payment, &head).await,
                    SaveRequest::Uncommit => {
                        store.uncommit(payment, &ChainHead { sale_number, ..before.clone() }).await
                    }
                    SaveRequest::Unjournal => store.unjournal(&payment.journal_name()).await,
                    SaveRequest::ReadBack => {
                        step = save.next(match store.read_back(&payment.id).await {
                            Ok(hash) => SaveResponse::Hash(hash),
                            Err(fault) => SaveResponse::Failed(fault),
                        });
                        continue;
                    }
                };
                step = save.next(done.map_or_else(SaveResponse::Failed, |()| SaveResponse::Done));
            }
        }
    }
}

/// Reads both stores, lets the core decide, carries it out, and says how many operations it took.
pub async fn run_recovery(store: &impl DeviceStore) -> Result<usize, StoreFault> {
    let journal = store.journal_content().await?;
    let found = found(store).await?;
    let (ops, head_to_copy) = (recover(&found), head_to_copy(&found));
    let head = |point: &ChainPoint| ChainHead {
        v: holdfast_wire::V,
        head: holdfast_wire::time::Head { seq: point.seq, hash: b64::hash_text(point.hash) },
        sale_number: point.sale_number,
    };
    for op in &ops {
        let whole = |e: &Entry| journal.whole.iter().find(|p| build::entry(p) == *e);
        match op {
            RecoverOp::Restore(e) => store.restore(whole(e).ok_or(StoreFault::Mismatch)?).await?,
            RecoverOp::RaiseHead(point) => store.raise_head(&head(point)).await?,
            RecoverOp::Journal(e) => {
                // No row any more: it was acknowledged in the meantime.
                if let Some(row) = store.payment(&e.id.to_string()).await? {
                    let top = store.head().await?.unwrap_or_else(|| head_of(&row, 0));
                    store.journal(&row, &top).await?;
                }
            }
            RecoverOp::Unjournal(e) => {
                for of_it in journal.whole.iter().filter(|p| build::entry(p) == *e) {
                    store.unjournal(&of_it.journal_name()).await?;
                }
            }
            RecoverOp::RemoveTorn(name) => store.unjournal(name).await?,
            // These stores hold no voids.
            RecoverOp::Void { .. } => return Err(StoreFault::Mismatch),
        }
    }
    if let Some(point) = &head_to_copy {
        store.copy_head(&head(point)).await?;
    }
    Ok(ops.len() + usize::from(head_to_copy.is_some()))
}

/// What the two stores hold, as the core's recovery reads it.
pub async fn found(store: &impl DeviceStore) -> Result<Found, StoreFault> {
    let point = |h: ChainHead| {
        let hash = b64::hash_from_text(&h.head.hash)?;
        Some(ChainPoint { seq: h.head.seq, hash, sale_number: h.sale_number })
    };
    let journal = store.journal_content().await?;
    let stones = store.tombstones().await?;
    Ok(Found {
        journal: journal.whole.iter().map(entry).collect(),
        torn: journal.torn,
        rows: store.list().await?,
        tombstones: stones.iter().filter_map(|s| Some((s.id.parse().ok()?, b64::hash_from_text(&s.hash)?))).collect(),
        head: store.head().await?.and_then(point),
        journal_head: journal.head.and_then(point),
        ..Found::default()
    })
}

async fn put(store: &impl DeviceStore, payment: &StoredPayment) {
    let head = head_of(payment, payment.seq);
    assert_eq!(store.journal(payment, &head).await, Ok(()));
    assert_eq!(store.commit(payment, &head).await, Ok(()));
}

async fn settle(store: &impl DeviceStore, payment: &StoredPayment, stone: &Tombstone) -> Result<(), StoreFault> {
    store.settle(&[(entry(payment), stone.clone())]).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::ready::ready;

    #[test]
    fn the_memory_store_conforms() {
        assert_eq!(ready(all(async |_| MemoryStore::default())), 13);
    }
}
