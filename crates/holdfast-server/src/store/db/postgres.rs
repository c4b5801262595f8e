//! Connecting to PostgreSQL the way money needs it.

use super::OpenError;
use super::migrations::Schema;
use super::place::PostgresUrl;
use sqlx::any::AnyPoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyPool, ConnectOptions as _, Connection as _};
use std::time::Duration;

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
pub async fn connect(url: &PostgresUrl, schema: &Schema) -> Result<(AnyPool, AnyPool), OpenError> {
    sqlx::any::install_default_drivers();
    let mut url = url.expose()?.to_owned();
    if let Some(name) = schema.apart {
        let separator = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!("{separator}options=-c%20search_path%3D{name}"));
    }
    let pool = |size: u32| {
        AnyPoolOptions::new().max_connections(size).acquire_timeout(ACQUIRE_MAX).after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SETTINGS).execute(connection).await?;
                Ok(())
            })
        })
    };
    Ok((pool(WRITERS_MAX).connect(&url).await?, pool(READERS_MAX).connect(&url).await?))
}
