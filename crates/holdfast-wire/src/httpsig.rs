//! HTTP message signatures (RFC 9421) as every device request carries them: four components in a fixed order, ES256.

use crate::b64;

/// What is signed of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// `/api/v1/batches`.
    pub path: &'a str,
    /// Without the question mark; empty for none.
    pub query: &'a str,
    pub body: &'a [u8],
}

/// The fields of a signed request, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    pub content_digest: String,
    pub signature_input: String,
    pub signature: String,
}

const LABEL: &str = "holdfast";
const COMPONENTS: &str = r#"("@method" "@path" "@query" "content-digest")"#;

/// A request on its way to be signed.
#[derive(Debug, Clone)]
pub struct ToSign {
    base: String,
    params: String,
    content_digest: String,
}

impl ToSign {
    /// `created_s`: the device's clock in Unix seconds; it is carried and not judged.
    pub fn new(request: &Request<'_>, keyid: &str, created_s: i64) -> Self {
        let params = format!(r#"{COMPONENTS};created={created_s};keyid="{keyid}";alg="ecdsa-p256-sha256""#);
        let content_digest = content_digest(request.body);
        Self { base: base(request, &content_digest, &params), params, content_digest }
    }

    /// The signature base, to be signed with ES256.
    pub fn signing_input(&self) -> &[u8] {
        self.base.as_bytes()
    }

    pub fn with_signature(self, signature: &[u8; 64]) -> Fields {
        Fields {
            content_digest: self.content_digest,
            signature_input: format!("{LABEL}={}", self.params),
            signature: format!("{LABEL}=:{}:", b64::encode_standard(signature)),
        }
    }
}

/// A received signature that is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToCheck {
    pub keyid: String,
    pub signing_input: Vec<u8>,
    pub signature: [u8; 64],
}

/// Why the fields of a received request are refused before any key is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpSigError {
    #[error("the request must carry Content-Digest, Signature-Input and Signature with the label `holdfast`")]
    Missing,
    #[error(
        "Signature-Input must cover exactly @method, @path, @query and content-digest, with created, keyid and alg"
    )]
    Input,
    #[error("Content-Digest does not fit the body")]
    Digest,
}

/// Reads the three fields against the request as it arrived.
pub fn read(
    request: &Request<'_>,
    digest: Option<&str>,
    input: Option<&str>,
    signature: Option<&str>,
) -> Result<ToCheck, HttpSigError> {
    let (Some(digest), Some(input), Some(signature)) = (digest, input, signature) else {
        return Err(HttpSigError::Missing);
    };
    let content_digest = content_digest(request.body);
    if digest != content_digest {
        return Err(HttpSigError::Digest);
    }
    let params = input.strip_prefix(LABEL).and_then(|i| i.strip_prefix('=')).ok_or(HttpSigError::Missing)?;
    let keyid = read_params(params).ok_or(HttpSigError::Input)?;
    let signature = signature
        .strip_prefix(LABEL)
        .and_then(|s| s.strip_prefix("=:"))
        .and_then(|s| s.strip_suffix(':'))
        .and_then(b64::decode_standard)
        .and_then(|s| s.try_into().ok())
        .ok_or(HttpSigError::Missing)?;
    Ok(ToCheck { keyid, signing_input: base(request, &content_digest, params).into_bytes(), signature })
}

/// Only our own exact form is read: a general structured-field parser would accept what we never send.
fn read_params(params: &str) -> Option<String> {
    let rest = params.strip_prefix(COMPONENTS)?.strip_prefix(";created=")?;
    let (created, rest) = rest.split_once(';')?;
    created.parse::<i64>().ok()?;
    let (keyid, rest) = rest.strip_prefix("keyid=\"")?.split_once('"')?;
    let fits = keyid.len() <= 64 && keyid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (rest == ";alg=\"ecdsa-p256-sha256\"" && fits).then(|| keyid.to_owned())
}

fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", b64::encode_standard(b64::sha256(body)))
}

/// RFC 9421 section 2.5.
fn base(request: &Request<'_>, content_digest: &str, params: &str) -> String {
    format!(
        "\"@method\": {}\n\"@path\": {}\n\"@query\": ?{}\n\"content-digest\": {content_digest}\n\"@signature-params\": {params}",
        request.method, request.path, request.query
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request<'static> = Request { method: "POST", path: "/api/v1/batches", query: "", body: b"{}" };

    fn fields() -> (Vec<u8>, Fields) {
        let to_sign = ToSign::new(&REQUEST, "enrol", 1_700_000_000);
        (to_sign.signing_input().to_vec(), to_sign.with_signature(&[3; 64]))
    }

    fn check(request: &Request<'_>, f: &Fields) -> Result<ToCheck, HttpSigError> {
        read(request, Some(&f.content_digest), Some(&f.signature_input), Some(&f.signature))
    }

    #[test]
    fn what_is_signed_is_what_is_checked() {
        let (signed, f) = fields();
        let read = check(&REQUEST, &f);
        assert_eq!(read, Ok(ToCheck { keyid: "enrol".into(), signing_input: signed.clone(), signature: [3; 64] }));
        let moved = check(&Request { path: "/api/v1/other", ..REQUEST }, &f);
        assert!(moved.is_ok_and(|c| c.signing_input != signed), "another path has another base");
    }

    #[test]
    fn other_forms_are_refused() {
        let (_, f) = fields();
        assert_eq!(check(&Request { body: b"{ }", ..REQUEST }, &f), Err(HttpSigError::Digest));
        assert_eq!(read(&REQUEST, None, None, None), Err(HttpSigError::Missing));
        for (from, to) in
            [("\"@query\" ", ""), ("ecdsa-p256-sha256", "hmac-sha256"), ("created=", "createt="), ("enrol", "a\\b")]
        {
            let input = f.signature_input.replace(from, to);
            assert_eq!(
                check(&REQUEST, &Fields { signature_input: input, ..f.clone() }),
                Err(HttpSigError::Input),
                "{to}"
            );
        }
        assert_eq!(check(&REQUEST, &Fields { signature: "holdfast=:AA==:".into(), ..f }), Err(HttpSigError::Missing));
    }
}
