//! Stores that refuse, abort or vanish: nobody is told "stored", and nothing is left behind.

use holdfast_browser_tests::device::{World, must_be_stored, payment, seal, take, waiting};
use holdfast_browser_tests::js::{Patch, blob_url};
use holdfast_core::outbox::StoreFault;
use holdfast_web::device::TakeOutcome;
use holdfast_web::journal::Journal;
use holdfast_web::shelf::Shelf;
use wasm_bindgen_test::wasm_bindgen_test;

/// Runs a sale under a patch; then it must be possible again, under the same id.
async fn not_stored(world: World, patch: &str, expected: StoreFault) {
    let device = world.enrolled().await;
    take(&device).await;
    let payment = payment(&device).await;
    {
        let _patch = Patch::new(patch);
        let outcome = device.take_payment(payment.clone(), seal).await;
        assert_eq!(outcome, TakeOutcome::NotStored(expected));
    }
    assert_eq!(waiting(&device).await, [1]);
    let files = world.records().await;
    assert_eq!(files.len(), 1, "nothing of the refused sale is in the journal: {files:?}");
    must_be_stored(&device.take_payment(payment, seal).await);
    assert_eq!(waiting(&device).await, [1, 2], "the sequence has no gap");
}

#[wasm_bindgen_test]
async fn a_full_database_stores_nothing_and_says_so() {
    let patch = "const p = IDBObjectStore.prototype, old = p.put;
        p.put = function () {
            if (this.name === 'outbox') throw new DOMException('full', 'QuotaExceededError');
            return old.apply(this, arguments); };
        return () => { p.put = old; };";
    not_stored(World::new().await, patch, StoreFault::Full).await;
}

#[wasm_bindgen_test]
async fn an_aborted_transaction_stores_nothing_and_says_so() {
    // As browsers report a full disk that shows only at the end: every request was fine, and then there is no `complete`.
    let patch = "const p = IDBObjectStore.prototype, old = p.put;
        p.put = function () {
            const request = old.apply(this, arguments);
            if (this.name === 'outbox') this.transaction.abort();
            return request; };
        return () => { p.put = old; };";
    not_stored(World::new().await, patch, StoreFault::Broken).await;
}

#[wasm_bindgen_test]
async fn a_full_journal_stores_nothing_and_says_so() {
    let mut world = World::new().await;
    let full = "self.onmessage = ({ data }) => self.postMessage(
        data.op === 'write' ? { id: data.id, error: 'QuotaExceededError' } : { id: data.id });";
    let device = world.enrolled().await;
    world.names.journal_worker = Some(blob_url(full));
    let device_with_full_journal = world.open().await;
    let payment = payment(&device).await;
    let outcome = device_with_full_journal.take_payment(payment.clone(), seal).await;
    assert_eq!(outcome, TakeOutcome::NotStored(StoreFault::Full));
    assert!(waiting(&device).await.is_empty());
    must_be_stored(&device.take_payment(payment, seal).await);
}

#[wasm_bindgen_test]
async fn a_journal_worker_that_does_not_start_is_replaced_by_the_cache() {
    let mut world = World::new().await;
    world.names.journal_worker = Some(blob_url("throw new Error('broken');"));
    let device = world.enrolled().await;
    take(&device).await;
    let names = Journal::readable(&world.names.journal).list().await.expect("the journal");
    assert!(names.iter().any(|n| n.starts_with("000000000001-")), "{names:?}");
    device.send_now().await;
    let names = Journal::readable(&world.names.journal).list().await.expect("the journal");
    assert!(!names.iter().any(|n| n.starts_with('0')), "{names:?}");
}

#[wasm_bindgen_test]
async fn a_database_that_cannot_take_back_leaves_the_sale_open_under_its_id() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let payment = payment(&device).await;
    {
        // The row is written; then nothing can be read any more.
        let _patch = Patch::new(
            "const p = IDBObjectStore.prototype, put = p.put, get = p.get; let written = false;
            p.put = function () { if (this.name === 'outbox') written = true; return put.apply(this, arguments); };
            p.get = function () {
                if (written && this.name === 'outbox') throw new DOMException('gone', 'UnknownError');
                return get.apply(this, arguments); };
            return () => { p.put = put; p.get = get; };",
        );
        let outcome = device.take_payment(payment.clone(), seal).await;
        assert_eq!(outcome, TakeOutcome::Unsure(StoreFault::Broken));
    }
    let outcome = device.take_payment(payment, |_| -> Result<String, String> { panic!("sealed twice") }).await;
    assert!(matches!(outcome, TakeOutcome::Stored(_)), "{outcome:?}");
    assert_eq!(waiting(&device).await, [1]);
}

#[wasm_bindgen_test]
async fn the_shelf_does_not_take_an_aborted_write_for_a_success() {
    let shelf = Shelf::open(&World::new().await.names.shelf).await.expect("the shelf");
    assert_eq!(shelf.put_draft(Some("one")).await, Ok(()));
    {
        let _patch = Patch::new(
            "const p = IDBObjectStore.prototype, old = p.put;
            p.put = function () {
                const request = old.apply(this, arguments);
                request.addEventListener('success', () => this.transaction.abort());
                return request; };
            return () => { p.put = old; };",
        );
        assert_eq!(shelf.put_draft(Some("two")).await, Err(StoreFault::Broken));
    }
    assert_eq!(shelf.draft().await, Ok(Some("one".into())));
}
