//! Receipts by e-mail, from a till's request to a real mail server that keeps what it is given (tests/mail/sink.py).
//!
//! `cargo xtask test mail` installs that server and runs these; a bare `cargo test` passes them over.

use holdfast_contract_tests::{Server, Till};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const GOOD: &str = "4242424242424242";
const WAIT: Duration = Duration::from_secs(240);

/// The mail server.
struct Sink {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Sink {
    fn start(line: &str) -> Self {
        let python = std::env::var_os("HOLDFAST_MAIL_PYTHON").expect("set by `cargo xtask test mail`");
        let dir = tempfile::tempdir().expect("a directory");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mail/sink.py");
        let mut command = Command::new(python);
        command.arg(script).arg(dir.path()).arg(line).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the mail server runs");
        let mut said = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut said).expect("its port");
        let port = said.trim().strip_prefix("port ").and_then(|port| port.parse().ok()).expect("its port");
        Self { child, port, dir }
    }

    /// A demo server that sends its letters here.
    fn server(&self, scheme: &str, more: &[String]) -> Arc<Server> {
        let ca = self.dir.path().join("ca.pem").display().to_string();
        let url = scheme.replace("PORT", &self.port.to_string());
        let own = ["--smtp-url", &url, "--smtp-ca", &ca, "--mail-from", "Receipts <receipts@shop.example>"];
        let args: Vec<String> = own.into_iter().map(str::to_owned).chain(more.iter().cloned()).collect();
        Arc::new(Server::start_with(&args))
    }

    fn letters(&self) -> Vec<Value> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(self.dir.path()).expect("the directory").flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths
            .iter()
            .map(|path| serde_json::from_slice(&std::fs::read(path).expect("a letter")).expect("JSON"))
            .collect()
    }

    fn heard(&self, command: &str) -> usize {
        let log = std::fs::read_to_string(self.dir.path().join("heard.log")).unwrap_or_default();
        log.lines().filter(|line| *line == command).count()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
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

/// A till with a payment that is settled.
fn sold(server: &Arc<Server>) -> (Till, String) {
    let mut till = Till::enrol(server);
    let payment = till.payment(GOOD, 1_060);
    assert_eq!(till.upload_one(&payment), "stored");
    let view = till.settled(&payment.id);
    assert_eq!(view.state, "captured");
    (till, payment.id)
}

fn ask(till: &Till, payment: &str, number: u8, email: &str) {
    let id = format!("7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a{number:02x}");
    let body = json!({ "v": 1, "id": id, "email": email }).to_string();
    let answer = till.request("POST", &format!("/api/v1/payments/{payment}/receipt"), body.as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// State and code of each letter, once all are over.
fn ends(till: &Till, payment: &str) -> Vec<(String, Option<String>)> {
    until("the letters' last words", || {
        let mails = till.request("GET", &format!("/api/v1/payments/{payment}/receipt"), b"").json();
        let mails = mails["mails"].as_array().expect("a list").clone();
        let text = |mail: &Value, name: &str| mail[name].as_str().map(str::to_owned);
        let is_over = mails.iter().all(|mail| mail["state"] != "queued");
        is_over.then(|| mails.iter().map(|m| (text(m, "state").unwrap_or_default(), text(m, "code"))).collect())
    })
}

#[test]
#[ignore = "needs a mail server: cargo xtask test mail"]
fn a_letter_over_starttls_says_what_the_live_receipt_says() {
    let sink = Sink::start("starttls");
    let server =
        sink.server("smtp://localhost:PORT", &["--public-url".to_owned(), "https://pay.shop.example".to_owned()]);
    let (till, payment) = sold(&server);
    ask(&till, &payment, 1, "ada@customer.example");
    assert_eq!(ends(&till, &payment), [("sent".to_owned(), None)]);
    let letters = sink.letters();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        (&letter["tls"], &letter["defects"], &letter["rcpt_tos"]),
        (&json!(true), &json!([]), &json!(["ada@customer.example"]))
    );
    let headers = &letter["headers"];
    for (name, value) in [
        ("from", "Harbour Street Café <receipts@shop.example>"),
        ("to", "ada@customer.example"),
        ("subject", "Harbour Street Café: receipt 1-0001"),
        ("message-id", "<7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01@shop.example>"),
        ("auto-submitted", "auto-generated"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let path = till.settled(&payment).receipt.expect("a live receipt");
    for part in ["text", "html"] {
        // A slash is escaped in the HTML part, which every reader of it undoes.
        let text = letter[part].as_str().expect("text").replace("&#x2f;", "/");
        for said in
            ["€10.60", "Paid by card", "4242", "Harbour Street Café", &format!("https://pay.shop.example{path}")]
        {
            assert!(text.contains(said), "{part}, {said}: {text}");
        }
        assert!(!text.contains(GOOD) && !text.contains(&payment) && !text.contains("<script"), "{part}: {text}");
    }
}

#[test]
#[ignore = "needs a mail server: cargo xtask test mail"]
fn a_refused_address_is_told_and_a_busy_mail_server_is_asked_again() {
    let sink = Sink::start("starttls");
    let server = sink.server("smtp://localhost:PORT", &[]);
    let (till, payment) = sold(&server);
    ask(&till, &payment, 1, "refused@customer.example");
    assert_eq!(ends(&till, &payment), [("refused".to_owned(), Some("550".to_owned()))]);
    ask(&till, &payment, 2, "later-2@customer.example");
    let ended = ends(&till, &payment);
    assert!(ended.contains(&("sent".to_owned(), None)), "{ended:?}");
    assert_eq!(sink.letters().len(), 1);
    // And neither had anything to do with the money.
    assert_eq!(server.captured(&payment), (1, vec![1_060]));
}

#[test]
#[ignore = "needs a mail server: cargo xtask test mail"]
fn a_letter_over_tls_signs_in_with_the_password_from_a_file() {
    let sink = Sink::start("tls");
    let password = sink.dir.path().join("password");
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&password);
    std::io::Write::write_all(&mut file.expect("a file"), b"a password of a test\n").expect("writes");
    let more = ["--smtp-password-file".to_owned(), password.display().to_string()];
    let server = sink.server("smtps://receipts%40shop.example@localhost:PORT", &more);
    let (till, payment) = sold(&server);
    ask(&till, &payment, 1, "ada@customer.example");
    assert_eq!(ends(&till, &payment), [("sent".to_owned(), None)]);
    assert_eq!(sink.letters().iter().map(|l| l["signed_in"].clone()).collect::<Vec<_>>(), [json!(true)]);
}

#[test]
#[ignore = "needs a mail server: cargo xtask test mail"]
fn a_server_killed_before_its_commit_sends_the_same_letter_again() {
    let sink = Sink::start("starttls");
    let server = sink.server("smtp://localhost:PORT", &[]);
    let (till, payment) = sold(&server);
    ask(&till, &payment, 1, "killed@customer.example");
    until("the first copy", || (sink.letters().len() == 1).then_some(()));
    server.crash_and_restart();
    assert_eq!(ends(&till, &payment), [("sent".to_owned(), None)]);
    let letters = sink.letters();
    assert_eq!(letters.len(), 2, "one was taken before the kill, one after");
    for header in ["message-id", "date", "subject"] {
        assert_eq!(letters[0]["headers"][header], letters[1]["headers"][header], "{header}");
    }
}

/// What a mail system does with a letter that it cannot deliver after all: it hands its report to the program that the return path names.
fn come_back(server: &Server, template: &str, return_path: &str) -> (Option<i32>, String) {
    let dsn = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/holdfast-server/mail/dsn").join(template);
    let dsn = std::fs::read_to_string(dsn).expect("a report").replace("RETURN-PATH", return_path);
    let mut command = server.command(&["mail", "bounce"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), dsn.as_bytes()).expect("writes");
    let output = child.wait_with_output().expect("ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
#[ignore = "needs a mail server: cargo xtask test mail"]
fn a_letter_that_comes_back_is_told_and_nobody_can_forge_one() {
    let sink = Sink::start("starttls");
    let more = ["--bounce-address".to_owned(), "bounces@shop.example".to_owned()];
    let server = sink.server("smtp://localhost:PORT", &more);
    let (till, payment) = sold(&server);
    ask(&till, &payment, 1, "ada@customer.example");
    ask(&till, &payment, 2, "grace@customer.example");
    assert_eq!(ends(&till, &payment), [("sent".to_owned(), None), ("sent".to_owned(), None)]);
    let letters = sink.letters();
    let path_of = |to: &str| {
        let letter = letters.iter().find(|letter| letter["rcpt_tos"][0] == to).expect("a letter");
        letter["mail_from"].as_str().expect("an address").to_owned()
    };
    let (ada, grace) = (path_of("ada@customer.example"), path_of("grace@customer.example"));
    for path in [&ada, &grace] {
        let token = path.strip_prefix("bounces+").and_then(|rest| rest.strip_suffix("@shop.example")).expect("a token");
        assert_eq!((token.len(), token.contains("7d1f1c9e")), (32, false), "{path}");
    }
    assert_ne!(ada, grace);
    // While the server runs, as a mail system would. A guess, a delay and an answer are passed over.
    let guess = "bounces+00000000000000000000000000000000@shop.example";
    for (template, path, said) in [
        ("postfix.eml", guess, "it is not addressed to the return path of a letter of ours"),
        ("postfix-delayed.eml", ada.as_str(), "it does not say that a delivery failed for good"),
        ("postfix.eml", ada.as_str(), "noted: the letter came back"),
        ("exim.eml", ada.as_str(), "noted before"),
    ] {
        assert_eq!(come_back(&server, template, path), (Some(0), said.to_owned()), "{template}");
    }
    let ended = ends(&till, &payment);
    let bounced = ("bounced".to_owned(), Some("5.1.1".to_owned()));
    assert!(ended.contains(&bounced) && ended.contains(&("sent".to_owned(), None)), "{ended:?}");
    assert_eq!(server.captured(&payment), (1, vec![1_060]), "and it has nothing to do with the money");
}

#[test]
#[ignore = "needs a mail server: cargo xtask test mail"]
fn nothing_is_said_to_a_mail_server_without_tls() {
    let sink = Sink::start("bare");
    let server = sink.server("smtp://localhost:PORT", &[]);
    let (till, payment) = sold(&server);
    ask(&till, &payment, 1, "ada@customer.example");
    until("two attempts", || (sink.heard("EHLO") >= 2).then_some(()));
    assert_eq!((sink.heard("MAIL"), sink.letters().len()), (0, 0));
    let mails = till.request("GET", &format!("/api/v1/payments/{payment}/receipt"), b"").json();
    assert_eq!(mails["mails"][0]["state"], "queued");
}
