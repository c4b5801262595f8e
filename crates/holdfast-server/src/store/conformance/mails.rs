//! Letters and templates on a database.

use super::*;
use crate::mail::Templates;
use crate::store::books::{Added, MAIL_TOPIC, NewMail};
use crate::store::outbox::{Task, claim};
use holdfast_core::id::MailId;
use holdfast_core::limits::RECEIPT_MAILS_MAX;

impl Fixture<Books> {
    fn letter(&self, number: u8, payment: &Payment) -> NewMail {
        let id: MailId = format!("7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a{number:02x}").parse().expect("an id");
        NewMail {
            id,
            payment_id: payment.id,
            merchant_id: self.device.merchant_id,
            address: "ada@customer.example".into(),
        }
    }

    async fn mail_task(&self, now_ms: i64) -> Vec<Task> {
        claim(self.ledger.db(), MAIL_TOPIC, now_ms, now_ms + 5, 10).await.expect("claims")
    }
}

pub async fn a_letter_is_kept_once_and_its_address_goes_with_its_end(f: Fixture<Books>) {
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    let new = f.letter(1, &payment);
    for _ in 0..2 {
        assert!(matches!(f.ledger.add_mail(NOW, new.clone()).await, Ok(Added::Kept(mail)) if mail.state == "queued"));
    }
    let first = f.mail_task(NOW).await;
    assert_eq!((first.len(), first[0].payment_id), (1, Some(payment.id)));
    f.ledger.mail_again(first[0].clone(), NOW + 10, Some("451".into())).await.expect("keeps");
    let late = f.ledger.end_mail(NOW + 11, first[0].clone(), "sent", None).await;
    assert_eq!(late, Err(StoreError::Conflict), "its lease is over");
    let (mail, address) = f.ledger.mail(new.id).await.expect("reads").expect("is there");
    assert_eq!((mail.code.as_deref(), address.as_deref()), (Some("451"), Some("ada@customer.example")));
    let second = f.mail_task(NOW + 10).await;
    f.ledger.end_mail(NOW + 11, second[0].clone(), "refused", Some("550".into())).await.expect("keeps");
    let (mail, address) = f.ledger.mail(new.id).await.expect("reads").expect("is there");
    assert_eq!((mail.state.as_str(), mail.code.as_deref(), address), ("refused", Some("550"), None));
    assert!(f.mail_task(NOW + 1_000).await.is_empty());
}

pub async fn a_payment_has_a_few_letters_and_no_other_payments(f: Fixture<Books>) {
    let (one, two) = (f.payment(1), f.payment(2));
    f.store(&[&one, &two]).await.expect("stores");
    for number in 1..=u8::try_from(RECEIPT_MAILS_MAX).expect("few") {
        assert!(matches!(f.ledger.add_mail(NOW + i64::from(number), f.letter(number, &one)).await, Ok(Added::Kept(_))));
    }
    assert_eq!(f.ledger.add_mail(NOW, f.letter(99, &one)).await, Ok(Added::Refused), "enough");
    assert_eq!(f.ledger.add_mail(NOW, f.letter(1, &two)).await, Ok(Added::Refused), "another payment's id");
    let kept = f.ledger.mails_of(one.id).await.expect("reads");
    assert_eq!(kept.len(), RECEIPT_MAILS_MAX);
    assert!(kept.windows(2).all(|two| two[0].asked_ms < two[1].asked_ms));
}

pub async fn templates_are_kept_in_versions(f: Fixture<Books>) {
    let merchant = f.device.merchant_id;
    assert_eq!(f.ledger.mail_templates(merchant).await, Ok(None));
    let written = |text: &str| Templates { subject: "s".into(), text: text.into(), html: "<p>Grüße</p>".into() };
    for (version, text) in [(1, "one"), (2, "two")] {
        assert_eq!(f.ledger.put_mail_templates(NOW, merchant, written(text)).await, Ok(version));
    }
    assert_eq!(f.ledger.mail_templates(merchant).await, Ok(Some((2, written("two")))));
    assert_eq!(f.ledger.mail_templates(MerchantId::make([9; 16])).await, Ok(None));
}
