//! Whom the till believes.

use holdfast_browser_tests::device::World;
use holdfast_browser_tests::js::get;
use holdfast_core::connectivity::{AcquirerLamp, ProbeResult};
use holdfast_web::device::DeviceError;
use holdfast_web::device_key::{DeviceKey, verify};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_probe_believes_a_signature_over_its_own_nonce_only() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let wall = device.reading().trusted_ms();
    assert_eq!(device.probe().await, ProbeResult::Holdfast { acquirer: AcquirerLamp::Up });
    let ahead = device.reading().trusted_ms() - wall;
    assert!((299_000..310_000).contains(&ahead), "the signed time is believed: {ahead}");
    world.server.wrong_nonce.set(true);
    assert_eq!(device.probe().await, ProbeResult::SomethingElse);
    world.server.wrong_nonce.set(false);
    world.server.portal.set(true);
    assert_eq!(device.probe().await, ProbeResult::SomethingElse);
}

#[wasm_bindgen_test]
async fn a_key_set_is_taken_from_the_compiled_in_root_only_and_never_an_older_one() {
    let world = World::new().await;
    let device = world.enrolled().await;
    assert_eq!(device.refresh_keys().await, Ok(false));
    world.server.keyset_version.set(9);
    assert_eq!(device.refresh_keys().await, Ok(true));
    world.server.keyset_version.set(8);
    assert!(matches!(device.refresh_keys().await, Err(DeviceError::Untrusted(_))));
    world.server.keyset_version.set(10);
    world.server.foreign_root.set(true);
    assert!(matches!(device.refresh_keys().await, Err(DeviceError::Untrusted(_))));
    assert_eq!(device.card_key().map(|(_, version)| version), Some(9));
    // And after a new start.
    world.server.foreign_root.set(false);
    world.server.keyset_version.set(8);
    let device = world.open().await;
    assert_eq!(device.card_key().map(|(_, version)| version), Some(9));
    assert!(matches!(device.refresh_keys().await, Err(DeviceError::Untrusted(_))));
}

#[wasm_bindgen_test]
async fn the_devices_key_signs_and_cannot_be_had() {
    let key = DeviceKey::make().await.expect("a key");
    let jwk = key.jwk().await.expect("a public key");
    let signature = key.sign(b"input").await.expect("a signature");
    assert!(verify(&jwk, b"input", &signature).await);
    assert!(!verify(&jwk, b"inpuT", &signature).await);
    let other = DeviceKey::make().await.expect("a key").jwk().await.expect("a public key");
    assert!(!verify(&other, b"input", &signature).await);
    let private = get(key.stored(), "privateKey");
    assert_eq!(get(&private, "extractable").as_bool(), Some(false));
}

#[wasm_bindgen_test]
async fn an_enrolment_outlives_the_page_and_is_not_made_twice() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let again = world.open().await;
    assert_eq!(again.enrolled(), device.enrolled());
    assert_eq!(again.enrol("code", "Till").await, Err(DeviceError::AlreadyEnrolled));
    assert!(again.shop().is_some() && again.card_key().is_some());
    let nowhere = World::new().await;
    nowhere.server.portal.set(true);
    let device = nowhere.open().await;
    assert_eq!(device.enrol("code", "Till").await, Err(DeviceError::NotHoldfast));
    assert_eq!(device.enrolled(), None);
}
