//! strace on a running process: what it wrote, synced and sent, in order; or a signal or an error at the n-th call.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A busy machine may take its time to stop every thread.
const ATTACH_MAX: Duration = Duration::from_secs(120);
/// Longer than anything that is written at once.
const STRING_MAX: &str = "4000000";

/// One call that worked, by whichever thread.
pub enum Call {
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        len: usize,
    },
    Sync {
        file: String,
    },
    /// Into a socket.
    Sent(Vec<u8>),
}

/// strace, attached.
pub struct Tracer {
    child: Child,
    log: PathBuf,
}

impl Tracer {
    /// Attaches to all threads of these processes with `rules`, and returns when they are under its eyes.
    pub fn attach(pids: &[u32], rules: &[String], log: &Path) -> Self {
        let said = log.with_extension("said");
        let stderr = File::create(&said).expect("a file for what strace says");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-xx", "-s", STRING_MAX, "-o"]).arg(log).args(rules);
        strace.args(pids.iter().flat_map(|pid| ["-p".to_owned(), pid.to_string()]));
        let child = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().expect("strace runs");
        let mut tracer = Self { child, log: log.to_owned() };
        let started = Instant::now();
        while !fs::read_to_string(&said).is_ok_and(|text| text.matches(" attached").count() >= pids.len()) {
            let ended = tracer.child.try_wait().expect("its state");
            assert!(
                ended.is_none() && started.elapsed() < ATTACH_MAX,
                "strace does not attach; see {}",
                said.display()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        tracer
    }

    /// Lets go; the process runs on. Gives the log.
    pub fn detach(mut self) -> PathBuf {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(self.child.id(), "INT");
        }
        let _ = self.child.wait();
        self.log.clone()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signal to a process that this one started.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
}

/// What a log tells. A call counts from where it ended, a message from where it began: so nothing looks more durable than it was.
pub fn calls(log: &Path) -> Vec<Call> {
    let text = fs::read(log).expect("strace's log");
    let mut begun: HashMap<&[u8], Vec<u8>> = HashMap::new();
    let mut calls = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b' ') else { continue };
        let (thread, rest) = (&line[..at], line[at..].trim_ascii_start());
        if let Some(start) = rest.strip_suffix(b" <unfinished ...>") {
            if is_sending(start) {
                calls.extend(sent(start));
            }
            begun.insert(thread, start.to_vec());
        } else if rest.starts_with(b"<... ") {
            let Some(start) = begun.remove(thread) else { continue };
            let Some(end) = find(rest, b" resumed>") else { continue };
            if !is_sending(&start) {
                let whole = [start.as_slice(), &rest[end + b" resumed>".len()..]].concat();
                calls.extend(file_call(&whole));
            }
        } else if is_sending(rest) {
            calls.extend(sent(rest));
        } else {
            calls.extend(file_call(rest));
        }
    }
    calls
}

fn is_sending(line: &[u8]) -> bool {
    let name = name(line);
    matches!(name, b"sendto" | b"sendmsg") || matches!(name, b"write" | b"writev") && path(line).starts_with("socket:")
}

fn sent(line: &[u8]) -> Option<Call> {
    let from = find(line, b">")?;
    Some(Call::Sent(strings(&line[from..]).concat()))
}

fn file_call(line: &[u8]) -> Option<Call> {
    let result = line.rsplit(|byte| *byte == b'=').next()?.trim_ascii();
    if result.starts_with(b"-") || result.starts_with(b"?") {
        return None;
    }
    let file = path(line);
    let close = line.iter().rposition(|byte| *byte == b')')?;
    match name(line) {
        b"fsync" | b"fdatasync" => Some(Call::Sync { file }),
        b"pwrite64" => {
            let bytes = strings(&line[..close]).concat();
            let at = number(&line[..close])?;
            let written = std::str::from_utf8(result).ok()?.parse::<usize>().ok()?;
            Some(Call::Write { file, at, bytes: bytes.get(..written)?.to_vec() })
        }
        b"ftruncate" => Some(Call::Truncate { file, len: number(&line[..close])? }),
        _ => None,
    }
}

fn name(line: &[u8]) -> &[u8] {
    &line[..line.iter().position(|byte| *byte == b'(').unwrap_or(0)]
}

/// The file of the first argument, `11<\x2f\x74…>`.
fn path(line: &[u8]) -> String {
    let (Some(from), Some(to)) = (find(line, b"<"), find(line, b">")) else { return String::new() };
    String::from_utf8_lossy(&plain(&line[from + 1..to])).into_owned()
}

/// The last argument of those that end here.
fn number(arguments: &[u8]) -> Option<usize> {
    let last = arguments.rsplit(|byte| *byte == b',').next()?.trim_ascii();
    std::str::from_utf8(last).ok()?.parse().ok()
}

fn strings(line: &[u8]) -> Vec<Vec<u8>> {
    line.split(|byte| *byte == b'"').skip(1).step_by(2).map(plain).collect()
}

/// `\x68\x69` as bytes.
fn plain(hex: &[u8]) -> Vec<u8> {
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    hex.chunks_exact(4).map(|four| value(four[2]) << 4 | value(four[3])).collect()
}

fn find(line: &[u8], what: &[u8]) -> Option<usize> {
    line.windows(what.len()).position(|window| window == what)
}
