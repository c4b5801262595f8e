//! What is wrong with the books, in words. Nothing here writes.

use super::number;
use crate::store::StoreError;
use crate::store::db::{BOOKS, Database, Dialect};
use holdfast_core::limits::KEY_DAYS_AHEAD;
use holdfast_core::time::{DAY_MS, UnixMs};
use sqlx::Row as _;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Good,
    /// Somebody should look at it.
    Look,
    /// Money or its safety is at stake.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub weight: Weight,
    /// What was found, and what to do.
    pub said: String,
}

/// A job that is due and was not taken on for this long.
const OVERDUE_MS: i64 = 3_600_000;
/// Attempts of a task of the outbox after which somebody should look.
const FAILURES_MAX: i64 = 5;
/// A certificate that ends within this time should have been renewed.
const CERTIFICATE_LEFT_MS: i64 = 7 * DAY_MS;

/// Looks at everything.
///
/// # Errors
/// When the database cannot be read at all.
pub async fn look(db: &Database, now_ms: UnixMs) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    schema(db, &mut found).await?;
    if found.iter().any(|finding| finding.weight == Weight::Wrong) {
        // Tables may be missing: what follows could not be read.
        return Ok(found);
    }
    match db.dialect() {
        Dialect::Sqlite => sqlite(db, &mut found).await?,
        Dialect::Postgres => postgres(db, &mut found).await?,
    }
    lines(db, &mut found).await?;
    journal(db, &mut found).await?;
    jobs(db, now_ms, &mut found).await?;
    devices(db, now_ms, &mut found).await?;
    keys(db, now_ms, &mut found).await?;
    Ok(found)
}

fn say(found: &mut Vec<Finding>, weight: Weight, said: impl Into<String>) {
    found.push(Finding { weight, said: said.into() });
}

/// Good when `count` is 0, and otherwise of this weight.
fn none(found: &mut Vec<Finding>, count: i64, weight: Weight, good: &str, bad: impl FnOnce(i64) -> String) {
    if count == 0 {
        say(found, Weight::Good, good);
    } else {
        say(found, weight, bad(count));
    }
}

async fn schema(db: &Database, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let (held, known) = (super::version(db).await.unwrap_or(0), BOOKS.version());
    match held.cmp(&known) {
        std::cmp::Ordering::Equal => say(found, Weight::Good, format!("the schema is at step {held}")),
        std::cmp::Ordering::Less => say(
            found,
            Weight::Wrong,
            format!("the schema is at step {held} and this program needs {known}: run `holdfast migrate`"),
        ),
        std::cmp::Ordering::Greater => say(
            found,
            Weight::Wrong,
            format!("the schema is at step {held} and this program knows {known}: use the newer program"),
        ),
    }
    Ok(())
}

async fn sqlite(db: &Database, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let said: String = sqlx::query("PRAGMA integrity_check(1)").fetch_one(db.reader()).await?.try_get(0)?;
    if said == "ok" {
        say(found, Weight::Good, "every page of the file reads");
    } else {
        say(found, Weight::Wrong, format!("the file is damaged ({said}): stop the server and restore a copy"));
    }
    Ok(())
}

async fn postgres(db: &Database, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let setting = async |name: &'static str| -> Result<String, StoreError> {
        let row = sqlx::query("SELECT current_setting($1) AS value").bind(name).fetch_one(db.reader()).await?;
        Ok(row.try_get("value")?)
    };
    for (name, loss) in [
        ("fsync", "a commit may be lost when the machine stops"),
        ("full_page_writes", "a page may be torn when the machine stops"),
    ] {
        let value = setting(name).await?;
        if value == "on" {
            say(found, Weight::Good, format!("PostgreSQL's {name} is on"));
        } else {
            say(found, Weight::Wrong, format!("PostgreSQL's {name} is {value}: {loss}; set it to on"));
        }
    }
    Ok(())
}

/// Every payment's last change stands among the events.
async fn lines(db: &Database, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let missing = number(
        db,
        "SELECT count(*) AS n FROM payments p WHERE NOT EXISTS
           (SELECT 1 FROM payment_events e WHERE e.merchant_id = p.merchant_id AND e.change = p.change AND e.state = p.state)",
    )
    .await?;
    none(found, missing, Weight::Wrong, "every payment's last change stands in its history", |n| {
        format!("{n} payments were changed without a line in their history: somebody wrote past the server")
    });
    Ok(())
}

/// Every entry of the journal adds up to nothing.
async fn journal(db: &Database, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let crooked = number(
        db,
        "SELECT count(*) AS n FROM
           (SELECT 1 AS one FROM journal_lines GROUP BY merchant_id, entry HAVING CAST(sum(amount_minor) AS BIGINT) <> 0) e",
    )
    .await?;
    none(found, crooked, Weight::Wrong, "every entry of the journal adds up to nothing", |n| {
        format!("{n} entries of the journal do not add up to nothing: somebody wrote past the server")
    });
    Ok(())
}

async fn jobs(db: &Database, now_ms: UnixMs, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT count(*) AS n FROM jobs WHERE due_ms < $1 AND lease_until_ms < $1")
        .bind(now_ms - OVERDUE_MS)
        .fetch_one(db.reader())
        .await?;
    none(found, row.try_get("n")?, Weight::Look, "no payment waits longer than an hour for its job", |n| {
        format!("{n} payments have waited for more than an hour: is a server running, and does its acquirer answer?")
    });
    let row = sqlx::query("SELECT count(*) AS n FROM exchanges WHERE state = 'open' AND sent_ms < $1")
        .bind(now_ms - OVERDUE_MS)
        .fetch_one(db.reader())
        .await?;
    none(
        found,
        row.try_get("n")?,
        Weight::Look,
        "nothing is open at an ISO 8583 acquirer for longer than an hour",
        |n| {
            format!(
                "{n} messages to the acquirer have had no answer for more than an hour: it is asked to take them back until it does"
            )
        },
    );
    let stray = number(
        db,
        "SELECT count(*) AS n FROM payments p WHERE state IN ('received', 'authorising', 'authorised', 'capturing')
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.payment_id = p.id)",
    )
    .await?;
    none(found, stray, Weight::Wrong, "every payment that is not settled has a job", |n| {
        format!("{n} payments are not settled and have no job: they would wait for ever")
    });
    let quarantine = number(db, "SELECT count(*) AS n FROM quarantine WHERE decision IS NULL").await?;
    none(found, quarantine, Weight::Look, "nothing is in quarantine", |n| {
        format!("{n} records are in quarantine and wait for the owner's judgement")
    });
    let row = sqlx::query("SELECT count(*) AS n FROM outbox_tasks WHERE failures >= $1")
        .bind(FAILURES_MAX)
        .fetch_one(db.reader())
        .await?;
    none(found, row.try_get("n")?, Weight::Look, "the outbox gets its tasks done", |n| {
        format!("{n} tasks of the outbox failed {FAILURES_MAX} times or more: look at the log for their topic")
    });
    Ok(())
}

async fn devices(db: &Database, now_ms: UnixMs, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let lost = number(
        db,
        "SELECT count(*) AS n FROM devices d LEFT JOIN chain_heads h ON h.device_id = d.id
         WHERE d.waiting_count = 0 AND d.told_seq > coalesce(h.seq, 0) AND NOT EXISTS
           (SELECT 1 FROM quarantine q WHERE q.device_id = d.id)",
    )
    .await?;
    none(found, lost, Weight::Wrong, "no device has handed in more than the books hold", |n| {
        format!("{n} devices have handed in payments that the books do not hold: were they restored from a copy?")
    });
    let missing = number(
        db,
        "SELECT count(*) AS n FROM missing_payments m
         WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = m.payment_id AND p.record_hash = m.record_hash)",
    )
    .await?;
    none(found, missing, Weight::Wrong, "no till has named a payment that is missing", |n| {
        format!("{n} payments that tills were told are stored are missing: their owners see them under /office/missing")
    });
    let row = sqlx::query("SELECT count(*) AS n FROM devices WHERE waiting_count > 0 AND heartbeat_ms < $1")
        .bind(now_ms - DAY_MS)
        .fetch_one(db.reader())
        .await?;
    none(found, row.try_get("n")?, Weight::Look, "no device with waiting payments is silent", |n| {
        format!(
            "{n} devices hold payments and have been silent for a day: bring them online before their window is over"
        )
    });
    Ok(())
}

async fn keys(db: &Database, now_ms: UnixMs, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let usable = sqlx::query(
        "SELECT count(*) AS n FROM card_keys WHERE private IS NOT NULL AND not_before_ms <= $1 AND use_until_ms > $1",
    )
    .bind(now_ms)
    .fetch_one(db.reader())
    .await?;
    if usable.try_get::<i64, _>("n")? > 0 {
        say(found, Weight::Good, "there is a card key for today");
    } else {
        say(found, Weight::Look, "there is no card key for today: start the server, it makes one");
    }
    key_days(db, now_ms, found).await?;
    let row = sqlx::query("SELECT coalesce(max(not_after_ms), 0) AS n FROM signers").fetch_one(db.reader()).await?;
    let left_ms = row.try_get::<i64, _>("n")? - now_ms;
    if left_ms > CERTIFICATE_LEFT_MS {
        say(found, Weight::Good, format!("the signer's certificate holds for {} days", left_ms / DAY_MS));
    } else {
        say(
            found,
            Weight::Look,
            "the signer's certificate is missing or near its end: start the server with its root key",
        );
    }
    Ok(())
}

/// The days ahead, what should have been destroyed, and the last self-test. Without these a till stops to take cards days later.
async fn key_days(db: &Database, now_ms: UnixMs, found: &mut Vec<Finding>) -> Result<(), StoreError> {
    let held = |text: &'static str| sqlx::query(text).bind(now_ms).fetch_one(db.reader());
    let ahead: i64 = held(
        "SELECT count(*) AS n FROM card_keys WHERE private IS NOT NULL AND not_before_ms > $1 AND withdrawn_ms IS NULL",
    )
    .await?
    .try_get("n")?;
    let weight = if ahead < i64::from(KEY_DAYS_AHEAD) { Weight::Look } else { Weight::Good };
    say(
        found,
        weight,
        format!("card keys are there for {ahead} days ahead; a server that runs keeps {KEY_DAYS_AHEAD}"),
    );
    let over: i64 = held("SELECT count(*) AS n FROM card_keys WHERE private IS NOT NULL AND accept_until_ms <= $1")
        .await?
        .try_get("n")?;
    none(found, over, Weight::Look, "no private key is kept past its time", |n| {
        format!(
            "{n} private keys are past their time: a server that runs destroys them, unless an unopened record needs them"
        )
    });
    let last = sqlx::query("SELECT event, at_ms FROM key_log WHERE kid = 'self-test' ORDER BY id DESC LIMIT 1")
        .fetch_optional(db.reader())
        .await?;
    let Some(last) = last else {
        say(found, Weight::Look, "the keys were never tested: a server that runs does it daily");
        return Ok(());
    };
    let (event, at_ms): (String, UnixMs) = (last.try_get("event")?, last.try_get("at_ms")?);
    let hours = (now_ms - at_ms) / 3_600_000;
    match (event.as_str(), hours) {
        ("passed", ..48) => say(found, Weight::Good, format!("every live key opened its probe {hours} hours ago")),
        ("passed", _) => say(found, Weight::Look, format!("the last self-test of the keys is {hours} hours old")),
        _ => say(found, Weight::Wrong, "the last self-test failed: see `holdfast keys list` and the log"),
    }
    Ok(())
}
