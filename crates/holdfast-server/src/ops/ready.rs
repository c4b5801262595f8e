//! Whether a balancer may send tills here.

use crate::http::Server;
use crate::process::Clock as _;
use crate::store::db::BOOKS;
use crate::store::{StoreError, care};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A check of the database costs a flush: whoever asks more often gets the last answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A database that takes longer than this to write one row is not ready.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// One thing that must be so, and what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    pub fault: Option<&'static str>,
}

/// The last look.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, Vec<Check>)>>);

impl Readiness {
    pub async fn look(&self, server: &Server, is_draining: bool) -> Vec<Check> {
        let mut last = self.0.lock().await;
        let fresh = last.as_ref().filter(|(at, _)| at.elapsed() < LOOK_AGAIN).map(|(_, checks)| checks.clone());
        let mut checks = match fresh {
            Some(checks) => checks,
            None => {
                let checks = vec![database(server).await, schema(server).await, keys(server).await];
                *last = Some((Instant::now(), checks.clone()));
                checks
            }
        };
        // Never an old answer: this is what a balancer must learn at once.
        checks.push(check("draining", (!is_draining).then_some(()), "the server is about to stop"));
        checks
    }
}

fn check(name: &'static str, is_so: Option<()>, fault: &'static str) -> Check {
    Check { name, fault: is_so.is_none().then_some(fault) }
}

/// A row is really written: a full disk and a read-only standby still read.
async fn database(server: &Server) -> Check {
    let now_ms = server.clock.now_ms();
    let write = server.ledger.db().write(move |c| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO meta (name, value) VALUES ('ready', $1) ON CONFLICT (name) DO UPDATE SET value = $1",
            )
            .bind(now_ms.to_string())
            .execute(c)
            .await?;
            Ok::<(), StoreError>(())
        })
    });
    let written = tokio::time::timeout(WRITE_MAX, write).await;
    check("database", matches!(written, Ok(Ok(()))).then_some(()), "a row cannot be written")
}

async fn schema(server: &Server) -> Check {
    let held = tokio::time::timeout(WRITE_MAX, care::version(server.ledger.db())).await;
    let is_ours = matches!(held, Ok(Ok(version)) if version == BOOKS.version());
    check("schema", is_ours.then_some(()), "the books are at another step than this program knows")
}

async fn keys(server: &Server) -> Check {
    let now_ms = server.clock.now_ms();
    let health = tokio::time::timeout(WRITE_MAX, server.keyring.health(now_ms)).await;
    let fault = match health {
        Ok(Ok(health)) if health.is_well(now_ms) => None,
        Ok(Ok(health)) if health.self_test.is_none() => Some("the self-test has not been run yet"),
        Ok(Ok(_)) => Some("a key is missing, over, or did not open its probe: see the log and holdfast doctor"),
        _ => Some("the keys cannot be read"),
    };
    Check { name: "keys", fault }
}
