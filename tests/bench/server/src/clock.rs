//! Time on the wall and on the cores. The second is what a busy machine falsifies less.

use std::fs;
use std::time::{Duration, Instant};

/// What some work took.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub count: usize,
    pub wall: Duration,
    /// Of this process and of the others that were named, user and system.
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
    others: Vec<u32>,
}

/// Starts a clock for this process and `others`, by their ids.
pub fn start(others: &[u32]) -> Clock {
    Clock { cpu: own() + others.iter().map(|id| of(*id)).sum::<Duration>(), others: others.to_vec(), started: Instant::now() }
}

impl Clock {
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn stop(self, count: usize) -> Spent {
        let wall = self.started.elapsed();
        let cpu = own() + self.others.iter().map(|id| of(*id)).sum::<Duration>();
        Spent { count, wall, cpu: cpu.saturating_sub(self.cpu) }
    }
}

fn own() -> Duration {
    of(std::process::id())
}

/// What a process and its ended children have used, in steps of a hundredth of a second. Fields 14 to 17 of its `stat` (proc(5)).
fn of(id: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
