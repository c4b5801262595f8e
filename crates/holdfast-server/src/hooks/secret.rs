//! An endpoint's secret, and what it signs. Standard Webhooks: HMAC-SHA-256 over `id.timestamp.body`, in base64 behind `v1,`.

use super::Hooks;
use aws_lc_rs::hmac;
use holdfast_crypto::{SecretBytes, SecretString};
use holdfast_wire::b64;

const SECRET_BYTES: usize = 32;
const PREFIX: &str = "whsec_";

/// Why there is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the system gives no random numbers")]
    Random,
    #[error("a webhook's secret cannot be wrapped or opened: is the key-encryption key the one that wrote it?")]
    Wrap,
}

/// A secret in its two shapes.
pub struct Fresh {
    /// As its owner is shown it, once.
    pub text: SecretString,
    /// As it is kept.
    pub wrapped: Vec<u8>,
}

impl Hooks {
    /// A fresh secret for an endpoint.
    ///
    /// # Errors
    /// When there are no random numbers, or it cannot be wrapped.
    pub fn make_secret(&self, endpoint_id: &str) -> Result<Fresh, SecretError> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| SecretError::Random)?;
        let text = SecretString::new(format!("{PREFIX}{}", b64::encode_standard(bytes)));
        let secret = SecretBytes::from(&bytes[..]);
        let wrapped = self.keys.kek.wrap(&bound(endpoint_id), &secret, &mut getrandom::SysRng);
        Ok(Fresh { text, wrapped: wrapped.map_err(|_| SecretError::Wrap)? })
    }

    pub(super) fn open_secret(&self, endpoint_id: &str, wrapped: &[u8]) -> Result<SecretBytes, SecretError> {
        self.keys.kek.unwrap(&bound(endpoint_id), wrapped).map_err(|_| SecretError::Wrap)
    }
}

/// A wrapped secret opens in its own endpoint's row only.
fn bound(endpoint_id: &str) -> String {
    format!("webhook/{endpoint_id}")
}

/// The value of `webhook-signature`: one signature for each secret, the newest first.
pub fn signatures(secrets: &[SecretBytes], id: &str, timestamp_s: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp_s}.{body}");
    let sign = |secret: &SecretBytes| {
        // Opened to sign, which is what it is for.
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose()), signed.as_bytes());
        format!("v1,{}", b64::encode_standard(tag))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own test suites.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret = b64::decode_standard("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = signatures(
            &[SecretBytes::from(secret.as_slice())],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let two = [SecretBytes::from(&[1; 32][..]), SecretBytes::from(&[2; 32][..])];
        assert_eq!(signatures(&two, "msg_x", 1, "{}").split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
    }
}
