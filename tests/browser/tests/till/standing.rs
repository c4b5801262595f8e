//! A device that its owner revoked: it says so, takes nothing new, and what it holds still goes up.

use holdfast_browser_tests::device::{World, payment, seal, take, waiting};
use holdfast_browser_tests::js::until;
use holdfast_core::outbox::UploadOutcome;
use holdfast_web::device::{Standing, TakeOutcome, TakeRefusal};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_revoked_device_says_so_and_takes_nothing_new() {
    let world = World::new().await;
    let device = world.enrolled().await;
    assert_eq!(world.server.heartbeats.get(), 1, "the server hears of the device in the page load that enrols it");
    take(&device).await;
    let told = Rc::new(Cell::new(0));
    let count = Rc::clone(&told);
    let _subscription = device.on_standing_changed(move || count.set(count.get() + 1));
    let other_page = world.open().await;
    let _other = other_page.on_standing_changed(|| {});
    assert_eq!(device.standing(), Standing::Good);
    world.server.revoked.set(true);
    assert!(device.heartbeat().await.is_err());
    assert!(matches!(device.standing(), Standing::Revoked { detail, since_ms } if detail == "x" && since_ms > 0));
    until(|| told.get() > 0 && other_page.standing().is_revoked()).await;
    let refused = device.take_payment(payment(&device).await, seal).await;
    assert_eq!(refused, TakeOutcome::Refused(TakeRefusal::Revoked));
    assert_eq!(waiting(&device).await, [1]);
    let next_start = world.open().await;
    assert!(next_start.standing().is_revoked(), "it is known without a network");
    assert_eq!(device.send_now().await, Some(UploadOutcome::Drained));
    assert!(
        device.standing().is_revoked(),
        "that a batch is taken says nothing: revoked devices may hand in what they hold"
    );
}

#[wasm_bindgen_test]
async fn a_device_that_is_taken_again_says_so_too() {
    let world = World::new().await;
    let device = world.enrolled().await;
    world.server.revoked.set(true);
    assert!(device.sync_history().await.is_err());
    assert!(device.standing().is_revoked());
    world.server.revoked.set(false);
    world.server.portal.set(true);
    assert!(device.sync_history().await.is_err());
    assert!(device.standing().is_revoked(), "a captive portal's 200 is no pardon");
    world.server.portal.set(false);
    assert!(device.sync_history().await.is_ok());
    assert_eq!(device.standing(), Standing::Good);
    assert_eq!(world.open().await.standing(), Standing::Good);
    take(&device).await;
}
