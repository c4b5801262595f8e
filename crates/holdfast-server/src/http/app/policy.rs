//! The content security policy. Nothing is allowed but what the app needs, and no third party ever.

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The policy, with the hashes of inline scripts that the build leaves in the page.
///
/// Under Trusted Types text becomes markup or a script's address only by way of the one policy named `holdfast`, which knows no markup at
/// all. Page and worker each make it once.
pub fn content_security_policy(script_hashes: &[String]) -> String {
    let mut scripts = String::new();
    for hash in script_hashes {
        let _ = write!(scripts, " 'sha256-{hash}'");
    }
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types holdfast"
    )
}

/// The policy that goes with a file: a worker's own response needs it as well as the page.
pub(super) fn for_file(name: &str, bytes: &[u8]) -> HeaderValue {
    let hashes = match (name.ends_with(".html"), std::str::from_utf8(bytes)) {
        (true, Ok(page)) => inline_scripts(page).map(|script| BASE64_STANDARD.encode(Sha256::digest(script))).collect(),
        _ => Vec::new(),
    };
    HeaderValue::from_str(&content_security_policy(&hashes)).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The text of every `<script>` without `src`. The page is our own build's, not a stranger's, so this need not read all of HTML.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (text, _) = rest.split_once("</script")?;
        let has_source = attributes.split_ascii_whitespace().any(|a| a.starts_with("src="));
        (!has_source && !text.is_empty()).then_some(text)
    })
}
