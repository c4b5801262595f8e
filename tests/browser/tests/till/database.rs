//! The money database over versions, pages and the browser's whims.

use futures_util::future::join_all;
use holdfast_browser_tests::device::{World, fresh_names, must_be_stored, payment, seal, take, waiting};
use holdfast_browser_tests::js::{Patch, get, run};
use holdfast_testkit::build::{stored, stored_with};
use holdfast_web::money::Money;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn an_upgrade_keeps_the_queue_and_every_store_it_does_not_know() {
    let name = fresh_names().money;
    let (one, two) = (stored(1), stored(2));
    // The first version ever: a queue, and a store that today's schema has no name for.
    run(&format!(
        "const db = await new Promise((done, failed) => {{
            const r = indexedDB.open('{name}', 1);
            r.onupgradeneeded = () => {{ r.result.createObjectStore('outbox'); r.result.createObjectStore('of-old'); }};
            r.onsuccess = () => done(r.result); r.onerror = failed; }});
        const tx = db.transaction(['outbox', 'of-old'], 'readwrite');
        tx.objectStore('outbox').put({}, '{}');
        tx.objectStore('outbox').put({}, '{}');
        tx.objectStore('of-old').put('kept', 'x');
        await new Promise((done) => {{ tx.oncomplete = done; }});
        db.close();",
        js_text(&one.to_json()),
        one.id,
        js_text(&two.to_json()),
        two.id,
    ))
    .await;
    let money = Money::at(&name, 5);
    let rows = money.outbox().await.expect("the queue");
    assert_eq!(rows.into_iter().map(|r| r.stored).collect::<Vec<_>>(), [one, two]);
    assert!(money.head_if_any().await.is_ok_and(|h| h.is_none()));
    let kept = run(&format!(
        "const db = await new Promise((done) => {{ const r = indexedDB.open('{name}'); r.onsuccess = () => done(r.result); }});
        const r = db.transaction('of-old').objectStore('of-old').get('x');
        const value = await new Promise((done) => {{ r.onsuccess = () => done(r.result); }});
        const stores = [...db.objectStoreNames].join(); db.close();
        return value + ' ' + stores;"
    ))
    .await;
    assert_eq!(kept.as_string().as_deref(), Some("kept chain,device,keyset,of-old,outbox,tombstones"));
}

#[wasm_bindgen_test]
async fn a_page_gives_way_to_a_newer_version_and_goes_on() {
    let name = fresh_names().money;
    let older = Money::at(&name, 1);
    let put = async |money: &Money, n: u8| money.commit(&stored(n), None, 0).await;
    assert_eq!(put(&older, 1).await, Ok(()));
    let newer = Money::at(&name, 2);
    assert_eq!(put(&newer, 2).await, Ok(()), "the open connection of the older page lets go");
    assert_eq!(put(&older, 3).await, Ok(()), "and opens again, without taking the database back");
    assert_eq!(newer.outbox().await.map(|rows| rows.len()), Ok(3));
}

#[wasm_bindgen_test]
async fn a_connection_that_the_browser_closed_is_opened_again() {
    let name = fresh_names().money;
    let money = Money::at(&name, 1);
    {
        // Catches the database handle, to close it behind the till's back.
        let _patch = Patch::new(
            "const p = IDBDatabase.prototype, old = p.transaction;
            p.transaction = function () { globalThis.caught = this; return old.apply(this, arguments); };
            return () => { p.transaction = old; };",
        );
        assert_eq!(money.commit(&stored(1), None, 0).await, Ok(()));
    }
    run("globalThis.caught.close();").await;
    assert_eq!(money.commit(&stored(2), None, 0).await, Ok(()));
    assert_eq!(money.outbox().await.map(|rows| rows.len()), Ok(2));
}

#[wasm_bindgen_test]
async fn every_write_of_money_is_strict() {
    let world = World::new().await;
    let patch = Patch::new(
        "const p = IDBDatabase.prototype, old = p.transaction;
        globalThis.modes = [];
        p.transaction = function (stores, mode, options) {
            if (this.name.includes('-money-') && mode === 'readwrite') globalThis.modes.push(options && options.durability);
            return old.apply(this, arguments); };
        return () => { p.transaction = old; };",
    );
    let device = world.enrolled().await;
    take(&device).await;
    device.send_now().await;
    drop(patch);
    let modes = js_sys::Array::from(&get(&js_sys::global(), "modes"));
    assert!(modes.length() >= 6, "keys, enrolment, key set, number, save, settle: {modes:?}");
    assert!(modes.iter().all(|m| m.as_string().as_deref() == Some("strict")), "{modes:?}");
}

#[wasm_bindgen_test]
async fn two_pages_that_sell_at_once_keep_one_chain_and_one_count() {
    let world = World::new().await;
    let one = world.enrolled().await;
    let two = world.open().await;
    let sell = async |device: &holdfast_web::Device| {
        let payment = payment(device).await;
        let number = payment.sale.number.clone();
        must_be_stored(&device.take_payment(payment, seal).await);
        number
    };
    let mut numbers = join_all((0..12).map(|i| sell(if i % 2 == 0 { &one } else { &two }))).await;
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 12, "no number was given twice");
    assert_eq!(waiting(&one).await, (1..=12).collect::<Vec<u64>>());
    one.send_now().await;
    let mut prev = String::new();
    for record in world.server.records.borrow().iter() {
        let stored = holdfast_browser_tests::server::stored_of(record);
        let payload = stored.payload().expect("a record");
        assert_eq!(payload.prev, prev, "record {} follows another", payload.seq);
        prev = stored.hash;
    }
}

#[wasm_bindgen_test]
async fn a_record_that_does_not_follow_the_head_is_refused() {
    let money = Money::at(&fresh_names().money, 1);
    let head = money.head().await.expect("the beginning").head;
    assert_eq!(money.commit(&stored(1), Some(&head), 0).await, Ok(()));
    assert!(money.commit(&stored(2), Some(&head), 0).await.is_err());
    assert!(money.commit(&stored_with(1, 99), None, 0).await.is_err(), "another record under the same id");
    assert_eq!(money.outbox().await.map(|rows| rows.len()), Ok(1));
}

fn js_text(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}
