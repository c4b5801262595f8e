//! iso8583sim as it is, a process of its own on a free port. `HOLDFAST_ISO8583SIM` names the program.

use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How the host writes its messages: its own name for it, its name for the length header, and the same for our configuration.
#[derive(Debug, Clone, Copy)]
pub struct Speech {
    pub format: &'static str,
    pub header: &'static str,
    pub ours: &'static str,
}

impl Speech {
    pub const PLAIN: Self = Self { format: "ascii-binary", header: "2b", ours: "" };
    pub const HEX: Self = Self {
        format: "ascii-hex",
        header: "4a",
        ours: "[framing]\nheader = \"ascii-4\"\n[dialect]\nbitmap = \"hex\"\nbinary = \"hex\"\n",
    };
    /// It takes field 39 for a number, where the standard has `an 2`; packed, that is another byte. Our table says so.
    pub const PACKED: Self = Self {
        format: "bcd",
        header: "4b",
        ours: "[framing]\nheader = \"binary-4\"\n[dialect]\nmti = \"bcd\"\nnumeric = \"bcd\"\nlength = \"bcd\"\n\
               [dialect.fields]\n39 = \"n2\"\n",
    };
}

/// A running host. It ends with the test.
pub struct Peer {
    child: Child,
    log: PathBuf,
    pub port: u16,
}

impl Peer {
    /// Starts it with its own rules; what no rule fits is approved.
    pub fn start(speech: Speech, rules: Value) -> Self {
        let program = std::env::var_os("HOLDFAST_ISO8583SIM").expect("the host is there: cargo xtask test acquirer");
        let dir = work_dir();
        let (rules_file, log) = (dir.join("rules.json"), dir.join("peer.log"));
        fs::write(&rules_file, serde_json::json!({ "rules": rules }).to_string()).expect("writes the rules");
        let out = File::create(&log).expect("a log file");
        let child = Command::new(program)
            .args(["serve", "--host", "127.0.0.1", "--port", "0", "--format", speech.format, "--header", speech.header])
            .arg("--rules")
            .arg(&rules_file)
            .env("PYTHONUNBUFFERED", "1")
            .env("COLUMNS", "200")
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("the log again"))
            .stderr(out)
            .spawn()
            .expect("the host starts");
        let mut peer = Self { child, log, port: 0 };
        let end = Instant::now() + Duration::from_secs(120);
        while peer.port == 0 {
            assert!(Instant::now() < end, "the host does not listen: {}", peer.said());
            assert!(peer.child.try_wait().expect("its state").is_none(), "the host ended: {}", peer.said());
            let said = peer.said();
            let port =
                said.split("127.0.0.1:").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
            // The line may be half written; what follows the number says that it is whole.
            let is_whole = said.contains("rules");
            peer.port = port.filter(|_| is_whole).and_then(|port| port.parse().ok()).unwrap_or(0);
            std::thread::sleep(Duration::from_millis(50));
        }
        peer
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Stops it and gives its own count of messages received and of those that it could not read.
    pub fn stop(mut self) -> (usize, usize) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill is there").success());
        self.child.wait().expect("ends");
        let said = self.said();
        let number = |word: &str| {
            let rest = said.split(word).nth(1).unwrap_or_else(|| panic!("no summary in {said}"));
            rest.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
        };
        (number("Received"), number("errors"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn work_dir() -> PathBuf {
    let parent = std::env::var_os("HOLDFAST_WORK").map_or_else(std::env::temp_dir, PathBuf::from);
    fs::create_dir_all(&parent).expect("the work directory");
    tempfile::Builder::new().prefix("peer-").tempdir_in(parent).expect("a directory").keep()
}
