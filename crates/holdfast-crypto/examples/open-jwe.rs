//! Opens card envelopes from standard input for the interoperability test: one JSON object `{"pkcs8":"…","jwe":"…"}` per line,
//! `pkcs8` in base64url. It answers each with one line, `{"pos":{…},"pan":"…",…}` or `{"error":"…"}`.
//!
//! It prints card data and takes a private key in clear, so it is an example for test keys and test cards and no part of
//! the product.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holdfast_crypto::envelope::{OpenError, Opened, parse, rsa_oaep_unwrap};
use holdfast_crypto::{SecretBytes, SecretString};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let pkcs8 = URL_SAFE_NO_PAD.decode(request["pkcs8"].as_str().ok_or("no pkcs8")?)?;
        let jwe = request["jwe"].as_str().ok_or("no jwe")?;
        println!("{}", answer(&SecretBytes::new(pkcs8), jwe));
    }
    Ok(())
}

fn answer(pkcs8: &SecretBytes, jwe: &str) -> Value {
    match open(pkcs8, jwe) {
        Ok(Opened { card, pos }) => json!({
            "pos": pos,
            "pan": card.pan().expose(),
            "exp": card.exp().expose(),
            "track2": card.track2().map(SecretString::expose),
            "name": card.name().map(SecretString::expose),
            "entry": card.entry().name(),
        }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn open(pkcs8: &SecretBytes, jwe: &str) -> Result<Opened, OpenError> {
    let parsed = parse(jwe)?;
    let content_key = rsa_oaep_unwrap(pkcs8, parsed.encrypted_key())?;
    parsed.open(content_key)
}
