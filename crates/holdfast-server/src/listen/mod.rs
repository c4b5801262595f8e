//! A listener that slow or greedy callers cannot hold: places are counted, in all and by address, and every wait has an end.
//!
//! It speaks HTTP/1.1, in clear or over TLS, and nothing else (docs/decisions/a-listener-of-our-own.md). A head must be whole
//! within [`Limits::head`], which is also how long a connection may idle; bodies have their own clock where they are read; an
//! answer that nobody takes ends its connection after [`Limits::write`].

mod crowd;
pub mod tls;

#[cfg(test)]
mod tests;

pub use crowd::network_of;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use crowd::Crowd;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ipnet::IpNet;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tls::TlsDoor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

/// Connections at once, if the system grants as many files.
const CONNECTIONS_MAX: usize = 16_384;
/// Files that the rest of the server needs: databases, the app, the acquirer's line, mail.
const FILES_KEPT: u64 = 256;
/// Bytes that the head of a request may have.
const HEAD_BYTES_MAX: usize = 65_536;
/// Pause after the system refused a connection for want of something.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);

/// How long and how many. Lengths are ends of waits, not of work.
#[derive(Debug, Clone)]
pub struct Limits {
    pub connections_max: usize,
    /// Of one address: a festival's tills are behind one.
    pub of_address_max: usize,
    pub handshake: Duration,
    pub head: Duration,
    pub write: Duration,
}

impl Limits {
    /// As many connections as the system grants files for, up to a limit of our own.
    pub fn of_system() -> Self {
        let files = files_granted().saturating_sub(FILES_KEPT).max(64);
        let connections_max = usize::try_from(files).unwrap_or(usize::MAX).min(CONNECTIONS_MAX);
        Self {
            connections_max,
            of_address_max: connections_max / 2,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            write: Duration::from_secs(30),
        }
    }
}

/// Raises the number of files as far as the system lets us, and says how many that are.
fn files_granted() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    // No limit at all is given as none.
    now.unwrap_or(u64::MAX)
}

/// What happened at a listener, counted.
#[derive(Debug, Default)]
pub struct Counts {
    pub open: AtomicI64,
    pub accepted: AtomicU64,
    /// Sent away because their address holds too many.
    pub crowded: AtomicU64,
    pub handshakes_failed: AtomicU64,
}

/// A listener and what it needs.
pub struct Door {
    pub listener: TcpListener,
    pub tls: Option<Arc<TlsDoor>>,
    pub limits: Limits,
    /// Networks of proxies of our own, each of which may hold all places.
    pub proxies: Vec<IpNet>,
    pub counts: Arc<Counts>,
}

/// Serves `app` until `stop`, and then as long as requests in flight take.
pub async fn serve(door: Door, app: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(door.limits.connections_max));
    let crowd = Arc::new(Crowd::new(door.limits.of_address_max, door.proxies));
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut stop => break,
        };
        let Ok(place) = place else { break };
        let (stream, peer) = tokio::select! {
            accepted = accept(&door.listener) => accepted,
            () = &mut stop => break,
        };
        let Some(seat) = crowd.enter(peer.ip()) else {
            door.counts.crowded.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        door.counts.accepted.fetch_add(1, Ordering::Relaxed);
        let (app, tls, limits) = (app.clone(), door.tls.clone(), door.limits.clone());
        let (watcher, counts) = (graceful.watcher(), Arc::clone(&door.counts));
        tokio::spawn(async move {
            counts.open.fetch_add(1, Ordering::Relaxed);
            attend(stream, peer, app, tls, &limits, watcher, &counts).await;
            counts.open.fetch_sub(1, Ordering::Relaxed);
            drop((place, seat));
        });
    }
    // Whoever comes now is told at once that nobody listens, and tries another replica.
    drop(door.listener);
    graceful.shutdown().await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(error.kind()) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be taken");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    tls: Option<Arc<TlsDoor>>,
    limits: &Limits,
    watcher: Watcher,
    counts: &Counts,
) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write));
    let stream = Box::pin(stream);
    let Some(tls) = tls else { return talk(stream, peer, app, limits, watcher).await };
    match tokio::time::timeout(limits.handshake, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => talk(stream, peer, app, limits, watcher).await,
        // A stranger's scan is no event of ours; many of them show in the count.
        Ok(Err(_)) | Err(_) => drop(counts.handshakes_failed.fetch_add(1, Ordering::Relaxed)),
    }
}

async fn talk<S>(stream: S, peer: SocketAddr, app: Router, limits: &Limits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
