//! The books in SQLite: one writer connection with group commit, readers beside it.

mod devices;
mod ingest;
mod jobs;
mod keys;
mod open;
mod payments;
mod row;
mod shop;
mod writer;

pub use devices::{Enrolled, Enrolment, Heartbeat};
pub use keys::{AckKeyRow, CardKeyRow, KeyLogRow, KeySetRow, KeyWrite, SignerRow};
pub use open::{OpenError, migrated};

use super::{Device, IngestOp, IngestQuery, IngestSnapshot, Job, Ledger, Payment, PaymentOp, StoreError};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use std::path::Path;
use writer::Writer;

const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "first", include_str!("../../../migrations/server/0001_first.sql"))];

/// Connections that read beside the writer.
const READERS_MAX: u32 = 4;

/// The books in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    epoch: String,
    reader: SqlitePool,
    writer: Writer,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // A constraint's name is safe to tell; values are never part of these messages.
        Self::Database(error.to_string())
    }
}

impl SqliteLedger {
    /// Opens or makes the books in `path`. `fresh_epoch` is written when there is none yet.
    ///
    /// # Errors
    /// When the file cannot be opened, or was written by another version.
    pub async fn open(path: &Path, fresh_epoch: &str) -> Result<Self, OpenError> {
        let mut connection = migrated(path, MIGRATIONS).await?;
        sqlx::query("INSERT INTO meta (name, value) VALUES ('epoch', ?) ON CONFLICT DO NOTHING")
            .bind(fresh_epoch)
            .execute(&mut connection)
            .await?;
        let row = sqlx::query("SELECT value FROM meta WHERE name = 'epoch'").fetch_one(&mut connection).await?;
        let epoch = row.try_get("value")?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(open::options(path).create_if_missing(false).read_only(true))
            .await?;
        Ok(Self { epoch, reader, writer: Writer::start(connection) })
    }

    /// Ends readers and writer, in this order: the last connection moves the write-ahead log into the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl Ledger for SqliteLedger {
    fn epoch(&self) -> &str {
        &self.epoch
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        devices::find(&self.reader, id).await
    }

    async fn ingest<T, D>(&self, now_ms: UnixMs, query: IngestQuery, decide: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(&IngestSnapshot) -> (Vec<IngestOp>, T) + Send + 'static,
    {
        self.writer
            .write(move |c| {
                Box::pin(async move {
                    let (ops, answer) = decide(&ingest::snapshot(c, &query).await?);
                    ingest::write(c, now_ms, query.device_id, ops).await?;
                    Ok(answer)
                })
            })
            .await
    }

    async fn claim_due(&self, now_ms: UnixMs, lease_until_ms: UnixMs, limit: usize) -> Result<Vec<Job>, StoreError> {
        // Most looks find nothing: those cost no commit.
        if jobs::next_due_ms(&self.reader).await?.is_none_or(|due| due > now_ms) {
            return Ok(Vec::new());
        }
        self.writer.write(move |c| Box::pin(jobs::claim(c, now_ms, lease_until_ms, limit))).await
    }

    async fn next_due_ms(&self) -> Result<Option<UnixMs>, StoreError> {
        jobs::next_due_ms(&self.reader).await
    }

    async fn release_leases(&self) -> Result<(), StoreError> {
        self.writer.write(|c| Box::pin(jobs::release_leases(c))).await
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        payments::find(&self.reader, id).await
    }

    async fn apply(&self, now_ms: UnixMs, id: PaymentId, change: i64, ops: Vec<PaymentOp>) -> Result<i64, StoreError> {
        self.writer.write(move |c| Box::pin(payments::apply(c, now_ms, id, change, ops))).await
    }

    async fn changed_after(
        &self,
        merchant_id: MerchantId,
        cursor: i64,
        limit: usize,
    ) -> Result<Vec<Payment>, StoreError> {
        payments::changed_after(&self.reader, merchant_id, cursor, limit).await
    }

    async fn window_ms(&self, merchant_id: MerchantId) -> Result<i64, StoreError> {
        shop::window_ms(&self.reader, merchant_id).await
    }
}
