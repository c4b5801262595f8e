//! A server of another epoch is offered what the one before had acknowledged.

use holdfast_browser_tests::device::{World, take, waiting};
use holdfast_browser_tests::server::stored_of;
use holdfast_web::device::HistoryItem;
use holdfast_web::shared::Shared;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn what_a_restored_server_lost_is_said_and_what_is_still_sealed_goes_up_again() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let (kept, lost, sealed) = (take(&device).await, take(&device).await, take(&device).await);
    device.send_now().await;
    device.probe().await;
    assert_eq!((waiting(&device).await.len(), world.server.offered.get()), (0, 0), "the same epoch is offered nothing");
    // As a till that stopped before it had removed the last file.
    let shared = Shared::open(&world.roots, &world.names).await.expect("the stores");
    let records = world.server.records.borrow().clone();
    let left = records.iter().map(|record| stored_of(record)).find(|stored| stored.id == sealed.to_string());
    let left = left.expect("it was sent");
    shared.journal.write(&left.journal_name(), &left.to_json()).await.expect("writes");

    world.server.epoch.set("e2");
    *world.server.lost.borrow_mut() = vec![lost.to_string(), sealed.to_string()];
    device.probe().await;
    assert_eq!(world.server.offered.get(), 3);
    let missing = device.missing().await.expect("reads");
    assert_eq!(missing.iter().map(|stone| stone.id.clone()).collect::<Vec<_>>(), [lost.to_string()]);
    assert_eq!(missing[0].epoch, "e2");
    assert_eq!(waiting(&device).await, [3], "it is back in the queue");
    let of = |id: String| move |item: &HistoryItem| item.id() == id;
    let history = device.history().await.expect("reads");
    assert_eq!(history.len(), 3);
    let said = history.iter().find(|item| of(lost.to_string())(item));
    assert!(matches!(said, Some(HistoryItem::Sent(stone)) if stone.status == "missing"));
    let known = shared.money.tombstone(kept).await.expect("reads").expect("is there");
    assert_eq!((known.status.as_str(), known.epoch.as_str()), ("stored", "e2"));

    device.send_now().await;
    assert!(waiting(&device).await.is_empty());
    let again = shared.money.tombstone(sealed).await.expect("reads").expect("is there");
    assert_eq!((again.status.as_str(), again.epoch.as_str()), ("stored", "e2"));
    device.probe().await;
    assert_eq!(world.server.offered.get(), 3, "once is enough");
}
