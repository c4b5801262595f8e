//! One request to one endpoint: resolved once, judged, connected to the judged address, sent, and the beginning of its answer read.
//! No redirect is followed, no proxy asked, no connection kept.

use super::net::{Policy, Target, UrlError};
use super::settings::HookSettingsError;
use futures_util::TryFutureExt as _;
use holdfast_core::limits::{WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_EXCERPT_CHARS_MAX, WEBHOOK_MS_MAX};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, IpAddr, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::Host;

/// How long all of it may take.
const TIME_MAX: Duration = Duration::from_millis(WEBHOOK_MS_MAX.unsigned_abs());
/// How long one of a name's addresses may take to be reached, and how many are tried.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(4);
const ADDRESSES_MAX: usize = 3;
/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: usize = 16_384;
const NAME: &str = concat!("Holdfast-Webhooks/", env!("CARGO_PKG_VERSION"));

/// What is sent.
pub struct Call<'a> {
    pub url: &'a str,
    pub id: &'a str,
    pub timestamp_s: i64,
    pub signatures: String,
    pub body: &'a str,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// How the body begins, fit to be shown.
    pub excerpt: String,
}

/// Why nothing came back. Each has a short name that is kept with the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("the address is none that webhooks may go to: {0}")]
    Url(#[from] UrlError),
    #[error("the name is not known")]
    Name,
    #[error("the name leads into a network that webhooks may not reach")]
    Closed,
    #[error("nobody answers there")]
    Connect,
    #[error("its certificate is not right")]
    Tls,
    #[error("it does not speak HTTP")]
    Http,
    #[error("it did not answer in time")]
    Time,
}

impl CallError {
    /// The name by which it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Url(_) => "address-refused",
            Self::Name => "name-unknown",
            Self::Closed => "network-closed",
            Self::Connect => "no-connection",
            Self::Tls => "tls",
            Self::Http => "no-http",
            Self::Time => "time-out",
        }
    }
}

/// Makes requests.
pub struct Caller {
    policy: Policy,
    tls: TlsConnector,
}

impl Caller {
    /// With the roots of the system and those given.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub fn new(policy: Policy, ca: Vec<CertificateDer<'static>>) -> Result<Self, HookSettingsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(ca);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { policy, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends, and gives back what the endpoint said.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, call: &Call<'_>) -> Result<Reply, CallError> {
        let target = self.policy.target(call.url)?;
        tokio::time::timeout(TIME_MAX, self.exchange(&target, call)).await.map_err(|_| CallError::Time)?
    }

    async fn exchange(&self, target: &Target, call: &Call<'_>) -> Result<Reply, CallError> {
        let stream = connect(&self.resolve(target).await?).await?;
        if !target.encrypted {
            return talk(stream, target, call).await;
        }
        let name = server_name(target).ok_or(CallError::Tls)?;
        let stream = self.tls.connect(name, stream).map_err(|_| CallError::Tls).await?;
        talk(stream, target, call).await
    }

    /// The one look-up. What it gives is judged and connected to as it is, so a name cannot lead elsewhere the next moment.
    async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, CallError> {
        let addresses = match &target.host {
            Host::Ipv4(ip) => vec![SocketAddr::new((*ip).into(), target.port)],
            Host::Ipv6(ip) => vec![SocketAddr::new((*ip).into(), target.port)],
            Host::Domain(name) => {
                let found = tokio::net::lookup_host((name.as_str(), target.port)).await;
                found.map_err(|_| CallError::Name)?.collect()
            }
        };
        if addresses.is_empty() {
            return Err(CallError::Name);
        }
        if self.policy.lets_all(&addresses) { Ok(addresses) } else { Err(CallError::Closed) }
    }
}

/// The first that answers: a machine may have an address of version 6 and no way to it.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, CallError> {
    for address in addresses.iter().take(ADDRESSES_MAX) {
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(CallError::Connect)
}

fn server_name(target: &Target) -> Option<ServerName<'static>> {
    match &target.host {
        Host::Ipv4(ip) => Some(ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(*ip)))),
        Host::Ipv6(ip) => Some(ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V6(*ip)))),
        Host::Domain(name) => ServerName::try_from(name.clone()).ok(),
    }
}

async fn talk<S>(stream: S, target: &Target, call: &Call<'_>) -> Result<Reply, CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let hands = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
    let (mut sender, line) = hands.map_err(|_| CallError::Http)?;
    // Ends with this function, whatever the other side does.
    let mut lines = JoinSet::new();
    lines.spawn(line);
    let request = Request::post(target.path.as_str())
        .header(HOST, target.authority.as_str())
        .header(USER_AGENT, NAME)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", call.id)
        .header("webhook-timestamp", call.timestamp_s)
        .header("webhook-signature", call.signatures.as_str())
        .body(Full::new(Bytes::copy_from_slice(call.body.as_bytes())))
        .map_err(|_| CallError::Http)?;
    let response = sender.send_request(request).await.map_err(|_| CallError::Http)?;
    let status = response.status().as_u16();
    Ok(Reply { status, excerpt: excerpt(response).await })
}

/// What can be had of the beginning. The status has been said: a body that breaks off changes nothing.
async fn excerpt(response: Response<Incoming>) -> String {
    let (mut body, mut bytes) = (response.into_body(), Vec::new());
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(WEBHOOK_ANSWER_BYTES_MAX - bytes.len())]);
        }
        if bytes.len() >= WEBHOOK_ANSWER_BYTES_MAX {
            break;
        }
    }
    shown(&String::from_utf8_lossy(&bytes))
}

/// One line without control characters, cut.
fn shown(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(WEBHOOK_EXCERPT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(shown("  no\r\n\tsuch\0book \u{1b}[31m"), "no such book [31m");
        assert_eq!(shown(&"ä".repeat(5_000)).chars().count(), WEBHOOK_EXCERPT_CHARS_MAX);
    }
}
