//! What took how long: a line when a step begins, a line when it ends, and a table of all at the end.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::failure::Outcome;

pub struct Steps {
    begun: Instant,
    done: Mutex<Vec<Step>>,
}

struct Step {
    name: String,
    took: Duration,
}

impl Steps {
    pub fn new() -> Self {
        Self { begun: Instant::now(), done: Mutex::default() }
    }

    /// Runs one step and tells the person what it is and why it is needed.
    pub fn run<T>(&self, name: &str, why: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        println!("[{:>6}] {name}: {why}", self.clock());
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        match &result {
            Ok(_) => println!("[{:>6}] {name}: done in {}", self.clock(), seconds(took)),
            Err(_) => println!("[{:>6}] {name}: failed after {}", self.clock(), seconds(took)),
        }
        if let Ok(mut done) = self.done.lock() {
            done.push(Step { name: name.to_owned(), took });
        }
        result
    }

    /// A step whose result is there already: one line, nothing in the table.
    pub fn skip(&self, name: &str, why: &str) {
        println!("[{:>6}] {name}: {why}", self.clock());
    }

    pub fn table(&self) -> String {
        let done = self
            .done
            .lock()
            .map(|done| done.iter().map(|s| (s.name.clone(), s.took)).collect::<Vec<_>>())
            .unwrap_or_default();
        let width = done.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(5);
        let mut text = String::new();
        for (name, took) in done {
            text += &format!("  {name:<width$}  {:>8}\n", seconds(took));
        }
        text += &format!("  {:<width$}  {:>8}", "total", seconds(self.begun.elapsed()));
        text
    }

    fn clock(&self) -> String {
        seconds(self.begun.elapsed())
    }
}

pub fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_step_that_ran() {
        let steps = Steps::new();
        steps.run("server", "what the tills talk to", || Ok(())).unwrap();
        steps.skip("app", "unchanged");
        assert!(steps.run("key", "why not", || Err::<(), _>("no".into())).is_err());
        let table = steps.table();
        assert!(table.contains("server") && table.contains("key") && table.contains("total"));
        assert!(!table.contains("app"));
    }
}
