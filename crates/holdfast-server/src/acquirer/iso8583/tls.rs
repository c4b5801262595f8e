//! TLS to the acquirer: its authority from a file, nothing else trusted.

use super::config::{ConfigError, Tls};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Makes TLS connections to one host.
pub struct Connector {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// Reads the files.
    ///
    /// # Errors
    /// [`ConfigError::Value`], which says what is wrong with them.
    pub fn new(tls: &Tls) -> Result<Self, ConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&tls.ca_file)? {
            roots.add(certificate).map_err(|_| ConfigError::Value("tls.ca_file has something that is no authority"))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| ConfigError::Value("TLS is not to be had"))?
            .with_root_certificates(roots);
        let config = match (&tls.cert_file, &tls.key_file) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|_| ConfigError::Value("tls.key_file holds no private key that can be read"))?;
                builder
                    .with_client_auth_cert(certificates(cert)?, key)
                    .map_err(|_| ConfigError::Value("tls.cert_file and tls.key_file do not belong together"))?
            }
            _ => return Err(ConfigError::Value("tls.cert_file and tls.key_file go together")),
        };
        let name = ServerName::try_from(tls.server_name.clone())
            .map_err(|_| ConfigError::Value("tls.server_name is no host name"))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Shakes hands over `stream`.
    ///
    /// # Errors
    /// When the host is not who it should be, or does not speak TLS.
    pub async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let wrong = ConfigError::Value("tls.ca_file or tls.cert_file holds no certificate that can be read");
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.ok().filter(|list| !list.is_empty()).ok_or(wrong)
}
