//! A standby: a copy that follows its primary's log, and is promoted when that is gone.

use super::{Postgres, Promise, START_MAX, USER, run};
use std::fs;
use std::process::Command;
use std::time::Instant;

impl Postgres {
    /// Copies this server while it runs, and starts the copy as a standby that follows it and calls itself `name`.
    ///
    /// # Errors
    /// In words, when it cannot be copied or the copy does not start.
    pub fn standby(&self, name: &str) -> Result<Self, String> {
        let mut standby = Self::at_home(Promise::Durable, self.settings.clone())?;
        let mut copy = standby.as_user(self.programs.join("pg_basebackup"));
        copy.arg("-d").arg(format!("host={} user={USER} application_name={name}", self.home.display()));
        // Writes as well whom the copy follows, and that it is a standby.
        copy.arg("-D").arg(standby.home.join("data")).args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        run(&mut copy)?;
        standby.run()?;
        Ok(standby)
    }

    /// Makes a standby the server that is written to, and waits until it is.
    ///
    /// # Errors
    /// In words, when it cannot be.
    pub fn promote(&self) -> Result<(), String> {
        let promoted = self.query(&format!("SELECT pg_promote(true, {})", START_MAX.as_secs()))?;
        if promoted == "t" { Ok(()) } else { Err(format!("the standby is not promoted:\n{}", self.log())) }
    }

    /// Cuts a standby off from its primary; it goes on as one that has fallen behind.
    ///
    /// # Errors
    /// In words, when it goes on following.
    pub fn fall_behind(&self) -> Result<(), String> {
        self.set("primary_conninfo", "''")?;
        self.wait_until("the standby follows no more", "SELECT count(*) FROM pg_stat_wal_receiver", "0")
    }

    /// Changes a setting while it runs, for every process from its next command on. Without `value`'s quotes it is as in `postgresql.conf`.
    ///
    /// # Errors
    /// In words, when the server refuses.
    pub fn set(&self, name: &str, value: &str) -> Result<(), String> {
        self.query(&format!("ALTER SYSTEM SET {name} = {value}"))?;
        self.query("SELECT pg_reload_conf()").map(drop)
    }

    /// Waits until `query` answers `expected`.
    ///
    /// # Errors
    /// `what`, when it does not come to be.
    pub fn wait_until(&self, what: &str, query: &str, expected: &str) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let said = self.query(query)?;
            if said == expected {
                return Ok(());
            }
            if started.elapsed() > START_MAX {
                return Err(format!("{what}: does not come, but {said:?}:\n{}", self.log()));
            }
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    }

    /// What a statement of a connection of its own answers, as psql writes it without a frame.
    ///
    /// # Errors
    /// In words, when the server refuses.
    pub fn query(&self, sql: &str) -> Result<String, String> {
        let mut ask = Command::new(self.programs.join("psql"));
        ask.arg("-h").arg(&self.home).args(["-U", USER, "-d", USER, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        run(&mut ask).map(|said| said.trim_end().to_owned())
    }

    /// kill -9 of every process of the server. The first one is stopped before, so that it starts no other.
    pub(super) fn kill_all(&self) -> Result<(), String> {
        let file = self.home.join("data/postmaster.pid");
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let first = text.lines().next().unwrap_or_default().to_owned();
        signal("STOP", std::slice::from_ref(&first))?;
        let mut all = children(&first);
        all.push(first);
        signal("KILL", &all)
    }
}

/// One after the other, the last one being the server: a child may have ended by itself meanwhile.
fn signal(name: &str, pids: &[String]) -> Result<(), String> {
    const KILL: &str = r#"for pid; do kill -s "$0" "$pid"; said=$?; done; exit $said"#;
    run(Command::new("sh").args(["-c", KILL, name]).args(pids)).map(drop)
}

fn children(parent: &str) -> Vec<String> {
    let is_child = |stat: &str| {
        // The name in brackets may hold anything; state and parent follow it.
        stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)) == Some(parent)
    };
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter(|entry| fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| is_child(&stat)));
    pids.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
