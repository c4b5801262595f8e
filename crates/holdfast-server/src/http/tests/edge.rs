//! What is the same for every route, whoever calls: headers, ids, whose address counts, and what the log does not say.

use super::matrix::all_routes;
use super::*;
use crate::cli::logging;
use crate::people::Role;
use axum::extract::ConnectInfo;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

const PROXY: &str = "10.0.0.1:4711";
const STRANGER: &str = "198.51.100.1:4711";

/// A house that people reach over TLS, by a proxy.
async fn house_behind_a_proxy() -> House {
    house_that(|args| {
        args.doors.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
        args.mail.public_url = Some("https://till.example".to_owned());
    })
    .await
}

fn from(peer: &str, mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
    request
}

/// Every route with something in each of its places, and what is no route.
fn every_target() -> Vec<(&'static str, String)> {
    let of_routes = all_routes().map(|route| {
        let target =
            route.path.replace("{id}", PERSONAL[0]).replace("{token}", PERSONAL[1]).replace("{day}", "2026-11-23");
        (route.method, target.replace("{kind}", "day"))
    });
    let others = ["/", "/index.html", "/nothing.txt", "/a/screen", "/api/v1/nothing", "/office/nothing", "/r/a/b"];
    let others = others.iter().map(|target| ("GET", (*target).to_owned()));
    of_routes.chain(others).chain([("PUT", "/healthz".to_owned()), ("POST", "/".to_owned())]).collect()
}

/// What a log must never hold, as it comes along with a request: in the path, the query, headers, and the body.
const PERSONAL: [&str; 8] = [
    "0199aaaa-1111-7222-8333-444455556666",
    "TokenTokenTokenTokenTokenTokenTokenTokenToken",
    "zoe.private@example.com",
    "4242424242424242",
    "a very private password",
    "203.0.113.77",
    "Mozilla/5.0 (Zoe)",
    "654321",
];

fn personal(method: &str, target: &str) -> Request<Body> {
    let [_, token, email, pan, password, address, browser, code] = PERSONAL;
    let body = format!(
        r#"{{"v":1,"email":"{email}","password":"{password}","code":"{code}","name":"{email}","why":"{pan}","records":["{pan}"]}}"#
    );
    Request::builder()
        .method(method)
        .uri(format!("{target}?email={email}&pan={pan}"))
        .header("authorization", format!("Bearer {token}"))
        .header("user-agent", browser)
        .header("x-forwarded-for", address)
        .header("cookie", format!("__Host-holdfast={token}"))
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(if method == "GET" { String::new() } else { body }))
        .expect("a request")
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let (behind, open) = (house_behind_a_proxy().await, house(true).await);
    for (method, target) in every_target() {
        let answer = behind.send(from(PROXY, personal(method, &target))).await;
        for (name, wanted) in [
            ("x-content-type-options", &["nosniff"][..]),
            ("referrer-policy", &["no-referrer", "same-origin"]),
            ("cross-origin-opener-policy", &["same-origin"]),
            ("cross-origin-embedder-policy", &["require-corp"]),
            ("cross-origin-resource-policy", &["same-origin"]),
            ("strict-transport-security", &["max-age=63072000"]),
        ] {
            assert!(wanted.contains(&answer.header(name)), "{method} {target}: {name} is {:?}", answer.header(name));
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe-inline"),
            "{method} {target}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{method} {target}: {policy}");
        assert!(answer.header("permissions-policy").contains("geolocation=()"), "{method} {target}");
        let is_file = matches!(target.as_str(), "/" | "/index.html" | "/a/screen")
            || target.ends_with(".css")
            || target.ends_with(".js");
        let cache = answer.header("cache-control");
        assert!(is_file || cache == "no-store", "{method} {target}: {cache}");
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1, "{method} {target}");
        let clear = open.send(from(STRANGER, personal(method, &target))).await;
        assert_eq!(clear.header("strict-transport-security"), "", "{method} {target} without TLS");
    }
}

#[tokio::test]
async fn a_request_goes_by_the_id_that_a_trusted_proxy_gave_it() {
    let house = house_behind_a_proxy().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ask = async |peer: &str, field: &str, value: &str| {
        let request = Request::get("/healthz").header(field, value).body(Body::empty()).expect("a request");
        house.send(from(peer, request)).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask(PROXY, "x-request-id", "edge-1").await, "edge-1");
    assert_eq!(ask(PROXY, "traceparent", parent).await, "4bf92f3577b34da6a3ce929d0e0e4736");
    for (peer, field, value) in [
        (PROXY, "x-request-id", "edge 1\"}"),
        (PROXY, "traceparent", "00-1-2-3"),
        (STRANGER, "x-request-id", "edge-1"),
        (STRANGER, "traceparent", parent),
    ] {
        let id = ask(peer, field, value).await;
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && !parent.contains(&id), "{value}: {id}");
    }
    let ids: BTreeSet<_> = [ask(STRANGER, "a", "b").await, ask(STRANGER, "a", "b").await].into();
    assert_eq!(ids.len(), 2, "each its own");
}

#[tokio::test]
async fn whose_sign_ins_fail_is_seen_behind_the_proxy() {
    let house = house_behind_a_proxy().await;
    let attempt = async |peer: &str, caller: &str, n: u32| {
        let body = format!(r#"{{"v":1,"email":"nobody{n}@example.com","password":"wrong wrong wrong","code":"1"}}"#);
        let request = Request::post("/api/v1/sessions").header("x-forwarded-for", caller).body(Body::from(body));
        house.send(from(peer, request.expect("a request"))).await.problem().1
    };
    // Another account each time: only the address is the same. It claims others, which stand left of its own.
    let mut waits = 0;
    for n in 0..30 {
        let said = attempt(PROXY, &format!("192.0.2.{n}, 203.0.113.77"), n).await;
        waits += u32::from(said == "sign-in-wait");
    }
    assert!(waits > 0, "the caller has to wait");
    assert_eq!(attempt(PROXY, "203.0.113.78", 100).await, "sign-in-refused", "its neighbour has not");
    assert_eq!(attempt(STRANGER, "203.0.113.77", 101).await, "sign-in-refused", "nor whoever claims its address");
    let mut waits = 0;
    for n in 200..230 {
        waits += u32::from(attempt(STRANGER, &format!("203.0.113.{n}"), n).await == "sign-in-wait");
    }
    assert!(waits > 0, "a stranger that claims another address each time is one all the same");
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

#[tokio::test]
async fn every_line_of_a_request_has_its_id_and_none_has_anything_of_a_person() {
    // With one subscriber only, a line that another test's thread comes to first would be taken for one that nobody wants.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let log = Log::default();
    // All that there is to be said, not only what is said unasked.
    let filter = logging::quiet(EnvFilter::new("trace"));
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).json().with_span_list(false);
    let _guard = tracing::subscriber::set_default(subscriber.finish());

    let house = house_behind_a_proxy().await;
    let mut till = house.till().await;
    house.token(PERSONAL[2], Role::Owner, Some(till.merchant_id)).await;
    let mut answered = BTreeSet::new();
    for (method, target) in every_target() {
        let answer = house.send(from(PROXY, personal(method, &target))).await;
        assert!(answered.insert(answer.header("x-request-id").to_owned()), "{method} {target}");
    }
    // A method is what its caller likes to call it.
    for method in [PERSONAL[3], "zoe.private"] {
        house.send(from(PROXY, personal(method, "/healthz"))).await;
    }
    // One that says more than its one line: a record that nobody can read goes to quarantine.
    let (_, record) = till.payment(100, GOOD);
    let answer = house.upload(&till, vec![record, PERSONAL[3].to_owned()]).await;
    let uploaded = answer.header("x-request-id").to_owned();

    let lines = log.lines();
    let of = |id: &str| lines.iter().filter(|line| line["span"]["request_id"] == id).collect::<Vec<_>>();
    for id in &answered {
        let of_this = of(id);
        let closing = of_this.iter().filter(|line| line["fields"]["message"] == "request").collect::<Vec<_>>();
        assert_eq!(closing.len(), 1, "one line says how {id} went: {of_this:?}");
        let fields =
            closing[0]["fields"].as_object().expect("fields").keys().map(String::as_str).collect::<BTreeSet<_>>();
        assert_eq!(fields, ["message", "method", "ms", "route", "status"].into());
    }
    let said = of(&uploaded).iter().filter_map(|line| line["fields"]["message"].as_str()).collect::<Vec<_>>();
    assert!(said.contains(&"records went to quarantine") && said.contains(&"request"), "{said:?}");
    let text = lines.iter().map(serde_json::Value::to_string).collect::<Vec<_>>().join("\n");
    for secret in PERSONAL.iter().chain(&["10.0.0.1", "Ada", "zoe.private"]) {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    let routes = lines.iter().filter_map(|line| line["fields"]["route"].as_str()).collect::<BTreeSet<_>>();
    assert!(routes.contains("/api/v1/payments/{id}") && routes.contains("/office/welcome/{token}"), "{routes:?}");
}
