//! Between columns and values. A row that does not parse is a damaged database, said as such.

use crate::store::{Again, CardSummary, Payment, Sale, StoreError};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use holdfast_core::id::RecordHash;
use holdfast_core::payment::{Decline, PaymentState};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::str::FromStr;

pub fn damaged(what: &str) -> StoreError {
    StoreError::Database(format!("a row holds no valid {what}"))
}

pub fn hash_text(hash: &RecordHash) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(hash.0)
}

pub fn hash_from(text: &str) -> Result<RecordHash, StoreError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(RecordHash).ok_or_else(|| damaged("record hash"))
}

/// A column that holds the text of `T`.
pub fn parsed<T: FromStr>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| damaged(column))
}

/// The same of a column that may be empty.
pub fn maybe_parsed<T: FromStr>(row: &AnyRow, column: &str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| damaged(column))).transpose()
}

pub fn unsigned(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| damaged(column))
}

/// A column that holds a small count.
pub fn small(row: &AnyRow, column: &str) -> Result<u32, StoreError> {
    let value: i64 = row.try_get(column)?;
    u32::try_from(value).map_err(|_| damaged(column))
}

/// A column that holds yes as 1 and no as 0.
pub fn flag(row: &AnyRow, column: &str) -> Result<bool, StoreError> {
    let value: i64 = row.try_get(column)?;
    Ok(value != 0)
}

pub fn payment(row: &AnyRow) -> Result<Payment, StoreError> {
    Ok(Payment {
        id: parsed(row, "id")?,
        merchant_id: parsed(row, "merchant_id")?,
        device_id: parsed(row, "device_id")?,
        seq: unsigned(row, "seq")?,
        prev: row.try_get("prev")?,
        record_hash: hash_from(row.try_get("record_hash")?)?,
        record: row.try_get("record")?,
        card_key_kid: row.try_get("card_key_kid")?,
        sale: Sale {
            number: row.try_get("number")?,
            amount_minor: row.try_get("amount_minor")?,
            currency: row.try_get("currency")?,
            tax_minor: row.try_get("tax_minor")?,
            tip_minor: row.try_get("tip_minor")?,
            staff: row.try_get("staff")?,
            lines: row.try_get("lines")?,
        },
        card: CardSummary {
            brand: row.try_get("brand")?,
            last4: row.try_get("last4")?,
            entry: row.try_get("entry")?,
            pan_hmac: row.try_get("pan_hmac")?,
        },
        offline: flag(row, "offline")?,
        taken_ms: row.try_get("taken_ms")?,
        received_ms: row.try_get("received_ms")?,
        state: state(row)?,
        changed_ms: row.try_get("changed_ms")?,
        change: row.try_get("change")?,
        again: Again {
            replaces: maybe_parsed(row, "replaces")?,
            replaced_by: maybe_parsed(row, "replaced_by")?,
            is_settled: row.try_get::<Option<i64>, _>("settled_otherwise_ms")?.is_some(),
        },
    })
}

/// The columns of a state: name, reason, approval code, settled at.
pub type StateColumns = (&'static str, Option<String>, Option<String>, Option<i64>);

pub fn state_columns(state: &PaymentState) -> StateColumns {
    let name = state.name();
    match state {
        PaymentState::Received | PaymentState::Authorising => (name, None, None, None),
        PaymentState::Authorised { approval_code } | PaymentState::Capturing { approval_code } => {
            (name, None, Some(approval_code.clone()), None)
        }
        PaymentState::Captured { approval_code, at_ms } => (name, None, Some(approval_code.clone()), Some(*at_ms)),
        PaymentState::PartlyRefunded { approval_code, refunds } | PaymentState::Refunded { approval_code, refunds } => {
            (name, Some(refunds.to_string()), Some(approval_code.clone()), Some(refunds.at_ms()))
        }
        PaymentState::Voided { approval_code, reason, at_ms } => {
            (name, Some(reason.to_string()), Some(approval_code.clone()), Some(*at_ms))
        }
        PaymentState::Declined { decline, at_ms } => (name, Some(decline.code.clone()), None, Some(*at_ms)),
        PaymentState::Expired { at_ms } => (name, None, None, Some(*at_ms)),
        PaymentState::Quarantined { reason } => (name, Some(reason.clone()), None, None),
    }
}

fn state(row: &AnyRow) -> Result<PaymentState, StoreError> {
    let name: &str = row.try_get("state")?;
    let reason = || row.try_get::<Option<String>, _>("reason")?.ok_or_else(|| damaged("reason"));
    let approval_code = || row.try_get::<Option<String>, _>("approval_code")?.ok_or_else(|| damaged("approval code"));
    let at_ms = || row.try_get::<Option<i64>, _>("settled_ms")?.ok_or_else(|| damaged("time of settling"));
    let refunds = || reason()?.parse().map_err(|_| damaged("list of refunds"));
    Ok(match name {
        "received" => PaymentState::Received,
        "authorising" => PaymentState::Authorising,
        "authorised" => PaymentState::Authorised { approval_code: approval_code()? },
        "capturing" => PaymentState::Capturing { approval_code: approval_code()? },
        "captured" => PaymentState::Captured { approval_code: approval_code()?, at_ms: at_ms()? },
        "partly-refunded" => PaymentState::PartlyRefunded { approval_code: approval_code()?, refunds: refunds()? },
        "refunded" => PaymentState::Refunded { approval_code: approval_code()?, refunds: refunds()? },
        "voided" => PaymentState::Voided {
            approval_code: approval_code()?,
            reason: reason()?.parse().map_err(|_| damaged("reason"))?,
            at_ms: at_ms()?,
        },
        "declined" => PaymentState::Declined { decline: Decline { code: reason()? }, at_ms: at_ms()? },
        "expired" => PaymentState::Expired { at_ms: at_ms()? },
        "quarantined" => PaymentState::Quarantined { reason: reason()? },
        _ => return Err(damaged("state")),
    })
}
