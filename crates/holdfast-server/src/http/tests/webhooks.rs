//! Webhooks over the interface and the pages. What a real receiver gets is told by `cargo xtask test hooks`.

use super::*;
use crate::people::Role;
use serde_json::Value;

#[tokio::test]
async fn an_owner_adds_changes_tests_and_removes_a_webhook() {
    let house = house(true).await;
    let till = house.till().await;
    let owner = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    for (body, problem) in [
        (r#"{"v":1,"url":"http://books.example/"}"#, "webhook-address-refused"),
        (r#"{"v":1,"url":"https://10.0.0.1/"}"#, "webhook-address-refused"),
        (r#"{"v":1,"url":"https://books.example/","events":["payment.lost"]}"#, "webhook-type-unknown"),
        (r#"{"v":2,"url":"https://books.example/"}"#, "request-unreadable"),
        (r#"{"v":1}"#, "request-unreadable"),
    ] {
        assert_eq!(house.bearer(&owner, "POST", "/api/v1/webhooks", body).await.problem().1, problem, "{body}");
    }
    // Nobody answers at this address; a receiver is not what is looked at here.
    let body = r#"{"v":1,"url":"http://127.0.0.1:9/","events":["payment.captured","payment.captured"]}"#;
    let made = house.bearer(&owner, "POST", "/api/v1/webhooks", body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made: Value = made.json();
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"));
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().expect("an id"));
    let list = house.bearer(&owner, "GET", "/api/v1/webhooks", "").await;
    assert!(!String::from_utf8_lossy(&list.body).contains(&secret[6..]), "it is shown once");
    let list: Value = list.json();
    assert_eq!(list["webhooks"][0]["events"], serde_json::json!(["payment.captured"]));
    assert!(list["types"].as_array().is_some_and(|types| types.len() == 9));

    let renewed: Value = house.bearer(&owner, "POST", &format!("{path}/secret"), "").await.json();
    assert_ne!(renewed["secret"], made["secret"]);
    let tested: Value = house.bearer(&owner, "POST", &format!("{path}/test"), "").await.json();
    let deliveries: Value = house.bearer(&owner, "GET", &format!("{path}/deliveries"), "").await.json();
    assert_eq!(deliveries["deliveries"][0]["message_id"], tested["message_id"]);
    assert_eq!(deliveries["deliveries"][0]["type"], "webhook.test");
    let replay = async |body: &str| house.bearer(&owner, "POST", &format!("{path}/replays"), body).await;
    for body in [
        r#"{"v":1}"#,
        r#"{"v":1,"message_id":"x"}"#,
        r#"{"v":1,"since_ms":-1}"#,
        r#"{"v":1,"message_id":"x","since_ms":0}"#,
    ] {
        assert_eq!(replay(body).await.problem(), (422, "replay-unclear".into()), "{body}");
    }
    assert_eq!(replay(r#"{"v":1,"since_ms":0}"#).await.json::<Value>()["count"], 0);
    let off = house.bearer(&owner, "PATCH", &path, r#"{"v":1,"on":false,"events":[]}"#).await;
    assert_eq!(off.status, StatusCode::NO_CONTENT);
    let one: Value = house.bearer(&owner, "GET", &path, "").await.json();
    assert_eq!((&one["state"], &one["events"]), (&"off".into(), &serde_json::json!([])));
    assert_eq!(house.bearer(&owner, "DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.bearer(&owner, "GET", &path, "").await.problem(), (404, "webhook-unknown".into()));
}

#[tokio::test]
async fn the_pages_do_the_same() {
    let house = house(true).await;
    let till = house.till().await;
    let token = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let send = async |method: &str, target: &str, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("authorization", format!("Bearer {token}"))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = house.send(request.body(Body::from(body.to_owned())).expect("a request")).await;
        (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
    };
    let refused = send("POST", "/office/webhooks", "url=http%3A%2F%2Fbooks.example").await;
    assert!(refused.1.contains("must begin with https"), "{}", refused.1);
    let made = send("POST", "/office/webhooks", "url=http%3A%2F%2F127.0.0.1%3A9%2F&payment.captured=yes").await;
    let at = made.1.split("href=\"/office/webhooks/").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
    assert!(made.1.contains("whsec_"));
    let at = format!("/office/webhooks/{at}");
    assert_eq!(send("POST", &format!("{at}/test"), "").await.0, 303);
    let (status, page) = send("GET", &at, "").await;
    assert_eq!(status, 200);
    assert!(page.contains("webhook.test") && page.contains("http://127.0.0.1:9/") && !page.contains("whsec_"));
    assert!(send("POST", &format!("{at}/secret"), "").await.1.contains("whsec_"));
    assert!(send("GET", &at, "").await.1.contains("old secret signs too"));
    assert_eq!(send("POST", &format!("{at}/settings"), "on=no").await.0, 303);
    assert!(send("GET", "/office/webhooks", "").await.1.contains("<strong>Off</strong>"));
    assert_eq!(send("POST", &format!("{at}/replays"), "hours=24").await.0, 303);
    assert_eq!(send("POST", &format!("{at}/replays"), "hours=5").await.0, 400);
    assert_eq!(send("POST", &format!("{at}/removal"), "").await.0, 303);
    assert!(send("GET", "/office/webhooks", "").await.1.contains("Nobody is told yet"));
}
