//! Refunds, voids and retries over the interface and in the back office, up to the receipt and the reports.

use super::people::Browser;
use super::*;
use crate::journal::Journal;
use crate::people::Role;
use crate::testing::NOW;
use holdfast_wire::instruction::{InstructionAnswer, Instructions};
use holdfast_wire::report::{Report, Row};

const FIRST: &str = "7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01";
const SECOND: &str = "7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a02";

fn asked(id: &str, amount_minor: i64) -> String {
    serde_json::json!({ "v": 1, "id": id, "amount_minor": amount_minor, "reason": "customer-returned" }).to_string()
}

impl House {
    /// A payment in the state that its card leads to, and its path.
    pub(super) async fn sold(&self, till: &mut TestTill, amount_minor: i64, pan: &str) -> (PaymentView, String) {
        let (id, record) = till.payment(amount_minor, pan);
        self.upload(till, vec![record]).await;
        let path = format!("/api/v1/payments/{id}");
        for _ in 0..30 {
            let view: PaymentView = self.of_till(till, "GET", &format!("{path}?wait_ms=10000"), b"").await.json();
            if view.is_settled() {
                return (view, path);
            }
        }
        panic!("it is not settled after five minutes");
    }

    /// Asks until what was asked for is over: a busy machine may take longer than one answer waits.
    async fn over(&self, till: &TestTill, target: &str, body: &str) -> InstructionAnswer {
        for _ in 0..30 {
            let answer = self.of_till(till, "POST", target, body.as_bytes()).await;
            match answer.status {
                StatusCode::OK => return answer.json(),
                StatusCode::ACCEPTED => {}
                other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
        panic!("it is not over after four minutes");
    }

    async fn total(&self, kind: &str) -> Row {
        let answer = self.get(&format!("/api/v1/reports/{kind}?from=2026-01-01&to=2034-12-31")).await;
        Report::from_json(&answer.body).expect("a report").totals.remove(0)
    }

    /// Number and sum of the refunds in the acquirer's own books.
    async fn at_acquirer(&self) -> (usize, i64) {
        let ledger = self.server.demo.as_ref().expect("a demo").ledger().await.expect("is there");
        let refunds = ledger.entries.iter().filter(|e| e.kind.as_str() == "refund" && e.code == "00");
        let amounts: Vec<i64> = refunds.map(|e| e.amount_minor).collect();
        (amounts.len(), amounts.iter().sum())
    }
}

#[tokio::test]
async fn a_till_pays_back_and_history_receipt_and_reports_say_so() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (paid, path) = house.sold(&mut till, 1_060, GOOD).await;
    let target = format!("{path}/refunds");
    for _ in 0..2 {
        let answer = house.over(&till, &target, &asked(FIRST, 400)).await;
        assert_eq!((answer.instruction.progress.as_str(), answer.payment.state.as_str()), ("done", "partly-refunded"));
        assert_eq!((answer.payment.refunded_minor, answer.instruction.by), (400, format!("device:{}", till.device_id)));
    }
    for (body, problem) in [
        (asked(FIRST, 401), (422, "idempotency-key-reused")),
        (asked(SECOND, 661), (422, "refund-too-large")),
        (asked(SECOND, 0), (422, "refund-too-large")),
        (asked("x", 1), (400, "request-unreadable")),
        (asked(SECOND, 1).replace("customer-returned", "No Name!"), (400, "request-unreadable")),
        (asked(SECOND, 1).replace("\"id\"", "\"nothing\""), (400, "idempotency-key-missing")),
        ("{}".to_owned(), (400, "request-unreadable")),
    ] {
        let answer = house.of_till(&till, "POST", &target, body.as_bytes()).await;
        assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{body}");
    }
    let void = house.of_till(&till, "POST", &format!("{path}/void"), asked(SECOND, 0).as_bytes()).await;
    assert_eq!(void.problem(), (409, "not-voidable".into()));
    let receipt = paid.receipt.expect("a receipt");
    let text = async || String::from_utf8(house.get(&receipt).await.body).expect("text");
    assert!(text().await.contains("€4.00 goes back to the card"), "{}", text().await);
    house.over(&till, &target, &asked(SECOND, 660)).await;
    assert!(text().await.contains("Refunded") && text().await.contains("€10.60 goes back"), "{}", text().await);
    assert_eq!(house.at_acquirer().await, (2, 1_060));
    let list: Instructions = house.of_till(&till, "GET", &format!("{path}/instructions"), b"").await.json();
    assert_eq!(list.instructions.iter().map(|one| one.amount_minor).collect::<Vec<_>>(), [400, 660]);

    // A second sale stays: only what was paid back is told as refunds.
    house.sold(&mut till, 500, GOOD).await;
    Journal::new(&house.server.ledger).book_due(NOW).await.expect("books");
    for kind in ["day", "tender", "device"] {
        let total = house.total(kind).await;
        assert_eq!((total.count, total.gross_minor, total.refunds_minor), (2, 1_560, 1_060), "{kind}");
    }
}

#[tokio::test]
async fn two_who_click_at_once_pay_back_once() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (paid, path) = house.sold(&mut till, 1_060, GOOD).await;
    let token = house.token("mara@example.com", Role::Manager, Some(till.merchant_id)).await;
    let target = format!("{path}/refunds");
    let (of_till, of_person) = (asked(FIRST, 1_060), asked(SECOND, 1_060));
    let (one, two) = tokio::join!(
        house.of_till(&till, "POST", &target, of_till.as_bytes()),
        house.bearer(&token, "POST", &target, &of_person)
    );
    let mut taken = 0;
    for answer in [one, two] {
        if answer.status.is_success() {
            taken += 1;
        } else {
            let problem = answer.problem();
            assert!(["instruction-open", "refund-too-large"].contains(&problem.1.as_str()), "{problem:?}");
        }
    }
    assert_eq!(taken, 1);
    let view: PaymentView = async {
        for _ in 0..600 {
            let view: PaymentView = house.of_till(&till, "GET", &path, b"").await.json();
            if view.state == "refunded" {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("it is not paid back within a minute");
    }
    .await;
    assert_eq!((view.refunded_minor, view.id), (1_060, paid.id));
    assert_eq!(house.at_acquirer().await, (1, 1_060));
}

#[tokio::test]
async fn a_person_pays_back_under_a_key_and_a_cashier_does_not() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (_, path) = house.sold(&mut till, 1_060, GOOD).await;
    let target = format!("{path}/refunds");
    let owner = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let cashier = house.token("cleo@example.com", Role::Cashier, Some(till.merchant_id)).await;
    let body = r#"{"v":1,"amount_minor":300,"reason":"damaged-goods"}"#;
    assert_eq!(house.bearer(&cashier, "POST", &target, body).await.problem(), (403, "not-allowed".into()));
    assert_eq!(house.bearer(&owner, "POST", &target, body).await.problem(), (400, "idempotency-key-missing".into()));
    for _ in 0..3 {
        let request = Request::post(&target)
            .header("authorization", format!("Bearer {owner}"))
            .header("idempotency-key", "\"8e03978e\"")
            .body(Body::from(body))
            .expect("a request");
        let answer = house.send(request).await;
        assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
    }
    let list: Instructions = house.bearer(&cashier, "GET", &format!("{path}/instructions"), "").await.json();
    assert_eq!(list.instructions.len(), 1);
    let unknown = format!("/api/v1/payments/{}/refunds", holdfast_core::id::PaymentId::make(NOW, [9; 10]));
    assert_eq!(house.bearer(&owner, "POST", &unknown, body).await.problem(), (404, "payment-unknown".into()));
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let house = house(true).await;
    let mut till = house.till().await;
    for (pan, path_end, problem) in [
        ("4000000000009995", "refunds", "not-captured"),
        // Not enough funds: in a day, says the bank, but the card is gone.
        ("4000000000009995", "retry", "card-data-wiped"),
        ("4000000000000002", "retry", "card-data-wiped"),
        ("4000000000000101", "retry", "retry-never"),
        (GOOD, "retry", "not-declined"),
    ] {
        let (_, path) = house.sold(&mut till, 700, pan).await;
        let answer = house.of_till(&till, "POST", &format!("{path}/{path_end}"), asked(FIRST, 1).as_bytes()).await;
        assert_eq!(answer.problem(), (409, problem.to_owned()), "{pan} {path_end}");
    }
}

/// The page's own form id.
fn form_id(page: &str) -> String {
    let after = page.split_once("name=\"id\" value=\"").expect("a form").1;
    after.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_owner_pays_back_in_the_back_office() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (paid, _) = house.sold(&mut till, 1_060, GOOD).await;
    let (declined, _) = house.sold(&mut till, 300, "4000000000000002").await;
    let token = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let mut browser = Browser { house: &house, cookie: format!("holdfast={token}") };
    assert!(browser.page("/office/payments").await.contains(&format!("/office/payments/{}", paid.id)));
    let target = format!("/office/payments/{}", paid.id);
    let page = browser.page(&target).await;
    let fields = |id: &str, amount: &str| format!("id={id}&amount={amount}&reason=damaged-goods");
    let id = form_id(&page);
    for amount in ["", "abc", "0", "1.234", "-1", "10.61"] {
        let answer = browser.send("POST", &format!("{target}/refund"), &fields(&id, amount)).await;
        let text = String::from_utf8(answer.body).expect("text");
        assert_eq!((answer.status, text.contains("role=\"alert\"")), (StatusCode::CONFLICT, true), "{amount}: {text}");
    }
    for _ in 0..3 {
        let answer = browser.send("POST", &format!("{target}/refund"), &fields(&id, "4%2C20")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, target.as_str()));
    }
    let mut page = browser.page(&target).await;
    for _ in 0..600 {
        if page.contains("Paid back in part") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        page = browser.page(&target).await;
    }
    for shown in ["€4.20", "Paid back in part", "Refund of €4.20", "Ada", "damaged goods", "value=\"6.40\""] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert_eq!(house.at_acquirer().await, (1, 420));
    let page = browser.page(&format!("/office/payments/{}", declined.id)).await;
    assert!(page.contains("wiped with the bank") && !page.contains("/retry\""), "{page}");
    assert!(page.contains("It is settled in another way"), "the customer may pay it again: {page}");

    // A foreign page's form gets nowhere, and a cashier sees no form.
    let foreign = Request::post(format!("{target}/refund"))
        .header("cookie", format!("holdfast={token}"))
        .header("origin", "https://elsewhere.example")
        .header("host", "till.example")
        .body(Body::from(fields(SECOND, "1")))
        .expect("a request");
    assert_eq!(house.send(foreign).await.problem(), (403, "foreign-page".into()));
    let token = house.token("cleo@example.com", Role::Cashier, Some(till.merchant_id)).await;
    let mut cashier = Browser { house: &house, cookie: format!("holdfast={token}") };
    assert!(!cashier.page(&target).await.contains("Pay this amount back"));
}
