//! Who asks too often is asked to come again, and keeps nobody else out.

use super::*;
use crate::http::door::Access;
use crate::http::routes::ROUTES;
use axum::extract::ConnectInfo;
use holdfast_wire::ack::AckPayload;
use std::net::SocketAddr;

/// Far more than any limit.
const ENOUGH: usize = 50_000;

/// Asks until it is asked to come again, and gives that answer.
async fn until_limited(mut ask: impl AsyncFnMut() -> Answer) -> Answer {
    for _ in 0..ENOUGH {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.problem(), (429, "too-many-requests".into()));
            let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
            assert!((1..=2).contains(&seconds), "{seconds}");
            return answer;
        }
    }
    panic!("no limit after {ENOUGH} requests");
}

fn from(address: &str, request: Request<Body>) -> Request<Body> {
    let mut request = request;
    let peer: SocketAddr = address.parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn a_queue_that_is_worked_off_holds_up_no_live_sale_and_the_other_way_round() {
    let house = house(true).await;
    let (mut till, neighbour) = (house.till().await, house.till().await);
    let (id, record) = till.payment(100, GOOD);
    let empty = Batch::new(Vec::new()).to_json();
    until_limited(async || house.of_till(&till, "POST", "/api/v1/batches", empty.as_bytes()).await).await;
    let acks = |answer: Answer| answer.json::<BatchAnswer>().acks;
    let sold = acks(house.upload(&till, vec![record.clone()]).await);
    let ack = AckPayload::parse(&sold[0]).expect("parses").accept(true).expect("an acknowledgement");
    assert_eq!((ack.id, ack.status.as_str()), (id.to_string(), "stored"), "a sale beside the queue");

    until_limited(async || house.upload(&till, vec![record.clone()]).await).await;
    let both = acks(house.upload(&neighbour, Vec::new()).await);
    assert!(both.is_empty(), "another till's queue is not touched");
    // What the queue was counted with is free again a moment later, whatever the live sales do.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let (second, other) = (till.payment(200, GOOD), till.payment(300, GOOD));
    let stored = acks(house.upload(&till, vec![second.1, other.1]).await);
    assert_eq!(stored.len(), 2, "a queue beside the sales");
    assert_eq!(
        house.of_till(&till, "GET", "/api/v1/shop", b"").await.status,
        StatusCode::OK,
        "and questions beside both"
    );
}

#[tokio::test]
async fn nobody_uses_up_what_another_device_may_ask() {
    let house = house(true).await;
    let till = house.till().await;
    let (stranger, id) = (SigningKey::make().expect("makes a key").0, till.device_id.to_string());
    for _ in 0..1_500 {
        let answer = house.signed(&stranger, &id, "GET", "/api/v1/shop", b"").await;
        assert_eq!(answer.problem(), (401, "signature-wrong".into()));
    }
    assert_eq!(house.of_till(&till, "GET", "/api/v1/shop", b"").await.status, StatusCode::OK);
}

/// A route of devices that forgot to count them would answer.
#[tokio::test]
async fn every_route_of_devices_counts_them() {
    let house = house(true).await;
    let till = house.till().await;
    let id = till.device_id.to_string();
    for route in ROUTES {
        let takes_devices = matches!(route.access, Access::Device | Access::DeviceEvenRevoked | Access::DeviceOr(_));
        if !takes_devices {
            continue;
        }
        let target = route.path.replace("{id}", &id);
        let body = if route.method == "GET" { &b""[..] } else { b"{\"v\":1,\"records\":[],\"stones\":[]}" };
        // Used up anew for each: a second gives back a hundred.
        if route.access == Access::DeviceEvenRevoked {
            let empty = Batch::new(Vec::new()).to_json();
            until_limited(async || house.of_till(&till, "POST", "/api/v1/batches", empty.as_bytes()).await).await;
        } else {
            until_limited(async || house.of_till(&till, "GET", "/api/v1/shop", b"").await).await;
        }
        let mut last = None;
        for _ in 0..20 {
            let answer = house.of_till(&till, route.method, &target, body).await;
            last = Some(answer.status);
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break;
            }
        }
        assert_eq!(last, Some(StatusCode::TOO_MANY_REQUESTS), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn an_address_that_asks_too_often_keeps_out_neither_its_tills_nor_its_neighbours() {
    let house = house(true).await;
    let till = house.till().await;
    let (greedy, neighbour) = ("198.51.100.9:4711", "198.51.100.10:4711");
    let refused = until_limited(async || house.send(from(greedy, get("/healthz"))).await).await;
    assert_eq!(refused.header("x-content-type-options"), "nosniff", "as every answer");
    for target in ["/healthz", "/api/v1/openapi.json", "/office", "/", "/nothing/here.txt", "/demo/mails"] {
        // Some come free while this runs.
        until_limited(async || house.send(from(greedy, get(target))).await).await;
        assert_ne!(house.send(from(neighbour, get(target))).await.status, StatusCode::TOO_MANY_REQUESTS, "{target}");
    }
    let shop = signed(&till.key, &till.device_id.to_string(), "GET", "/api/v1/shop", b"");
    assert_eq!(house.send(from(greedy, shop)).await.status, StatusCode::OK);
    assert_eq!(house.send(from(greedy, get("/api/v1/keyset"))).await.status, StatusCode::OK);
    let sign_in = |address: &str| {
        let body = r#"{"v":1,"email":"a@example.com","password":"wrong","code":"1"}"#;
        from(address, Request::post("/api/v1/sessions").body(Body::from(body)).expect("a request"))
    };
    assert_ne!(house.send(sign_in(greedy)).await.problem().1, "too-many-requests");
    // An IPv6 caller has a whole network of addresses and counts as one.
    let mut host = 0_u32;
    until_limited(async || {
        host += 1;
        house.send(from(&format!("[2001:db8::{host:x}]:4711"), get("/healthz"))).await
    })
    .await;
    let told = house.server.metrics.text().expect("writes");
    assert!(told.contains("holdfast_http_limited_total{limit=\"others-of-address\"}"), "{told}");
}

#[tokio::test]
async fn passwords_cannot_be_tried_by_the_hundred() {
    let house = house(true).await;
    let address = "203.0.113.5:4711";
    let link = "/office/welcome/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    until_limited(async || house.send(from(address, get(link))).await).await;
    for (target, kind) in
        [("/api/v1/sessions", "application/json"), ("/office/sign-in", "application/x-www-form-urlencoded")]
    {
        let ask = async || {
            let request = Request::post(target).header("content-type", kind).header("sec-fetch-site", "same-origin");
            house.send(from(address, request.body(Body::from("{}")).expect("a request"))).await
        };
        until_limited(ask).await;
    }
}
