//! Only a right acknowledgement deletes, and it deletes everything.

use holdfast_browser_tests::device::{World, take, waiting};
use holdfast_browser_tests::server::Batches;
use holdfast_core::outbox::{Scope, UploadOutcome};
use holdfast_web::device::PaymentPlace;
use holdfast_web::shared::{Names, Shared};
use holdfast_web::{locks, upload};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn any_other_answer_deletes_nothing() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    device.send_now().await;
    let ids = [take(&device).await, take(&device).await];
    for (answer, expected) in [
        // The replay is that of the payment before: rightly signed, and of no use.
        (Batches::Replayed, UploadOutcome::Unacknowledged),
        (Batches::OtherKey, UploadOutcome::Unacknowledged),
        (Batches::OtherHash, UploadOutcome::Unacknowledged),
        (Batches::OtherId, UploadOutcome::Unacknowledged),
        (Batches::OtherType, UploadOutcome::Unacknowledged),
        (Batches::Changed, UploadOutcome::Unacknowledged),
        (Batches::Empty, UploadOutcome::Unacknowledged),
        (Batches::Html, UploadOutcome::NotHoldfast),
        (Batches::NoContent, UploadOutcome::NotHoldfast),
        (Batches::Truncated, UploadOutcome::NotHoldfast),
        (Batches::Redirect, UploadOutcome::NotHoldfast),
        (Batches::Problem, UploadOutcome::Refused("device-revoked".into())),
        (Batches::Unreachable, UploadOutcome::Unreachable),
    ] {
        world.server.batches.set(answer);
        assert_eq!(device.send_now().await, Some(expected), "{answer:?}");
        assert_eq!(waiting(&device).await, [2, 3], "{answer:?}");
    }
    world.server.batches.set(Batches::FirstOnly);
    assert_eq!(device.send_now().await, Some(UploadOutcome::Unacknowledged));
    assert_eq!(waiting(&device).await, [3], "one that is not acknowledged holds up nobody");
    world.server.batches.set(Batches::Duplicate);
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
    for id in ids {
        assert!(matches!(device.find_payment(id).await, Ok(PaymentPlace::Sent(_))));
    }
    assert_eq!(device.history().await.map(|h| h.len()), Ok(3));
}

#[wasm_bindgen_test]
async fn after_the_acknowledgement_no_ciphertext_is_left_on_the_device() {
    let world = World::new().await;
    let device = world.enrolled().await;
    for _ in 0..3 {
        take(&device).await;
    }
    // As the service worker does it.
    let names = Names { journal_worker: None, ..world.names.clone() };
    let shared = Shared::open(&world.roots, &names).await.expect("the stores");
    let (outcome, summary) = upload::run_all(&shared).await.expect("the lock");
    assert_eq!((outcome, summary.settled.len(), summary.batches), (UploadOutcome::Drained, 3, 1));
    assert!(waiting(&device).await.is_empty());
    assert!(world.records().await.is_empty());
    let stones = shared.money.tombstones().await.expect("the tombstones");
    assert!(stones.iter().all(|s| s.epoch == "e1" && s.status == "stored" && !s.to_json().contains("eyJ")));
}

#[wasm_bindgen_test]
async fn one_uploader_at_a_time_but_a_live_sale_does_not_wait() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let id = take(&device).await;
    take(&device).await;
    let guard = locks::hold_if_free(locks::UPLOAD).await.expect("the lock is free");
    assert_eq!(device.send_now().await, None);
    let shared = Shared::open(&world.roots, &world.names).await.expect("the stores");
    let (outcome, summary) = upload::run(&shared, Scope::Only(id)).await;
    assert_eq!((outcome, summary.settled.len()), (UploadOutcome::Drained, 1));
    assert_eq!(waiting(&device).await, [2]);
    drop(guard);
    // The browser frees a lock a moment later; who waits for it in turn comes after that.
    drop(locks::hold(locks::UPLOAD).await);
    holdfast_browser_tests::js::sleep(50).await;
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
}
