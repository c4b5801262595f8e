//! Answers with an ETag (RFC 9110 section 8.8.3): who asks again with If-None-Match gets 304 when nothing changed.

use super::problem::ApiError;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use holdfast_wire::b64;
use serde::Serialize;

/// A JSON answer. `headers` are the request's.
///
/// # Errors
/// When it cannot be written.
pub fn json<T: Serialize>(headers: &HeaderMap, value: &T) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(|_| ApiError::TRY_LATER)?;
    Ok(bytes(headers, "application/json", body))
}

/// An answer of any kind.
pub fn bytes(headers: &HeaderMap, kind: &'static str, body: Vec<u8>) -> Response {
    let tag = tag_of(&body);
    bytes_with(headers, &tag, kind, body)
}

/// The tag of what an answer says.
pub fn tag_of(said: &[u8]) -> String {
    format!("\"{}\"", b64::encode(&b64::sha256(said)[..16]))
}

/// An answer under a tag of [`tag_of`].
pub fn bytes_with(headers: &HeaderMap, tag: &str, kind: &'static str, body: Vec<u8>) -> Response {
    // Made of base64url and quotes, which a header may hold.
    let value = HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"\""));
    if is_named(headers, tag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, value)]).into_response();
    }
    ([(ETAG, value), (CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

/// Weak comparison, as RFC 9110 section 13.1.2 says: a proxy that compresses may have made the tag a weak one.
fn is_named(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut names = values.flat_map(|value| value.split(',')).map(str::trim);
    names.any(|name| name == "*" || name.strip_prefix("W/").unwrap_or(name) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others_weak_or_not() {
        let first = bytes(&HeaderMap::new(), "text/plain", b"a".to_vec());
        let tag = first.headers()[ETAG].to_str().expect("text").to_owned();
        let status = |value: &str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(value).expect("a value"))]);
            bytes(&headers, "text/plain", b"a".to_vec()).status().as_u16()
        };
        for same in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(status(&same), 304, "{same}");
        }
        for other in ["\"x\"", "", "W/\"x\", \"y\""] {
            assert_eq!(status(other), 200, "{other}");
        }
    }
}
