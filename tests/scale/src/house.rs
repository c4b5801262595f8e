//! The replicas: real processes with data directories of their own and copies of the same key files.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A busy machine may take its time to start one.
const START_MAX: Duration = Duration::from_secs(180);

pub struct Replica {
    pub port: u16,
    data: PathBuf,
    home: PathBuf,
    database: String,
    /// Where the demo's acquirer keeps its ledger, where it is not beside the books.
    acquirer: Option<String>,
    child: Option<Child>,
}

impl Replica {
    pub fn new(home: &Path, number: usize, database: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let data = home.join(format!("replica-{number}"));
        Self { port, data, home: home.to_owned(), database: database.to_owned(), acquirer: None, child: None }
    }

    /// With an acquirer whose ledger is in another database.
    pub fn with_acquirer(mut self, database: &str) -> Self {
        self.acquirer = Some(database.to_owned());
        self
    }

    /// Its process.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where its data are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Takes over the key files of the first replica, before the first start.
    pub fn with_keys_of(self, first: &Self) -> Self {
        fs::create_dir_all(&self.data).expect("a directory");
        for name in ["key-encryption.key", "card-hash.key"] {
            // With its permissions: a key file that others may read is refused.
            fs::copy(first.data.join(name), self.data.join(name)).expect("a key file");
        }
        self
    }

    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log file");
        let mut serve = Command::new(holdfast_contract_tests::binary());
        serve.args(["serve", "--demo", "--port", &self.port.to_string()]).arg("--data").arg(&self.data);
        serve.arg("--app").arg(self.home.join("app")).arg("--root-keys").arg(self.home.join("keys"));
        serve.env("HOLDFAST_DATABASE", &self.database).stdout(log.try_clone().expect("the log again")).stderr(log);
        if let Some(acquirer) = &self.acquirer {
            serve.env("HOLDFAST_SIMULATOR_DATABASE", acquirer);
        }
        self.child = Some(serve.spawn().expect("the server runs"));
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Starts it again if it ended by itself, as a service manager does: without its database it cannot start.
    pub fn keep_running(&mut self) {
        if !self.is_running() {
            self.start();
        }
    }

    pub fn wait_until_healthy(&mut self) {
        let started = Instant::now();
        while !self.is_healthy() {
            assert!(
                started.elapsed() < START_MAX,
                "replica at {} does not start; see {}",
                self.port,
                self.log().display()
            );
            self.keep_running();
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn is_healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    }

    fn log(&self) -> PathBuf {
        self.home.join(format!("{}.log", self.data.file_name().unwrap_or_default().to_string_lossy()))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The root key pair and something to serve.
pub fn make_home(home: &Path) {
    let mut make = Command::new(holdfast_contract_tests::binary());
    let made = make.args(["root", "make", "--dir"]).arg(home.join("keys")).status().expect("the server's binary runs");
    assert!(made.success(), "root make failed");
    fs::create_dir_all(home.join("app")).expect("a directory");
    fs::write(home.join("app/index.html"), "<!doctype html><title>no app</title>").expect("a page");
}
