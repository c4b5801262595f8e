//! Slow callers, crowds, and TLS, on a real socket.

use super::tls::{TlsDoor, TlsError};
use super::{Counts, Door, Limits, serve};
use axum::Router;
use axum::routing::get;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio_rustls::TlsConnector;

/// Generous: what is waited for comes, or the test fails.
const WAIT: Duration = Duration::from_secs(120);
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

struct House {
    at: SocketAddr,
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

fn limits() -> Limits {
    let long = Duration::from_secs(600);
    Limits { connections_max: 8, of_address_max: 8, handshake: long, head: long, write: long }
}

async fn house(limits: Limits, tls: Option<Arc<TlsDoor>>, app: Router) -> House {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let counts = Arc::new(Counts::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let door = Door { listener, tls, limits, proxies: Vec::new(), counts: Arc::clone(&counts) };
    let task = tokio::spawn(serve(door, app, async {
        let _ = stopped.await;
    }));
    House { at, counts, stop: Some(stop), task }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

async fn ask(at: SocketAddr) -> String {
    let mut stream = TcpStream::connect(at).await.expect("connects");
    stream.write_all(ASK).await.expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    answer
}

/// Asks until it is answered: on a busy machine a quick caller may be taken for a slow one, and comes again.
async fn served(at: SocketAddr) {
    loop {
        let mut stream = TcpStream::connect(at).await.expect("connects");
        let mut answer = String::new();
        if stream.write_all(ASK).await.is_ok() && stream.read_to_string(&mut answer).await.is_ok() {
            assert!(answer.is_empty() || answer.ends_with("hello"), "{answer}");
            if !answer.is_empty() {
                return;
            }
        }
    }
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT, what).await.expect("within the limit")
}

#[tokio::test]
async fn who_dribbles_a_head_is_cut_off_and_others_are_served_meanwhile() {
    let house = house(Limits { head: Duration::from_millis(500), ..limits() }, None, hello()).await;
    let slow = TcpStream::connect(house.at).await.expect("connects");
    let (mut reader, mut writer) = slow.into_split();
    let dribble = tokio::spawn(async move {
        // A byte at a time, as long as somebody takes them.
        for byte in b"GET / HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'a')) {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    in_time(served(house.at)).await;
    let mut rest = Vec::new();
    // Closed or reset: either way it is over, though the caller still sends.
    let _ = in_time(reader.read_to_end(&mut rest)).await;
    assert!(!String::from_utf8_lossy(&rest).contains("hello"));
    in_time(dribble).await.expect("ends");
}

#[tokio::test]
async fn silent_callers_hold_no_place_for_ever() {
    let limits = Limits { head: Duration::from_millis(500), connections_max: 2, ..limits() };
    let house = house(limits, None, hello()).await;
    let _silent = [TcpStream::connect(house.at).await, TcpStream::connect(house.at).await];
    // Their places come free.
    in_time(served(house.at)).await;
}

#[tokio::test]
async fn a_crowd_of_one_address_is_sent_away() {
    let house = house(Limits { of_address_max: 1, ..limits() }, None, hello()).await;
    let mut first = TcpStream::connect(house.at).await.expect("connects");
    first.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("writes");
    let mut byte = [0];
    in_time(first.read_exact(&mut byte)).await.expect("is served");
    let mut second = TcpStream::connect(house.at).await.expect("connects");
    let _ = second.write_all(ASK).await;
    let mut answer = Vec::new();
    let _ = in_time(second.read_to_end(&mut answer)).await;
    assert!(answer.is_empty());
    assert_eq!(house.counts.crowded.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_stop_lets_the_answer_in_flight_finish_and_takes_nobody_new() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (Arc::clone(&begun), Arc::clone(&go));
    let slow = Router::new().route(
        "/",
        get(move || async move {
            told.notify_one();
            wait.notified().await;
            "late"
        }),
    );
    let mut house = house(limits(), None, slow).await;
    let asked = tokio::spawn(ask(house.at));
    in_time(begun.notified()).await;
    drop(house.stop.take());
    // The listener goes first.
    in_time(async {
        while TcpStream::connect(house.at).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(!house.task.is_finished());
    go.notify_one();
    assert!(in_time(asked).await.expect("an answer").ends_with("late"));
    in_time(house.task).await.expect("ends");
}

fn write(dir: &Path, made: &CertifiedKey<rcgen::KeyPair>) {
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).expect("writes");
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).expect("writes");
    std::fs::set_permissions(dir.join("key.pem"), std::fs::Permissions::from_mode(0o600)).expect("changes");
}

fn made() -> CertifiedKey<rcgen::KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("makes a certificate")
}

fn open(dir: &Path) -> Result<TlsDoor, TlsError> {
    TlsDoor::open(&dir.join("cert.pem"), &dir.join("key.pem"))
}

async fn ask_over_tls(at: SocketAddr, trusted: CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(at).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(ASK).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_and_half_of_one_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, second) = (made(), made());
    write(dir.path(), &first);
    let tls = Arc::new(open(dir.path()).expect("opens"));
    let house = house(limits(), Some(Arc::clone(&tls)), hello()).await;
    let (old, new) = (first.cert.der().clone(), second.cert.der().clone());
    assert!(in_time(ask_over_tls(house.at, old.clone())).await.expect("an answer").ends_with("hello"));
    assert!(matches!(tls.renew(), Ok(false)));

    // The certificate is there before its key.
    std::fs::write(dir.path().join("cert.pem"), second.cert.pem()).expect("writes");
    assert!(matches!(tls.renew(), Err(TlsError::Mismatch { .. })));
    assert!(in_time(ask_over_tls(house.at, old.clone())).await.is_ok(), "the old one stays");
    write(dir.path(), &second);
    assert!(matches!(tls.renew(), Ok(true)));
    assert!(in_time(ask_over_tls(house.at, new)).await.is_ok());
    assert!(in_time(ask_over_tls(house.at, old)).await.is_err());
}

#[test]
fn what_does_not_serve_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    write(dir.path(), &made());
    assert!(open(dir.path()).is_ok());
    std::fs::set_permissions(at("key.pem"), std::fs::Permissions::from_mode(0o644)).expect("changes");
    let error = open(dir.path()).expect_err("is refused").to_string();
    assert!(error.contains("chmod"), "{error}");
    std::fs::set_permissions(at("key.pem"), std::fs::Permissions::from_mode(0o640)).expect("changes");
    assert!(open(dir.path()).is_ok(), "a group may");

    std::fs::write(at("cert.pem"), made().cert.pem()).expect("writes");
    let error = open(dir.path()).expect_err("is refused").to_string();
    assert!(error.contains("is not the certificate's"), "{error}");
    std::fs::write(at("cert.pem"), "nothing").expect("writes");
    assert!(matches!(open(dir.path()), Err(TlsError::NoCertificate(_))));
    write(dir.path(), &made());
    std::fs::write(at("key.pem"), "nothing").expect("writes");
    assert!(matches!(open(dir.path()), Err(TlsError::NoKey(_))));
    std::fs::remove_file(at("key.pem")).expect("removes");
    assert!(matches!(open(dir.path()), Err(TlsError::Read { .. })));
}

/// The first message of a client that knows nothing newer than TLS 1.1 (RFC 4346 section 7.4.1.2).
#[tokio::test]
async fn an_old_version_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), &made());
    let house = house(limits(), Some(Arc::new(open(dir.path()).expect("opens"))), hello()).await;
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    // No session; two suites that were common then; no compression; no extensions.
    hello.extend([0, 0, 4, 0xc0, 0x13, 0x00, 0x2f, 1, 0]);
    let length = u8::try_from(hello.len()).expect("short");
    let mut message = vec![0x16, 0x03, 0x01, 0, length + 4, 1, 0, 0, length];
    message.extend(hello);
    let mut stream = TcpStream::connect(house.at).await.expect("connects");
    stream.write_all(&message).await.expect("writes");
    let mut answer = Vec::new();
    let _ = in_time(stream.read_to_end(&mut answer)).await;
    // A fatal alert: protocol_version, or that what is needed was not offered.
    assert_eq!(answer.first(), Some(&0x15), "{answer:?}");
    assert!(matches!(answer.get(6), Some(70 | 40)), "{answer:?}");
}
