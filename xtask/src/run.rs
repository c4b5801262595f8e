//! Child programs: what they say goes to a log file, a sign of life to the person, the tail of the log when they fail.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;
use crate::stop;

const HEARTBEAT: Duration = Duration::from_secs(15);
const TAIL_LINES: usize = 40;

/// A child in the checkout that finds our tools first, compiles where we compile, and does not take xtask's own package
/// for its own (`cargo run` sets CARGO_PKG_*, and a changed one makes some build scripts run again).
pub fn command(paths: &Paths, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command.current_dir(&paths.repo).env("PATH", paths.search_path()).env("CARGO_TARGET_DIR", &paths.target);
    command.env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1").env("TERM", "dumb");
    command.stdin(Stdio::null());
    command
}

/// How a child is watched.
pub struct Watch {
    pub name: String,
    pub log: PathBuf,
    /// Also show everything it says, each line with its name in front.
    pub verbose: bool,
    pub limit: Option<Duration>,
}

impl Watch {
    pub fn new(paths: &Paths, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            log: paths.logs().join(format!("{}.log", name.replace(' ', "-"))),
            verbose: false,
            limit: None,
        }
    }
}

pub enum Ended {
    Exit(ExitStatus),
    TooLong(Duration),
}

/// Runs to the end; a failure carries the tail of the log.
pub fn succeed(watch: &Watch, command: &mut Command) -> Outcome {
    match watched(watch, command)? {
        Ended::Exit(status) if status.success() => Ok(()),
        ended => Err(Failure::from(format!(
            "{} {}; the end of {}:\n{}",
            watch.name,
            said(&ended),
            watch.log.display(),
            tail(&watch.log)
        ))),
    }
}

pub fn said(ended: &Ended) -> String {
    match ended {
        Ended::Exit(status) => format!("ended with {status}"),
        Ended::TooLong(limit) => format!("was stopped because it took more than {} s", limit.as_secs()),
    }
}

/// Runs to the end, to the limit or to Ctrl-C. Appends to the log.
pub fn watched(watch: &Watch, command: &mut Command) -> Outcome<Ended> {
    if let Some(dir) = watch.log.parent() {
        fs::create_dir_all(dir).doing(dir.display())?;
    }
    let log = File::options().create(true).append(true).open(&watch.log).doing(watch.log.display())?;
    let mut echo = Echo::new(&watch.log, log.metadata().map_or(0, |found| found.len()));
    let also = log.try_clone().doing(watch.log.display())?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(log).stderr(also).spawn().doing(format!("cannot start `{program}`"))?;
    let start = Instant::now();
    let mut beat = start;
    loop {
        let status = child.try_wait().doing(&program)?;
        if watch.verbose {
            echo.show(&watch.name);
        }
        if let Some(status) = status {
            return Ok(Ended::Exit(status));
        }
        if stop::asked() {
            stop::end(&mut child).doing(&program)?;
            return Err("stopped".into());
        }
        if let Some(limit) = watch.limit.filter(|limit| start.elapsed() > *limit) {
            stop::end(&mut child).doing(&program)?;
            return Ok(Ended::TooLong(limit));
        }
        if beat.elapsed() > HEARTBEAT && !watch.verbose {
            beat = Instant::now();
            println!("           … {}: {} s{}", watch.name, start.elapsed().as_secs(), echo.progress());
        }
        sleep(Duration::from_millis(30));
    }
}

/// What the child has written since it began.
struct Echo {
    log: PathBuf,
    from: u64,
    shown: String,
}

impl Echo {
    fn new(log: &Path, from: u64) -> Self {
        Self { log: log.to_path_buf(), from, shown: String::new() }
    }

    fn text(&self) -> String {
        read_from(&self.log, self.from)
    }

    fn show(&mut self, name: &str) {
        let text = self.text();
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        if whole <= self.shown.len() {
            return;
        }
        for line in text[self.shown.len()..whole].lines() {
            println!("{name} | {line}");
        }
        let _ = std::io::stdout().flush();
        self.shown = text[..whole].to_owned();
    }

    /// What cargo last said it was compiling, and how many crates are behind it.
    fn progress(&self) -> String {
        let text = self.text();
        let compiling =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("Compiling ")).collect::<Vec<_>>();
        match compiling.last() {
            Some(last) => {
                let krate = last.split_whitespace().next().unwrap_or_default();
                format!(", {} crates so far, now {krate}", compiling.len())
            }
            None => String::new(),
        }
    }
}

/// Everything in the file from a byte on; a log may hold anything, so what is not UTF-8 is replaced.
pub fn read_from(file: &Path, from: u64) -> String {
    use std::io::Seek;
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(file) {
        let _ = file.seek(std::io::SeekFrom::Start(from));
        let _ = file.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub fn tail(log: &Path) -> String {
    let text = read_from(log, 0);
    let lines = text.lines().collect::<Vec<_>>();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// What a person wants to see of a failed run: the complaints wherever they stand, then how it ended.
pub fn digest(log: &Path) -> String {
    digest_of(&read_from(log, 0))
}

fn digest_of(text: &str) -> String {
    const STARTS: &[&str] = &["error", "FAIL", "thread '", "not ok", "Diff in ", "---- "];
    const AFTER: usize = 8;
    let lines = text.lines().collect::<Vec<_>>();
    let end = lines.len().saturating_sub(TAIL_LINES / 2);
    let mut shown = Vec::new();
    let mut left = 0;
    for line in &lines[..end] {
        let complains = STARTS.iter().any(|start| line.starts_with(start)) || line.ends_with("... FAILED");
        left = if complains { AFTER } else { left - left.min(1) };
        if left > 0 && shown.len() < TAIL_LINES {
            shown.push(*line);
        }
    }
    if shown.len() < end {
        shown.push("…");
    }
    shown.extend(&lines[end..]);
    shown.join("\n")
}

/// The output of a short command, or nothing when it cannot be run or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_is_shown_however_much_follows_it() {
        let noise = "test some::thing ... ok\n".repeat(200);
        let digest = digest_of(&format!("{noise}error[E0308]: mismatched types\n  --> src/a.rs:1\n{noise}"));
        assert!(digest.contains("E0308") && digest.contains("src/a.rs:1"), "{digest}");
        assert!(digest.lines().count() <= TAIL_LINES + TAIL_LINES / 2 + 1);
        assert_eq!(digest_of("one\ntwo\n"), "one\ntwo");
    }
}
