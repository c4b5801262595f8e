//! One copy is lost or torn: the other brings it back, at the next start.

use holdfast_browser_tests::device::{World, take, waiting};
use holdfast_browser_tests::js::{run, sleep, wipe};
use holdfast_web::journal::Journal;
use holdfast_web::money::Money;
use holdfast_web::recovery::Finding;
use holdfast_web::shared::{Names, Shared};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_wiped_database_comes_back_from_the_journal() {
    let world = World::new().await;
    let device = world.enrolled().await;
    for _ in 0..3 {
        take(&device).await;
    }
    let before = device.waiting().await;
    drop(device);
    wipe(&world.names.money).await;
    let device = world.open().await;
    assert_eq!(device.enrolled(), None, "the key is gone with the database");
    assert_eq!(device.waiting().await, before);
    let restored = findings(&device).iter().filter(|f| matches!(f, Finding::Restored { .. })).count();
    assert_eq!(restored, 3);
    // Enrolled anew, what another device signed is sent all the same, and the new chain begins at its beginning.
    device.enrol("code", "Till").await.expect("an enrolment");
    take(&device).await;
    assert_eq!(waiting(&device).await, [1, 1, 2, 3]);
    device.send_now().await;
    assert_eq!((waiting(&device).await.len(), world.server.records.borrow().len()), (0, 4));
}

#[wasm_bindgen_test]
async fn a_lost_head_is_raised_and_no_number_repeats() {
    let world = World::new().await;
    let device = world.enrolled().await;
    for _ in 0..2 {
        take(&device).await;
    }
    device.send_now().await;
    // Long enough for the journal's copy of the head, which nobody waits for.
    sleep(300).await;
    drop(device);
    // The database forgets the chain, as if an old copy of it had come back.
    run(&format!(
        "const db = await new Promise((done) => {{ const r = indexedDB.open('{}'); r.onsuccess = () => done(r.result); }});
        const tx = db.transaction('chain', 'readwrite'); tx.objectStore('chain').clear();
        await new Promise((done) => {{ tx.oncomplete = done; }}); db.close();",
        world.names.money
    ))
    .await;
    let device = world.open().await;
    assert!(findings(&device).contains(&Finding::HeadRaised { seq: 2, sale_number: 2 }), "{:?}", findings(&device));
    assert_eq!(device.next_sale_number().await, Ok("3-0003".into()));
    take(&device).await;
    assert_eq!(waiting(&device).await, [3]);
}

#[wasm_bindgen_test]
async fn a_wiped_journal_is_written_again() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    let journal = Journal::readable(&world.names.journal);
    for name in world.records().await {
        journal.remove(&name).await.expect("removed");
    }
    // The service worker cannot write it, and says nothing untrue.
    let for_worker = Names { journal_worker: None, ..world.names.clone() };
    let shared = Shared::open(&world.roots, &for_worker).await.expect("the stores");
    assert_eq!(holdfast_web::recovery::run(&shared).await, Ok(vec![]));
    let device = world.open().await;
    assert!(
        matches!(findings(&device).as_slice(), [Finding::JournalledAgain { seq: 1, .. }]),
        "{:?}",
        findings(&device)
    );
    assert_eq!(world.records().await.len(), 1);
}

#[wasm_bindgen_test]
async fn a_stop_between_journal_and_database_loses_nothing() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    take(&device).await;
    drop(device);
    // As if the tablet had died after the journal's flush of the second: its row was never written, the head stands at the first.
    let money = Money::at(&world.names.money, world.names.money_version);
    let rows = money.outbox().await.expect("the queue");
    run(&format!(
        "const db = await new Promise((done) => {{ const r = indexedDB.open('{}'); r.onsuccess = () => done(r.result); }});
        const tx = db.transaction(['outbox', 'chain'], 'readwrite'); tx.objectStore('outbox').delete('{}');
        tx.objectStore('chain').put('{{\"v\":1,\"head\":{{\"seq\":1,\"hash\":\"{}\"}},\"sale_number\":2}}', 'head');
        await new Promise((done) => {{ tx.oncomplete = done; }}); db.close();",
        world.names.money, rows[1].stored.id, rows[0].stored.hash
    ))
    .await;
    let device = world.open().await;
    assert_eq!(waiting(&device).await, [1, 2]);
    take(&device).await;
    assert_eq!(waiting(&device).await, [1, 2, 3]);
}

#[wasm_bindgen_test]
async fn torn_files_are_kept_and_said_and_empty_ones_go() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    let journal = world.journal();
    let whole_name = world.records().await.pop().expect("a file");
    let whole = journal.read(&whole_name).await.expect("a read").expect("a text");
    let torn = "000000000009-019aaf00-0000-7000-8000-000000000009.json";
    let empty = "000000000010-019aaf00-0000-7000-8000-000000000010.json";
    journal.write(torn, &whole[..whole.len() / 2]).await.expect("written");
    journal.write(empty, "").await.expect("written");
    journal.write(&whole_name, &whole[..10]).await.expect("written");
    let device = world.open().await;
    let findings = findings(&device);
    assert!(findings.contains(&Finding::TornKept { name: torn.into() }), "{findings:?}");
    assert!(findings.contains(&Finding::EmptyRemoved { name: empty.into() }), "{findings:?}");
    assert_eq!(journal.read(&whole_name).await, Ok(Some(whole)), "the database's row brings its copy back");
    assert_eq!(waiting(&device).await, [1]);
    assert!(journal.read(torn).await.is_ok_and(|t| t.is_some()));
    assert!(journal.read(empty).await.is_ok_and(|t| t.is_none()));
}

#[wasm_bindgen_test]
async fn what_was_acknowledged_does_not_come_back() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    let journal = world.journal();
    let name = world.records().await.pop().expect("a file");
    let text = journal.read(&name).await.expect("a read").expect("a text");
    device.send_now().await;
    journal.write(&name, &text).await.expect("written");
    let device = world.open().await;
    assert!(waiting(&device).await.is_empty());
    assert!(matches!(findings(&device).as_slice(), [Finding::Unjournalled { seq: 1, .. }]), "{:?}", findings(&device));
    assert_eq!(journal.read(&name).await, Ok(None));
}

#[wasm_bindgen_test]
async fn a_long_queue_is_compared_as_well() {
    let world = World::new().await;
    let money = Money::at(&world.names.money, world.names.money_version);
    let journal = world.journal();
    for n in 1..=210 {
        let stored = holdfast_testkit::build::stored(n);
        if n != 7 {
            journal.write(&stored.journal_name(), &stored.to_json()).await.expect("written");
        }
        if n != 9 {
            money.commit(&stored, None, 0).await.expect("committed");
        }
    }
    let device = world.open().await;
    let findings = findings(&device);
    assert!(
        matches!(findings.as_slice(), [Finding::Restored { seq: 9, .. }, Finding::JournalledAgain { seq: 7, .. }]),
        "{findings:?}"
    );
    assert_eq!(waiting(&device).await, (1..=210).collect::<Vec<u64>>());
    assert_eq!(world.records().await.len(), 210);
}

/// What was found, without the copy of the head: whether it was there already is a matter of moments.
fn findings(device: &holdfast_web::Device) -> Vec<Finding> {
    device.findings().into_iter().filter(|f| !matches!(f, Finding::HeadCopied { .. })).collect()
}
