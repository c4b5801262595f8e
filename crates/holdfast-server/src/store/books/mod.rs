//! The server's books in a database. One text of SQL for SQLite and PostgreSQL.

mod again;
mod apply;
pub(crate) mod chargebacks;
mod devices;
mod events;
mod feed;
mod groups;
mod ingest;
mod instructions;
mod jobs;
mod keylog;
mod keys;
mod mails;
mod missing;
mod payments;
mod replicas;
pub(crate) mod row;
mod shop;
mod staff;
mod till_settings;
mod windows;

pub use again::Anew;
pub use chargebacks::Chargeback;
pub use devices::{Enrolled, Enrolment, Heartbeat};
pub use keys::{AckKeyRow, CardKeyRow, KeySetRow, KeyWrite, SignerRequestRow, SignerRow};
pub use mails::{Added, BounceNoted, MAIL_TOPIC, Mail, NewMail, TemplateVersion};
pub use replicas::BEAT_MS;
pub use staff::{NewStaff, StaffAdded, StaffChange, StaffMember};
pub use till_settings::TillSettings;

use super::db::{BOOKS, Conn, Database, Dialect, OpenError, Place};
use super::outbox::{TOPICS, Topic};
use super::{
    AckedPayment, Case, Device, IngestOp, IngestQuery, IngestSnapshot, Job, Ledger, Payment, PaymentEvent, PaymentOp,
    StoreError,
};
use apply::Asked;
use groups::Groups;
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::payment::instruction::Instruction;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// The books in a database.
#[derive(Debug, Clone)]
pub struct Books {
    /// As it stands in the books.
    epoch: String,
    /// This process among those that share the books.
    replica: String,
    db: Database,
    topics: &'static [Topic],
    groups: Groups,
    /// When they came from a copy last, or were taken over from another server.
    restored_ms: Arc<AtomicI64>,
    /// The timeline that [`Books::note_timeline`] wrote down.
    noted_timeline: Arc<AtomicU32>,
    on_move: OnMove,
}

/// Told the state of each payment that came to another one, after the commit.
#[derive(Clone, Default)]
struct OnMove(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl std::fmt::Debug for OnMove {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnMove")
    }
}

impl OnMove {
    fn tell(&self, state: &'static str) {
        if let Some(told) = &self.0 {
            told(state);
        }
    }
}

/// Rows of `meta`.
pub(crate) const RESTORED: &str = "restored-ms";
const TIMELINE: &str = "timeline";

/// What a statement needs to know besides its values.
#[derive(Debug, Clone, Copy)]
struct Scope {
    dialect: Dialect,
    topics: &'static [Topic],
}

impl Books {
    /// Opens or makes the books in `place`. `fresh_epoch` is written when there is none yet.
    ///
    /// # Errors
    /// When the database cannot be opened, or was written by another version.
    pub async fn open(place: &Place, fresh_epoch: &str) -> Result<Self, OpenError> {
        let db = Database::open(place, &BOOKS).await?;
        let fresh_epoch = fresh_epoch.to_owned();
        let write = db.write(move |c| {
            Box::pin(async move {
                sqlx::query("INSERT INTO meta (name, value) VALUES ('epoch', $1) ON CONFLICT (name) DO NOTHING")
                    .bind(fresh_epoch)
                    .execute(&mut *c)
                    .await?;
                let row = sqlx::query("SELECT value FROM meta WHERE name = 'epoch'").fetch_one(&mut *c).await?;
                let (restored_ms, timeline) = (number(c, RESTORED).await?, number(c, TIMELINE).await?);
                Ok((row.try_get("value")?, restored_ms.unwrap_or(0), timeline))
            })
        });
        let (epoch, restored_ms, timeline): (String, i64, Option<i64>) = write.await.map_err(OpenError::Books)?;
        // Books that never wrote it down are on the timeline that they are on.
        let noted = timeline.and_then(|noted| u32::try_from(noted).ok()).unwrap_or(db.timeline().unwrap_or(0));
        let topics = TOPICS;
        Ok(Self {
            epoch,
            replica: uuid::Uuid::new_v4().to_string(),
            groups: Groups::start(&db, Scope { dialect: db.dialect(), topics }),
            db,
            topics,
            restored_ms: Arc::new(AtomicI64::new(restored_ms)),
            noted_timeline: Arc::new(AtomicU32::new(noted)),
            on_move: OnMove::default(),
        })
    }

    /// Writes down that another server of the cluster is the one that is written to, if that is news: what it had not heard of may be at the
    /// acquirer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_timeline(&self, now_ms: UnixMs) -> Result<(), StoreError> {
        let timeline = self.db.timeline().unwrap_or(0);
        if timeline == self.noted_timeline.load(Ordering::SeqCst) {
            return Ok(());
        }
        let write = self.db.write(move |c| {
            Box::pin(async move {
                if number(c, TIMELINE).await? != Some(i64::from(timeline)) {
                    set_meta(c, TIMELINE, timeline.to_string()).await?;
                    set_meta(c, RESTORED, now_ms.to_string()).await?;
                }
                number(c, RESTORED).await
            })
        });
        let restored_ms = write.await?.unwrap_or(now_ms);
        self.restored_ms.fetch_max(restored_ms, Ordering::SeqCst);
        self.noted_timeline.store(timeline, Ordering::SeqCst);
        tracing::warn!(timeline, "PostgreSQL was promoted: tills are asked for what they had handed in");
        Ok(())
    }

    /// Tells these topics about changes instead of the server's own.
    pub fn with_topics(mut self, topics: &'static [Topic]) -> Self {
        self.topics = topics;
        self.groups = Groups::start(&self.db, self.scope());
        self
    }

    /// Tells `told` the state of each payment that comes to another one through these books.
    pub fn with_on_move(mut self, told: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.on_move = OnMove(Some(Arc::new(told)));
        self
    }

    /// The way to the database, for tables that are not the books' own.
    pub fn db(&self) -> &Database {
        &self.db
    }

    /// This process among those that share the books.
    pub fn replica(&self) -> &str {
        &self.replica
    }

    /// Ends every connection after what waits.
    pub async fn close(&self) {
        self.db.close().await;
    }

    fn scope(&self) -> Scope {
        Scope { dialect: self.db.dialect(), topics: self.topics }
    }
}

/// A number of `meta`.
async fn number(connection: &mut Conn, name: &'static str) -> Result<Option<i64>, StoreError> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name).fetch_optional(connection).await?;
    Ok(found.and_then(|text| text.parse().ok()))
}

/// Writes a line of `meta`, in the caller's transaction.
pub(crate) async fn set_meta(connection: &mut Conn, name: &'static str, value: String) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

impl Ledger for Books {
    fn epoch(&self) -> String {
        match self.db.timeline() {
            Some(timeline) => format!("{}.{timeline}", self.epoch),
            None => self.epoch.clone(),
        }
    }

    fn restored_ms(&self) -> UnixMs {
        if self.db.timeline().unwrap_or(0) != self.noted_timeline.load(Ordering::SeqCst) {
            // Not written down yet: everything may be from before.
            return UnixMs::MAX;
        }
        self.restored_ms.load(Ordering::SeqCst)
    }

    async fn offered(
        &self,
        now_ms: UnixMs,
        device: &Device,
        acked: Vec<AckedPayment>,
    ) -> Result<Vec<Option<bool>>, StoreError> {
        let device = device.clone();
        self.db.write(move |c| Box::pin(missing::offered(c, now_ms, device, acked))).await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        devices::find(self.db.reader(), id).await
    }

    async fn ingest<T, D>(&self, now_ms: UnixMs, query: IngestQuery, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(&IngestSnapshot) -> (Vec<IngestOp>, T) + Send + 'static,
    {
        let scope = self.scope();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let (ops, answer) = decide(&ingest::snapshot(c, scope, &query).await?);
                let stored: Vec<&'static str> = ops.iter().filter_map(IngestOp::state_name).collect();
                ingest::write(c, scope, now_ms, query.device_id, ops).await?;
                Ok((answer, stored))
            })
        });
        let (answer, stored) = write.await?;
        stored.into_iter().for_each(|state| self.on_move.tell(state));
        Ok(answer)
    }

    async fn claim_due(&self, now_ms: UnixMs, lease_until_ms: UnixMs, limit: usize) -> Result<Vec<Job>, StoreError> {
        // Most looks find nothing: those cost no commit.
        if !jobs::is_due(self.db.reader(), now_ms).await? {
            return Ok(Vec::new());
        }
        let (scope, replica) = (self.scope(), self.replica.clone());
        self.db.write(move |c| Box::pin(jobs::claim(c, scope, replica, now_ms, lease_until_ms, limit))).await
    }

    async fn hurry(&self, now_ms: UnixMs) -> Result<(), StoreError> {
        self.db.write(move |c| Box::pin(jobs::hurry(c, now_ms))).await
    }

    async fn next_due_ms(&self) -> Result<Option<UnixMs>, StoreError> {
        jobs::next_due_ms(self.db.reader()).await
    }

    async fn release_leases(&self) -> Result<(), StoreError> {
        self.db.write(|c| Box::pin(jobs::release_leases(c))).await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        payments::find(self.db.reader(), id).await
    }

    async fn case(&self, id: PaymentId) -> Result<Option<Case>, StoreError> {
        self.groups.cases.ask(id).await
    }

    async fn apply(&self, now_ms: UnixMs, id: PaymentId, change: i64, ops: Vec<PaymentOp>) -> Result<i64, StoreError> {
        let moves: Vec<&'static str> = ops.iter().filter_map(PaymentOp::state_name).collect();
        let change = self.groups.apply.ask(Asked { now_ms, id, change, ops }).await?;
        moves.into_iter().for_each(|state| self.on_move.tell(state));
        Ok(change)
    }

    async fn instructions(&self, id: PaymentId) -> Result<Vec<Instruction>, StoreError> {
        self.groups.instructions.ask(id).await
    }

    async fn instruct<T, D>(&self, now_ms: UnixMs, id: PaymentId, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(Option<&Payment>, &[Instruction]) -> (Option<Instruction>, T) + Send + 'static,
    {
        let scope = self.scope();
        self.db
            .write(move |c| {
                Box::pin(async move {
                    let (payment, earlier) = instructions::snapshot(c, scope, id).await?;
                    let (chosen, answer) = decide(payment.as_ref(), &earlier);
                    if let Some(instruction) = chosen {
                        instructions::keep(c, id, &instruction).await?;
                        instructions::call(c, now_ms, id).await?;
                    }
                    Ok(answer)
                })
            })
            .await
    }

    async fn changed_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<Payment>, StoreError> {
        payments::changed_after(self.db.reader(), merchant_id, cursor, limit).await
    }

    async fn events_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<PaymentEvent>, StoreError> {
        events::after(self.db.reader(), merchant_id, cursor, limit).await
    }

    async fn window_ms(&self, at_ms: UnixMs, merchant_id: MerchantId) -> Result<i64, StoreError> {
        shop::window_ms(self.db.reader(), at_ms, merchant_id).await
    }
}
