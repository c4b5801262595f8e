//! Receipts by e-mail, and the merchants' templates. An address leaves the books with its letter's last word.

use super::Books;
use super::row::parsed;
use crate::mail::Templates;
use crate::store::StoreError;
use crate::store::db::Conn;
use crate::store::outbox::{self, NewTask, Task};
use holdfast_core::id::{MailId, MerchantId, PaymentId};
use holdfast_core::limits::{MAIL_TEMPLATE_VERSIONS_MAX, RECEIPT_MAILS_MAX};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// The outbox's topic of letters.
pub const MAIL_TOPIC: &str = "receipt-mail";

/// A letter that is asked for.
#[derive(Clone)]
pub struct NewMail {
    pub id: MailId,
    pub payment_id: PaymentId,
    pub merchant_id: MerchantId,
    pub address: String,
}

/// A letter as it is told of: without its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub id: MailId,
    pub payment_id: PaymentId,
    pub state: String,
    pub code: Option<String>,
    pub asked_ms: UnixMs,
    pub changed_ms: UnixMs,
}

/// A version of a merchant's templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateVersion {
    pub version: i64,
    pub created_ms: UnixMs,
    /// From then on the server's own are used.
    pub is_built_in: bool,
}

/// What became of a bounce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BounceNoted {
    Now,
    Before,
    Unknown,
    /// The letter is not marked as sent yet: come again.
    TooEarly,
}

/// What became of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is kept, now or since an earlier request.
    Kept(Mail),
    /// The payment has had its share, or the id is another payment's.
    Refused,
}

impl Books {
    /// Keeps a letter and the task to send it, in one transaction. The same id again changes nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_mail(&self, now_ms: UnixMs, new: NewMail) -> Result<Added, StoreError> {
        self.db.write(move |c| Box::pin(add(c, now_ms, new))).await
    }

    /// The letters about a payment, the oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mails_of(&self, payment_id: PaymentId) -> Result<Vec<Mail>, StoreError> {
        let rows = sqlx::query("SELECT * FROM receipt_mails WHERE payment_id = $1 ORDER BY asked_ms, id")
            .bind(payment_id.to_string())
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(mail).collect()
    }

    /// A letter with its address, while it has one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mail(&self, id: MailId) -> Result<Option<(Mail, Option<String>)>, StoreError> {
        let found = sqlx::query("SELECT * FROM receipt_mails WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db.reader())
            .await?;
        found.map(|row| Ok((mail(&row)?, row.try_get("address")?))).transpose()
    }

    /// The letter's last word: its task and its address go.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another sender has the task by now, or the database refuses.
    pub async fn end_mail(
        &self,
        now_ms: UnixMs,
        task: Task,
        state: &'static str,
        code: Option<String>,
    ) -> Result<(), StoreError> {
        let write = self.db.write(move |c| {
            Box::pin(async move {
                if !outbox::done(c, &task).await? {
                    return Err(StoreError::Conflict);
                }
                sqlx::query(
                    "UPDATE receipt_mails SET state = $1, code = $2, changed_ms = $3, address = NULL WHERE id = $4",
                )
                .bind(state)
                .bind(code)
                .bind(now_ms)
                .bind(&task.key)
                .execute(c)
                .await?;
                Ok(())
            })
        });
        write.await
    }

    /// The letter could not be sent now and comes again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another sender has the task by now, or the database refuses.
    pub async fn mail_again(&self, task: Task, due_ms: UnixMs, code: Option<String>) -> Result<(), StoreError> {
        let write = self.db.write(move |c| {
            Box::pin(async move {
                if !outbox::again(c, &task, due_ms).await? {
                    return Err(StoreError::Conflict);
                }
                let query = sqlx::query("UPDATE receipt_mails SET code = $1 WHERE id = $2").bind(code).bind(&task.key);
                query.execute(c).await?;
                Ok(())
            })
        });
        write.await
    }

    /// Notes that a letter that was sent came back, with the mail system's code.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn bounce_mail(&self, now_ms: UnixMs, id: MailId, code: String) -> Result<BounceNoted, StoreError> {
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE receipt_mails SET state = 'bounced', code = $1, changed_ms = $2 WHERE id = $3 AND state = 'sent'",
                )
                .bind(code)
                .bind(now_ms)
                .bind(id.to_string())
                .execute(&mut *c)
                .await?;
                if done.rows_affected() == 1 {
                    return Ok(BounceNoted::Now);
                }
                let row = sqlx::query("SELECT state FROM receipt_mails WHERE id = $1")
                    .bind(id.to_string())
                    .fetch_optional(c)
                    .await?;
                let state: Option<String> = row.map(|row| row.try_get("state")).transpose()?;
                Ok(match state.as_deref() {
                    // The mail server took it, and the commit that says so is still to come.
                    Some("queued") => BounceNoted::TooEarly,
                    Some("bounced") => BounceNoted::Before,
                    _ => BounceNoted::Unknown,
                })
            })
        });
        write.await
    }

    /// The templates that count now, with their version: the merchant's newest, if it has any of its own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mail_templates(&self, merchant_id: MerchantId) -> Result<Option<(i64, Templates)>, StoreError> {
        let newest = self.mail_template_versions(merchant_id).await?.into_iter().next();
        let Some(TemplateVersion { version, .. }) = newest else { return Ok(None) };
        let found = self.mail_templates_of(merchant_id, version).await?;
        Ok(found.map(|templates| (version, if templates.is_nothing() { Templates::built_in() } else { templates })))
    }

    /// The merchant's templates of a version; [`Templates::is_nothing`] where it went back to the server's own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mail_templates_of(
        &self,
        merchant_id: MerchantId,
        version: i64,
    ) -> Result<Option<Templates>, StoreError> {
        let found = sqlx::query("SELECT * FROM mail_templates WHERE merchant_id = $1 AND version = $2")
            .bind(merchant_id.to_string())
            .bind(version)
            .fetch_optional(self.db.reader())
            .await?;
        let read = |row: AnyRow| {
            Ok(Templates {
                subject: row.try_get("subject")?,
                text: row.try_get("body_text")?,
                html: row.try_get("body_html")?,
            })
        };
        found.map(read).transpose()
    }

    /// The versions that are kept, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mail_template_versions(&self, merchant_id: MerchantId) -> Result<Vec<TemplateVersion>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, created_ms, CASE WHEN subject = '' AND body_text = '' AND body_html = '' THEN 1 ELSE 0 END AS is_built_in
             FROM mail_templates WHERE merchant_id = $1 ORDER BY version DESC LIMIT $2",
        )
        .bind(merchant_id.to_string())
        .bind(MAIL_TEMPLATE_VERSIONS_MAX)
        .fetch_all(self.db.reader())
        .await?;
        let version = |row: &AnyRow| {
            Ok(TemplateVersion {
                version: row.try_get("version")?,
                created_ms: row.try_get("created_ms")?,
                is_built_in: row.try_get::<i32, _>("is_built_in")? != 0,
            })
        };
        rows.iter().map(version).collect()
    }

    /// Keeps templates as the merchant's next version, which is given back. The oldest go beyond the limit.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_mail_templates(
        &self,
        now_ms: UnixMs,
        merchant_id: MerchantId,
        templates: Templates,
    ) -> Result<i64, StoreError> {
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let row = sqlx::query(
                    "INSERT INTO mail_templates (merchant_id, version, subject, body_text, body_html, created_ms)
                     SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 FROM mail_templates WHERE merchant_id = $1
                     RETURNING version",
                )
                .bind(merchant_id.to_string())
                .bind(templates.subject)
                .bind(templates.text)
                .bind(templates.html)
                .bind(now_ms)
                .fetch_one(&mut *c)
                .await?;
                let version: i64 = row.try_get("version")?;
                sqlx::query("DELETE FROM mail_templates WHERE merchant_id = $1 AND version <= $2")
                    .bind(merchant_id.to_string())
                    .bind(version - MAIL_TEMPLATE_VERSIONS_MAX)
                    .execute(c)
                    .await?;
                Ok(version)
            })
        });
        write.await
    }
}

async fn add(connection: &mut Conn, now_ms: UnixMs, new: NewMail) -> Result<Added, StoreError> {
    let rows = sqlx::query("SELECT * FROM receipt_mails WHERE payment_id = $1 OR id = $2")
        .bind(new.payment_id.to_string())
        .bind(new.id.to_string())
        .fetch_all(&mut *connection)
        .await?;
    let kept = rows.iter().map(mail).collect::<Result<Vec<_>, _>>()?;
    if let Some(same) = kept.iter().find(|mail| mail.id == new.id) {
        let is_same = same.payment_id == new.payment_id;
        return Ok(if is_same { Added::Kept(same.clone()) } else { Added::Refused });
    }
    if kept.len() >= RECEIPT_MAILS_MAX {
        return Ok(Added::Refused);
    }
    sqlx::query(
        "INSERT INTO receipt_mails (id, payment_id, merchant_id, address, state, asked_ms, changed_ms)
         VALUES ($1, $2, $3, $4, 'queued', $5, $6)",
    )
    .bind(new.id.to_string())
    .bind(new.payment_id.to_string())
    .bind(new.merchant_id.to_string())
    .bind(new.address)
    .bind(now_ms)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    let task = NewTask {
        topic: MAIL_TOPIC,
        key: new.id.to_string(),
        merchant_id: new.merchant_id,
        payment_id: Some(new.payment_id),
        payload: "{}".to_owned(),
        due_ms: now_ms,
    };
    outbox::add(connection, &task).await?;
    let state = "queued".to_owned();
    let (id, payment_id) = (new.id, new.payment_id);
    Ok(Added::Kept(Mail { id, payment_id, state, code: None, asked_ms: now_ms, changed_ms: now_ms }))
}

fn mail(row: &AnyRow) -> Result<Mail, StoreError> {
    Ok(Mail {
        id: parsed(row, "id")?,
        payment_id: parsed(row, "payment_id")?,
        state: row.try_get("state")?,
        code: row.try_get("code")?,
        asked_ms: row.try_get("asked_ms")?,
        changed_ms: row.try_get("changed_ms")?,
    })
}
