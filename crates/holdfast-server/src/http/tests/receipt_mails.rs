//! Receipts by e-mail over the interface, into the demo's folder.

use super::*;
use holdfast_wire::receipt::{ReceiptMail, ReceiptMails};
use std::time::Duration;

const FIRST: &str = "7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01";

fn asked(id: &str, email: &str) -> Vec<u8> {
    serde_json::json!({ "v": 1, "id": id, "email": email }).to_string().into_bytes()
}

/// The only letter about a payment, once nothing more happens to it.
async fn over(house: &House, till: &TestTill, target: &str) -> ReceiptMail {
    for _ in 0..600 {
        let mails: ReceiptMails = house.of_till(till, "GET", target, b"").await.json();
        if let [mail] = mails.mails.as_slice()
            && mail.is_over()
        {
            return mail.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the letter was not sent within a minute");
}

#[tokio::test]
async fn a_receipt_is_sent_once_however_often_it_is_asked_for() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, record) = till.payment(1_060, GOOD);
    let target = format!("/api/v1/payments/{id}/receipt");
    let body = asked(FIRST, "ada@customer.example");
    let early = house.of_till(&till, "POST", &target, &body).await;
    assert_eq!(early.problem(), (404, "payment-unknown".into()), "the till keeps it and comes again");
    house.upload(&till, vec![record]).await;
    for _ in 0..3 {
        let answer = house.of_till(&till, "POST", &target, &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    let mail = over(&house, &till, &target).await;
    assert_eq!((mail.id.as_str(), mail.state.as_str()), (FIRST, "sent"));
    let list: serde_json::Value = house.get("/demo/mails").await.json();
    assert_eq!(list["mails"].as_array().map(Vec::len), Some(1));
    let letter = house.get(&format!("/demo/mails/{FIRST}")).await;
    let letter = String::from_utf8(letter.body).expect("text");
    for header in
        ["To: ada@customer.example", "Auto-Submitted: auto-generated", &format!("Message-ID: <{FIRST}@shop.invalid>")]
    {
        assert!(letter.contains(header), "{header}: {letter}");
    }
    let kept = house.server.ledger.mail(FIRST.parse().expect("an id")).await.expect("reads").expect("is there");
    assert_eq!(kept.1, None, "the address goes with the letter's last word");
}

#[tokio::test]
async fn what_is_no_request_for_a_receipt_is_refused() {
    let house = house(true).await;
    let (mut till, other) = (house.till().await, house.till().await);
    let (id, record) = till.payment(1_060, GOOD);
    house.upload(&till, vec![record]).await;
    let target = format!("/api/v1/payments/{id}/receipt");
    for email in [
        "",
        "ada",
        "a@b@c",
        "ada@x.example\r\nBcc: eve@x.example",
        "<ada@x.example>",
        &format!("{}@x.example", "a".repeat(300)),
    ] {
        let answer = house.of_till(&till, "POST", &target, &asked(FIRST, email)).await;
        assert_eq!(answer.problem(), (400, "email-unreadable".into()), "{email}");
    }
    for body in [&b"{}"[..], b"", br#"{"v":2,"id":"x","email":"a@b.example"}"#, &asked("x", "a@b.example")] {
        assert_eq!(house.of_till(&till, "POST", &target, body).await.problem(), (400, "request-unreadable".into()));
    }
    let unsigned =
        house.send(Request::post(&target).body(Body::from(asked(FIRST, "a@b.example"))).expect("a request")).await;
    assert_eq!(unsigned.problem(), (401, "signature-missing".into()));
    for n in 0..holdfast_core::limits::RECEIPT_MAILS_MAX {
        let id = format!("7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a1{n}");
        assert_eq!(
            house.of_till(&other, "POST", &target, &asked(&id, "a@b.example")).await.status,
            StatusCode::ACCEPTED
        );
    }
    let answer = house.of_till(&till, "POST", &target, &asked(FIRST, "a@b.example")).await;
    assert_eq!(answer.problem(), (409, "receipts-used-up".into()));
}

#[tokio::test]
async fn templates_are_tried_before_they_are_kept() {
    let house = house(true).await;
    let put = async |body: serde_json::Value, path: &str, method: &str| {
        house
            .send(Request::builder().method(method).uri(path).body(Body::from(body.to_string())).expect("a request"))
            .await
    };
    let good =
        serde_json::json!({ "subject": "{{ shop.name }}", "text": "{{ receipt.total }}", "html": "<p>{{ link }}" });
    let wrong = serde_json::json!({ "subject": "x", "text": "a\n{{ nothing }}", "html": "x" });
    let answer = put(wrong.clone(), "/demo/mail/preview", "POST").await.json::<serde_json::Value>();
    assert_eq!((answer["error"]["part"].as_str(), answer["error"]["line"].as_i64()), (Some("text"), Some(2)));
    assert_eq!(put(wrong, "/demo/mail/templates", "PUT").await.problem(), (422, "template-refused".into()));
    let answer = put(good.clone(), "/demo/mail/preview", "POST").await.json::<serde_json::Value>();
    assert_eq!(answer["text"], "€12.60");
    for version in 1..3 {
        let kept = put(good.clone(), "/demo/mail/templates", "PUT").await;
        assert_eq!(
            (kept.status, kept.json::<serde_json::Value>()["version"].as_i64()),
            (StatusCode::CREATED, Some(version))
        );
    }
    let current = house.get("/demo/mail/templates").await.json::<serde_json::Value>();
    assert_eq!((current["version"].as_i64(), current["text"].as_str()), (Some(2), Some("{{ receipt.total }}")));
}
