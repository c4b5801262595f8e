//! Letters to a merchant's owners about something that needs them. Each is a task of the outbox with all that it says; the address
//! is read when it is sent.

use crate::store::StoreError;
use crate::store::db::{Conn, Database};
use crate::store::outbox::{self, NewTask, Task};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{MAIL_MS_MAX, MAIL_RETRY_MS_MAX, MAIL_RETRY_MS_MIN};
use holdfast_core::time::UnixMs;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

/// The outbox's topic of these letters.
pub const NOTICE_TOPIC: &str = "notice-mail";

/// A letter to every owner of a merchant.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Unique: the same key again is the same letter.
    pub key: String,
    pub subject: String,
    pub text: String,
}

/// What a task holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    user_id: String,
    subject: String,
    text: String,
    pub asked_ms: UnixMs,
}

/// Keeps a letter to every owner, in the caller's transaction.
///
/// # Errors
/// When the database refuses.
pub async fn tell_owners(
    c: &mut Conn,
    now_ms: UnixMs,
    merchant_id: MerchantId,
    notice: Notice,
) -> Result<(), StoreError> {
    let rows =
        sqlx::query("SELECT user_id FROM memberships WHERE merchant_id = $1 AND role = 'owner' ORDER BY user_id")
            .bind(merchant_id.to_string())
            .fetch_all(&mut *c)
            .await?;
    for row in &rows {
        let user_id: String = row.try_get("user_id")?;
        let key = format!("{}/{user_id}", notice.key);
        let kept = Kept { user_id, subject: notice.subject.clone(), text: notice.text.clone(), asked_ms: now_ms };
        let payload = serde_json::to_string(&kept).map_err(|error| StoreError::Database(error.to_string()))?;
        let task = NewTask { topic: NOTICE_TOPIC, key, merchant_id, payment_id: None, payload, due_ms: now_ms };
        outbox::add(c, &task).await?;
    }
    Ok(())
}

/// What a task holds, and to whom it goes. `None`: it is for nobody any more.
pub(super) async fn read(db: &Database, task: &Task) -> Result<Option<(Kept, String)>, StoreError> {
    let Ok(kept) = serde_json::from_str::<Kept>(&task.payload) else { return Ok(None) };
    let found =
        sqlx::query("SELECT email FROM users WHERE id = $1").bind(&kept.user_id).fetch_optional(db.reader()).await?;
    found.map(|row| Ok((kept, row.try_get("email")?))).transpose()
}

/// The letter. Its Message-ID is the same in every attempt.
pub(super) fn letter(task: &Task, kept: &Kept, from: &Mailbox, to: &str) -> Option<Message> {
    let id = holdfast_wire::b64::encode(&holdfast_wire::b64::sha256(&task.key)[..16]);
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.parse().ok()?))
        .subject(kept.subject.as_str())
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(kept.text.clone()));
    let mut message = message.ok()?;
    // Nobody's out-of-office is wanted (RFC 3834 section 5).
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    message.headers_mut().insert_raw(automatic);
    Some(message)
}

/// The task is over, or comes again while the letter is young.
pub(super) async fn end(db: &Database, now_ms: UnixMs, task: Task, again: Option<UnixMs>) -> Result<(), StoreError> {
    let write = db.write(move |c| {
        Box::pin(async move {
            let delay_ms = (MAIL_RETRY_MS_MIN << task.failures.min(20)).min(MAIL_RETRY_MS_MAX);
            let is_ours = match again.filter(|asked_ms| now_ms - asked_ms < MAIL_MS_MAX) {
                Some(_) => outbox::again(c, &task, now_ms + delay_ms).await?,
                None => outbox::done(c, &task).await?,
            };
            if is_ours { Ok(()) } else { Err(StoreError::Conflict) }
        })
    });
    write.await
}
