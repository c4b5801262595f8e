//! What every process is asked: memory, processor time, open files, when it started. Linux tells it in /proc.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Gauges with the names that dashboards know.
pub struct Gauges {
    cpu_seconds: Counter<f64, AtomicU64>,
    resident_bytes: Gauge,
    open_files: Gauge,
    files_max: Gauge,
    threads: Gauge,
    started: Gauge<f64, AtomicU64>,
}

impl Default for Gauges {
    fn default() -> Self {
        let gauges = Self {
            cpu_seconds: Counter::default(),
            resident_bytes: Gauge::default(),
            open_files: Gauge::default(),
            files_max: Gauge::default(),
            threads: Gauge::default(),
            started: Gauge::default(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        gauges.started.set(now);
        gauges
    }
}

impl Gauges {
    pub fn register(&self, to: &mut Registry) {
        to.register_with_unit("cpu", "Processor time of user and system", Unit::Seconds, self.cpu_seconds.clone());
        to.register_with_unit("resident_memory", "Memory in use", Unit::Bytes, self.resident_bytes.clone());
        to.register("open_fds", "Files and connections that are open", self.open_files.clone());
        to.register("max_fds", "How many may be", self.files_max.clone());
        to.register("threads", "Threads", self.threads.clone());
        to.register_with_unit("start_time", "When this process began, since 1970", Unit::Seconds, self.started.clone());
    }

    /// Reads them anew. What the system does not tell stays as it was.
    pub fn tell(&self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse::<i64>().ok()
        };
        if let Some(kibibytes) = field("VmRSS:") {
            self.resident_bytes.set(kibibytes * 1024);
        }
        if let Some(threads) = field("Threads:") {
            self.threads.set(threads);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.open_files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        self.files_max.set(limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(i64::MAX));
        if let Some(seconds) = cpu_seconds() {
            self.cpu_seconds.inner().store(seconds.to_bits(), Ordering::Relaxed);
        }
    }
}

/// Fields 14 and 15 of /proc/self/stat, after the name in brackets, which may hold anything.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let per_second = rustix::param::clock_ticks_per_second();
    (per_second > 0).then(|| ticks as f64 / per_second as f64)
}
