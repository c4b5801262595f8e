//! Paying again on the live receipt, as a customer's browser does it.

use super::*;
use crate::journal::Journal;
use crate::people::Role;
use crate::process::Clock as _;
use crate::store::Ledger as _;
use holdfast_core::id::PaymentId;
use holdfast_core::limits::PAY_AGAIN_MAX;
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, WrappedContentKey, seal};
use serde_json::{Value, json};

const NO_FUNDS: &str = "4000000000009995";
const NOT_HONOURED: &str = "4000000000000002";

/// A customer with a receipt.
struct Customer<'a> {
    house: &'a House,
    till: &'a TestTill,
    path: String,
}

impl Customer<'_> {
    async fn page(&self) -> String {
        String::from_utf8(self.house.get(&self.path).await.body).expect("text")
    }

    /// What the page offers, if it does.
    async fn offer(&self) -> Option<Value> {
        let page = self.page().await;
        let offer = page.split_once("data-offer=\"")?.1.split_once('"')?.0.replace("&quot;", "\"");
        Some(serde_json::from_str(&offer).unwrap_or_else(|e| panic!("{e}: {offer}")))
    }

    /// What the page's script would send.
    fn sealed(&self, offer: &Value, byte: u8, pan: &str) -> Value {
        let id = PaymentId::make(1_795_446_000_000, [byte; 10]);
        let hex = id.to_string().replace('-', "");
        let text = |name: &str| offer[name].as_str().expect(name).to_owned();
        let pos = Pos {
            v: 1,
            mid: text("mid"),
            did: text("did"),
            pid: id.to_string(),
            seq: u64::from_str_radix(&hex[hex.len() - 13..], 16).expect("hex"),
            amt: offer["amt"].as_i64().expect("an amount"),
            cur: text("cur"),
            ksv: offer["ksv"].as_u64().expect("a version"),
        };
        let key = PublicCardKey::parse(&text("kid"), &text("n"), "AQAB").expect("a key");
        let card = CardPlaintext::new(pan, "3012", Entry::Keyed).expect("a card");
        let wrapped = WrappedContentKey::make(&key, &mut getrandom::SysRng).expect("wraps");
        let jwe = seal(wrapped, &pos, &card, &mut getrandom::SysRng).expect("seals");
        json!({"v": 1, "id": id.to_string(), "attempt": offer["attempt"], "jwe": jwe, "brand": "visa", "last4": &pan[pan.len() - 4..]})
    }

    async fn send(&self, body: &Value) -> Answer {
        let request = Request::post(format!("{}/payments", self.path)).body(Body::from(body.to_string()));
        self.house.send(request.expect("a request")).await
    }

    async fn state(&self) -> (String, u64) {
        let state: Value = self.house.get(&format!("{}/state", self.path)).await.json();
        (state["state"].as_str().unwrap_or_default().to_owned(), state["attempt"].as_u64().unwrap_or(99))
    }

    async fn view(&self, id: &str) -> PaymentView {
        self.house.of_till(self.till, "GET", &format!("/api/v1/payments/{id}?wait_ms=10000"), b"").await.json()
    }

    async fn captures(&self, id: &str) -> u64 {
        let ledger: Value = self.house.get("/demo/acquirer/ledger").await.json();
        ledger["captures_per_reference"][id].as_u64().unwrap_or(0)
    }
}

fn id_of(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

/// A sale that a till took offline and whose card was declined.
async fn declined<'a>(house: &'a House, till: &'a mut TestTill, pan: &str) -> (PaymentId, Customer<'a>) {
    let (id, record) = till.payment(1_060, pan);
    house.upload(till, vec![record]).await;
    let view: PaymentView =
        house.of_till(till, "GET", &format!("/api/v1/payments/{id}?wait_ms=10000"), b"").await.json();
    (id, Customer { house, till, path: view.receipt.expect("a path") })
}

#[tokio::test]
async fn a_declined_payment_is_paid_by_its_customer_once() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (first, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let page = house.get(&customer.path).await;
    let policy = page.header("content-security-policy");
    for wanted in ["script-src 'self';", "form-action 'none'", "require-trusted-types-for 'script'"] {
        assert!(policy.contains(wanted), "{policy}");
    }
    let offer = customer.offer().await.expect("an offer");
    assert_eq!((offer["amt"].as_i64(), offer["attempt"].as_u64()), (Some(1_060), Some(1)));
    let body = customer.sealed(&offer, 7, GOOD);
    // A double click, a lost answer, a reload: the same body, often and at once.
    let (one, two, three) = tokio::join!(customer.send(&body), customer.send(&body), customer.send(&body));
    for answer in [one, two, three, customer.send(&body).await] {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", String::from_utf8_lossy(&answer.body));
    }
    let id = id_of(&body);
    let paid = customer.view(&id).await;
    assert_eq!((paid.state.as_str(), paid.offline, paid.entry.as_str()), ("captured", false, "keyed"));
    assert_eq!((paid.replaces.as_deref(), paid.device_name.as_str()), (Some(&*first.to_string()), "Live receipt"));
    assert_eq!((paid.amount_minor, paid.number.as_str(), paid.lines.len()), (1_060, "1-0001", 1));
    let before = customer.view(&first.to_string()).await;
    assert_eq!((before.state.as_str(), before.replaced_by.as_deref()), ("declined", Some(id.as_str())));
    assert_eq!((customer.captures(&id).await, customer.captures(&first.to_string()).await), (1, 0));

    // The address that the customer holds shows it, and offers nothing any more.
    assert_eq!(customer.state().await, ("paid".to_owned(), 1));
    let html = customer.page().await;
    for shown in ["data-state=\"paid\"", "Visa ending 4242", "Visa ending 9995: not paid"] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(!html.contains("data-offer") && !html.contains("<script"));
    assert_eq!(customer.send(&customer.sealed(&offer, 8, GOOD)).await.problem(), (409, "not-payable".into()));
    // The payment's own receipt is the same page.
    let own = Customer { path: paid.receipt.expect("a path"), ..customer };
    assert!(own.page().await.contains("Visa ending 9995: not paid"));
    // Every till hears of both.
    let page: HistoryPage = house.of_till(own.till, "GET", "/api/v1/payments?limit=10", b"").await.json();
    let linked = |view: &PaymentView| view.replaces.is_some() || view.replaced_by.is_some();
    assert_eq!(page.payments.iter().filter(|view| linked(view)).count(), 2);
}

#[tokio::test]
async fn of_two_who_pay_one_receipt_at_once_one_wins() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (_, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let offer = customer.offer().await.expect("an offer");
    let bodies: Vec<Value> = (1..=4).map(|byte| customer.sealed(&offer, byte, GOOD)).collect();
    let (a, b, c, d) = tokio::join!(
        customer.send(&bodies[0]),
        customer.send(&bodies[1]),
        customer.send(&bodies[2]),
        customer.send(&bodies[3])
    );
    let answers = [a, b, c, d];
    let winners: Vec<usize> = (0..4).filter(|at| answers[*at].status == StatusCode::ACCEPTED).collect();
    assert_eq!(winners.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    customer.view(&id_of(&bodies[winners[0]])).await;
    let mut captures = 0;
    for body in &bodies {
        captures += customer.captures(&id_of(body)).await;
    }
    assert_eq!(captures, 1);
}

#[tokio::test]
async fn a_customer_may_try_some_cards_and_no_more() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (_, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let mut stale = None;
    for attempt in 1..=PAY_AGAIN_MAX {
        let offer = customer.offer().await.expect("an offer");
        let body = customer.sealed(&offer, u8::try_from(attempt).expect("small"), NOT_HONOURED);
        assert_eq!(customer.send(&body).await.status, StatusCode::ACCEPTED, "{attempt}");
        assert_eq!(customer.view(&id_of(&body)).await.state, "declined");
        assert_eq!(customer.state().await, ("declined".to_owned(), attempt as u64));
        stale.get_or_insert(offer);
    }
    assert!(customer.offer().await.is_none());
    let late = customer.sealed(&stale.expect("an offer"), 99, GOOD);
    assert_eq!(customer.send(&late).await.problem(), (409, "not-payable".into()));
    assert!(customer.page().await.contains("Please ask the shop how to pay."));
}

#[tokio::test]
async fn what_was_made_for_an_older_page_or_another_payment_is_refused() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (_, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let offer = customer.offer().await.expect("an offer");
    type Spoil = fn(&mut Value);
    let cases: [(&str, Spoil, (u16, &str)); 9] = [
        ("another amount", |o| o["amt"] = 1.into(), (400, "envelope-refused")),
        ("another merchant", |o| o["mid"] = "m".into(), (400, "envelope-refused")),
        ("another device", |o| o["did"] = "d".into(), (400, "envelope-refused")),
        ("another currency", |o| o["cur"] = "USD".into(), (400, "envelope-refused")),
        ("a key that we do not publish", |o| o["kid"] = "card-1999-01-01".into(), (409, "receipt-stale")),
        ("a key set that we do not have yet", |o| o["ksv"] = u64::MAX.into(), (409, "receipt-stale")),
        ("an attempt that is over", |o| o["attempt"] = 0.into(), (409, "receipt-stale")),
        ("an attempt that is to come", |o| o["attempt"] = 2.into(), (409, "receipt-stale")),
        ("an amount that the envelope cannot have", |o| o["amt"] = 2_120.into(), (400, "envelope-refused")),
    ];
    for (byte, (name, spoil, (status, problem))) in (10..).zip(cases) {
        let mut spoilt = offer.clone();
        spoil(&mut spoilt);
        let answer = customer.send(&customer.sealed(&spoilt, byte, GOOD)).await;
        assert_eq!(answer.problem(), (status, problem.to_owned()), "{name}");
    }
    let good = customer.sealed(&offer, 30, GOOD);
    for (name, value) in [
        ("jwe", json!("a.b.c.d.e")),
        ("last4", json!("42")),
        ("last4", json!("424242424242")),
        ("id", json!(PaymentId::make(1, [31; 10]).to_string())),
    ] {
        let mut spoilt = good.clone();
        spoilt[name] = value;
        assert_eq!(customer.send(&spoilt).await.problem(), (400, "envelope-refused".into()), "{name}");
    }
    for body in ["{}", "[]", "", r#"{"v":1,"pan":"4242"}"#] {
        let request = Request::post(format!("{}/payments", customer.path)).body(Body::from(body)).expect("a request");
        assert_eq!(house.send(request).await.problem(), (400, "request-unreadable".into()), "{body}");
    }
    for target in ["/r/AAAAAAAAAAAAAAAAAAAAAA/payments", "/r/x/payments"] {
        let request = Request::post(target).body(Body::from(good.to_string())).expect("a request");
        assert_eq!(house.send(request).await.problem(), (404, "not-found".into()));
    }
    assert_eq!(house.get("/r/x/state").await.status, StatusCode::NOT_FOUND);
    assert_eq!(customer.state().await, ("declined".to_owned(), 0), "none of it was kept");
    assert_eq!(customer.send(&good).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_id_that_is_in_use_is_nobody_else_s() {
    let house = house(true).await;
    let (mut till, mut other) = (house.till().await, house.till().await);
    let (_, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let (_, second) = declined(&house, &mut other, NO_FUNDS).await;
    let body = customer.sealed(&customer.offer().await.expect("an offer"), 40, GOOD);
    assert_eq!(customer.send(&body).await.status, StatusCode::ACCEPTED);
    // The same body on another receipt of the same amount: the id is known, and it is not this sale's.
    assert_eq!(second.send(&body).await.problem(), (409, "receipt-stale".into()));
    assert_eq!(second.state().await, ("declined".to_owned(), 0));
}

#[tokio::test]
async fn what_is_not_owed_is_not_offered() {
    let house = house(true).await;
    let mut till = house.till().await;
    for (pan, why) in [(GOOD, "paid"), ("4000000000000200", "the bank said never: 14")] {
        let (_, customer) = declined(&house, &mut till, pan).await;
        assert!(customer.offer().await.is_none(), "{why}");
    }
    // The shop says that it was settled in another way, while the page is open.
    let (id, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let offer = customer.offer().await.expect("an offer");
    let owner = house.token("ada@example.com", Role::Owner, Some(customer.till.merchant_id)).await;
    let settle = Request::post(format!("/office/payments/{id}/settled"))
        .header("authorization", format!("Bearer {owner}"))
        .header("sec-fetch-site", "same-origin")
        .body(Body::empty());
    assert_eq!(house.send(settle.expect("a request")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(customer.send(&customer.sealed(&offer, 50, GOOD)).await.problem(), (409, "not-payable".into()));
    assert!(customer.offer().await.is_none());
    let page = house.bearer(&owner, "GET", &format!("/office/payments/{id}"), "").await;
    assert!(String::from_utf8_lossy(&page.body).contains("Settled in another way"));
}

#[tokio::test]
async fn a_payment_of_the_receipt_is_booked_and_reported_as_any_other_and_recovers_the_loss() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (_, customer) = declined(&house, &mut till, NO_FUNDS).await;
    let body = customer.sealed(&customer.offer().await.expect("an offer"), 60, GOOD);
    customer.send(&body).await;
    assert_eq!(customer.view(&id_of(&body)).await.state, "captured");
    let journal = Journal::new(&house.server.ledger);
    journal.book_due(house.server.clock.now_ms()).await.expect("books");
    let report = async |kind: &str| -> Value {
        house.get(&format!("/api/v1/reports/{kind}?from=2026-11-01&to=2026-12-31")).await.json()
    };
    let accounts = report("accounts").await;
    let balance = |name: &str| {
        let rows = accounts["rows"].as_array().expect("rows");
        rows.iter().filter(|row| row["key"] == name).map(|row| row["balance_minor"].as_i64().unwrap_or(0)).sum::<i64>()
    };
    assert_eq!((balance("acquirer-receivable"), balance("declined-losses")), (1_060, 0), "{accounts}");
    let day = report("day").await;
    assert_eq!((day["totals"][0]["gross_minor"].as_i64(), day["totals"][0]["count"].as_i64()), (Some(1_060), Some(1)));
    // It stands among no tills, and no till's number is taken by it.
    let owner = house.token("ada@example.com", Role::Owner, Some(customer.till.merchant_id)).await;
    let devices: Value = house.bearer(&owner, "GET", "/api/v1/devices", "").await.json();
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(1));
    house.till().await;
}

#[tokio::test]
async fn a_shop_may_offer_it_to_nobody() {
    let house = house_that(|args| args.payments.no_pay_again = true).await;
    let mut till = house.till().await;
    let (_, customer) = declined(&house, &mut till, NO_FUNDS).await;
    assert!(customer.offer().await.is_none());
    let answer = customer.send(&json!({})).await;
    assert_eq!(answer.problem(), (404, "not-found".into()));
    let payments = house.server.ledger.changed_after(customer.till.merchant_id, 0, 10).await.expect("reads");
    assert_eq!(payments.len(), 1);
}
