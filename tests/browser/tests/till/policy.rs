//! The signed policy on the device: whose it takes, what it lets through, and what is counted of a card.

use holdfast_browser_tests::device::{World, payment, seal};
use holdfast_core::policy::{CardTag, PolicyRefusal};
use holdfast_web::device::{DayTag, Device, DeviceError, TakeOutcome, TakeRefusal};
use wasm_bindgen_test::wasm_bindgen_test;

fn payment_max(device: &Device) -> Option<i64> {
    device.policy().map(|policy| policy.caps.payment_minor_max)
}

#[wasm_bindgen_test]
async fn a_policy_is_taken_from_the_compiled_in_root_only_and_never_an_older_one() {
    let world = World::new().await;
    let device = world.enrolled().await;
    assert_eq!(payment_max(&device), Some(100_000), "before the first one, the shop's");
    world.server.policy.set((5, 3_000));
    assert_eq!(device.refresh_policy().await, Ok(true));
    assert_eq!(payment_max(&device), Some(3_000));
    world.server.policy.set((4, 9_000));
    assert!(matches!(device.refresh_policy().await, Err(DeviceError::Untrusted(_))));
    world.server.policy.set((6, 9_000));
    world.server.foreign_root.set(true);
    assert!(matches!(device.refresh_policy().await, Err(DeviceError::Untrusted(_))));
    assert_eq!(payment_max(&device), Some(3_000));
    world.server.foreign_root.set(false);
    // And after a new start.
    let device = world.open().await;
    assert_eq!(payment_max(&device), Some(3_000));
    world.server.policy.set((4, 9_000));
    assert!(matches!(device.refresh_policy().await, Err(DeviceError::Untrusted(_))));
}

#[wasm_bindgen_test]
async fn a_card_is_counted_for_its_day_with_the_payment_that_it_made() {
    let world = World::new().await;
    let device = world.enrolled().await;
    world.server.policy.set((5, 3_000));
    device.refresh_policy().await.expect("a policy");
    let day = device.business_day().await.expect("a day");
    let take = async |number: u8, unanswered: bool| {
        let mut payment = payment(&device).await;
        payment.tag = Some(DayTag { day: day.day, tag: CardTag([number; 3]) });
        payment.unanswered = unanswered;
        device.take_payment(payment, seal).await
    };
    let above_card = TakeOutcome::Refused(TakeRefusal::Policy(PolicyRefusal::AboveCard { minor_max: 2_000 }));
    for (number, unanswered, is_taken) in
        [(1, true, true), (1, true, true), (1, true, false), (2, true, true), (1, false, true)]
    {
        let outcome = take(number, unanswered).await;
        let expected = if is_taken { matches!(outcome, TakeOutcome::Stored(_)) } else { outcome == above_card };
        assert!(expected, "{number} {unanswered}: {outcome:?}");
    }
    let kept = device.business_day().await.expect("the same day");
    assert_eq!((kept.total_minor, kept.card_minor(Some(CardTag([1; 3]))), *kept.salt), (3 * 840, 2 * 840, *day.salt));
    // What was to be answered and was not is counted after the fact.
    let tag = DayTag { day: day.day, tag: CardTag([2; 3]) };
    device.note_unanswered(Some(tag), 840).await.expect("counted");
    assert_eq!(device.business_day().await.map(|day| day.total_minor), Some(4 * 840));
}
