//! Where the server is reached: the public address, in clear or over TLS, and the operator's.

use super::ServeArgs;
use crate::http::Doors;
use crate::http::caller::{Proxies, ProxyHeader};
use crate::listen::tls::{TlsDoor, TlsError};
use crate::listen::{Counts, Door, Limits};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use url::Url;

/// How the server is reached.
#[derive(Debug, Default, clap::Args)]
pub struct DoorArgs {
    /// A network of proxies of your own, as 10.0.0.0/8 or 127.0.0.1, again for each or with commas between. Who calls is what they say, and nobody else
    /// is believed. Name nothing but your own proxies: whoever is named may claim any address.
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they say it. They must write it themselves; the other one is not read.
    #[arg(long, value_enum, default_value_t, requires = "trusted_proxies")]
    pub proxy_header: ProxyHeader,
    /// The address of /healthz, /readyz and /metrics, as 127.0.0.1:9420. Never open to the public; without it they are off, but in
    /// a demo, where they take a free port of this machine.
    #[arg(long)]
    pub ops: Option<SocketAddr>,
    /// Where traces go: a receiver of OpenTelemetry's protocol over HTTP, as http://127.0.0.1:4318. Without it none are made.
    #[arg(long, value_name = "URL")]
    pub otlp: Option<Url>,
    /// The certificate and those between it and its authority, in PEM: the server speaks TLS itself. A renewed one is taken within
    /// seconds, without a restart.
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, in PEM, which nobody but owner and group may read.
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// After SIGTERM, how many seconds /readyz says 503 before connections are refused: as long as your balancer takes to notice.
    #[arg(long, default_value_t = 0)]
    pub drain_s: u64,
}

/// Why a door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    #[error("the port cannot be opened: {0}; choose another with --port")]
    Listen(std::io::Error),
    #[error("{0} cannot be opened: {1}; choose another with --ops")]
    Ops(SocketAddr, std::io::Error),
    #[error("--ops must be another address than the public one: what it tells is the operator's only")]
    OpsIsPublic,
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}

impl DoorArgs {
    /// Certificate and key, if the server is to speak TLS.
    ///
    /// # Errors
    /// When they do not serve.
    pub fn tls(&self) -> Result<Option<Arc<TlsDoor>>, DoorError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some(Arc::new(TlsDoor::open(cert, key)?))),
            _ => Ok(None),
        }
    }

    /// What the handlers know about how they are reached.
    pub fn doors(&self, public_url: Option<String>) -> Doors {
        // With https, cookies are kept to encrypted connections.
        let is_secure = self.tls_cert.is_some() || public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        let proxies = Proxies::new(self.trusted_proxies.clone(), self.proxy_header);
        Doors { public_url, proxies, is_secure }
    }
}

/// The doors of a server that is about to start.
pub struct Opened {
    pub public: Door,
    pub ops: Option<Door>,
    pub address: SocketAddr,
}

/// Opens them before anything else is done, so that what is wrong is said at once.
///
/// # Errors
/// When an address is taken, or the certificate does not serve.
pub async fn open(args: &ServeArgs) -> Result<Opened, DoorError> {
    let tls = args.doors.tls()?;
    let listener = TcpListener::bind(SocketAddr::new(args.host, args.port)).await.map_err(DoorError::Listen)?;
    let address = listener.local_addr().map_err(DoorError::Listen)?;
    let at = args.doors.ops.or_else(|| args.demo.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
    let limits = Limits::of_system();
    let ops = match at {
        Some(at) => Some(operators(at, address, &limits).await?),
        None => None,
    };
    let (proxies, counts) = (args.doors.trusted_proxies.clone(), Arc::new(Counts::default()));
    let public = Door { listener, tls, limits, proxies, counts };
    Ok(Opened { public, ops, address })
}

async fn operators(at: SocketAddr, public: SocketAddr, limits: &Limits) -> Result<Door, DoorError> {
    if at == public {
        return Err(DoorError::OpsIsPublic);
    }
    let listener = TcpListener::bind(at).await.map_err(|error| DoorError::Ops(at, error))?;
    let bound = listener.local_addr().map_err(|error| DoorError::Ops(at, error))?;
    if !bound.ip().is_loopback() {
        tracing::warn!(ops = %bound, "the operator's address can be reached from other machines: keep it behind a firewall");
    }
    tracing::info!(ops = %bound, "for the operator");
    // A handful of scrapers and balancers.
    let limits = Limits { connections_max: 64, of_address_max: 64, ..limits.clone() };
    Ok(Door { listener, tls: None, limits, proxies: Vec::new(), counts: Arc::new(Counts::default()) })
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let found = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().map(IpNet::from).ok());
    let found = found.ok_or("this is no network: write it as 10.0.0.0/8, or one address as 127.0.0.1")?;
    if found.prefix_len() == 0 {
        return Err("with this anybody could claim any address: name the networks of your own proxies".to_owned());
    }
    Ok(found.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_by_its_network_and_everybody_is_none() {
        for (text, wanted) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("127.0.0.1", Some("127.0.0.1/32")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("::1", Some("::1/128")),
            ("0.0.0.0/0", None),
            ("::/0", None),
            ("10.0.0.0/33", None),
            ("proxy.example", None),
            ("", None),
        ] {
            assert_eq!(network(text).ok().map(|network| network.to_string()).as_deref(), wanted, "{text}");
        }
    }
}
