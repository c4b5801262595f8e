//! Connecting to PostgreSQL the way money needs it.

use super::OpenError;
use super::migrations::Schema;
use super::place::PostgresUrl;
use sqlx::any::AnyPoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyPool, ConnectOptions as _, Connection as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections of one replica: those that write, and those that read. Three replicas fit into a server as it comes.
const WRITERS_MAX: u32 = 16;
const READERS_MAX: u32 = 8;
/// How long a request waits for a connection before it is told to come later.
const ACQUIRE_MAX: Duration = Duration::from_secs(10);

/// Whatever the server's own setting: a commit is on its disk before we believe in it, and an answer to a till follows. A setting that
/// waits for a standby as well stays. A replica that hangs must not hold others up for ever.
const SETTINGS: &str = "SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
    SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'";

/// Which of a cluster's histories a server writes: every promotion of a standby and every recovery to a point in time begins the next one
/// (PostgreSQL 15, section 26.3.5). The first eight digits of a segment's name say it, and only a server that may be written to gives them.
const TIMELINE: &str = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

/// A connection that was being opened while another one found a newer timeline is not trusted either.
const OPENING: Duration = Duration::from_secs(1);

/// The newest timeline that any connection was opened on. What this process says to tills bears its number, so from then on nothing is written
/// over a connection to an older one: a primary that was replaced and does not know it yet may still take commits that are lost.
#[derive(Debug, Default)]
pub struct Timeline(Mutex<Newest>);

#[derive(Debug, Default)]
struct Newest {
    number: u32,
    /// When it took the place of another one.
    since: Option<Instant>,
}

impl Timeline {
    pub fn newest(&self) -> u32 {
        self.lock().number
    }

    /// A connection was opened on this one. `false` when there is a newer one.
    fn saw(&self, number: u32) -> bool {
        let mut newest = self.lock();
        if number > newest.number {
            newest.since = (newest.number > 0).then(Instant::now);
            newest.number = number;
        }
        number == newest.number
    }

    /// Whether a connection that was opened so long ago is on the newest one.
    fn is_of(&self, age: Duration) -> bool {
        self.lock().since.is_none_or(|since| since.elapsed() > age.saturating_add(OPENING))
    }

    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings the schema up to date. Several replicas may do so at once: one does, the others wait.
///
/// # Errors
/// When the server cannot be reached, or holds a schema that this program does not know.
pub async fn migrate(url: &PostgresUrl, schema: &Schema) -> Result<(), OpenError> {
    let options: PgConnectOptions = url.expose()?.parse()?;
    let mut connection = search(options, schema).connect().await?;
    schema.for_postgres().run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

fn search(options: PgConnectOptions, schema: &Schema) -> PgConnectOptions {
    match schema.apart {
        Some(name) => options.options([("search_path", name)]),
        None => options,
    }
}

/// Writers and readers.
///
/// # Errors
/// When the server cannot be reached.
pub async fn connect(url: &PostgresUrl, schema: &Schema) -> Result<(AnyPool, AnyPool, Arc<Timeline>), OpenError> {
    sqlx::any::install_default_drivers();
    let mut url = url.expose()?.to_owned();
    if let Some(name) = schema.apart {
        let separator = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!("{separator}options=-c%20search_path%3D{name}"));
    }
    let timeline = Arc::new(Timeline::default());
    let pool = |size| pool(size, Arc::clone(&timeline));
    Ok((pool(WRITERS_MAX).connect(&url).await?, pool(READERS_MAX).connect(&url).await?, timeline))
}

fn pool(size: u32, timeline: Arc<Timeline>) -> AnyPoolOptions {
    let before = Arc::clone(&timeline);
    AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_MAX)
        .after_connect(move |connection, _| {
            let timeline = Arc::clone(&timeline);
            Box::pin(async move {
                sqlx::raw_sql(SETTINGS).execute(&mut *connection).await?;
                if timeline.saw(timeline_of(connection).await?) {
                    return Ok(());
                }
                Err(sqlx::Error::Configuration("this server of the cluster was replaced by another one".into()))
            })
        })
        .before_acquire(move |_, connection| {
            let is_of_newest = before.is_of(connection.age);
            Box::pin(async move { Ok(is_of_newest) })
        })
}

/// Asked on every new connection, before anything is read or written on it. An engine that only speaks PostgreSQL's protocol has no
/// timelines: 0. A standby that was not promoted is no server for us.
async fn timeline_of(connection: &mut sqlx::AnyConnection) -> Result<u32, sqlx::Error> {
    /// `object_not_in_prerequisite_state`: recovery is in progress.
    const IN_RECOVERY: &str = "55000";
    match sqlx::query_scalar::<_, String>(TIMELINE).fetch_one(connection).await {
        Ok(digits) => Ok(u32::from_str_radix(&digits, 16).unwrap_or(0)),
        Err(error) => match error.as_database_error().and_then(|error| error.code()) {
            Some(code) if code != IN_RECOVERY => Ok(0),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_to_an_older_server_once_a_newer_one_was_seen() {
        let timeline = Timeline::default();
        assert!(timeline.saw(1) && timeline.is_of(Duration::from_secs(60)), "the first one replaces nothing");
        assert!(timeline.saw(1) && timeline.saw(2));
        assert!(!timeline.saw(1), "a connection to the one that was replaced");
        assert!(!timeline.is_of(Duration::from_secs(60)), "one that was open before");
        assert_eq!(timeline.newest(), 2);
        // An engine that only speaks the protocol has no timelines.
        let other = Timeline::default();
        assert!(other.saw(0) && other.saw(0) && other.is_of(Duration::from_secs(60)));
    }
}
