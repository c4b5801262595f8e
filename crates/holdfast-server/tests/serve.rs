//! The binary as an operator runs it: it starts, refuses a second one on its data, stops when asked, and starts again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(60);

fn holdfast() -> Command {
    Command::new(env!("CARGO_BIN_EXE_holdfast"))
}

fn serve(folder: &Path, port: u16) -> Command {
    let mut command = holdfast();
    command.args(["serve", "--demo", "--port", &port.to_string(), "--data"]).arg(folder.join("data"));
    command.arg("--app").arg(folder.join("app")).arg("--root-keys").arg(folder.join("keys"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A server that ends with the test.
struct Running(Child);

impl Running {
    fn start(folder: &Path, port: u16) -> Self {
        let running = Self(serve(folder, port).spawn().expect("starts"));
        let started = Instant::now();
        while !get(port, "/healthz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            assert!(started.elapsed() < START_MAX, "it did not start");
            std::thread::sleep(Duration::from_millis(30));
        }
        running
    }

    /// One that is asked to stop as early as anybody can know of it.
    fn start_and_stop(folder: &Path, port: u16) -> (Option<i32>, String) {
        let running = Self(serve(folder, port).spawn().expect("starts"));
        let started = Instant::now();
        while !folder.join("data").exists() {
            assert!(started.elapsed() < START_MAX, "it did not start");
            std::thread::sleep(Duration::from_millis(1));
        }
        running.stop()
    }

    /// SIGTERM, as a service manager sends it.
    fn stop(mut self) -> (Option<i32>, String) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("kill is there");
        assert!(asked.success());
        let status = self.0.wait().expect("ends");
        let mut log = String::new();
        self.0.stderr.take().expect("a log").read_to_string(&mut log).expect("reads");
        (status.code(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(port: u16, target: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn make_keys(folder: &Path) -> Output {
    holdfast().args(["root", "make", "--dir"]).arg(folder.join("keys")).output().expect("runs")
}

#[test]
fn it_starts_refuses_a_second_one_and_stops_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(make_keys(folder.path()).status.success());
    std::fs::create_dir(folder.path().join("app")).expect("makes a folder");
    std::fs::write(folder.path().join("app/index.html"), "<p>till</p>").expect("writes");
    let (port, other) = (free_port(), free_port());

    let running = Running::start(folder.path(), port);
    assert!(get(port, "/").is_some_and(|answer| answer.ends_with("<p>till</p>")));
    let second = serve(folder.path(), other).output().expect("runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another holdfast uses this data directory"));

    let code = get(port, "/demo/enrolment-code").expect("an answer");
    let code = code.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a code").to_owned();
    let (status, log) = running.stop();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("stopped") && log.contains("route=\"/demo/enrolment-code\""), "{log}");
    assert!(!log.contains(&code), "a secret is not logged");

    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/key-encryption.key"), 0o600);
    assert_eq!(mode("keys/root.private.json"), 0o600);
    let report = |data: &str| {
        let mut command = holdfast();
        command.args(["report", "day", "--from", "2026-01-01", "--to", "2026-12-31", "--csv", "--data"]);
        command.arg(folder.path().join(data)).output().expect("runs")
    };
    assert!(report("data").status.success());
    assert!(report("data").stdout.starts_with(b"key,label,currency,"));
    assert_eq!(report("elsewhere").status.code(), Some(1), "no books are made by asking for a report");
    let (status, _) = Running::start(folder.path(), port).stop();
    assert_eq!(status, Some(0), "and starts again on the same data");
}

#[test]
fn a_stop_while_it_starts_is_no_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(make_keys(folder.path()).status.success());
    std::fs::create_dir(folder.path().join("app")).expect("makes a folder");
    let port = free_port();
    let (status, log) = Running::start_and_stop(folder.path(), port);
    assert_eq!(status, Some(0), "{log}");
    let (status, log) = Running::start(folder.path(), port).stop();
    assert_eq!(status, Some(0), "what was left half made is made again: {log}");
}

#[test]
fn root_keys_that_are_there_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(make_keys(folder.path()).status.success());
    let read = || std::fs::read(folder.path().join("keys/root.private.json")).expect("reads");
    let first = read();
    assert!(make_keys(folder.path()).status.success());
    assert_eq!(first, read());
}

#[test]
fn a_server_without_a_root_key_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = serve(folder.path(), free_port()).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("root.private.json"), "{said}");
}

/// A command about the data directory, with its exit code and what it printed.
fn care(folder: &Path, name: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = holdfast().arg(name).arg("--data").arg(folder.join("data")).args(more).output().expect("runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn it_is_copied_put_back_and_looked_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    assert!(make_keys(folder).status.success());
    std::fs::create_dir(folder.join("app")).expect("makes a folder");
    std::fs::write(folder.join("app/index.html"), "<p>till</p>").expect("writes");
    let (port, copy) = (free_port(), folder.join("copy.sqlite"));
    let copy = copy.to_str().expect("a name");
    let check = || {
        let mut command = holdfast();
        command.args(["check-config", "--demo", "--port", &port.to_string(), "--data"]).arg(folder.join("data"));
        command.arg("--app").arg(folder.join("app")).arg("--root-keys").arg(folder.join("keys"));
        let output = command.output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
    assert!(!folder.join("data").exists(), "looking makes nothing");

    let running = Running::start(folder, port);
    let (code, said) = check();
    assert!(code == Some(1) && said.contains("WRONG  127.0.0.1"), "{said}");
    let (code, said) = care(folder, "backup", &["--to", copy]);
    assert!(code == Some(0) && said.contains("0 payments"), "{said}");
    let (code, said) = care(folder, "doctor", &[]);
    assert!(code == Some(0) && said.contains("every page of the file reads"), "{said}");
    for (name, more) in [("restore", vec!["--from", copy]), ("migrate", vec![])] {
        let (code, said) = care(folder, name, &more);
        assert!(code == Some(1) && said.contains("another holdfast uses this data directory"), "{name}: {said}");
    }
    running.stop();

    let (code, said) = care(folder, "restore", &["--from", copy]);
    assert!(code == Some(0) && said.contains("new epoch"), "{said}");
    let (code, said) = care(folder, "migrate", &[]);
    assert!(code == Some(0) && said.contains("the schema is at step"), "{said}");
    std::fs::set_permissions(folder.join("data/card-hash.key"), std::fs::Permissions::from_mode(0o644))
        .expect("changes");
    let (code, said) = care(folder, "doctor", &[]);
    assert!(code == Some(1) && said.contains("card-hash.key is open to others"), "{said}");
    std::fs::set_permissions(folder.join("data/card-hash.key"), std::fs::Permissions::from_mode(0o600))
        .expect("changes");
    assert_eq!(Running::start(folder, port).stop().0, Some(0), "and it starts on what was put back");
}

#[test]
fn an_address_of_a_database_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = "postgres://holdfast:open-sesame@127.0.0.1:1/holdfast";
    for name in ["doctor", "migrate"] {
        let (code, said) = care(folder.path(), name, &["--database", secret]);
        assert!(code == Some(1) && !said.contains("sesame"), "{said}");
    }
    let (code, said) = care(folder.path(), "doctor", &["--database", "mysql://x:open-sesame@y/z"]);
    assert!(code == Some(1) && said.contains("postgres://") && !said.contains("sesame"), "{said}");
}
