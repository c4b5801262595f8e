//! The device's key: P-256, made by WebCrypto, its private half never to be had by anyone.

use crate::js::{call_async, get, global, object};
use holdfast_wire::jws::Jwk;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

/// This browser cannot do what every browser since 2021 can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this browser cannot make or use a P-256 key")]
pub struct KeyFault;

/// A CryptoKeyPair.
#[derive(Clone)]
pub struct DeviceKey {
    pair: JsValue,
}

impl DeviceKey {
    /// Makes a pair; the private half is not extractable.
    pub async fn make() -> Result<Self, KeyFault> {
        let usages: Array = ["sign", "verify"].into_iter().map(JsValue::from_str).collect();
        let arguments = [p256().into(), false.into(), usages.into()];
        Ok(Self { pair: subtle("generateKey", &arguments).await? })
    }

    /// A pair as it came out of the database.
    pub fn from_stored(pair: JsValue) -> Self {
        Self { pair }
    }

    /// What goes into the database.
    pub fn stored(&self) -> &JsValue {
        &self.pair
    }

    /// The public half.
    pub async fn jwk(&self) -> Result<Jwk, KeyFault> {
        let raw = subtle("exportKey", &["raw".into(), get(&self.pair, "publicKey")]).await?;
        let point: [u8; 65] = Uint8Array::new(&raw).to_vec().try_into().map_err(|_| KeyFault)?;
        Ok(Jwk::from_point(&point))
    }

    /// R || S over SHA-256 of the input, as JOSE and RFC 9421 want it and WebCrypto gives it.
    pub async fn sign(&self, input: &[u8]) -> Result<[u8; 64], KeyFault> {
        let arguments = [es256().into(), get(&self.pair, "privateKey"), Uint8Array::from(input).into()];
        let signature = subtle("sign", &arguments).await?;
        Uint8Array::new(&signature).to_vec().try_into().map_err(|_| KeyFault)
    }
}

/// Whether an ES256 signature is right. `false` also for a key that is none.
pub async fn verify(key: &Jwk, input: &[u8], signature: &[u8; 64]) -> bool {
    let Some(point) = key.to_point() else { return false };
    let usages = Array::of1(&"verify".into());
    let raw = Uint8Array::from(point.as_slice());
    let Ok(key) = subtle("importKey", &["raw".into(), raw.into(), p256().into(), false.into(), usages.into()]).await
    else {
        return false;
    };
    let signature = Uint8Array::from(signature.as_slice());
    let verified = subtle("verify", &[es256().into(), key, signature.into(), Uint8Array::from(input).into()]).await;
    verified.is_ok_and(|yes| yes == JsValue::TRUE)
}

fn p256() -> js_sys::Object {
    object(&[("name", "ECDSA".into()), ("namedCurve", "P-256".into())])
}

fn es256() -> js_sys::Object {
    object(&[("name", "ECDSA".into()), ("hash", "SHA-256".into())])
}

async fn subtle(method: &str, arguments: &[JsValue]) -> Result<JsValue, KeyFault> {
    let crypto = global().crypto().ok_or(KeyFault)?;
    call_async(&crypto.subtle(), method, arguments).await.map_err(|_| KeyFault)
}
