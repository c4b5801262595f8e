//! ES256 (RFC 7518 section 3.4): ECDSA on P-256 with SHA-256, a signature being R||S in 64 bytes.
//!
//! Signatures are made and verified by aws-lc-rs, whose own generator supplies the per-signature randomness.

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
};

use crate::{SecretBytes, b64};

/// Length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// A private P-256 key.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: VerifyingKey,
}

/// A public P-256 key: its point's coordinates, which are known to lie on the curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    x: [u8; 32],
    y: [u8; 32],
}

/// Why an ES256 operation did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Es256Error {
    #[error("the private key is not P-256 in PKCS#8, or the library gave none")]
    PrivateKey,
    #[error("x and y are not the coordinates of a point on P-256")]
    PublicKey,
    #[error("the signature could not be made")]
    Sign,
    #[error("the signature is wrong")]
    Signature,
}

impl SigningKey {
    /// Makes a new key, and its PKCS#8 form to be wrapped and stored.
    ///
    /// # Errors
    /// [`Es256Error::PrivateKey`].
    pub fn make() -> Result<(Self, SecretBytes), Es256Error> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| Es256Error::PrivateKey)?;
        let pkcs8 = SecretBytes::from(document.as_ref());
        Ok((Self::load(&pkcs8)?, pkcs8))
    }

    /// Loads a key from PKCS#8.
    ///
    /// # Errors
    /// [`Es256Error::PrivateKey`].
    pub fn load(pkcs8: &SecretBytes) -> Result<Self, Es256Error> {
        // The key is opened for the library, which keeps a copy of its own.
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose())
            .map_err(|_| Es256Error::PrivateKey)?;
        let public = VerifyingKey::from_point(pair.public_key().as_ref()).ok_or(Es256Error::PrivateKey)?;
        Ok(Self { pair, public })
    }

    /// Signs `message`.
    ///
    /// # Errors
    /// [`Es256Error::Sign`].
    pub fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], Es256Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| Es256Error::Sign)?;
        signature.as_ref().try_into().map_err(|_| Es256Error::Sign)
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl VerifyingKey {
    /// Reads `x` and `y` of a JWK: base64url of exactly 32 bytes each (RFC 7518 section 6.2.1).
    ///
    /// # Errors
    /// [`Es256Error::PublicKey`], also for a point that is not on the curve.
    pub fn parse(x: &str, y: &str) -> Result<Self, Es256Error> {
        let coordinates = b64::decode_array(x).zip(b64::decode_array(y));
        let (x, y) = coordinates.ok_or(Es256Error::PublicKey)?;
        let key = Self { x, y };
        key.parsed()?;
        Ok(key)
    }

    /// `x` of the JWK.
    pub fn x(&self) -> String {
        b64::encode(self.x)
    }

    /// `y` of the JWK.
    pub fn y(&self) -> String {
        b64::encode(self.y)
    }

    /// Verifies `signature`, R||S, over `message`.
    ///
    /// # Errors
    /// [`Es256Error::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Es256Error> {
        self.parsed()?.verify_sig(message, signature).map_err(|_| Es256Error::Signature)
    }

    /// The key's thumbprint (RFC 7638 with SHA-256), base64url.
    pub fn thumbprint(&self) -> String {
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x(), self.y());
        b64::encode(digest::digest(&digest::SHA256, jwk.as_bytes()))
    }

    fn parsed(&self) -> Result<ParsedPublicKey, Es256Error> {
        let point = [&[0x04], self.x.as_slice(), self.y.as_slice()].concat();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| Es256Error::PublicKey)
    }

    /// From an uncompressed point (SEC 1 section 2.3.3).
    fn from_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[0x04])?.split_first_chunk::<32>()?;
        Some(Self { x: *x, y: y.try_into().ok()? })
    }
}
