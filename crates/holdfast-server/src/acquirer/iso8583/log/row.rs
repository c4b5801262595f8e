//! Between rows of the log and exchanges.

use super::{Exchange, Kind, State};
use crate::store::StoreError;
use crate::store::books::row::{damaged, small};
use crate::store::db::Conn;
use futures_util::future::BoxFuture;
use holdfast_core::time::{UnixMs, utc_day};
use sqlx::Row as _;
use sqlx::any::AnyRow;

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorisation => "authorisation",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
        }
    }
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unsent => "unsent",
            Self::Answered => "answered",
            Self::Reversed => "reversed",
        }
    }
}

/// Writes an exchange that begins, unless the same stands there, and says how many rows that were.
pub fn insert(c: &mut Conn, row: Exchange, holder: String, until_ms: UnixMs) -> BoxFuture<'_, Result<u64, StoreError>> {
    Box::pin(async move {
        let written = sqlx::query(
            "INSERT INTO exchanges (reference, nth, kind, number, original, day, stan, rrn, sent_ms, amount_minor, currency, state, holder, held_until_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', $12, $13) ON CONFLICT DO NOTHING",
        )
        .bind(row.reference)
        .bind(row.nth)
        .bind(row.kind.as_str())
        .bind(i64::from(row.number))
        .bind(row.original)
        .bind(utc_day(row.sent_ms))
        .bind(i64::from(row.stan))
        .bind(row.rrn)
        .bind(row.sent_ms)
        .bind(row.amount_minor)
        .bind(row.currency)
        .bind(holder)
        .bind(until_ms)
        .execute(c)
        .await?;
        Ok(written.rows_affected())
    })
}

pub fn read(row: &AnyRow) -> Result<Exchange, StoreError> {
    let kind = match row.try_get::<&str, _>("kind")? {
        "authorisation" => Kind::Authorisation,
        "capture" => Kind::Capture,
        "reversal" => Kind::Reversal,
        "refund" => Kind::Refund,
        _ => return Err(damaged("kind of exchange")),
    };
    let state = match row.try_get::<&str, _>("state")? {
        "open" => State::Open,
        "unsent" => State::Unsent,
        "answered" => State::Answered,
        "reversed" => State::Reversed,
        _ => return Err(damaged("state of an exchange")),
    };
    Ok(Exchange {
        reference: row.try_get("reference")?,
        nth: row.try_get("nth")?,
        kind,
        number: small(row, "number")?,
        original: row.try_get("original")?,
        stan: small(row, "stan")?,
        rrn: row.try_get("rrn")?,
        sent_ms: row.try_get("sent_ms")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        state,
        sends: small(row, "sends")?,
        code: row.try_get("code")?,
        approval_code: row.try_get("approval_code")?,
    })
}
