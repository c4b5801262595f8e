//! Journal files that are prepared before their payment is known: after a crash at any point every payment that was called stored is
//! found, and an empty file is never taken for one. Where a browser has no such files everything goes the other way.

use holdfast_browser_tests::device::{World, take, waiting};
use holdfast_browser_tests::js::{until_async, wipe};
use holdfast_core::limits::PREPARED_FILES_MAX;
use holdfast_core::outbox::UploadOutcome;
use holdfast_web::Device;
use holdfast_web::journal::Place;
use holdfast_web::money::Money;
use holdfast_web::recovery::Finding;
use holdfast_web::shared::{Names, Shared};
use holdfast_web::upload;
use holdfast_wire::stored::{StoredPayment, journal_name, prepared_at_ms, prepared_name};
use wasm_bindgen_test::wasm_bindgen_test;

fn ready(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| prepared_at_ms(name).is_some()).cloned().collect()
}

/// Waits until the page has prepared its files. `false`: this browser has no such files.
async fn prepared(world: &World) -> bool {
    let journal = world.journal();
    if journal.write("probe.json", "").await.expect("written") == Place::Cache {
        journal.remove("probe.json").await.expect("removed");
        return false;
    }
    journal.remove("probe.json").await.expect("removed");
    until_async(async || {
        let names = journal.list().await.expect("the journal");
        let mut empty = 0;
        for name in ready(&names) {
            empty += usize::from(journal.read(&name).await.expect("a read").is_some_and(|text| text.is_empty()));
        }
        empty == PREPARED_FILES_MAX
    })
    .await;
    true
}

async fn row(world: &World) -> StoredPayment {
    let money = Money::at(&world.names.money, world.names.money_version);
    money.outbox().await.expect("the queue").last().expect("a row").stored.clone()
}

fn restored(device: &Device) -> Vec<u64> {
    let seq = |f: &Finding| if let Finding::Restored { seq, .. } = f { Some(*seq) } else { None };
    device.findings().iter().filter_map(seq).collect()
}

#[wasm_bindgen_test]
async fn a_payment_goes_into_a_prepared_file_that_names_it_and_leaves_with_it() {
    let world = World::new().await;
    let device = world.enrolled().await;
    if !prepared(&world).await {
        take(&device).await;
        return assert_eq!(row(&world).await.file, None);
    }
    for n in 1..=4 {
        take(&device).await;
        let row = row(&world).await;
        assert!(row.file.as_deref().is_some_and(|name| prepared_at_ms(name).is_some()), "{n}: {row:?}");
        let text = world.journal().read(&row.journal_name()).await.expect("a read");
        assert_eq!(text, Some(row.to_json()), "both copies are the same");
        // The next one is prepared when nobody waits.
        prepared(&world).await;
    }
    // What the service worker does, which holds nothing open, while the page holds its prepared files.
    let names = Names { journal_worker: None, ..world.names.clone() };
    let shared = Shared::open(&world.roots, &names).await.expect("the stores");
    assert!(matches!(holdfast_web::recovery::run(&shared).await.as_deref(), Ok([])));
    let (outcome, summary) = upload::run_all(&shared).await.expect("the lock");
    assert_eq!((outcome, summary.settled.len()), (UploadOutcome::Drained, 4));
    assert!(world.records().await.is_empty());
    take(&device).await;
    assert!(row(&world).await.file.is_some(), "what was prepared is still good");
}

#[wasm_bindgen_test]
async fn after_a_wipe_every_payment_comes_back_and_no_prepared_file_does() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let has_files = prepared(&world).await;
    for _ in 0..3 {
        take(&device).await;
    }
    if has_files {
        prepared(&world).await;
    }
    wipe(&world.names.money).await;
    let device = world.open().await;
    assert_eq!(restored(&device), [1, 2, 3]);
    assert_eq!(waiting(&device).await, [1, 2, 3]);
    let is_other = |f: &&Finding| !matches!(f, Finding::Restored { .. } | Finding::HeadRaised { .. });
    assert_eq!(device.findings().iter().find(is_other), None);
}

#[wasm_bindgen_test]
async fn a_stop_at_any_point_leaves_a_payment_or_nothing() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let has_files = prepared(&world).await;
    take(&device).await;
    let (whole, journal) = (row(&world).await, world.journal());
    drop(device);
    wipe(&world.names.money).await;
    journal.remove(&whole.journal_name()).await.expect("removed");
    let name = |n: u8| prepared_name(1_000, [n; 8]);
    let of = |n: u8| StoredPayment { file: Some(name(n)), ..whole.clone() };
    // Before its first byte, in the middle, after the flush and before the commit; and one that names another file.
    journal.write(&name(1), "").await.expect("written");
    journal.write(&name(2), &of(2).to_json()[..100]).await.expect("written");
    journal.write(&name(3), &of(3).to_json()).await.expect("written");
    journal.write(&name(4), &of(5).to_json()).await.expect("written");
    let device = world.open().await;
    assert_eq!(restored(&device), [1]);
    let kept = |n: u8| Finding::TornKept { name: name(n) };
    assert!(device.findings().contains(&kept(2)) && device.findings().contains(&kept(4)), "{:?}", device.findings());
    assert_eq!(row(&world).await, of(3));
    let names = journal.list().await.expect("the journal");
    assert_eq!(names.contains(&name(1)), !has_files, "an old one that is empty and that nobody holds is cleared away");
    assert!([2, 3, 4].iter().all(|n| names.contains(&name(*n))));
}

#[wasm_bindgen_test]
async fn what_a_page_holds_open_nobody_else_clears_away() {
    let world = World::new().await;
    let device = world.enrolled().await;
    if !prepared(&world).await {
        return;
    }
    let names = ready(&world.journal().list().await.expect("the journal"));
    let other = world.journal();
    for name in &names {
        assert!(!other.discard(name).await);
        assert!(other.remove(name).await.is_err());
        assert!(other.write(name, "another").await.is_err());
    }
    take(&device).await;
    let row = row(&world).await;
    assert!(row.file.is_some_and(|name| names.contains(&name)));
}

#[wasm_bindgen_test]
async fn two_pages_prepare_for_themselves() {
    let world = World::new().await;
    let one = world.enrolled().await;
    let two = world.open().await;
    for _ in 0..4 {
        take(&one).await;
        take(&two).await;
    }
    assert_eq!(waiting(&one).await, (1..=8).collect::<Vec<u64>>());
    wipe(&world.names.money).await;
    assert_eq!(waiting(&world.open().await).await, (1..=8).collect::<Vec<u64>>());
}

#[wasm_bindgen_test]
async fn a_journal_of_an_earlier_version_is_read() {
    let world = World::new().await;
    let text = include_str!("../../../../crates/holdfast-wire/fixtures/stored-payment.v1.json").trim();
    let stored = StoredPayment::from_json(text).expect("the fixture");
    let name = journal_name(stored.seq, &stored.id);
    world.journal().write(&name, text).await.expect("written");
    let device = world.open().await;
    assert_eq!((restored(&device), waiting(&device).await), (vec![stored.seq], vec![stored.seq]));
    device.enrol("code", "Till").await.expect("an enrolment");
    // The fixture's signature is nobody's; the server of this test acknowledges it all the same, and then its file goes.
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
    assert_eq!(world.journal().read(&name).await, Ok(None));
}
