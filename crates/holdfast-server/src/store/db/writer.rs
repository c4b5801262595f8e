//! One writer for the whole database, with group commit.
//!
//! Requests that arrive while a transaction runs join it, each behind a savepoint of its own, so one disk flush serves them
//! all and a request that fails takes back only itself. Nobody is answered before the commit.
//!
//! A disk that is full or fails makes SQLite end the transaction by itself, and neither the connection nor its driver knows any more where
//! it stands. So a connection that failed is never used again: the next request gets a new one.

use super::Conn;
use crate::store::StoreError;
use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};

/// Requests that share one commit.
const GROUP_MAX: usize = 64;
/// Requests that may wait for the writer before their callers wait to be taken.
const QUEUE_MAX: usize = 256;

type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Task = Box<dyn for<'c> FnOnce(Result<&'c mut Conn, StoreError>) -> BoxFuture<'c, Option<Settle>> + Send>;
/// How to get another connection.
type Open = Box<dyn Fn() -> BoxFuture<'static, Result<Conn, sqlx::Error>> + Send + Sync>;

enum Message {
    Work(Task),
    /// Finish what waits, leave the file tidy, and tell.
    Close(oneshot::Sender<()>),
}

/// The way to the writer. It ends when it is closed, or the last copy is gone.
#[derive(Debug, Clone)]
pub struct Writer(mpsc::Sender<Message>);

impl Writer {
    /// Starts the writer on `connection`; `open` gives another when that fails.
    pub fn start(connection: Conn, open: Open) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(connection, open, receiver));
        Self(sender)
    }

    /// Runs `work` in a transaction and answers after its commit.
    ///
    /// # Errors
    /// What `work` returned, or that the commit failed.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move |connection| {
            Box::pin(async move {
                let result = match connection {
                    Ok(connection) => work(connection).await,
                    Err(error) => Err(error),
                };
                match result {
                    // A caller that went away does not need its answer; what it asked for is committed all the same.
                    Ok(value) => Some(Box::new(move |committed: Result<(), StoreError>| {
                        let _ = answer.send(committed.map(|()| value));
                    }) as Settle),
                    Err(error) => {
                        let _ = answer.send(Err(error));
                        None
                    }
                }
            })
        });
        self.0.send(Message::Work(task)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends the writer after what waits, with the write-ahead log moved into the file.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

async fn run(connection: Conn, open: Open, mut queue: mpsc::Receiver<Message>) {
    let mut closer = None;
    let mut held = Some(connection);
    while closer.is_none() {
        let first = match queue.recv().await {
            Some(Message::Work(task)) => task,
            Some(Message::Close(done)) => {
                closer = Some(done);
                break;
            }
            None => break,
        };
        let mut connection = match opened(held.take(), &open).await {
            Ok(connection) => connection,
            Err(error) => {
                first(Err(error)).await;
                continue;
            }
        };
        let mut settled = Vec::new();
        let outcome = commit_group(&mut connection, first, &mut queue, &mut settled, &mut closer).await;
        match &outcome {
            Ok(()) => held = Some(connection),
            Err(error) => {
                tracing::error!(%error, "a group of writes was not committed");
                // Whatever it left open is rolled back with it.
                let _ = connection.close_hard().await;
            }
        }
        for settle in settled {
            settle(outcome.as_ref().copied().map_err(|e| StoreError::Database(e.to_string())));
        }
    }
    if let Some(connection) = held
        && let Err(error) = connection.close().await
    {
        tracing::error!(%error, "the database was not closed cleanly");
    }
    if let Some(done) = closer {
        let _ = done.send(());
    }
}

async fn opened(held: Option<Conn>, open: &Open) -> Result<Conn, StoreError> {
    match held {
        Some(connection) => Ok(connection),
        None => open().await.map_err(|error| {
            tracing::error!(%error, "the database cannot be opened again yet");
            StoreError::Database(error.to_string())
        }),
    }
}

async fn commit_group(
    connection: &mut Conn,
    first: Task,
    queue: &mut mpsc::Receiver<Message>,
    settled: &mut Vec<Settle>,
    closer: &mut Option<oneshot::Sender<()>>,
) -> Result<(), sqlx::Error> {
    let mut tx = match connection.begin_with("BEGIN IMMEDIATE").await {
        Ok(tx) => tx,
        Err(error) => {
            first(Err(StoreError::Database(error.to_string()))).await;
            return Err(error);
        }
    };
    let mut next = Some(first);
    let mut taken = 0;
    while let Some(task) = next.take() {
        sqlx::query("SAVEPOINT request").execute(&mut *tx).await?;
        match task(Ok(&mut tx)).await {
            Some(settle) => settled.push(settle),
            None => {
                sqlx::query("ROLLBACK TO request").execute(&mut *tx).await?;
            }
        }
        sqlx::query("RELEASE request").execute(&mut *tx).await?;
        taken += 1;
        if taken == GROUP_MAX {
            break;
        }
        next = match queue.try_recv() {
            Ok(Message::Work(task)) => Some(task),
            Ok(Message::Close(done)) => {
                *closer = Some(done);
                None
            }
            Err(_) => None,
        };
    }
    tx.commit().await
}
