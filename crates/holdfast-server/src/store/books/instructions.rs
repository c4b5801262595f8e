//! Instructions about payments: refunds, voids, retries.

use super::Scope;
use super::row::{self, damaged, parsed, small};
use crate::store::db::Conn;
use crate::store::{Payment, StoreError};
use holdfast_core::id::PaymentId;
use holdfast_core::payment::instruction::{Instruction, InstructionKind, Progress};
use holdfast_core::time::UnixMs;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

const OF_PAYMENT: &str = "SELECT * FROM instructions WHERE payment_id = $1 ORDER BY asked_ms, kind, number";

pub async fn of(reader: &AnyPool, id: PaymentId) -> Result<Vec<Instruction>, StoreError> {
    let rows = sqlx::query(OF_PAYMENT).bind(id.to_string()).fetch_all(reader).await?;
    rows.iter().map(instruction).collect()
}

/// The payment and its instructions. Where there are several writers, no other one changes them before this one's commit.
pub async fn snapshot(
    connection: &mut Conn,
    scope: Scope,
    id: PaymentId,
) -> Result<(Option<Payment>, Vec<Instruction>), StoreError> {
    let text = scope
        .dialect
        .pick("SELECT * FROM payments WHERE id = $1", "SELECT * FROM payments WHERE id = $1 FOR NO KEY UPDATE");
    let found = sqlx::query(text).bind(id.to_string()).fetch_optional(&mut *connection).await?;
    let payment = found.as_ref().map(row::payment).transpose()?;
    let rows = sqlx::query(OF_PAYMENT).bind(id.to_string()).fetch_all(connection).await?;
    Ok((payment, rows.iter().map(instruction).collect::<Result<_, _>>()?))
}

/// Writes an instruction as it stands now.
pub async fn keep(connection: &mut Conn, id: PaymentId, instruction: &Instruction) -> Result<(), StoreError> {
    let code = match &instruction.progress {
        Progress::Refused { code } => Some(code.as_str()),
        Progress::Asked | Progress::Sent | Progress::Done => None,
    };
    sqlx::query(
        "INSERT INTO instructions (payment_id, id, kind, number, amount_minor, reason, asked_by, progress, code, asked_ms, changed_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (payment_id, id) DO UPDATE SET progress = excluded.progress, code = excluded.code, changed_ms = excluded.changed_ms",
    )
    .bind(id.to_string())
    .bind(&instruction.id)
    .bind(instruction.kind.name())
    .bind(i64::from(instruction.number))
    .bind(instruction.amount_minor)
    .bind(instruction.reason.as_str())
    .bind(&instruction.by)
    .bind(instruction.progress.name())
    .bind(code)
    .bind(instruction.asked_ms)
    .bind(instruction.changed_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the payment's job due. One that somebody works on stays with them: they find the instruction when they are done.
pub async fn call(connection: &mut Conn, now_ms: UnixMs, id: PaymentId) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO jobs (due_ms, payment_id) VALUES ($1, $2) ON CONFLICT (payment_id) DO UPDATE SET due_ms = excluded.due_ms",
    )
    .bind(now_ms)
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The job goes, or is due at once when an instruction came in meanwhile.
pub async fn done(connection: &mut Conn, now_ms: UnixMs, id: &str) -> Result<(), StoreError> {
    let is_open = "SELECT 1 FROM instructions WHERE payment_id = $1 AND progress IN ('asked', 'sent')";
    let open = sqlx::query(is_open).bind(id).fetch_optional(&mut *connection).await?;
    let query = match open {
        Some(_) => sqlx::query(
            "UPDATE jobs SET due_ms = $1, failures = 0, lease_until_ms = 0, holder = NULL WHERE payment_id = $2",
        )
        .bind(now_ms)
        .bind(id),
        None => sqlx::query("DELETE FROM jobs WHERE payment_id = $1").bind(id),
    };
    query.execute(connection).await?;
    Ok(())
}

fn instruction(row: &AnyRow) -> Result<Instruction, StoreError> {
    let kind = InstructionKind::from_name(row.try_get("kind")?).ok_or_else(|| damaged("kind of instruction"))?;
    let progress = match row.try_get("progress")? {
        "asked" => Progress::Asked,
        "sent" => Progress::Sent,
        "done" => Progress::Done,
        "refused" => Progress::Refused { code: row.try_get::<Option<String>, _>("code")?.unwrap_or_default() },
        _ => return Err(damaged("progress")),
    };
    Ok(Instruction {
        id: row.try_get("id")?,
        kind,
        number: small(row, "number")?,
        amount_minor: row.try_get("amount_minor")?,
        reason: parsed(row, "reason")?,
        by: row.try_get("asked_by")?,
        progress,
        asked_ms: row.try_get("asked_ms")?,
        changed_ms: row.try_get("changed_ms")?,
    })
}
