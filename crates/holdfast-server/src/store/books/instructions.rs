//! Instructions about payments: refunds, voids, retries.

use super::Scope;
use super::row::{self, damaged, parsed, small};
use crate::store::db::{Conn, rows};
use crate::store::together::Answers;
use crate::store::{Payment, StoreError};
use holdfast_core::id::PaymentId;
use holdfast_core::payment::instruction::{Instruction, InstructionKind, Progress};
use holdfast_core::time::UnixMs;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use std::collections::{BTreeSet, HashMap, HashSet};

const OF_PAYMENT: &str = "SELECT * FROM instructions WHERE payment_id = $1 ORDER BY asked_ms, kind, number";

/// The instructions of each payment, for many who ask at once.
pub async fn of(reader: AnyPool, ids: Vec<PaymentId>) -> Answers<Vec<Instruction>> {
    let mut c = reader.acquire().await?;
    let found = of_many(&mut c, &ids).await?;
    Ok(ids.iter().map(|id| Ok(found.get(id).cloned().unwrap_or_default())).collect())
}

/// The same by payment; those that have none are left out.
pub async fn of_many(c: &mut Conn, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Vec<Instruction>>, StoreError> {
    let keys: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    let head = "SELECT * FROM instructions WHERE payment_id IN ";
    let mut of: HashMap<PaymentId, Vec<Instruction>> = HashMap::new();
    for row in rows::read(c, head, " ORDER BY asked_ms, kind, number", None, keys).await? {
        of.entry(parsed(&row, "payment_id")?).or_default().push(instruction(&row)?);
    }
    Ok(of)
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

/// Jobs go, or are due at once where an instruction came in meanwhile. Each is named with the time that it is at its writer's.
pub async fn done(c: &mut Conn, jobs: Vec<(UnixMs, String)>) -> Result<(), StoreError> {
    let ids = || jobs.iter().map(|(_, id)| id.as_str());
    let head = "SELECT payment_id FROM instructions WHERE progress IN ('asked', 'sent') AND payment_id IN ";
    let found = rows::read(c, head, "", None, ids()).await?;
    let open =
        found.iter().map(|row| Ok(row.try_get("payment_id")?)).collect::<Result<HashSet<String>, StoreError>>()?;
    for (now_ms, id) in jobs.iter().filter(|(_, id)| open.contains(id)) {
        sqlx::query(
            "UPDATE jobs SET due_ms = $1, failures = 0, lease_until_ms = 0, holder = NULL WHERE payment_id = $2",
        )
        .bind(now_ms)
        .bind(id)
        .execute(&mut *c)
        .await?;
    }
    rows::change(c, "DELETE FROM jobs WHERE payment_id IN ", "", None, ids().filter(|id| !open.contains(*id))).await
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
