//! A live sale is a stored payment that is sent at once; and the history that comes back.

use holdfast_browser_tests::device::{World, take, waiting};
use holdfast_browser_tests::js::sleep;
use holdfast_browser_tests::server::Batches;
use holdfast_web::device::{HistoryItem, OnlineOutcome, PaymentPlace};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_live_sale_is_settled_and_leaves_the_others_waiting() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    let id = take(&device).await;
    match device.settle_online(id, 5_000).await {
        OnlineOutcome::Settled(view) => assert_eq!((view.id, view.state.as_str()), (id.to_string(), "captured")),
        OnlineOutcome::StillStored => panic!("not settled"),
    }
    assert_eq!(waiting(&device).await, [1]);
    let history = device.history().await.expect("the history");
    assert!(matches!(history.as_slice(), [HistoryItem::Known(_), HistoryItem::Waiting(_)]), "{history:?}");
}

#[wasm_bindgen_test]
async fn a_sale_without_an_answer_in_time_is_stored_under_its_id_and_sent_once() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let id = take(&device).await;
    for answer in [Batches::Unreachable, Batches::Html] {
        world.server.batches.set(answer);
        assert_eq!(device.settle_online(id, 2_000).await, OnlineOutcome::StillStored);
        assert_eq!(waiting(&device).await, [1], "{answer:?}");
    }
    // The server has it, and its result is slow.
    world.server.batches.set(Batches::Good);
    world.server.polls_answer.set(false);
    let before = js_sys::Date::now();
    assert_eq!(device.settle_online(id, 700).await, OnlineOutcome::StillStored);
    let took_ms = js_sys::Date::now() - before;
    assert!((600.0..3_000.0).contains(&took_ms), "{took_ms}");
    assert!(matches!(device.find_payment(id).await, Ok(PaymentPlace::Sent(_))));
    let ids: Vec<String> = world.server.records.borrow().iter().map(|r| stored_id(r)).collect();
    assert!(ids.iter().all(|sent| *sent == id.to_string()), "one id on every path: {ids:?}");
}

#[wasm_bindgen_test]
async fn the_feed_is_read_to_its_end_and_each_payment_is_shown_once() {
    let world = World::new().await;
    let device = world.enrolled().await;
    for _ in 0..5 {
        take(&device).await;
        // Ids and times differ.
        sleep(3).await;
    }
    device.send_now().await;
    let sent = device.history().await.expect("the history");
    assert!(sent.len() == 5 && sent.iter().all(|item| matches!(item, HistoryItem::Sent(_))));
    assert_eq!(device.sync_history().await, Ok(5));
    assert_eq!(device.sync_history().await, Ok(0), "the cursor was kept");
    take(&device).await;
    let again = world.open().await;
    assert_eq!(again.sync_history().await, Ok(0), "and outlives the page");
    let history = again.history().await.expect("the history");
    assert_eq!(history.len(), 6);
    assert!(matches!(history.first(), Some(HistoryItem::Waiting(_))), "newest first");
    assert!(history.iter().skip(1).all(|item| matches!(item, HistoryItem::Known(_))));
}

fn stored_id(record: &str) -> String {
    holdfast_browser_tests::server::stored_of(record).id
}
