//! Ctrl-C and SIGTERM: the children are waited for, so nothing is left running and nothing is cut off half-written.

use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// A handler, not "ignore": children would inherit the latter and could no longer be stopped themselves.
pub fn listen() {
    let asked = ASKED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(asked)) {
            eprintln!("xtask: signal {signal} will not be handled: {error}");
        }
    }
}

pub fn asked() -> bool {
    ASKED.get().is_some_and(|asked| asked.load(Ordering::Relaxed))
}

/// Ends a child that may or may not have got the terminal's own SIGINT already: first patience, then SIGTERM, then SIGKILL.
pub fn end(child: &mut Child) -> std::io::Result<ExitStatus> {
    if let Some(status) = wait_for(child, Duration::from_secs(1))? {
        return Ok(status);
    }
    send(child, "TERM");
    if let Some(status) = wait_for(child, Duration::from_secs(10))? {
        return Ok(status);
    }
    child.kill()?;
    child.wait()
}

fn wait_for(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            return Ok(None);
        }
        sleep(Duration::from_millis(20));
    }
}

/// The standard library can only SIGKILL; the shell's own `kill` is everywhere and needs no unsafe code.
fn send(child: &Child, signal: &str) {
    let _ = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", child.id())).status();
}
