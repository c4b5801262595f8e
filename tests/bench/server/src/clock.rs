//! Time on the wall and on the cores. The second is what a busy machine falsifies less.

use std::fs;
use std::time::{Duration, Instant};

/// What some work took.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub count: usize,
    pub wall: Duration,
    /// Of this process and of PostgreSQL's, user and system.
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
    postmaster: Option<u32>,
}

/// Starts a clock for this process, and for PostgreSQL's if there is one.
pub fn start(postmaster: Option<u32>) -> Clock {
    Clock { cpu: of_all(postmaster), started: Instant::now(), postmaster }
}

impl Clock {
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn stop(self, count: usize) -> Spent {
        let wall = self.started.elapsed();
        Spent { count, wall, cpu: of_all(self.postmaster).saturating_sub(self.cpu) }
    }
}

/// This process, and the postmaster with its children.
fn of_all(postmaster: Option<u32>) -> Duration {
    let own = of(std::process::id(), None);
    let Some(postmaster) = postmaster else { return own };
    let entries = fs::read_dir("/proc").expect("/proc is there");
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.map(|id| of(id, Some(postmaster))).fold(own, |sum, one| sum + one)
}

/// What a process and its ended children have used, in steps of a hundredth of a second: fields 14 to 17 of its `stat` (proc(5)). Nothing, if it
/// is neither `family` itself nor its child.
fn of(id: u32, family: Option<u32>) -> Duration {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let is_of = |family: u32| id == family || fields.get(1).is_some_and(|parent| *parent == family.to_string());
    if !family.is_none_or(is_of) {
        return Duration::ZERO;
    }
    let ticks: u64 = fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
