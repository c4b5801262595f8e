//! What the till seals, another implementation opens; and nothing about the card shows from outside.

use holdfast_browser_tests::device::{World, payment, seal, take};
use holdfast_browser_tests::server::envelope::open;
use holdfast_web::device::{TakeOutcome, TakeRefusal};
use holdfast_wire::record::RecordPayload;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn webcrypto_opens_what_was_sealed_and_the_header_binds_it() {
    let world = World::new().await;
    let device = world.enrolled().await;
    take(&device).await;
    take(&device).await;
    assert_eq!(device.send_now().await, Some(holdfast_core::outbox::UploadOutcome::Drained));
    let records = world.server.records.borrow().clone();
    let mut lengths = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let payload = RecordPayload::parse(record).expect("a record").claimed().clone();
        assert_eq!(payload.jwe.split('.').count(), 5);
        lengths.push(payload.jwe.len());
        assert!(!record.contains("4242424242424242"));
        let (header, plain) = open(&world.server.card_private, &payload.jwe).await;
        assert_eq!(header["pos"]["pid"], payload.id);
        assert_eq!(header["pos"]["seq"], i as u64 + 1);
        assert_eq!((&header["pos"]["amt"], &plain["amt"]), (&840.into(), &840.into()));
        assert_eq!(
            (plain["pan"].as_str(), plain["pid"].as_str()),
            (Some("4242424242424242"), Some(payload.id.as_str()))
        );
        assert!(plain.get("cvv").is_none());
    }
    assert_eq!(lengths.len(), 2);
    assert_eq!(lengths[0], lengths[1], "an envelope's length says nothing");
}

#[wasm_bindgen_test]
async fn a_payment_is_sealed_once_however_often_it_is_tried() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let payment = payment(&device).await;
    let first = device.take_payment(payment.clone(), seal).await;
    assert!(matches!(first, TakeOutcome::Stored(_)));
    let again = device.take_payment(payment.clone(), |_| -> Result<String, String> { panic!("sealed twice") }).await;
    assert_eq!(again, first);
    device.send_now().await;
    let sent = device.take_payment(payment, |_| -> Result<String, String> { panic!("sealed twice") }).await;
    assert_eq!(sent, TakeOutcome::AlreadySent);
    assert_eq!(world.server.records.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn without_enrolment_key_or_allowance_nothing_is_taken() {
    let world = World::new().await;
    let device = world.enrolled().await;
    let mut large = payment(&device).await;
    large.amount = holdfast_core::money::Amount::new(9_000_000, holdfast_core::money::Currency::EUR);
    let refused = device.take_payment(large, seal).await;
    assert!(matches!(refused, TakeOutcome::Refused(TakeRefusal::Policy(_))), "{refused:?}");
    let one = payment(&device).await;
    let refused = device.take_payment(one.clone(), |_| Err("no randomness".to_owned())).await;
    assert_eq!(refused, TakeOutcome::NotSealed("no randomness".into()));
    let fresh = World::new().await;
    let refused = fresh.open().await.take_payment(one, seal).await;
    assert_eq!(refused, TakeOutcome::Refused(TakeRefusal::NotEnrolled));
    assert!(device.waiting().await.is_ok_and(|w| w.is_empty()));
}
