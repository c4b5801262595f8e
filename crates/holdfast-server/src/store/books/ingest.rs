//! A batch: what is known of it, and what was decided about it.

use super::row::{damaged, hash_from, hash_text, parsed, unsigned};
use super::{Scope, feed, payments};
use crate::store::db::{Conn, rows};
use crate::store::{IngestOp, IngestQuery, IngestSnapshot, Payment, Quarantined, StoreError, VoidPlace};
use holdfast_core::id::{DeviceId, PaymentId};
use holdfast_core::time::UnixMs;
use holdfast_wire::record::ApprovalWire;
use sqlx::Row as _;

pub async fn snapshot(connection: &mut Conn, scope: Scope, query: &IngestQuery) -> Result<IngestSnapshot, StoreError> {
    let device = query.device_id.to_string();
    // One batch of a device at a time: what is read here holds until the commit. In PostgreSQL a lock makes it a transaction whose commit waits
    // for a synchronous standby also when nothing is new: a `duplicate` is a promise as well.
    let lock = scope
        .dialect
        .pick("SELECT 1 FROM devices WHERE id = $1", "SELECT 1 FROM devices WHERE id = $1 FOR NO KEY UPDATE");
    sqlx::query(lock).bind(&device).fetch_optional(&mut *connection).await?;
    let mut snapshot = IngestSnapshot::default();
    let ids = query.ids.iter().map(ToString::to_string);
    for row in rows::read(connection, "SELECT id, record_hash FROM payments WHERE id IN ", "", None, ids).await? {
        snapshot.by_id.insert(parsed(&row, "id")?, hash_from(row.try_get("record_hash")?)?);
    }
    // Voids are few: only of payments that are here already is it asked whether one took their place.
    let here: Vec<String> = snapshot.by_id.keys().map(ToString::to_string).collect();
    let head = "SELECT payment_id, record_hash FROM voids WHERE payment_id IN ";
    for row in rows::read(connection, head, "", None, here).await? {
        snapshot.voided.insert(parsed(&row, "payment_id")?, hash_from(row.try_get("record_hash")?)?);
    }
    // A number beyond the column's range is taken by nobody; storing it is refused by the decision.
    for head in [
        "SELECT seq FROM payments WHERE device_id = $1 AND seq IN ",
        "SELECT seq FROM voids WHERE device_id = $1 AND seq IN ",
    ] {
        let seqs = query.seqs.iter().filter_map(|seq| i64::try_from(*seq).ok());
        for row in rows::read(connection, head, "", Some(device.as_str().into()), seqs).await? {
            snapshot.seqs.insert(unsigned(&row, "seq")?);
        }
    }
    let head = "SELECT record_hash, reason FROM quarantine WHERE device_id = $1 AND record_hash IN ";
    let hashes = query.hashes.iter().map(hash_text);
    for row in rows::read(connection, head, "", Some(device.as_str().into()), hashes).await? {
        snapshot.quarantined.insert(hash_from(row.try_get("record_hash")?)?, row.try_get("reason")?);
    }
    let row = sqlx::query("SELECT count(*) AS count FROM quarantine WHERE device_id = $1")
        .bind(&device)
        .fetch_one(&mut *connection)
        .await?;
    snapshot.quarantine_count = unsigned(&row, "count")?;
    let head = sqlx::query("SELECT seq, record_hash FROM chain_heads WHERE device_id = $1")
        .bind(&device)
        .fetch_optional(connection)
        .await?;
    if let Some(row) = head {
        snapshot.head = Some((unsigned(&row, "seq")?, hash_from(row.try_get("record_hash")?)?));
    }
    Ok(snapshot)
}

pub async fn write(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    device_id: DeviceId,
    ops: Vec<IngestOp>,
) -> Result<(), StoreError> {
    let (mut fresh, mut approvals) = (Vec::with_capacity(ops.len()), Vec::new());
    for op in ops {
        match op {
            IngestOp::Store(payment) => fresh.push((*payment, None)),
            IngestOp::StoreVoid(payment, void) => fresh.push((*payment, Some(void))),
            IngestOp::Approve(id, word) => approvals.push((id, word)),
            IngestOp::Quarantine(quarantined) => quarantine(connection, now_ms, device_id, &quarantined).await?,
        }
    }
    store(connection, scope, now_ms, fresh).await?;
    for (id, word) in approvals {
        approve(connection, id, &word).await?;
    }
    Ok(())
}

/// Payments of one device, and so of one merchant; of each that was voided before it came, where its void stands.
async fn store(
    c: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    fresh: Vec<(Payment, Option<VoidPlace>)>,
) -> Result<(), StoreError> {
    let (fresh, voids): (Vec<Payment>, Vec<Option<VoidPlace>>) = fresh.into_iter().unzip();
    let place = |(payment, void): (&Payment, &Option<VoidPlace>)| void.as_ref().map_or(payment.seq, |void| void.seq);
    let Some((newest, seq)) = fresh.iter().zip(&voids).map(|both| (both.0, place(both))).max_by_key(|(_, seq)| *seq)
    else {
        return Ok(());
    };
    let count = i64::try_from(fresh.len()).map_err(|_| damaged("count"))?;
    let first = feed::take(c, scope, newest.merchant_id, count).await?;
    payments::insert(c, scope, now_ms, &fresh, first).await?;
    // Of a voided one nothing is left to be done.
    let due = fresh.iter().zip(&voids).filter(|(_, void)| void.is_none()).map(|(payment, _)| payment);
    let jobs: Vec<_> =
        due.map(|payment| [payment.id.to_string().into(), payment.first_due_ms(now_ms).into()]).collect();
    rows::write(c, "INSERT INTO jobs (payment_id, due_ms) VALUES ", "", jobs).await?;
    for (payment, void) in fresh.iter().zip(&voids) {
        if let Some(void) = void {
            keep_void(c, payment, void).await?;
        }
    }
    sqlx::query(
        "INSERT INTO chain_heads (device_id, seq, record_hash) VALUES ($1, $2, $3)
         ON CONFLICT (device_id)
         DO UPDATE SET seq = excluded.seq, record_hash = excluded.record_hash WHERE excluded.seq > chain_heads.seq",
    )
    .bind(newest.device_id.to_string())
    .bind(i64::try_from(seq).map_err(|_| damaged("sequence number"))?)
    .bind(hash_text(&newest.record_hash))
    .execute(c)
    .await?;
    Ok(())
}

async fn approve(connection: &mut Conn, id: PaymentId, word: &ApprovalWire) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO approvals (payment_id, by_whom, at_ms, lifted) VALUES ($1, $2, $3, $4)")
        .bind(id.to_string())
        .bind(&word.by)
        .bind(word.at_ms)
        .bind(word.lifted.join(" "))
        .execute(connection)
        .await?;
    Ok(())
}

async fn quarantine(
    connection: &mut Conn,
    now_ms: UnixMs,
    device_id: DeviceId,
    quarantined: &Quarantined,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO quarantine (device_id, record_hash, payment_id, reason, raw, card_key_kid, received_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(device_id.to_string())
    .bind(hash_text(&quarantined.record_hash))
    .bind(quarantined.payment_id.map(|id| id.to_string()))
    .bind(&quarantined.reason)
    .bind(&quarantined.raw)
    .bind(&quarantined.card_key_kid)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// The void's own place in the chain, and the record that it stands for.
async fn keep_void(connection: &mut Conn, payment: &Payment, void: &VoidPlace) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO voids (payment_id, device_id, seq, record_hash) VALUES ($1, $2, $3, $4)")
        .bind(payment.id.to_string())
        .bind(payment.device_id.to_string())
        .bind(i64::try_from(void.seq).map_err(|_| damaged("sequence number"))?)
        .bind(hash_text(&void.voided))
        .execute(connection)
        .await?;
    Ok(())
}
