//! The live receipt, as a customer's browser asks for it.

use super::*;

async fn settled(house: &House, till: &TestTill, id: impl std::fmt::Display) -> PaymentView {
    house.of_till(till, "GET", &format!("/api/v1/payments/{id}?wait_ms=10000"), b"").await.json()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("text")
}

#[tokio::test]
async fn a_receipt_shows_what_became_of_a_payment_and_nothing_personal() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, good) = till.payment(1_060, GOOD);
    let (declined, bad) = till.payment(340, "4000000000009995");
    house.upload(&till, vec![good, bad]).await;
    let path = settled(&house, &till, id).await.receipt.expect("a path");
    let page = house.get(&path).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow, noarchive"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self';"));
    let html = text(&page);
    for shown in
        ["Harbour Street Café", "€10.60", "Flat white", "Paid by card", "Visa ending 4242", "lang=\"en\"", "GMT"]
    {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    for hidden in
        [id.to_string(), till.device_id.to_string(), GOOD.to_owned(), "Counter".to_owned(), "<script".to_owned()]
    {
        assert!(!html.contains(&hidden), "{hidden}");
    }
    let other = settled(&house, &till, declined).await.receipt.expect("a path");
    let page = text(&house.get(&other).await);
    assert!(page.contains("data-state=\"declined\"") && page.contains("was not charged"), "{page}");
}

#[tokio::test]
async fn addresses_that_are_no_receipt_s_cannot_be_told_apart() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (id, good) = till.payment(1_060, GOOD);
    house.upload(&till, vec![good]).await;
    let path = settled(&house, &till, id).await.receipt.expect("a path");
    let mut seen = std::collections::BTreeSet::new();
    for token in ["AAAAAAAAAAAAAAAAAAAAAA", "x", &id.to_string(), &path[4..], "%3Cscript%3E", "light.html"] {
        let answer = house.get(&format!("/r/{token}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{token}");
        seen.insert(answer.body);
    }
    assert_eq!(seen.len(), 1);
    let mut german = Request::get("/r/x").body(Body::empty()).expect("a request");
    german.headers_mut().insert("accept-language", "de-AT,de;q=0.9".parse().expect("a header"));
    assert!(text(&house.send(german).await).contains("lang=\"de\""));
    assert_eq!(house.get("/r/").await.status, StatusCode::NOT_FOUND);
    let post = house.send(Request::post(path).body(Body::empty()).expect("a request")).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_a_till_wrote_stays_text() {
    let house = house(true).await;
    let mut till = house.till().await;
    let mut draft = till.draft(1_060, GOOD);
    draft.payload.sale.lines[0].name = "<img src=x onerror=alert(1)>\"'&".into();
    let record = till.sign(&draft);
    house.upload(&till, vec![record]).await;
    let path = settled(&house, &till, draft.id).await.receipt.expect("a path");
    let page = text(&house.get(&path).await);
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;"), "{page}");
    for style in ["/r/light.css", "/r/dark.css"] {
        let css = house.get(style).await;
        assert_eq!((css.status, css.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
        assert!(text(&css).contains("--paper: #"), "{style}");
    }
    assert!(!text(&house.get("/r/dark.css").await).contains("data-theme"));
}
