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
    let (status, _) = Running::start(folder.path(), port).stop();
    assert_eq!(status, Some(0), "and starts again on the same data");
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
