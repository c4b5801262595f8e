//! The real server as a process of its own: built if need be, started on a free port, killed with its last user.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use holdfast_wire::enrolment::EnrolmentCode;
use holdfast_wire::keyset::Roots;
use serde_json::{Value, json};
use ureq::http::Request;

/// A running server with a data directory of its own, or an address at which somebody else runs one.
pub struct Server {
    child: Mutex<Option<Child>>,
    port: u16,
    dir: PathBuf,
    keys: PathBuf,
    more: Vec<String>,
    env: Vec<(String, String)>,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub etag: String,
    pub retry_after: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect()
    }
}

/// One server for all tests that do not script the acquirer. It ends when the last of them does.
pub fn shared_server() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(|e| e.into_inner());
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start());
        *shared = Arc::downgrade(&server);
        server
    })
}

impl Server {
    /// Starts a server on empty data.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server on empty data with more arguments for `serve`.
    pub fn start_with(more: &[String]) -> Self {
        Self::start_on(&new_home(), more, &[])
    }

    /// Starts a server on what [`new_home`] made, or on a copy of it, with a setting or two in its environment.
    pub fn start_on(dir: &Path, more: &[String], env: &[(String, String)]) -> Self {
        let (dir, keys) = (dir.to_owned(), dir.join("keys"));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let (more, env) = (more.to_vec(), env.to_vec());
        let child = Mutex::new(Some(spawn(&dir, &keys, port, &more, &env)));
        let server = Self { child, port, dir, keys, more, env, agent: agent() };
        server.wait_until_healthy();
        server
    }

    /// What answers at `port`, and is started and ended by somebody else. `keys` is the directory of its root keys.
    pub fn at(port: u16, keys: &Path) -> Self {
        let (dir, keys) = (keys.to_owned(), keys.to_owned());
        Self { child: Mutex::new(None), port, dir, keys, more: Vec::new(), env: Vec::new(), agent: agent() }
    }

    /// kill -9, then a new process on the same data.
    pub fn crash_and_restart(&self) {
        self.crash_and_restart_after(|| {});
    }

    /// The same, with something done to its data while it is down.
    pub fn crash_and_restart_after(&self, meanwhile: impl FnOnce()) {
        let mut child = self.child.lock().unwrap_or_else(|e| e.into_inner());
        let running = child.as_mut().expect("a server of our own");
        running.kill().and_then(|()| running.wait()).expect("the server can be killed");
        meanwhile();
        *child = Some(spawn(&self.dir, &self.keys, self.port, &self.more, &self.env));
        drop(child);
        self.wait_until_healthy();
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        let mut child = self.child.lock().unwrap_or_else(|e| e.into_inner());
        let child = child.as_mut()?;
        matches!(child.try_wait(), Ok(None)).then(|| child.id())
    }

    /// The server's program with other words, for the data of this server.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).arg("--data").arg(self.data());
        command
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("server.log")).expect("a log")
    }

    /// Where it listens, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its data are.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Where its root keys are.
    pub fn keys(&self) -> &Path {
        &self.keys
    }

    /// The roots as they are compiled into the app.
    pub fn roots(&self) -> Roots {
        let text = fs::read_to_string(self.keys.join("root.public.json")).expect("root.public.json");
        Roots::from_json(&text).expect("roots as the app reads them")
    }

    /// One request. The path may have a query. A body is sent for POST and PUT only.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// A fresh code that enrols one device.
    pub fn enrolment_code(&self) -> String {
        let answer = self.send("GET", "/demo/enrolment-code", &[], b"");
        let code: EnrolmentCode = serde_json::from_slice(&answer.body).expect("an enrolment code");
        code.code
    }

    /// What the acquirer answers next, in order.
    pub fn script(&self, next: Value) {
        let body = json!({ "next": next, "always": null }).to_string();
        let answer =
            self.send("PUT", "/demo/acquirer/script", &[("content-type", "application/json")], body.as_bytes());
        assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.text());
    }

    /// How often the acquirer captured this payment, and of what amount.
    pub fn captured(&self, id: &str) -> (u64, Vec<i64>) {
        let ledger = self.send("GET", "/demo/acquirer/ledger", &[], b"").json();
        let of_this = |e: &&Value| e["reference"] == id && e["kind"] == "capture" && e["result"] == "approved";
        let entries = ledger["entries"].as_array().expect("entries");
        let amounts = entries.iter().filter(of_this).filter_map(|e| e["amount_minor"].as_i64()).collect();
        (ledger["captures_per_reference"][id].as_u64().unwrap_or(0), amounts)
    }

    /// [`Server::send`], where it may happen that nobody answers.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let with_headers =
            headers.iter().fold(Request::builder().method(method).uri(url), |b, (k, v)| b.header(*k, *v));
        let mut response = match method {
            "POST" | "PUT" => self.agent.run(with_headers.body(body)?)?,
            _ => self.agent.run(with_headers.body(())?)?,
        };
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        let (content_type, etag, retry_after) = (header("content-type"), header("etag"), header("retry-after"));
        let status = response.status().as_u16();
        Ok(Answer { status, content_type, etag, retry_after, body: response.body_mut().read_to_vec()? })
    }

    fn wait_until_healthy(&self) {
        let end = Instant::now() + Duration::from_secs(90);
        while !self.try_send("GET", "/healthz", &[], b"").is_ok_and(|a| a.status == 200) {
            let mut child = self.child.lock().unwrap_or_else(|e| e.into_inner());
            let ended = child.as_mut().and_then(|child| child.try_wait().expect("its state"));
            drop(child);
            assert!(ended.is_none(), "the server ended with {ended:?}; see server.log in {}", self.dir.display());
            assert!(
                Instant::now() < end,
                "the server did not become healthy; see server.log in {}",
                self.dir.display()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(child) = child.as_mut() {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

fn agent() -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}

fn spawn(dir: &Path, keys: &Path, port: u16, more: &[String], env: &[(String, String)]) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("server.log")).expect("a log file");
    Command::new(binary())
        .args(["serve", "--demo", "--host", "127.0.0.1", "--port", &port.to_string()])
        .arg("--data")
        .arg(dir.join("data"))
        .arg("--app")
        .arg(dir.join("app"))
        .arg("--root-keys")
        .arg(keys)
        .args(more)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdout(log.try_clone().expect("the log file again"))
        .stderr(log)
        .spawn()
        .expect("the server's binary runs")
}

/// A directory for a server: root keys, an app, and room for data.
pub fn new_home() -> PathBuf {
    let dir = work_dir();
    let made =
        Command::new(binary()).args(["root", "make", "--dir"]).arg(dir.join("keys")).stdout(Stdio::null()).status();
    assert!(made.expect("the server's binary runs").success(), "root make failed");
    // The app's own part of the contract is checked in browsers; here the directory only has to be one.
    fs::create_dir_all(dir.join("app")).expect("a directory for the app");
    fs::write(dir.join("app/index.html"), "<!doctype html><title>no app</title>").expect("a page");
    dir
}

/// Under `HOLDFAST_WORK` when it is set, where the canary will look; else somewhere temporary. Kept in both cases.
fn work_dir() -> PathBuf {
    let parent = std::env::var_os("HOLDFAST_WORK").map_or_else(std::env::temp_dir, PathBuf::from);
    fs::create_dir_all(&parent).expect("the work directory");
    let dir = tempfile::Builder::new().prefix("contract-").tempdir_in(parent).expect("a directory");
    if std::env::var_os("HOLDFAST_WORK").is_some() { dir.keep() } else { keep_until_exit(dir) }
}

/// Temporary directories live as long as this process: a server may be restarted on one.
fn keep_until_exit(dir: tempfile::TempDir) -> PathBuf {
    static KEPT: Mutex<Vec<tempfile::TempDir>> = Mutex::new(Vec::new());
    let path = dir.path().to_owned();
    KEPT.lock().unwrap_or_else(|e| e.into_inner()).push(dir);
    path
}

/// `HOLDFAST_SERVER_BIN`, or the binary as cargo builds it now, so that a test never runs against an old one.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("HOLDFAST_SERVER_BIN") {
            return PathBuf::from(path);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--locked", "--quiet", "-p", "holdfast-server", "--bin", "holdfast"])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the server does not build");
        let messages = String::from_utf8_lossy(&output.stdout);
        let made = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let path = made.filter_map(|m| m["executable"].as_str().map(PathBuf::from)).next_back();
        path.expect("cargo names the binary it built")
    })
}
