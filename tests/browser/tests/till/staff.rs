//! The shop's word about its staff, and the till's lock.

use holdfast_browser_tests::device::World;
use holdfast_core::id::StaffId;
use holdfast_core::limits::{PIN_FREE_MAX, PIN_WAIT_MS_MIN};
use holdfast_web::device::{DeviceError, PinAnswer};
use wasm_bindgen_test::wasm_bindgen_test;

fn cashier() -> StaffId {
    StaffId::make([1; 16])
}

fn manager() -> StaffId {
    StaffId::make([2; 16])
}

#[wasm_bindgen_test]
async fn only_what_the_server_signed_changes_the_staff_and_never_an_older_word() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let sellers = |device: &holdfast_web::Device| device.shop().map(|shop| shop.team.to_core().sellers.len());
    assert_eq!(sellers(&device), Some(0));
    world.server.shop_version.set(7);
    world.server.foreign_shop.set(true);
    assert!(matches!(device.refresh_shop().await, Err(DeviceError::Untrusted(_))));
    assert_eq!(sellers(&device), Some(0), "a forged answer puts nobody on the list");
    world.server.foreign_shop.set(false);
    assert_eq!(device.refresh_shop().await, Ok(true));
    assert_eq!(sellers(&device), Some(2));
    // An old answer, in which somebody was still there or nobody had a PIN.
    world.server.shop_version.set(0);
    assert!(matches!(device.refresh_shop().await, Err(DeviceError::Untrusted(_))));
    let device = world.open().await;
    assert!(matches!(device.refresh_shop().await, Err(DeviceError::Untrusted(_))), "after a new start too");
    assert_eq!(sellers(&device), Some(2));
}

#[wasm_bindgen_test]
async fn a_pin_opens_without_a_network_and_wrong_ones_slow_down_over_a_restart() {
    let world = World::new().await;
    world.server.shop_version.set(7);
    let _ = world.enrolled().await;
    world.server.portal.set(true);
    let device = world.open().await;
    let right =
        |answer: Result<PinAnswer, DeviceError>| matches!(answer, Ok(PinAnswer::Right(approval)) if approval.at_ms > 0);
    assert!(right(device.try_pin(cashier(), "2468").await));
    assert_eq!(device.try_pin(StaffId::make([9; 16]), "2468").await, Ok(PinAnswer::Unknown));
    for n in 1..=PIN_FREE_MAX {
        let wait_ms = if n < PIN_FREE_MAX { 0 } else { PIN_WAIT_MS_MIN };
        assert_eq!(device.try_pin(cashier(), "1111").await, Ok(PinAnswer::Wrong { wait_ms }), "{n}");
    }
    // Another page of the same tablet, and the right PIN.
    let device = world.open().await;
    let answer = device.try_pin(cashier(), "2468").await;
    assert!(
        matches!(answer, Ok(PinAnswer::TooSoon { wait_ms }) if (1..=PIN_WAIT_MS_MIN).contains(&wait_ms)),
        "{answer:?}"
    );
    assert!(right(device.try_pin(manager(), "2468").await), "another one is not kept out");
    assert!(right(device.try_pin(cashier(), "2468").await), "and a manager forgives");
}
