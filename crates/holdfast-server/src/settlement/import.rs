//! Takes an account in: keeps its lines, books its payouts and chargebacks. The same account again changes nothing.

use super::Settlements;
use crate::hooks;
use crate::journal::{self, ChargedBack, Post};
use crate::store::StoreError;
use crate::store::books::chargebacks::touch;
use crate::store::db::{Conn, Dialect};
use holdfast_core::books::MoneyEvent;
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::settlement::{Item, ItemKind, Statement};
use holdfast_core::time::UnixMs;
use holdfast_core::webhook::PAYOUT_PAID;
use holdfast_wire::b64;
use sqlx::Row as _;

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It counts for its day from now on.
    Taken,
    /// It was here already.
    Known,
    /// It is kept, and a whole one of the same day counts.
    Kept,
}

impl Settlements {
    /// Takes an account in. `bytes` are what it was read from, or would be written as: they name it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn import(
        &self,
        merchant_id: MerchantId,
        statement: Statement,
        bytes: &[u8],
        now_ms: UnixMs,
    ) -> Result<Imported, StoreError> {
        let hash = b64::encode(b64::sha256(bytes));
        let id = b64::encode(b64::sha256(format!("{merchant_id}\n{}\n{hash}", statement.day)));
        let dialect = self.db.dialect();
        let take = Take { dialect, merchant_id, id, now_ms };
        self.db.write(move |c| Box::pin(async move { take.run(c, &statement).await })).await
    }
}

struct Take {
    dialect: Dialect,
    merchant_id: MerchantId,
    id: String,
    now_ms: UnixMs,
}

impl Take {
    async fn run(&self, c: &mut Conn, statement: &Statement) -> Result<Imported, StoreError> {
        // One account of a merchant at a time, so that one of a day counts.
        journal::hold_cursor(c, self.dialect, self.merchant_id).await?;
        if !self.is_new(c).await? {
            return Ok(Imported::Known);
        }
        let counts = statement.is_complete || !self.has_complete(c, statement.day).await?;
        if counts {
            sqlx::query("UPDATE settlement_files SET is_current = 0 WHERE merchant_id = $1 AND day = $2")
                .bind(self.merchant_id.to_string())
                .bind(statement.day)
                .execute(&mut *c)
                .await?;
        }
        self.keep(c, statement, counts).await?;
        for item in &statement.items {
            match item.key.kind {
                ItemKind::Payout => self.book_payout(c, item).await?,
                ItemKind::Chargeback => self.book_chargeback(c, item).await?,
                ItemKind::Capture | ItemKind::Refund => {}
            }
        }
        Ok(if counts { Imported::Taken } else { Imported::Kept })
    }

    async fn is_new(&self, c: &mut Conn) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT 1 AS found FROM settlement_files WHERE id = $1").bind(&self.id);
        Ok(found.fetch_optional(c).await?.is_none())
    }

    async fn has_complete(&self, c: &mut Conn, day: i64) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT 1 AS found FROM settlement_files WHERE merchant_id = $1 AND day = $2 AND is_current = 1 AND is_complete = 1",
        )
        .bind(self.merchant_id.to_string())
        .bind(day)
        .fetch_optional(c)
        .await?;
        Ok(found.is_some())
    }

    async fn keep(&self, c: &mut Conn, statement: &Statement, counts: bool) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO settlement_files (id, merchant_id, day, is_complete, is_current, imported_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&self.id)
        .bind(self.merchant_id.to_string())
        .bind(statement.day)
        .bind(i64::from(statement.is_complete))
        .bind(i64::from(counts))
        .bind(self.now_ms)
        .execute(&mut *c)
        .await?;
        for item in &statement.items {
            self.keep_line(c, item).await?;
        }
        for fault in &statement.faults {
            sqlx::query(
                "INSERT INTO settlement_faults (file, line, words) VALUES ($1, $2, $3) ON CONFLICT (file, line) DO NOTHING",
            )
            .bind(&self.id)
            .bind(i64::from(fault.line))
            .bind(&fault.words)
            .execute(&mut *c)
            .await?;
        }
        Ok(())
    }

    async fn keep_line(&self, c: &mut Conn, item: &Item) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO settlement_lines (file, line, merchant_id, kind, reference, number, amount_minor, fee_minor, currency, at_ms,
             reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&self.id)
        .bind(i64::from(item.line))
        .bind(self.merchant_id.to_string())
        .bind(item.key.kind.name())
        .bind(&item.key.reference)
        .bind(i64::from(item.key.number))
        .bind(item.amount_minor)
        .bind(item.fee_minor)
        .bind(&item.currency)
        .bind(item.at_ms)
        .bind(&item.reason)
        .execute(c)
        .await?;
        Ok(())
    }

    async fn book_payout(&self, c: &mut Conn, item: &Item) -> Result<(), StoreError> {
        let post = Post {
            merchant_id: self.merchant_id,
            id: item.key.reference.clone(),
            event: MoneyEvent::Payout { gross_minor: item.amount_minor, fees_minor: item.fee_minor },
            currency: item.currency.clone(),
            at_ms: item.at_ms,
        };
        if !journal::post_in(c, self.dialect, &post, self.now_ms).await? {
            return Ok(());
        }
        let event = hooks::Event {
            merchant_id: self.merchant_id,
            kind: PAYOUT_PAID,
            source: format!("payout/{}", item.key.reference),
            at_ms: self.now_ms,
            data: serde_json::json!({ "payout": {
                "id": item.key.reference,
                "gross_minor": item.amount_minor,
                "fees_minor": item.fee_minor,
                "currency": item.currency,
                "paid_at": hooks::message::timestamp(item.at_ms),
            } }),
        };
        hooks::make::tell(c, event).await
    }

    /// One of a payment that was captured here. Any other is a difference, and a person's to judge.
    async fn book_chargeback(&self, c: &mut Conn, item: &Item) -> Result<(), StoreError> {
        let Ok(payment_id) = item.key.reference.parse::<PaymentId>() else { return Ok(()) };
        let row = sqlx::query("SELECT state FROM payments WHERE id = $1 AND merchant_id = $2")
            .bind(payment_id.to_string())
            .bind(self.merchant_id.to_string())
            .fetch_optional(&mut *c)
            .await?;
        let state: Option<String> = row.map(|row| row.try_get("state")).transpose()?;
        if !matches!(state.as_deref(), Some("captured" | "partly-refunded" | "refunded")) {
            return Ok(());
        }
        let number = i64::from(item.key.number);
        let kept = sqlx::query(
            "INSERT INTO chargebacks (payment_id, number, merchant_id, amount_minor, currency, reason, at_ms, noticed_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (payment_id, number) DO NOTHING",
        )
        .bind(payment_id.to_string())
        .bind(number)
        .bind(self.merchant_id.to_string())
        .bind(-item.amount_minor)
        .bind(&item.currency)
        .bind(&item.reason)
        .bind(item.at_ms)
        .bind(self.now_ms)
        .execute(&mut *c)
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(());
        }
        tracing::warn!(payment = %payment_id, "a payment was charged back");
        let charged = ChargedBack {
            merchant_id: self.merchant_id,
            payment_id,
            number,
            amount_minor: -item.amount_minor,
            currency: item.currency.clone(),
            at_ms: item.at_ms,
        };
        journal::charge_back_in(c, self.dialect, &charged, self.now_ms).await?;
        touch(c, self.dialect, self.merchant_id, payment_id).await
    }
}
