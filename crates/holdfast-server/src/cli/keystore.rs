//! The flags that say where private card keys live.

use crate::keys::store::{FileStore, KeyStore, KeyStoreError, KeyStores, Mechanism, Pin, TokenSettings, TokenStore};
use crate::keys::{LocalKeys, Material};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The environment variable of the PIN, for those who have no file for it.
const PIN_VARIABLE: &str = "HOLDFAST_PKCS11_PIN";

/// Where private card keys live.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct KeyStoreArgs {
    /// Where new private card keys are made. Keys of another store that is set up still open.
    #[arg(long, value_enum, default_value_t)]
    pub keystore: Kind,
    /// The PKCS#11 module, a shared library of the token's maker.
    #[arg(long, value_name = "FILE")]
    pub pkcs11_module: Option<PathBuf>,
    /// The label of the token.
    #[arg(long, value_name = "LABEL")]
    pub pkcs11_token: Option<String>,
    /// A file with the user's PIN that only its owner may read. Without it, the PIN is taken from HOLDFAST_PKCS11_PIN.
    #[arg(long, value_name = "FILE")]
    pub pkcs11_pin_file: Option<PathBuf>,
    /// Where the OAEP padding is checked: in the token, or here in constant time for a token that does bare RSA only.
    #[arg(long, value_enum, default_value_t)]
    pub pkcs11_mechanism: Mechanism,
}

/// A kind of key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Kind {
    /// In the database, wrapped by the key-encryption key of the data directory.
    #[default]
    File,
    /// In a token; they are generated there and never leave it.
    Pkcs11,
}

impl KeyStoreArgs {
    /// Opens the stores.
    ///
    /// # Errors
    /// When a flag is missing or wrong, with what to do.
    pub async fn material(&self, local: &Arc<LocalKeys>, root_dir: &Path) -> Result<Material, KeyStoreError> {
        let file: Arc<dyn KeyStore> = Arc::new(FileStore::new(Arc::clone(local)));
        let stores = match self.token()? {
            None => KeyStores::new(file, Vec::new()),
            Some(settings) => {
                let opened = tokio::task::spawn_blocking(move || TokenStore::open(settings)).await;
                let token = opened.map_err(|error| KeyStoreError::Unavailable(error.to_string()))??;
                let token: Arc<dyn KeyStore> = Arc::new(token);
                match self.keystore {
                    Kind::Pkcs11 => KeyStores::new(token, vec![file]),
                    // On the way back to files, the token still opens what was sealed for it.
                    Kind::File => KeyStores::new(file, vec![token]),
                }
            }
        };
        Ok(Material { local: Arc::clone(local), stores, root_dir: root_dir.to_owned() })
    }

    /// The token's settings; `None` when no flag names one.
    fn token(&self) -> Result<Option<TokenSettings>, KeyStoreError> {
        let setting = |text: String| KeyStoreError::Setting(text);
        let (module, token) = match (&self.pkcs11_module, &self.pkcs11_token) {
            (Some(module), Some(token)) => (module.clone(), token.clone()),
            (None, None) if self.keystore == Kind::File => return Ok(None),
            (None, _) => return Err(setting("name the token's module with --pkcs11-module".to_owned())),
            (_, None) => return Err(setting("name the token with --pkcs11-token and its label".to_owned())),
        };
        let pin = match &self.pkcs11_pin_file {
            Some(path) => Pin::read(path).map_err(|error| setting(error.to_string()))?,
            None => match std::env::var(PIN_VARIABLE) {
                Ok(pin) => Pin::new(&pin),
                Err(_) => {
                    let text = format!("give the token's PIN in a file with --pkcs11-pin-file, or in {PIN_VARIABLE}");
                    return Err(setting(text));
                }
            },
        };
        Ok(Some(TokenSettings { module, token, pin, mechanism: self.pkcs11_mechanism }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let pkcs11 = KeyStoreArgs { keystore: Kind::Pkcs11, ..KeyStoreArgs::default() };
        let with_module = KeyStoreArgs { pkcs11_module: Some("m.so".into()), ..pkcs11.clone() };
        let no_file = KeyStoreArgs {
            pkcs11_token: Some("t".into()),
            pkcs11_pin_file: Some("no such file".into()),
            ..with_module.clone()
        };
        for (args, word) in [(pkcs11, "--pkcs11-module"), (with_module, "--pkcs11-token"), (no_file, "no such file")] {
            let error = args.token().expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(matches!(KeyStoreArgs::default().token(), Ok(None)));
    }
}
