//! The server as an operator runs it: what its metrics say to Prometheus' own library, how it drains, and TLS before OpenSSL and curl.
//!
//! `cargo xtask test ops` installs what these need and runs them; a bare `cargo test` passes them over.

use holdfast_contract_tests::{APPROVED, DECLINED_51, Server, Till, binary};
use serde_json::Value;
use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(240);

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + WAIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {WAIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server that this test starts, signals and ends by itself.
struct Running {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
}

impl Running {
    fn start(dir: tempfile::TempDir, more: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let child = command(dir.path(), port, more).spawn().expect("starts");
        Self { child, dir, port }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// The operator's port, which a demo takes as it is free and tells in its log.
    fn ops(&self) -> u16 {
        until("the operator's port", || ops_port(&self.log()))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill is there");
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let made = Command::new(binary()).args(["root", "make", "--dir"]).arg(dir.path().join("keys")).output();
    assert!(made.expect("the server's binary runs").status.success());
    fs::create_dir(dir.path().join("app")).expect("a directory for the app");
    fs::write(dir.path().join("app/index.html"), "<!doctype html><title>no app</title>").expect("a page");
    dir
}

fn command(dir: &Path, port: u16, more: &[&str]) -> Command {
    let log = File::options().create(true).append(true).open(dir.join("server.log")).expect("a log file");
    let mut command = Command::new(binary());
    command.args(["serve", "--demo", "--port", &port.to_string(), "--data"]).arg(dir.join("data"));
    command.arg("--app").arg(dir.join("app")).arg("--root-keys").arg(dir.join("keys")).args(more);
    command.stdout(log.try_clone().expect("the log file again")).stderr(log);
    command
}

fn ops_port(log: &str) -> Option<u16> {
    let line = log.lines().find(|line| line.contains("for the operator"))?;
    line.split("ops=").nth(1)?.split(':').nth(1)?.split_whitespace().next()?.parse().ok()
}

/// Status and body of a GET, if there is an answer.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// What Prometheus' library reads in a scrape.
fn read_by_prometheus(text: &str) -> Value {
    let python = std::env::var_os("HOLDFAST_OPS_PYTHON").expect("set by `cargo xtask test ops`");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/metrics.py");
    let mut reader =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python runs");
    reader.stdin.take().expect("its input").write_all(text.as_bytes()).expect("takes it");
    let output = reader.wait_with_output().expect("ends");
    assert!(output.status.success(), "it does not read:\n{text}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn sample(families: &Value, family: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |sample: &&Value| {
        sample["name"] == name && labels.iter().all(|(label, value)| sample["labels"][label] == *value)
    };
    families[family]["samples"].as_array()?.iter().find(has)?["value"].as_f64()
}

#[test]
#[ignore = "needs Prometheus' library: cargo xtask test ops"]
fn prometheus_own_library_reads_what_was_done() {
    let server = Arc::new(Server::start());
    let ops = ops_port(&server.log()).expect("the operator's port");
    let mut till = Till::enrol(&server);
    let (good, bad) = (till.payment(APPROVED, 1_250), till.payment(DECLINED_51, 900));
    till.upload(&[&good.record, &bad.record]);
    let moved = |families: &Value, state: &str| {
        sample(families, "holdfast_payments_moved", "holdfast_payments_moved_total", &[("state", state)])
    };
    let families = until("both are settled", || {
        let families = read_by_prometheus(&get(ops, "/metrics")?.1);
        let is_settled = moved(&families, "captured") == Some(1.0) && moved(&families, "declined") == Some(1.0);
        is_settled.then_some(families)
    });
    for (family, kind) in [
        ("holdfast_payments_waiting_oldest_seconds", "gauge"),
        ("holdfast_ingest_batch_seconds", "histogram"),
        ("holdfast_acquirer_call_seconds", "histogram"),
        ("holdfast_keys_time_seconds", "gauge"),
        ("holdfast_database_errors", "counter"),
        ("holdfast_outbox_waiting", "gauge"),
        ("process_cpu_seconds", "counter"),
        ("process_open_fds", "gauge"),
    ] {
        assert_eq!(families[family]["type"], kind, "{family}");
        assert!(families[family]["help"].as_str().is_some_and(|help| !help.is_empty()), "{family}");
    }
    let calls = |call: &str, outcome: &str| {
        let labels = [("call", call), ("outcome", outcome)];
        sample(&families, "holdfast_acquirer_calls", "holdfast_acquirer_calls_total", &labels)
    };
    assert_eq!(calls("authorise", "approved"), Some(1.0));
    assert_eq!(calls("authorise", "declined"), Some(1.0));
    assert_eq!(calls("capture", "approved"), Some(1.0));
    let is_up = sample(&families, "holdfast_database_up", "holdfast_database_up", &[]);
    assert_eq!(is_up, Some(1.0));
    // Nothing of the public address, and nothing of a person, a device or a card.
    // There it is a screen of the app like any path without a dot.
    for path in ["/metrics", "/readyz"] {
        assert!(server.send("GET", path, &[], b"").text().contains("<title>no app</title>"), "{path}");
    }
    let text = families.to_string();
    for secret in [&till.enrolment.device_id, &till.enrolment.merchant_id, "4242424242424242", "Contract"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
#[ignore = "cargo xtask test ops"]
fn a_stop_is_told_to_the_balancer_first_and_cuts_off_no_answer() {
    let mut running = Running::start(folder(), &["--drain-s", "3600"]);
    let (ops, port) = (running.ops(), running.port);
    until("it is ready", || get(ops, "/readyz").filter(|(status, _)| *status == 200));

    let mut flight = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    flight.set_read_timeout(Some(WAIT)).expect("sets");
    let head = "POST /api/v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    flight.write_all(head.as_bytes()).expect("writes");
    let mut begun = [0; 25];
    flight.read_exact(&mut begun).expect("the body is waited for");
    assert!(begun.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&begun));

    running.signal("-TERM");
    let (_, said) = until("it says so", || get(ops, "/readyz").filter(|(status, _)| *status == 503));
    assert!(said.contains("about to stop"), "{said}");
    assert_eq!(get(port, "/healthz").map(|(status, _)| status), Some(200), "tills are served until the balancer knows");
    // Again: whoever stops it does not want to wait.
    running.signal("-TERM");
    until("nobody new is taken", || TcpStream::connect(("127.0.0.1", port)).is_err().then_some(()));
    flight.write_all(b"{}").expect("writes");
    let mut answer = String::new();
    flight.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("request-unreadable"), "{answer}");
    assert_eq!(running.child.wait().expect("ends").code(), Some(0), "{}", running.log());
    assert!(!running.log().contains("cut off"), "{}", running.log());
}

/// Makes a certificate of its own for localhost, and its key.
fn make_certificate(dir: &Path) {
    let (cert, key) = (dir.join("new-cert.pem"), dir.join("new-key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("changes");
    fs::rename(cert, dir.join("cert.pem")).expect("moves");
    fs::rename(key, dir.join("key.pem")).expect("moves");
}

fn curl(port: u16, trusted: &Path, more: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "60", "--include", "--cacert"]).arg(trusted);
    curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]).args(more);
    curl.arg(format!("https://localhost:{port}/healthz")).output().expect("curl runs")
}

/// Whether OpenSSL shakes hands in this version, allowed to use whatever it knows.
fn shakes_hands(port: u16, version: &str) -> bool {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), version, "-cipher", "ALL:@SECLEVEL=0"])
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success() && said.contains("BEGIN CERTIFICATE") && !said.contains("Cipher is (NONE)")
}

#[test]
#[ignore = "needs OpenSSL and curl: cargo xtask test ops"]
fn openssl_and_curl_meet_tls_and_a_renewed_certificate_is_taken() {
    let dir = folder();
    make_certificate(dir.path());
    let at = |name: &str| dir.path().join(name).display().to_string();
    let tls = ["--tls-cert".to_owned(), at("cert.pem"), "--tls-key".to_owned(), at("key.pem")];
    let tls: Vec<&str> = tls.iter().map(String::as_str).collect();

    // A key that anybody can read is refused before anything is opened.
    fs::set_permissions(dir.path().join("key.pem"), Permissions::from_mode(0o644)).expect("changes");
    let refused = command(dir.path(), 0, &tls).status().expect("runs");
    assert_eq!(refused.code(), Some(1));
    let log = fs::read_to_string(dir.path().join("server.log")).expect("a log");
    assert!(log.contains("chmod o="), "{log}");
    fs::set_permissions(dir.path().join("key.pem"), Permissions::from_mode(0o600)).expect("changes");

    let old = dir.path().join("old.pem");
    fs::copy(dir.path().join("cert.pem"), &old).expect("copies");
    let running = Running::start(dir, &tls);
    let port = running.port;
    let answer = until("it answers over TLS", || {
        let output = curl(port, &old, &[]);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).to_lowercase())
    });
    assert!(answer.starts_with("http/1.1 200") && answer.contains("strict-transport-security: max-age="), "{answer}");
    assert!(shakes_hands(port, "-tls1_3") && shakes_hands(port, "-tls1_2"));
    assert!(!shakes_hands(port, "-tls1_1") && !shakes_hands(port, "-tls1"), "nothing older");
    assert!(get(port, "/healthz").is_none(), "nothing in clear");

    make_certificate(running.dir.path());
    let new: PathBuf = running.dir.path().join("cert.pem");
    until("the renewed certificate is taken", || curl(port, &new, &[]).status.success().then_some(()));
    assert!(!curl(port, &old, &[]).status.success());
    assert!(running.log().contains("a renewed certificate is in use"), "{}", running.log());
}
