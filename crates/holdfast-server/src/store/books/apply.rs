//! What jobs decided about payments, written for many payments in one transaction, a table at a time.
//!
//! Each request is about one payment, and succeeds or conflicts by itself.

use super::events::{self, Change};
use super::row::{self, state_columns};
use super::{Scope, feed, instructions};
use crate::store::db::Conn;
use crate::store::db::rows::{self, Value};
use crate::store::together::Answers;
use crate::store::{PaymentOp, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A request about one payment.
#[derive(Debug)]
pub struct Asked {
    pub now_ms: UnixMs,
    pub id: PaymentId,
    /// The change that it was decided at.
    pub change: i64,
    pub ops: Vec<PaymentOp>,
}

/// Writes what is asked and answers each with its payment's change as it is then.
pub async fn apply(c: &mut Conn, scope: Scope, asked: Vec<Asked>) -> Answers<i64> {
    if let [one] = asked.as_slice() {
        return write(c, scope, &[one]).await;
    }
    // The second request about a payment comes after the first.
    let mut seen = BTreeSet::new();
    let (first, later): (Vec<usize>, Vec<usize>) =
        (0..asked.len()).partition(|at| asked.get(*at).is_some_and(|one| seen.insert(one.id)));
    let at = |places: &[usize]| places.iter().filter_map(|at| asked.get(*at)).collect::<Vec<_>>();
    let mut answers = BTreeMap::new();
    let mut alone = later;
    match or_nothing(c, scope, &at(&first)).await? {
        Ok(told) => answers.extend(first.into_iter().zip(told)),
        Err(error) => {
            tracing::warn!(%error, "a group of changes was refused: each is written by itself");
            alone.extend(first);
            alone.sort_unstable();
        }
    }
    for place in alone {
        let told = or_nothing(c, scope, &at(&[place])).await?;
        answers.insert(place, told.and_then(|told| told.into_iter().next().unwrap_or(Err(StoreError::Conflict))));
    }
    Ok(answers.into_values().collect())
}

/// Writes all of it or nothing. The outer error says that the transaction itself is lost.
async fn or_nothing(c: &mut Conn, scope: Scope, asked: &[&Asked]) -> Result<Answers<i64>, StoreError> {
    sqlx::query("SAVEPOINT asked").execute(&mut *c).await?;
    let written = write(c, scope, asked).await;
    let end = if written.is_ok() { "RELEASE SAVEPOINT asked" } else { "ROLLBACK TO SAVEPOINT asked" };
    sqlx::query(end).execute(c).await?;
    Ok(written)
}

/// A request whose payment is as it was when it was decided.
struct Member<'a> {
    asked: &'a Asked,
    held: Held,
}

/// What a change of a payment is told with.
struct Held {
    merchant_id: MerchantId,
    amount_minor: i64,
    currency: String,
    change: i64,
}

impl Member<'_> {
    fn state(&self) -> Option<&PaymentState> {
        self.asked.ops.iter().find_map(|op| if let PaymentOp::State(state) = op { Some(state) } else { None })
    }
}

/// Requests about different payments.
async fn write(c: &mut Conn, scope: Scope, asked: &[&Asked]) -> Answers<i64> {
    let mut held = hold(c, scope, asked).await?;
    let fits = |asked: &&Asked| held.remove(&asked.id).filter(|held| held.change == asked.change);
    let fitting: Vec<Option<Held>> = asked.iter().map(fits).collect();
    let is_member: Vec<bool> = fitting.iter().map(Option::is_some).collect();
    let mut members: Vec<Member<'_>> =
        asked.iter().zip(fitting).filter_map(|(asked, held)| Some(Member { asked, held: held? })).collect();
    write_rare(c, &members).await?;
    write_attempts(c, &members).await?;
    write_jobs(c, &members).await?;
    // As late as it can be: other writers of the merchant wait for the counter.
    number(c, scope, &mut members).await?;
    write_payments(c, &members).await?;
    tell(c, scope, &members).await?;
    let mut changes = members.iter().map(|member| member.held.change);
    Ok(is_member.into_iter().map(|is| is.then(|| changes.next()).flatten().ok_or(StoreError::Conflict)).collect())
}

/// Reads what changes need. Where there are several writers, no other one changes these payments before this one's commit; the locks are
/// taken in one order everywhere.
async fn hold(c: &mut Conn, scope: Scope, asked: &[&Asked]) -> Result<HashMap<PaymentId, Held>, StoreError> {
    let head = "SELECT id, merchant_id, amount_minor, currency, change FROM payments WHERE id IN ";
    let tail = scope.dialect.pick("", " ORDER BY id FOR NO KEY UPDATE");
    let ids: BTreeSet<String> = asked.iter().map(|asked| asked.id.to_string()).collect();
    let found = rows::read(c, head, tail, None, ids).await?;
    let held = |row: &sqlx::any::AnyRow| {
        let held = Held {
            merchant_id: row::parsed(row, "merchant_id")?,
            amount_minor: row.try_get("amount_minor")?,
            currency: row.try_get("currency")?,
            change: row.try_get("change")?,
        };
        Ok((row::parsed(row, "id")?, held))
    };
    found.iter().map(held).collect()
}

/// What few requests hold, one by one.
async fn write_rare(c: &mut Conn, members: &[Member<'_>]) -> Result<(), StoreError> {
    for Member { asked, .. } in members {
        for op in &asked.ops {
            match op {
                PaymentOp::Quarantine { reason } => {
                    quarantine(c, asked.now_ms, &asked.id.to_string(), reason).await?;
                }
                PaymentOp::Instruction(instruction) => instructions::keep(c, asked.id, instruction).await?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// Answers first: a question of the same kind that is asked with one is the next.
async fn write_attempts(c: &mut Conn, members: &[Member<'_>]) -> Result<(), StoreError> {
    let (mut answers, mut questions) = (Vec::new(), Vec::new());
    for Member { asked, .. } in members {
        for op in &asked.ops {
            let id = || Value::from(asked.id.to_string());
            match op {
                PaymentOp::Answer { kind, outcome } => {
                    answers.push([asked.now_ms.into(), outcome.as_str().into(), id(), kind.as_str().into()]);
                }
                PaymentOp::Ask { kind } => questions.push([asked.now_ms.into(), id(), kind.as_str().into()]),
                _ => {}
            }
        }
    }
    let head = "UPDATE acquirer_attempts SET answered_ms = v.column1, outcome = v.column2 FROM (VALUES ";
    let tail = ") AS v WHERE acquirer_attempts.payment_id = v.column3 AND acquirer_attempts.kind = v.column4
        AND acquirer_attempts.answered_ms IS NULL";
    rows::write(c, head, tail, answers).await?;
    rows::write(c, "INSERT INTO acquirer_attempts (asked_ms, payment_id, kind) VALUES ", "", questions).await
}

async fn write_jobs(c: &mut Conn, members: &[Member<'_>]) -> Result<(), StoreError> {
    let (mut again, mut done) = (Vec::new(), Vec::new());
    for Member { asked, .. } in members {
        for op in &asked.ops {
            match op {
                PaymentOp::Again { due_ms, failures } => {
                    again.push([(*due_ms).into(), i64::from(*failures).into(), asked.id.to_string().into()]);
                }
                PaymentOp::Done => done.push((asked.now_ms, asked.id.to_string())),
                _ => {}
            }
        }
    }
    let tail = " ON CONFLICT (payment_id)
        DO UPDATE SET due_ms = excluded.due_ms, failures = excluded.failures, lease_until_ms = 0, holder = NULL";
    rows::write(c, "INSERT INTO jobs (due_ms, failures, payment_id) VALUES ", tail, again).await?;
    instructions::done(c, done).await
}

/// Gives a number of its merchant's feed to each payment that comes to another state.
async fn number(c: &mut Conn, scope: Scope, members: &mut [Member<'_>]) -> Result<(), StoreError> {
    let mut of: BTreeMap<String, (MerchantId, Vec<&mut i64>)> = BTreeMap::new();
    for member in members.iter_mut().filter(|member| member.state().is_some()) {
        let merchant_id = member.held.merchant_id;
        let (_, changes) = of.entry(merchant_id.to_string()).or_insert_with(|| (merchant_id, Vec::new()));
        changes.push(&mut member.held.change);
    }
    for (merchant_id, changes) in of.into_values() {
        let count = i64::try_from(changes.len()).map_err(|_| row::damaged("count"))?;
        let first = feed::take(c, scope, merchant_id, count).await?;
        for (change, number) in changes.into_iter().zip(first..) {
            *change = number;
        }
    }
    Ok(())
}

async fn write_payments(c: &mut Conn, members: &[Member<'_>]) -> Result<(), StoreError> {
    let head = "UPDATE payments SET
        state = coalesce(v.column2, payments.state),
        reason = CASE WHEN v.column2 IS NULL THEN payments.reason ELSE v.column3 END,
        approval_code = CASE WHEN v.column2 IS NULL THEN payments.approval_code ELSE v.column4 END,
        settled_ms = CASE WHEN v.column2 IS NULL THEN payments.settled_ms ELSE v.column5 END,
        changed_ms = CASE WHEN v.column2 IS NULL THEN payments.changed_ms ELSE v.column6 END,
        change = v.column7,
        pan_hmac = coalesce(v.column8, payments.pan_hmac),
        record = CASE WHEN v.column9 = 1 THEN NULL ELSE payments.record END,
        card_key_kid = CASE WHEN v.column9 = 1 THEN NULL ELSE payments.card_key_kid END
        FROM (VALUES ";
    rows::write(c, head, ") AS v WHERE payments.id = v.column1", members.iter().filter_map(payment_row).collect()).await
}

/// What changes in the payment's own row, if anything does.
fn payment_row(member: &Member<'_>) -> Option<[Value; 9]> {
    let (mut pan_hmac, mut is_scrubbed) = (None, false);
    for op in &member.asked.ops {
        match op {
            PaymentOp::PanHmac(hmac) => pan_hmac = Some(hmac.clone()),
            PaymentOp::Scrub | PaymentOp::Quarantine { .. } => is_scrubbed = true,
            _ => {}
        }
    }
    let state = member.state();
    if state.is_none() && pan_hmac.is_none() && !is_scrubbed {
        return None;
    }
    let (name, reason, approval_code, settled_ms) = match state.map(state_columns) {
        Some((name, reason, approval_code, settled_ms)) => (Some(name.to_owned()), reason, approval_code, settled_ms),
        None => (None, None, None, None),
    };
    Some([
        member.asked.id.to_string().into(),
        name.into(),
        reason.into(),
        approval_code.into(),
        settled_ms.into(),
        member.asked.now_ms.into(),
        member.held.change.into(),
        pan_hmac.into(),
        is_scrubbed.into(),
    ])
}

async fn tell(c: &mut Conn, scope: Scope, members: &[Member<'_>]) -> Result<(), StoreError> {
    let change = |member: &'_ Member<'_>| {
        Some(Change {
            merchant_id: member.held.merchant_id,
            number: member.held.change,
            payment_id: member.asked.id,
            state: member.state()?.clone(),
            amount_minor: member.held.amount_minor,
            currency: member.held.currency.clone(),
            at_ms: member.asked.now_ms,
        })
    };
    events::tell(c, scope, &members.iter().filter_map(change).collect::<Vec<_>>()).await
}

/// Copies the record to quarantine. In its payment's row it is overwritten with the rest.
async fn quarantine(c: &mut Conn, now_ms: UnixMs, id: &str, reason: &str) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT device_id, record_hash, record FROM payments WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *c)
        .await?;
    let record: Option<String> = row.try_get("record")?;
    sqlx::query(
        "INSERT INTO quarantine (device_id, record_hash, payment_id, reason, raw, received_ms)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(row.try_get::<&str, _>("device_id")?)
    .bind(row.try_get::<&str, _>("record_hash")?)
    .bind(id)
    .bind(reason)
    .bind(record.unwrap_or_default().into_bytes())
    .bind(now_ms)
    .execute(c)
    .await?;
    Ok(())
}
