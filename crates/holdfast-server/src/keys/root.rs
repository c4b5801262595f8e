//! The root keys: made once, kept offline, their public halves compiled into the app.

use super::files::{KeyFileError, refuse_others, write_private};
use holdfast_crypto::SecretBytes;
use holdfast_crypto::es256::{Es256Error, SigningKey, VerifyingKey};
use holdfast_wire::b64;
use holdfast_wire::jws::{Jwk, NamedKey};
use holdfast_wire::keyset::Roots;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use zeroize::Zeroize as _;

const PRIVATE: &str = "root.private.json";
const PUBLIC: &str = "root.public.json";

/// Why the root keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("{path} holds no root key: make one with `holdfast root make`")]
    Shape { path: PathBuf },
    #[error(transparent)]
    Key(#[from] Es256Error),
}

#[derive(Serialize, Deserialize)]
struct PrivateRoots {
    roots: Vec<PrivateRoot>,
}

#[derive(Serialize, Deserialize)]
struct PrivateRoot {
    kid: String,
    pkcs8: String,
}

/// A root key that signs.
#[derive(Debug)]
pub struct RootKey {
    pub kid: String,
    pub key: SigningKey,
}

/// Makes the current and the next root key in `dir`. `false` when they are there already.
///
/// # Errors
/// When the directory cannot be written.
pub fn make_root_files(dir: &Path) -> Result<bool, RootError> {
    let (private_path, public_path) = (dir.join(PRIVATE), dir.join(PUBLIC));
    if private_path.exists() && public_path.exists() {
        return Ok(false);
    }
    std::fs::create_dir_all(dir).map_err(|source| KeyFileError::Io { path: dir.to_owned(), source })?;
    let mut private = PrivateRoots { roots: Vec::new() };
    let mut public = Roots { roots: Vec::new() };
    for _ in 0..2 {
        let (key, pkcs8) = SigningKey::make()?;
        let kid = named("root", key.verifying_key());
        public.roots.push(NamedKey { kid: kid.clone(), jwk: jwk_of(key.verifying_key()) });
        // The file is what the key is opened for.
        private.roots.push(PrivateRoot { kid, pkcs8: b64::encode(pkcs8.expose()) });
    }
    let shape = |path: &Path| RootError::Shape { path: path.to_owned() };
    let mut text = serde_json::to_string_pretty(&private).map_err(|_| shape(&private_path))?;
    let written = write_private(&private_path, text.as_bytes());
    text.zeroize();
    private.roots.iter_mut().for_each(|root| root.pkcs8.zeroize());
    written?;
    let text = serde_json::to_string_pretty(&public).map_err(|_| shape(&public_path))?;
    std::fs::write(&public_path, text).map_err(|source| KeyFileError::Io { path: public_path, source })?;
    Ok(true)
}

/// Reads the current root key.
///
/// # Errors
/// When the file is missing, readable by others, or of another shape.
pub fn read_root_key(dir: &Path) -> Result<RootKey, RootError> {
    let path = dir.join(PRIVATE);
    let io = |source| KeyFileError::Io { path: path.clone(), source };
    let file = File::open(&path).map_err(io)?;
    refuse_others(&path, &file)?;
    let mut text = std::io::read_to_string(file).map_err(io)?;
    let parsed = serde_json::from_str::<PrivateRoots>(&text);
    text.zeroize();
    let shape = || RootError::Shape { path: path.clone() };
    let mut roots = parsed.map_err(|_| shape())?.roots;
    let current = roots.first().and_then(|root| Some((root.kid.clone(), SecretBytes::new(b64::decode(&root.pkcs8)?))));
    roots.iter_mut().for_each(|root| root.pkcs8.zeroize());
    let (kid, pkcs8) = current.ok_or_else(shape)?;
    Ok(RootKey { kid, key: SigningKey::load(&pkcs8)? })
}

/// The public halves, if their file is there.
pub fn read_public_roots(dir: &Path) -> Option<Roots> {
    Roots::from_json(&std::fs::read_to_string(dir.join(PUBLIC)).ok()?).ok()
}

/// A key id of a kind: `root-…`, `signer-…`, `ack-…`, ending in the beginning of the key's thumbprint (RFC 7638).
pub(super) fn named(kind: &str, key: &VerifyingKey) -> String {
    let thumbprint = key.thumbprint();
    format!("{kind}-{}", thumbprint.get(..12).unwrap_or(&thumbprint))
}

pub(super) fn jwk_of(key: &VerifyingKey) -> Jwk {
    Jwk { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: key.x(), y: key.y() }
}
