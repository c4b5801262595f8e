//! Sends what the outbox holds.

use super::bounce::ReturnPaths;
use super::letter::letter;
use super::notice::{self, NOTICE_TOPIC};
use super::post::{Post, PostError};
use super::settings::MailSettings;
use super::template::{Rendered, Templates};
use crate::clock::SystemClock;
use crate::process::Clock as _;
use crate::receipts::{ReceiptView, Receipts};
use crate::store::books::MAIL_TOPIC;
use crate::store::outbox::{self, Task};
use crate::store::{Books, StoreError};
use holdfast_core::limits::{MAIL_MS_MAX, MAIL_RETRY_MS_MAX, MAIL_RETRY_MS_MIN};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Longer than one sending may take. After a crash the letter comes again when this is over.
const LEASE_MS: i64 = 60_000;
/// Letters in flight at once.
const AT_ONCE_MAX: usize = 8;
/// The longest sleep between two looks at the outbox.
const LOOK_MS_MAX: u64 = 1_000;

/// What sending needs.
pub struct Mails {
    pub ledger: Arc<Books>,
    pub receipts: Arc<Receipts>,
    pub settings: MailSettings,
    pub post: Post,
    pub clock: SystemClock,
    pub paths: ReturnPaths,
    /// Wakes the sender.
    pub wake: Notify,
}

/// Sends until `stop` says so. What is in flight then is sent to its end.
pub async fn run(mails: Arc<Mails>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let sent = mails.send_due().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the letters cannot be read");
            0
        });
        if sent == 0 {
            tokio::select! {
                () = mails.wake.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS_MAX)) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

impl Mails {
    /// Takes on what is due, and sends it. Gives the number of letters that were taken on.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub async fn send_due(&self) -> Result<usize, StoreError> {
        if !self.post.is_somewhere() {
            return Ok(0);
        }
        let now_ms = self.clock.now_ms();
        let db = self.ledger.db();
        let tasks = outbox::claim(db, MAIL_TOPIC, now_ms, now_ms + LEASE_MS, AT_ONCE_MAX).await?;
        let notices = outbox::claim(db, NOTICE_TOPIC, now_ms, now_ms + LEASE_MS, AT_ONCE_MAX).await?;
        let count = tasks.len() + notices.len();
        let send = |task: Task| async move {
            let mail = task.key.clone();
            if let Err(error) = self.attempt(task).await {
                tracing::warn!(%mail, %error, "a letter's end was not kept; it comes again");
            }
        };
        let notify = |task: Task| async move {
            if let Err(error) = self.notify(task).await {
                tracing::warn!(%error, "a notice's end was not kept; it comes again");
            }
        };
        let letters = futures_util::future::join_all(tasks.into_iter().map(send));
        let notices = futures_util::future::join_all(notices.into_iter().map(notify));
        futures_util::future::join(letters, notices).await;
        Ok(count)
    }

    /// One attempt of a letter to an owner.
    async fn notify(&self, task: Task) -> Result<(), StoreError> {
        let db = self.ledger.db();
        let Some((kept, to)) = notice::read(db, &task).await? else {
            return notice::end(db, self.clock.now_ms(), task, None).await;
        };
        let again = match notice::letter(&task, &kept, &self.settings.from, &to) {
            Some(written) => {
                let name =
                    format!("notice-{}", holdfast_wire::b64::encode(&holdfast_wire::b64::sha256(&task.key)[..16]));
                let sent = self.post.send(&name, written).await;
                matches!(sent, Err(PostError::Later { .. })).then_some(kept.asked_ms)
            }
            None => None,
        };
        notice::end(db, self.clock.now_ms(), task, again).await
    }

    /// One attempt: send, then keep what became of it.
    async fn attempt(&self, task: Task) -> Result<(), StoreError> {
        let Ok(id) = task.key.parse() else { return Ok(()) };
        let Some((mail, Some(address))) = self.ledger.mail(id).await? else {
            return self.ledger.end_mail(self.clock.now_ms(), task, "given-up", None).await;
        };
        let Some(view) = self.receipts.view_of(&self.ledger, mail.payment_id, self.clock.now_ms()).await? else {
            return self.ledger.end_mail(self.clock.now_ms(), task, "given-up", None).await;
        };
        let parts = self.parts(&task, &view).await?;
        let written = address.parse().ok().and_then(|to| {
            let back = self.settings.bounces.as_ref().and_then(|base| self.paths.of(base, id));
            let letter = letter(&mail, &self.settings.from, back, &view.shop.name, to, parts);
            letter.map_err(|error| tracing::warn!(mail = %id, %error, "a letter was not written")).ok()
        });
        let Some(written) = written else {
            return self.ledger.end_mail(self.clock.now_ms(), task, "refused", None).await;
        };
        let sent = self.post.send(&id.to_string(), written).await;
        let now_ms = self.clock.now_ms();
        match sent {
            Ok(()) => self.ledger.end_mail(now_ms, task, "sent", None).await,
            Err(PostError::Refused { code }) => {
                tracing::info!(mail = %id, code, "a letter was refused for good");
                self.ledger.end_mail(now_ms, task, "refused", Some(code)).await
            }
            Err(PostError::Later { code }) if now_ms - mail.asked_ms >= MAIL_MS_MAX => {
                tracing::warn!(mail = %id, code, "a letter was given up");
                self.ledger.end_mail(now_ms, task, "given-up", code).await
            }
            Err(PostError::Later { code }) => {
                let delay_ms = (MAIL_RETRY_MS_MIN << task.failures.min(20)).min(MAIL_RETRY_MS_MAX);
                self.ledger.mail_again(task, now_ms + delay_ms, code).await
            }
        }
    }

    /// In the merchant's own words if they can be said, and in ours otherwise: a broken template holds up no receipt.
    async fn parts(&self, task: &Task, view: &ReceiptView) -> Result<Rendered, StoreError> {
        let link = match (self.settings.public_url.as_str(), task.payment_id.and_then(|id| self.receipts.path_of(id))) {
            ("", _) | (_, None) => String::new(),
            (url, Some(path)) => format!("{url}{path}"),
        };
        if let Some((version, templates)) = self.ledger.mail_templates(task.merchant_id).await? {
            match templates.render(view, &link) {
                Ok(parts) => return Ok(parts),
                Err(error) => {
                    tracing::warn!(merchant = %task.merchant_id, version, %error, "a template cannot be used; ours is");
                }
            }
        }
        Templates::built_in().render(view, &link).map_err(|error| StoreError::Database(error.to_string()))
    }
}
