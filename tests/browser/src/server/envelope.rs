//! WebCrypto's half of the card envelope: proves that what was sealed can be opened by somebody else's code.

use holdfast_wire::b64;
use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Opens an envelope with WebCrypto alone; gives header and plaintext.
pub async fn open(private: &JsValue, jwe: &str) -> (serde_json::Value, serde_json::Value) {
    let parts: Vec<&str> = jwe.split('.').collect();
    let bytes = |i: usize| Uint8Array::from(b64::decode(parts[i]).expect("base64url").as_slice());
    let sealed = {
        let (text, tag) = (bytes(3).to_vec(), bytes(4).to_vec());
        Uint8Array::from([text, tag].concat().as_slice())
    };
    let open = Function::new_with_args(
        "priv, wrapped, iv, aad, sealed",
        "return (async () => {
            const cek = await crypto.subtle.decrypt({ name: 'RSA-OAEP' }, priv, wrapped);
            const key = await crypto.subtle.importKey('raw', cek, 'AES-GCM', false, ['decrypt']);
            const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: aad }, key, sealed);
            return new TextDecoder().decode(plain);
        })()",
    );
    let aad = Uint8Array::from(parts[0].as_bytes());
    let arguments = [private.clone(), bytes(1).into(), bytes(2).into(), aad.into(), sealed.into()];
    let promise = open.apply(&JsValue::NULL, &arguments.iter().collect::<Array>()).expect("it starts");
    let plain = JsFuture::from(Promise::from(promise)).await.expect("it opens").as_string().expect("text");
    assert_eq!(plain.len(), 512, "the plaintext is padded to one length");
    let header = b64::decode(parts[0]).expect("base64url");
    (serde_json::from_slice(&header).expect("a header"), serde_json::from_str(&plain).expect("JSON"))
}

/// RSA-3072 by WebCrypto: the private half, and `n`.
pub(super) async fn make_card_key() -> (JsValue, String) {
    let made = crate::js::run(
        "const pair = await crypto.subtle.generateKey({ name: 'RSA-OAEP', hash: 'SHA-256', modulusLength: 3072,
            publicExponent: new Uint8Array([1, 0, 1]) }, true, ['encrypt', 'decrypt']);
        return [pair.privateKey, (await crypto.subtle.exportKey('jwk', pair.publicKey)).n];",
    )
    .await;
    let made: Array = made.dyn_into().expect("an array");
    (made.get(0), made.get(1).as_string().expect("n"))
}
