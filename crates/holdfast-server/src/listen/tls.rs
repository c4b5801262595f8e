//! TLS for those who want no proxy: TLS 1.2 and 1.3 by rustls, and a renewed certificate is taken without a restart.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(5);

/// Why TLS is not to be had with these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} can be read by others than its owner and group: run chmod o= on it", .0.display())]
    OpenToOthers(PathBuf),
    #[error("{} holds no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} holds no private key in PEM (PKCS#8, PKCS#1 or SEC1)", .0.display())]
    NoKey(PathBuf),
    #[error("the key in {} is not the certificate's in {}: name the two that were made together", .key.display(), .cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("the certificate and its key cannot be used: {0}")]
    Refused(rustls::Error),
}

/// Certificate and key, as they are in the files now.
#[derive(Debug)]
pub struct TlsDoor {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<ServerConfig>, [u8; 32])>,
}

impl TlsDoor {
    /// Reads the files.
    ///
    /// # Errors
    /// When they do not serve, with what to do.
    pub fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let (pem, digest) = read(cert, key)?;
        let config = config(cert, key, &pem)?;
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), current: RwLock::new((config, digest)) })
    }

    /// What the next connection shakes hands with.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }

    /// Takes what is in the files now; says whether it is another certificate. What does not serve changes nothing.
    ///
    /// # Errors
    /// As [`TlsDoor::open`].
    pub fn renew(&self) -> Result<bool, TlsError> {
        let (pem, digest) = read(&self.cert, &self.key)?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == digest {
            return Ok(false);
        }
        let config = config(&self.cert, &self.key, &pem)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (config, digest);
        Ok(true)
    }
}

/// Looks at the files until `stop`. Whoever renews them writes one after the other: what does not fit is left, and looked at again.
pub async fn watch(door: Arc<TlsDoor>, mut stop: watch::Receiver<bool>) {
    let mut said = String::new();
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => return,
        }
        match door.renew() {
            Ok(true) => tracing::info!("a renewed certificate is in use"),
            Ok(false) => said.clear(),
            // Said once, and not every few seconds.
            Err(error) if error.to_string() != said => {
                tracing::error!(%error, "the certificate was not renewed: the old one stays in use");
                said = error.to_string();
            }
            Err(_) => {}
        }
    }
}

struct Pem {
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

fn read(cert: &Path, key: &Path) -> Result<(Pem, [u8; 32]), TlsError> {
    let because = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Read { path, source }
    };
    let mode = fs::metadata(key).map_err(because(key))?.permissions().mode();
    // The group may read: that is how certificates are handed to a service.
    if mode & 0o007 != 0 {
        return Err(TlsError::OpenToOthers(key.to_owned()));
    }
    let pem =
        Pem { cert: fs::read(cert).map_err(because(cert))?, key: Zeroizing::new(fs::read(key).map_err(because(key))?) };
    let digest = Sha256::new().chain_update(&pem.cert).chain_update(pem.key.as_slice()).finalize();
    Ok((pem, digest.into()))
}

fn config(cert: &Path, key: &Path, pem: &Pem) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.cert).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| TlsError::NoCertificate(cert.to_owned()))?;
    let secret = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|_| TlsError::NoKey(key.to_owned()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Refused)?
        .with_no_client_auth();
    let mut config = builder.with_single_cert(chain, secret).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { cert: cert.to_owned(), key: key.to_owned() },
        other => TlsError::Refused(other),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
