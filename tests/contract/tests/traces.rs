//! Traces as another program receives them: what spans there are, what they hang together by, and that nothing of a person, a device or a card
//! is in them.
//!
//! `cargo xtask test ops` installs the receiver's library and runs this; a bare `cargo test` passes it over.

use holdfast_contract_tests::{APPROVED, Server, Till};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const STEP: &str = "00f067aa0ba902b7";
const WAIT: Duration = Duration::from_secs(120);

/// A collector with OpenTelemetry's own messages.
struct Collector {
    child: Child,
    port: u64,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    fn start() -> Self {
        let python = std::env::var_os("HOLDFAST_OPS_PYTHON").expect("set by `cargo xtask test ops`");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/collector.py");
        let mut child = Command::new(python).arg(script).stdout(Stdio::piped()).spawn().expect("python runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut next = move || lines.next()?.ok().and_then(|line| serde_json::from_str::<Value>(&line).ok());
        let port = next().and_then(|first| first["port"].as_u64()).expect("its port");
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        std::thread::spawn(move || {
            while let Some(span) = next() {
                kept.lock().unwrap_or_else(|e| e.into_inner()).push(span);
            }
        });
        Self { child, port, spans }
    }

    /// The first span that fits, as soon as it is there.
    fn span(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + WAIT;
        loop {
            let found = self.all().into_iter().find(&fits);
            if let Some(span) = found {
                return span;
            }
            assert!(Instant::now() < end, "{what}: not among {:?}", self.all());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn all(&self) -> Vec<Value> {
        self.spans.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
#[ignore = "needs OpenTelemetry's messages: cargo xtask test ops"]
fn a_collector_gets_requests_and_calls_and_nothing_of_a_person() {
    let collector = Collector::start();
    let otlp = format!("http://127.0.0.1:{}", collector.port);
    let server = Arc::new(Server::start_with(&["--otlp".into(), otlp, "--trusted-proxy".into(), "127.0.0.1".into()]));
    let mut till = Till::enrol(&server);
    let payment = till.payment(APPROVED, 1_250);
    till.upload(&[&payment.record]);
    assert_eq!(till.settled(&payment.id).state, "captured");
    let parent = format!("00-{TRACE}-{STEP}-01");
    server.send("GET", "/api/v1/keyset?who=someone%40example.com", &[("traceparent", &parent)], b"");
    server.send("GET", &format!("/r/{}", "a".repeat(43)), &[], b"");

    let traced = collector.span("a request of a trace that a proxy named", |span| span["trace_id"] == TRACE);
    assert_eq!((&traced["name"], &traced["parent"]), (&"GET /api/v1/keyset".into(), &STEP.into()));
    assert_eq!(traced["attributes"]["http.response.status_code"], "200");
    assert_eq!(traced["resource"]["service.name"], "holdfast");
    let batch = collector.span("the upload", |span| span["name"] == "POST /api/v1/batches");
    assert!(batch["took_ns"].as_u64().is_some_and(|took| took > 0), "{batch}");
    for call in ["acquirer authorise", "acquirer capture"] {
        let called = collector.span(call, |span| span["name"] == call);
        assert_eq!(called["attributes"]["outcome"], "approved");
    }
    collector.span("a receipt that is not there, by its route", |span| {
        span["name"].as_str().is_some_and(|name| name.starts_with("GET /r/{"))
    });

    let text = serde_json::to_string(&collector.all()).expect("JSON");
    let of_till = [&till.enrolment.device_id, &till.enrolment.merchant_id, &payment.id];
    for secret in of_till.into_iter().map(String::as_str).chain([APPROVED, "someone", "127.0.0.1", "aaaaaaaa", "1250"])
    {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    let is_bare = |span: &Value| span["events"] == 0 && span["links"] == 0;
    assert!(collector.all().iter().all(is_bare), "a span has no lines of the log: {text}");
}
