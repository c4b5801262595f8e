//! What an operator says about webhooks, read once at the start.

use super::net::Policy;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};

/// The part of the command line that is about webhooks.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct HookArgs {
    /// A network of your own that webhooks may reach although it is a private one, as 10.1.2.0/24. May be given several times.
    #[arg(long, env = "HOLDFAST_WEBHOOK_ALLOW", value_delimiter = ',')]
    pub webhook_allow: Vec<IpNet>,
    /// A further root that receivers' certificates may come from, as PEM.
    #[arg(long, env = "HOLDFAST_WEBHOOK_CA")]
    pub webhook_ca: Option<PathBuf>,
    /// Webhooks may go to this machine, also by http://. With --demo only.
    #[arg(long)]
    pub webhook_loopback: bool,
    /// The longest wait between two attempts of a webhook, for tests. With --demo only.
    #[arg(long, hide = true)]
    pub webhook_retry_ms_max: Option<i64>,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum HookSettingsError {
    #[error("--webhook-loopback and --webhook-retry-ms-max are for the demo only: they come with --demo")]
    WithoutDemo,
    #[error("--webhook-ca {path} cannot be read, or is no certificate in PEM")]
    Ca { path: PathBuf },
    #[error("TLS for webhooks is not to be had: {0}")]
    Tls(#[from] rustls::Error),
}

/// Everything, parsed.
#[derive(Debug, Default)]
pub struct HookSettings {
    pub policy: Policy,
    /// Roots beside those of the system.
    pub ca: Vec<CertificateDer<'static>>,
    pub retry_ms_max: Option<i64>,
}

impl HookArgs {
    /// # Errors
    /// [`HookSettingsError`].
    pub fn read(&self, is_demo: bool) -> Result<HookSettings, HookSettingsError> {
        if !is_demo && (self.webhook_loopback || self.webhook_retry_ms_max.is_some()) {
            return Err(HookSettingsError::WithoutDemo);
        }
        let policy = Policy { allowed: self.webhook_allow.clone(), loopback: self.webhook_loopback };
        let ca = self.webhook_ca.as_deref().map(certificates).transpose()?.unwrap_or_default();
        Ok(HookSettings { policy, ca, retry_ms_max: self.webhook_retry_ms_max })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HookSettingsError> {
    let wrong = || HookSettingsError::Ca { path: path.to_owned() };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let list = read.ok().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
    let mut roots = RootCertStore::empty();
    for certificate in &list {
        roots.add(certificate.clone()).map_err(|_| wrong())?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loosens_the_rules_comes_with_the_demo_only() {
        let loose = HookArgs { webhook_loopback: true, ..HookArgs::default() };
        assert!(loose.read(true).is_ok_and(|read| read.policy.loopback));
        assert!(matches!(loose.read(false), Err(HookSettingsError::WithoutDemo)));
        let fast = HookArgs { webhook_retry_ms_max: Some(5), ..HookArgs::default() };
        assert!(matches!(fast.read(false), Err(HookSettingsError::WithoutDemo)));
        let file = tempfile::NamedTempFile::new().expect("a file");
        let wrong = HookArgs { webhook_ca: Some(file.path().to_owned()), ..HookArgs::default() };
        assert!(matches!(wrong.read(true), Err(HookSettingsError::Ca { .. })));
    }
}
