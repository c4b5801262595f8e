//! Time on the wall and on the cores. The second is what a busy machine falsifies less.

use std::fs;
use std::time::{Duration, Instant};

/// What some work took.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub count: usize,
    pub wall: Duration,
    /// Of this process, user and system.
    pub cpu: Duration,
}

impl Spent {
    /// Pieces of work a second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.wall.as_secs_f64()
    }

    /// Milliseconds of one core that a piece of work takes.
    pub fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1_000.0 / self.count as f64
    }
}

pub struct Clock {
    started: Instant,
    cpu: Duration,
}

/// Starts a clock for this process.
pub fn start() -> Clock {
    Clock { cpu: of(std::process::id()), started: Instant::now() }
}

impl Clock {
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn stop(self, count: usize) -> Spent {
        let wall = self.started.elapsed();
        Spent { count, wall, cpu: of(std::process::id()).saturating_sub(self.cpu) }
    }
}

/// What a process and its ended children have used, in steps of a hundredth of a second. Fields 14 to 17 of its `stat` (proc(5)).
fn of(id: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
