//! Voiding a payment before it is uploaded: what was sealed is gone, its void goes up in the chain, and what may have been sent stays.

use holdfast_browser_tests::device::{World, payment, seal, take, waiting};
use holdfast_browser_tests::js::Patch;
use holdfast_browser_tests::server::{Batches, stored_of};
use holdfast_core::outbox::{Scope, StoreFault, UploadOutcome};
use holdfast_web::device::{HistoryItem, PaymentPlace, StoredVoid, TakeOutcome, TakeRefusal};
use holdfast_web::journal::Journal;
use holdfast_web::recovery::Finding;
use holdfast_web::shared::Shared;
use holdfast_web::upload;
use holdfast_wire::record::RecordPayload;
use wasm_bindgen_test::wasm_bindgen_test;

/// The envelopes that any of the two stores still holds.
async fn sealed(world: &World) -> Vec<String> {
    let shared = Shared::open(&world.roots, &world.names).await.expect("the stores");
    let mut found = Vec::new();
    for row in shared.money.outbox().await.expect("the rows") {
        found.extend((!row.payload.jwe.is_empty()).then_some(row.payload.jwe));
    }
    let journal = Journal::readable(&world.names.journal);
    for name in world.records().await {
        let text = journal.read(&name).await.expect("a read").unwrap_or_default();
        let stored = holdfast_wire::stored::StoredPayment::from_json(&text).expect("a whole file");
        let jwe = stored.payload().expect("a record").jwe;
        found.extend((!jwe.is_empty()).then_some(jwe));
    }
    found.sort();
    found.dedup();
    found
}

#[wasm_bindgen_test]
async fn what_was_sealed_is_destroyed_and_the_void_goes_up_in_the_chain() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let first = payment(&device).await;
    let id = first.id;
    assert!(matches!(device.take_payment(first.clone(), seal).await, TakeOutcome::Stored(_)));
    take(&device).await;
    assert_eq!(sealed(&world).await.len(), 2);
    assert_eq!(device.void_stored(id).await, Ok(StoredVoid::Voided));
    assert_eq!(device.void_stored(id).await, Ok(StoredVoid::Voided), "twice is once");
    assert_eq!(sealed(&world).await.len(), 1, "nothing of the voided card is left in either store");
    assert_eq!(waiting(&device).await, [2, 3], "the void has the next number");
    let shared = Shared::open(&world.roots, &world.names).await.expect("the stores");
    let tally = shared.money.tally().await.expect("a read").expect("a count");
    assert_eq!((tally.count, tally.total_minor), (1, 840), "a void waits for no money");
    let again = device.take_payment(first, seal).await;
    assert_eq!(again, TakeOutcome::Refused(TakeRefusal::Voided), "its id is used up");
    take(&device).await;
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
    let records: Vec<RecordPayload> =
        world.server.records.borrow().iter().map(|r| stored_of(r).payload().expect("a record")).collect();
    let mut told: Vec<(u64, Option<u64>)> = records.iter().map(|r| (r.seq, r.void.as_ref().map(|v| v.seq))).collect();
    told.sort_unstable();
    assert_eq!(told, [(2, None), (3, Some(1)), (4, None)], "number 1 is named by its void");
    let void = records.iter().find(|r| r.void.is_some()).expect("the void");
    assert_eq!((void.id.clone(), void.sale.total_minor), (id.to_string(), 840));
    assert!(sealed(&world).await.is_empty() && waiting(&device).await.is_empty());
    let Ok(PaymentPlace::Sent(stone)) = device.find_payment(id).await else { panic!("no tombstone") };
    assert!(stone.voids.is_some());
    assert_eq!(world.open().await.findings(), [], "and nothing is left to be put right");
}

#[wasm_bindgen_test]
async fn another_page_sees_the_void_at_once() {
    let world = World::new().await;
    let one = world.enrolled().await;
    let two = world.open().await;
    let id = take(&one).await;
    assert_eq!(two.waiting().await.map(|w| w.iter().filter(|w| w.voided_ms.is_none()).count()), Ok(1));
    assert_eq!(one.void_stored(id).await, Ok(StoredVoid::Voided));
    holdfast_browser_tests::js::until_async(async || {
        two.waiting().await.is_ok_and(|w| w.iter().all(|w| w.voided_ms.is_some()))
    })
    .await;
    let items = two.history().await.expect("a history");
    assert!(matches!(&items[..], [HistoryItem::Waiting(w)] if w.voided_ms.is_some()), "{items:?}");
}

#[wasm_bindgen_test]
async fn what_may_have_been_sent_is_left_for_the_server_to_void() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let id = take(&device).await;
    world.server.batches.set(Batches::Unreachable);
    assert_eq!(device.send_now().await, Some(UploadOutcome::Unreachable));
    assert_eq!(device.void_stored(id).await, Ok(StoredVoid::MaybeSent));
    assert_eq!((waiting(&device).await, sealed(&world).await.len()), (vec![1], 1), "nothing was changed");
    let other = take(&device).await;
    world.server.batches.set(Batches::Good);
    let shared = Shared::open(&world.roots, &world.names).await.expect("the stores");
    upload::run(&shared, Scope::Only(other)).await;
    assert_eq!(device.void_stored(other).await, Ok(StoredVoid::MaybeSent), "it is gone up");
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
}

#[wasm_bindgen_test]
async fn a_database_that_refuses_voids_nothing_and_the_payment_is_kept() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let id = take(&device).await;
    {
        let _patch = Patch::new(FULL);
        assert_eq!(device.void_stored(id).await, Ok(StoredVoid::NotVoided(StoreFault::Full)));
    }
    assert_eq!((waiting(&device).await, world.records().await.len(), sealed(&world).await.len()), (vec![1], 1, 1));
    assert_eq!(device.void_stored(id).await, Ok(StoredVoid::Voided));
}

#[wasm_bindgen_test]
async fn a_void_that_was_stopped_half_way_is_carried_out_at_the_next_start() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let id = take(&device).await;
    {
        // The void is in the journal, the database takes nothing, and the journal does not let go of it again.
        let _patches = [Patch::new(FULL), Patch::new(STUCK)];
        assert_eq!(device.void_stored(id).await, Ok(StoredVoid::Unsure(StoreFault::Full)));
    }
    let device = world.open().await;
    let findings = device.findings();
    assert!(findings.iter().any(|f| matches!(f, Finding::Voided { seq: 2, .. })), "{findings:?}");
    assert_eq!((waiting(&device).await, sealed(&world).await.len()), (vec![2], 0));
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
    let sent: Vec<bool> = world
        .server
        .records
        .borrow()
        .iter()
        .map(|r| stored_of(r).payload().expect("a record").void.is_some())
        .collect();
    assert_eq!(sent, [true], "the void went up, and the payment never");
}

const FULL: &str = "const p = IDBObjectStore.prototype, old = p.put;
    p.put = function () {
        if (this.name === 'outbox') throw new DOMException('full', 'QuotaExceededError');
        return old.apply(this, arguments); };
    return () => { p.put = old; };";

const STUCK: &str = "const p = globalThis.FileSystemDirectoryHandle?.prototype, c = Cache.prototype;
    const [remove, drop] = [p?.removeEntry, c.delete];
    const stuck = async () => { throw new DOMException('stuck', 'UnknownError'); };
    if (p) p.removeEntry = stuck;
    c.delete = stuck;
    return () => { if (p) p.removeEntry = remove; c.delete = drop; };";
