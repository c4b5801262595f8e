//! PBKDF2 by WebCrypto: slow on purpose, and off the page's own thread.

use crate::js::{call_async, global, object};
use holdfast_wire::pin::{HASH_BYTES, PinVerifier};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;

/// Whether this is the PIN. `false` also where the browser cannot derive: then a manager of the shop cannot be told from anybody else.
pub async fn fits(pin: &str, verifier: &PinVerifier) -> bool {
    derive(pin, verifier).await.is_ok_and(|derived| verifier.fits(&derived))
}

async fn derive(pin: &str, verifier: &PinVerifier) -> Result<Vec<u8>, JsValue> {
    let subtle = global().crypto().ok_or(JsValue::UNDEFINED)?.subtle();
    let usages = Array::of1(&"deriveBits".into());
    let raw = Uint8Array::from(pin.as_bytes());
    let key =
        call_async(&subtle, "importKey", &["raw".into(), raw.into(), "PBKDF2".into(), false.into(), usages.into()])
            .await?;
    let how = object(&[
        ("name", "PBKDF2".into()),
        ("hash", "SHA-256".into()),
        ("salt", Uint8Array::from(verifier.salt.as_slice()).into()),
        ("iterations", verifier.rounds.into()),
    ]);
    let bits = u32::try_from(HASH_BYTES * 8).unwrap_or(256);
    let derived = call_async(&subtle, "deriveBits", &[how.into(), key, bits.into()]).await?;
    Ok(Uint8Array::new(&derived).to_vec())
}
