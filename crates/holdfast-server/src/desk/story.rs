//! What happened to one payment, and who did it.

use super::Desk;
use super::reconciliations::words as chargeback_words;
use crate::instructions::words;
use crate::store::StoreError;
use crate::store::books::row::parsed;
use holdfast_core::id::PaymentId;
use holdfast_core::payment::{Decline, Refunds};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// One line of a payment's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryLine {
    pub at_ms: i64,
    pub what: What,
    /// A person's or a till's name; `None` for what the server did by itself.
    pub who: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The payment came to a state: its name, and why, in words.
    State { name: String, reason: Option<String> },
    /// Somebody asked for something.
    Asked { kind: String, amount_minor: i64, reason: String },
    /// It was not carried out, for this reason.
    Refused { kind: String, amount_minor: i64, reason: String },
    /// Not paid, and settled in another way.
    Settled,
    /// The card's bank took this back: why, in words with its code.
    ChargedBack { amount_minor: i64, reason: String },
}

impl Desk {
    /// The story of one of this merchant's payments, oldest line first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn story(&self, id: PaymentId) -> Result<Vec<StoryLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT state, reason, at_ms FROM payment_events WHERE merchant_id = $1 AND payment_id = $2 ORDER BY change",
        )
        .bind(self.id())
        .bind(id.to_string())
        .fetch_all(self.db.reader())
        .await?;
        let mut lines = rows.iter().map(moved).collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query(
            "SELECT i.kind, i.amount_minor, i.reason, i.progress, i.code, i.asked_ms, i.changed_ms, i.asked_by, u.name AS person,
               u.email, d.name AS till
             FROM instructions i JOIN payments p ON p.id = i.payment_id
               LEFT JOIN users u ON 'user:' || u.id = i.asked_by LEFT JOIN devices d ON 'device:' || d.id = i.asked_by
             WHERE p.merchant_id = $1 AND i.payment_id = $2 ORDER BY i.asked_ms, i.kind, i.number",
        )
        .bind(self.id())
        .bind(id.to_string())
        .fetch_all(self.db.reader())
        .await?;
        for row in &rows {
            lines.extend(asked(row)?);
        }
        lines.extend(self.settled(id).await?);
        lines.extend(self.charged_back(id).await?);
        // Stable: what was written in one moment stays in its order, and what was asked for stands before what came of it.
        lines.sort_by_key(|line| (line.at_ms, matches!(line.what, What::State { .. })));
        Ok(lines)
    }
}

impl Desk {
    async fn charged_back(&self, id: PaymentId) -> Result<Vec<StoryLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT amount_minor, reason, at_ms FROM chargebacks WHERE merchant_id = $1 AND payment_id = $2 ORDER BY at_ms, number",
        )
        .bind(self.id())
        .bind(id.to_string())
        .fetch_all(self.db.reader())
        .await?;
        let line = |row: &AnyRow| {
            let code: Option<String> = row.try_get("reason")?;
            let reason = match code {
                Some(code) => format!("{} ({code})", chargeback_words(Some(&code))),
                None => chargeback_words(None).to_owned(),
            };
            let what = What::ChargedBack { amount_minor: row.try_get("amount_minor")?, reason };
            Ok(StoryLine { at_ms: row.try_get("at_ms")?, what, who: None })
        };
        rows.iter().map(line).collect()
    }

    async fn settled(&self, id: PaymentId) -> Result<Option<StoryLine>, StoreError> {
        let found = sqlx::query(
            "SELECT p.settled_otherwise_ms, u.name, u.email FROM payments p JOIN users u ON u.id = p.settled_otherwise_by
             WHERE p.merchant_id = $1 AND p.id = $2",
        )
        .bind(self.id())
        .bind(id.to_string())
        .fetch_optional(self.db.reader())
        .await?;
        let Some(row) = found else { return Ok(None) };
        let name: String = row.try_get("name")?;
        let who = if name.is_empty() { row.try_get("email")? } else { name };
        Ok(Some(StoryLine { at_ms: row.try_get("settled_otherwise_ms")?, what: What::Settled, who: Some(who) }))
    }
}

fn moved(row: &AnyRow) -> Result<StoryLine, StoreError> {
    let name: String = row.try_get("state")?;
    let reason: Option<String> = row.try_get("reason")?;
    let reason = match name.as_str() {
        "declined" => reason.map(|code| format!("{} ({code})", Decline { code: code.clone() }.words())),
        "partly-refunded" | "refunded" => {
            let refunds: Option<Refunds> = reason.map(|_| parsed(row, "reason")).transpose()?;
            refunds.and_then(|refunds| refunds.list().last().map(|last| last.reason.to_string().replace('-', " ")))
        }
        _ => reason.map(|name| name.replace('-', " ")),
    };
    Ok(StoryLine { at_ms: row.try_get("at_ms")?, what: What::State { name, reason }, who: None })
}

fn asked(row: &AnyRow) -> Result<Vec<StoryLine>, StoreError> {
    let kind: String = row.try_get("kind")?;
    let (person, email): (Option<String>, Option<String>) = (row.try_get("person")?, row.try_get("email")?);
    let till: Option<String> = row.try_get("till")?;
    let who = person.filter(|name| !name.is_empty()).or(email).or(till);
    let amount_minor = row.try_get("amount_minor")?;
    let reason = row.try_get::<String, _>("reason")?.replace('-', " ");
    let first = What::Asked { kind: kind.clone(), amount_minor, reason };
    let mut lines = vec![StoryLine { at_ms: row.try_get("asked_ms")?, what: first, who }];
    if row.try_get::<&str, _>("progress")? == "refused" {
        let reason = words(&row.try_get::<Option<String>, _>("code")?.unwrap_or_default());
        let what = What::Refused { kind, amount_minor, reason };
        lines.push(StoryLine { at_ms: row.try_get("changed_ms")?, what, who: None });
    }
    Ok(lines)
}
