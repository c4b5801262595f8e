//! Payments that a till was told are stored, in books that may not hold them.

use super::{Fixture, IngestOp, Ledger, NOW, Payment, Quarantined, RecordHash};
use crate::store::AckedPayment;
use crate::store::care;
use holdfast_core::id::MerchantId;

pub fn acked(payment: &Payment) -> AckedPayment {
    AckedPayment {
        id: payment.id,
        record_hash: payment.record_hash,
        seq: payment.seq,
        status: "stored".into(),
        acked_ms: NOW,
        epoch: "epoch-0".into(),
        number: payment.sale.number.clone(),
        amount_minor: payment.sale.amount_minor,
        currency: payment.sale.currency.clone(),
        brand: payment.card.brand.clone(),
        last4: payment.card.last4.clone(),
        created_ms: NOW - 9,
    }
}

pub async fn what_was_acknowledged_and_is_not_here_is_told_apart<L: Ledger>(f: Fixture<L>) {
    let (stored, kept, gone) = (f.payment(1), f.payment(2), f.payment(3));
    f.store(&[&stored]).await.expect("stores");
    let quarantined = Quarantined {
        record_hash: kept.record_hash,
        payment_id: Some(kept.id),
        reason: "sequence-conflict".into(),
        raw: b"raw".to_vec(),
        card_key_kid: None,
    };
    let op = IngestOp::Quarantine(quarantined);
    f.ledger.ingest(NOW, f.query(&[&kept]), move |_| (vec![op], ())).await.expect("keeps");
    // The same id with another record is not what the till was told is stored.
    let other = AckedPayment { record_hash: RecordHash([99; 32]), ..acked(&stored) };
    let offered = vec![acked(&stored), acked(&kept), acked(&gone), other];
    for _ in 0..2 {
        let known = f.ledger.offered(NOW, &f.device, offered.clone()).await.expect("looks");
        assert_eq!(known, [Some(true), Some(true), Some(false), Some(false)]);
    }
    // It comes in after all.
    f.store(&[&gone]).await.expect("stores");
    let known = f.ledger.offered(NOW, &f.device, vec![acked(&gone)]).await.expect("looks");
    assert_eq!(known, [Some(true)]);
    let stranger = crate::store::Device { merchant_id: MerchantId::make([99; 16]), ..f.device.clone() };
    assert_ne!(stranger.merchant_id, f.device.merchant_id);
}

/// Only a database has owners to tell.
#[tokio::test]
async fn the_owner_and_the_doctor_are_told_once_and_until_it_comes_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let f = super::in_sqlite(&folder).await;
    told(f).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn the_owner_and_the_doctor_are_told_by_postgres_as_well() {
    told(super::in_postgres().await).await;
}

async fn told(f: Fixture<super::Books>) {
    let gone = f.payment(3);
    for _ in 0..2 {
        f.ledger.offered(NOW, &f.device, vec![acked(&gone)]).await.expect("looks");
    }
    let desk = crate::desk::Desk::new(f.ledger.db().clone(), f.device.merchant_id);
    let lines = desk.missing(i64::MAX, 9).await.expect("reads");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].payment_id.clone(), lines[0].amount_minor), (gone.id.to_string(), 1_060));
    assert_eq!((lines[0].device_name.as_str(), lines[0].reported_ms), ("Counter", NOW));
    let other = crate::desk::Desk::new(f.ledger.db().clone(), MerchantId::make([99; 16]));
    assert_eq!(other.missing_count().await.expect("counts"), 0, "another merchant's owner sees nothing of it");
    let is_told = async || {
        let found = care::look(f.ledger.db(), NOW).await.expect("looks");
        found.iter().any(|finding| finding.said.contains("are missing: their owners"))
    };
    assert!(is_told().await);
    f.store(&[&gone]).await.expect("stores");
    assert_eq!(desk.missing_count().await.expect("counts"), 0);
    assert!(!is_told().await);
}
