//! The operator's door before a whole server.

use super::{Ops, router};
use crate::http::tests::house;
use crate::listen::Counts;
use crate::process::Clock as _;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt as _;

async fn get(router: &axum::Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

fn value(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn readiness_says_what_is_missing_and_metrics_what_was_done() {
    let house = house(true).await;
    let (drain, draining) = watch::channel(false);
    let router = router(Ops::new(Arc::clone(&house.server), Arc::new(Counts::default()), draining));
    assert_eq!(get(&router, "/healthz").await, (StatusCode::OK, "ok".to_owned()));

    // No sweep has run: a till would get today's key only, and nobody has tried whether it opens.
    let (status, said) = get(&router, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{said}");
    assert!(said.contains("self-test has not been run") && said.contains("\"database\":\"ok\""), "{said}");
    let now_ms = house.server.clock.now_ms();
    house.server.keyring.self_test(now_ms).await.expect("tests");
    let ready = async {
        while get(&router, "/readyz").await.0 != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), ready).await.expect("becomes ready");
    drain.send_replace(true);
    let (status, said) = get(&router, "/readyz").await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && said.contains("about to stop"), "{said}");

    let mut till = house.till().await;
    let draft = till.draft(1_250, crate::testing::GOOD);
    let record = till.sign(&draft);
    assert_eq!(house.upload(&till, vec![record]).await.status, StatusCode::OK);
    let settled = async {
        loop {
            let (status, text) = get(&router, "/metrics").await;
            assert_eq!(status, StatusCode::OK);
            if value(&text, "holdfast_payments_moved_total{state=\"captured\"}") == Some(1.0) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let text = tokio::time::timeout(std::time::Duration::from_secs(120), settled).await.expect("settles");
    for (name, expected) in [
        ("holdfast_ingest_records_total{status=\"stored\"}", 1.0),
        ("holdfast_ingest_batches_total{outcome=\"taken\"}", 1.0),
        ("holdfast_acquirer_calls_total{call=\"authorise\",outcome=\"approved\"}", 1.0),
        ("holdfast_acquirer_calls_total{call=\"capture\",outcome=\"approved\"}", 1.0),
        ("holdfast_database_up", 1.0),
        ("holdfast_card_keys{state=\"in-use\"}", 1.0),
        ("holdfast_keys_well", 1.0),
        ("holdfast_quarantine", 0.0),
    ] {
        assert_eq!(value(&text, name), Some(expected), "{name} in\n{text}");
    }
    assert!(value(&text, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));
    assert!(text.ends_with("# EOF\n"));
    for secret in [till.device_id.to_string(), till.merchant_id.to_string(), "4242".to_owned()] {
        assert!(!text.contains(&secret), "{secret}");
    }
}
