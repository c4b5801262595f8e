//! A primary, its standby, and the way to whichever of them is written to.

use crate::relay::Relay;
use holdfast_test_postgres::{Postgres, Promise, Stop};

/// Enough of the log is kept for a standby that is being copied.
const SETTINGS: &[&str] = &["wal_keep_size=256MB"];
const STANDBY: &str = "standby";
/// What Patroni's `synchronous_mode: true` with `synchronous_mode_strict: true` comes to.
const STRICT: &str = "'FIRST 1 (standby)'";

pub struct Cluster {
    pub primary: Postgres,
    pub standby: Postgres,
    pub relay: Relay,
    database: String,
}

impl Cluster {
    /// A primary that takes no commit without its standby.
    pub fn start() -> Self {
        let mut primary = Postgres::start_with(Promise::Durable, SETTINGS).expect("PostgreSQL starts");
        primary.database("holdfast").expect("a database");
        primary.set("synchronous_standby_names", STRICT).expect("a setting");
        // From its first moment on: a running one would take a while to hear of it.
        primary.stop(Stop::Fast).expect("PostgreSQL stops");
        primary.run().expect("PostgreSQL starts again");
        let standby = primary.standby(STANDBY).expect("a standby");
        let relay = Relay::start();
        relay.lead_to(primary.socket());
        Self { database: "holdfast".to_owned(), primary, standby, relay }
    }

    /// For `HOLDFAST_DATABASE`.
    pub fn address(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.relay.port, self.database)
    }

    /// The primary is gone.
    pub fn lose_primary(&mut self, how: Stop) {
        self.primary.stop(how).expect("PostgreSQL stops");
        self.relay.cut();
    }

    /// The standby takes the primary's place; it has no standby of its own yet. What was the primary comes back.
    pub fn promote(mut self) -> Promoted {
        self.standby.promote().expect("the standby is promoted");
        self.relay.lead_to(self.standby.socket());
        std::mem::swap(&mut self.primary, &mut self.standby);
        Promoted(self)
    }

    /// Commits wait for the standby no more.
    pub fn relax(&self) {
        // For the time when it is the primary.
        self.standby.set("synchronous_standby_names", "''").expect("a setting");
        self.primary.set("synchronous_standby_names", "''").expect("a setting");
        let state = "SELECT sync_state FROM pg_stat_replication";
        self.primary.wait_until("the standby is asynchronous", state, "async").expect("PostgreSQL answers");
    }
}

/// A cluster whose standby was promoted and has none itself.
pub struct Promoted(pub Cluster);

impl Promoted {
    /// Waits until a commit waits for a standby.
    pub fn wait_for_waiting(&self) {
        let waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        self.0.primary.wait_until("a commit waits", waiting, "t").expect("PostgreSQL answers");
    }

    /// Gives it one.
    pub fn with_standby(mut self) -> Cluster {
        self.0.standby = self.0.primary.standby(STANDBY).expect("a standby");
        self.0
    }
}
