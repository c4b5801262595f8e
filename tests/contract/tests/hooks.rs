//! Webhooks, from a till's payment to a real receiver that checks them with the library of Standard Webhooks (tests/hooks).
//!
//! `cargo xtask test hooks` installs that library and runs these; a bare `cargo test` passes them over.

use holdfast_contract_tests::{Server, Till, binary};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const GOOD: &str = "4242424242424242";
const WAIT: Duration = Duration::from_secs(240);

fn python(script: &str) -> Command {
    let python = std::env::var_os("HOLDFAST_HOOKS_PYTHON").expect("set by `cargo xtask test hooks`");
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks").join(script));
    command
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + WAIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {WAIT:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The program that is told.
struct Receiver {
    child: Option<Child>,
    port: u16,
    scheme: &'static str,
    dir: tempfile::TempDir,
}

impl Receiver {
    fn start(scheme: &'static str) -> Self {
        let mut receiver = Self { child: None, port: 0, scheme, dir: tempfile::tempdir().expect("a directory") };
        receiver.secrets(&[]);
        receiver.up();
        receiver
    }

    /// Listens, again where it did before.
    fn up(&mut self) {
        let mut command = python("receiver.py");
        command.arg(self.dir.path()).arg(self.port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        if self.scheme == "https" {
            command.arg("tls");
        }
        let mut child = command.spawn().expect("the receiver runs");
        let mut said = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut said).expect("its port");
        self.port = said.trim().strip_prefix("port ").and_then(|port| port.parse().ok()).expect("its port");
        self.child = Some(child);
    }

    fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().and_then(|()| child.wait()).expect("it can be ended");
        }
    }

    fn secrets(&self, secrets: &[&str]) {
        std::fs::write(self.dir.path().join("secrets"), secrets.join("\n")).expect("writes");
    }

    fn url(&self, path: &str) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}{path}", self.scheme, self.port)
    }

    /// What came at this path, in the order of its coming.
    fn got(&self, path: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("got.jsonl")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map(|(whole, _)| whole).unwrap_or_default();
        let lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.filter(|line| line["path"] == path).collect()
    }

    fn ids(&self, path: &str) -> BTreeSet<String> {
        self.got(path).iter().map(|line| line["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// A demo server that may come here, and waits 500 ms at the most before it tries again.
    fn server(&self) -> Arc<Server> {
        let mut args = vec!["--webhook-loopback".to_owned(), "--webhook-retry-ms-max".to_owned(), "500".to_owned()];
        if self.scheme == "https" {
            args.extend(["--webhook-ca".to_owned(), self.dir.path().join("ca.pem").display().to_string()]);
        }
        Arc::new(Server::start_with(&args))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.down();
    }
}

/// The owner of the demo's shop, signed in.
struct Owner {
    server: Arc<Server>,
    bearer: String,
}

impl Owner {
    fn sign_in(server: &Arc<Server>) -> Self {
        let data: PathBuf = server.data();
        let mut add = Command::new(binary());
        add.args(["owner", "add", "--email", "ada@shop.example", "--data"]).arg(data);
        let said = add.output().expect("the server's binary runs");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let link = said.split_whitespace().find_map(|word| word.find("/office/welcome/").map(|at| &word[at..]));
        let base = format!("http://127.0.0.1:{}", server.port());
        let token = python("owner.py").args([&base, link.expect("a link")]).output().expect("it runs");
        let token = String::from_utf8_lossy(&token.stdout).trim().to_owned();
        assert!(!token.is_empty(), "nobody came in");
        Self { server: Arc::clone(server), bearer: format!("Bearer {token}") }
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let answer = self.server.send(method, path, &headers, body.as_bytes());
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// A new webhook's path and secret.
    fn add(&self, url: &str, events: &[&str]) -> (String, String) {
        let made = self.ask("POST", "/api/v1/webhooks", json!({ "v": 1, "url": url, "events": events }));
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        (format!("/api/v1/webhooks/{}", text("id")), text("secret"))
    }

    fn deliveries(&self, path: &str) -> Vec<Value> {
        let page = self.ask("GET", &format!("{path}/deliveries?limit=200"), Value::Null);
        page["deliveries"].as_array().expect("a list").clone()
    }

    /// The ids of all deliveries, once there are so many and all have arrived.
    fn delivered(&self, path: &str, count: usize) -> BTreeSet<String> {
        until("every delivery", || {
            let lines = self.deliveries(path);
            let all = lines.len() >= count && lines.iter().all(|line| line["state"] == "delivered");
            all.then(|| lines.iter().map(|line| line["message_id"].as_str().expect("an id").to_owned()).collect())
        })
    }
}

fn sell(till: &mut Till, count: i64) -> Vec<String> {
    let payments = (1..=count).map(|number| till.payment(GOOD, 1_000 + number)).collect::<Vec<_>>();
    for payment in &payments {
        assert_eq!(till.upload_one(payment), "stored");
    }
    for payment in &payments {
        assert_eq!(till.settled(&payment.id).state, "captured");
    }
    payments.into_iter().map(|payment| payment.id).collect()
}

#[test]
#[ignore = "needs a receiver: cargo xtask test hooks"]
fn every_event_arrives_over_tls_and_is_rightly_signed_also_while_the_secret_changes() {
    let receiver = Receiver::start("https");
    let server = receiver.server();
    let (owner, mut till) = (Owner::sign_in(&server), Till::enrol(&server));
    let (path, secret) = owner.add(&receiver.url("/ok"), &[]);
    receiver.secrets(&[&secret]);
    let sold = sell(&mut till, 3);
    assert_eq!(owner.delivered(&path, 6), receiver.ids("/ok"));
    let got = receiver.got("/ok");
    for line in &got {
        assert_eq!((&line["right"], &line["forged"]), (&json!([true]), &json!([false])), "{line}");
        assert_eq!(line["content_type"], "application/json");
        let text = line["body"].to_string();
        assert!(!text.contains(GOOD) && text.contains("\"last4\":\"4242\""), "{text}");
    }
    for id in &sold {
        let mut of_this = got
            .iter()
            .map(|line| &line["body"])
            .filter(|body| body["data"]["payment"]["id"] == **id)
            .collect::<Vec<_>>();
        of_this.sort_by_key(|body| body["data"]["sequence"].as_i64());
        let kinds = of_this.iter().map(|body| body["type"].as_str().expect("a type")).collect::<Vec<_>>();
        assert_eq!(kinds, ["payment.received", "payment.captured"], "{id}");
    }

    let renewed = owner.ask("POST", &format!("{path}/secret"), json!({}));
    receiver.secrets(&[&secret, renewed["secret"].as_str().expect("a secret")]);
    let test = owner.ask("POST", &format!("{path}/test"), json!({}));
    let line = until("the test", || receiver.got("/ok").into_iter().find(|line| line["id"] == test["message_id"]));
    assert_eq!((&line["body"]["type"], &line["right"]), (&json!("webhook.test"), &json!([true, true])));
}

#[test]
#[ignore = "needs a receiver: cargo xtask test hooks"]
fn a_receiver_that_fails_or_is_down_gets_every_event_in_the_end() {
    let mut receiver = Receiver::start("http");
    let server = receiver.server();
    let (owner, mut till) = (Owner::sign_in(&server), Till::enrol(&server));
    let (failing, secret) = owner.add(&receiver.url("/fail/2"), &["payment.captured"]);
    let (plain, other) = owner.add(&receiver.url("/ok"), &[]);
    receiver.secrets(&[&secret, &other]);
    sell(&mut till, 2);
    assert_eq!(owner.delivered(&failing, 2), receiver.ids("/fail/2"));
    // More often where a busy machine let an answer come too late.
    assert!(receiver.got("/fail/2").len() >= 6, "twice 500, then 200");
    assert!(owner.deliveries(&failing)[0]["attempts"].as_i64().is_some_and(|count| count >= 3));
    assert_eq!(owner.delivered(&plain, 4), receiver.ids("/ok"));

    receiver.down();
    sell(&mut till, 2);
    until("a failed attempt", || {
        let tried = |line: &&Value| line["state"] == "waiting" && line["code"] == "no-connection";
        owner.deliveries(&plain).iter().find(tried).map(drop)
    });
    let since = owner.ask("GET", &plain, Value::Null);
    assert!(since["failing_since_ms"].is_i64(), "{since}");
    receiver.up();
    // However often it was tried while nobody was there: what was given up is sent again by its owner's wish.
    owner.ask("POST", &format!("{plain}/replays"), json!({ "v": 1, "since_ms": 0 }));
    assert_eq!(owner.delivered(&plain, 8), receiver.ids("/ok"));
    assert_eq!(receiver.ids("/ok").len(), 8, "each event is one message, however often it came");
    assert!(owner.ask("GET", &plain, Value::Null)["failing_since_ms"].is_null());
}

#[test]
#[ignore = "needs a receiver: cargo xtask test hooks"]
fn gone_switches_off_a_redirect_is_not_followed_and_a_slow_one_holds_up_nobody() {
    let receiver = Receiver::start("http");
    let server = receiver.server();
    let (owner, mut till) = (Owner::sign_in(&server), Till::enrol(&server));
    let paths =
        ["/gone", "/redirect", "/slow", "/ok"].map(|path| owner.add(&receiver.url(path), &["payment.captured"]).0);
    let [gone, redirect, slow, fine] = &paths;
    sell(&mut till, 6);
    assert_eq!(owner.delivered(fine, 6), receiver.ids("/ok"));
    until("the end of what is gone", || (owner.ask("GET", gone, Value::Null)["state"] == "gone").then_some(()));
    assert!(owner.deliveries(gone).iter().all(|line| line["state"] == "failed"));
    let code = |path: &str, code: &str| {
        until(code, || owner.deliveries(path).iter().find(|line| line["code"] == code).map(drop));
    };
    code(redirect, "302");
    code(slow, "time-out");
    assert!(receiver.got("/elsewhere").is_empty());
    // The owner has a letter about it, in the demo's folder.
    until("a letter", || {
        let letters = std::fs::read_dir(server.data().join("mails")).ok()?.flatten();
        let texts = letters.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
        texts.into_iter().find(|text| text.contains("To: ada@shop.example") && text.contains("/gone was switched off"))
    });
}

#[test]
#[ignore = "needs a receiver: cargo xtask test hooks"]
fn a_server_killed_in_mid_delivery_sends_again_under_the_same_ids() {
    let receiver = Receiver::start("http");
    let server = receiver.server();
    let (owner, mut till) = (Owner::sign_in(&server), Till::enrol(&server));
    let (path, secret) = owner.add(&receiver.url("/hold"), &[]);
    receiver.secrets(&[&secret]);
    for number in 0..4 {
        sell(&mut till, 1);
        until("a delivery that is under way", || (receiver.got("/hold").len() > number).then_some(()));
        server.crash_and_restart();
    }
    assert_eq!(owner.delivered(&path, 8), receiver.ids("/hold"));
    let got = receiver.got("/hold");
    assert!(got.len() > 8, "some came twice");
    for id in receiver.ids("/hold") {
        let bodies = got.iter().filter(|line| line["id"] == id).map(|line| line["body"].to_string());
        assert_eq!(bodies.collect::<BTreeSet<_>>().len(), 1, "{id}: always the same");
    }
}

#[test]
#[ignore = "needs a receiver: cargo xtask test hooks"]
fn a_name_that_leads_inside_is_not_called() {
    let receiver = Receiver::start("https");
    let ca = receiver.dir.path().join("ca.pem").display().to_string();
    let server = Arc::new(Server::start_with(&["--webhook-ca".to_owned(), ca]));
    let owner = Owner::sign_in(&server);
    let (path, _) = owner.add(&receiver.url("/ok"), &[]);
    owner.ask("POST", &format!("{path}/test"), json!({}));
    until("a refusal", || owner.deliveries(&path).iter().find(|line| line["code"] == "network-closed").map(drop));
    assert!(receiver.got("/ok").is_empty());
}
