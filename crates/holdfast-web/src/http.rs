//! Requests to the server. What answers is believed to be Holdfast only as far as its form goes; proofs are signatures.

use crate::clock::wall_ms;
use crate::device_key::DeviceKey;
use futures_util::future::{Either, select};
use gloo_net::http::{RequestBuilder, Response};
use gloo_timers::future::TimeoutFuture;
use holdfast_wire::httpsig::{Request, ToSign};
use holdfast_wire::problem::Problem;
use js_sys::Uint8Array;
use std::pin::pin;
use web_sys::{AbortController, RequestCache, RequestCredentials, RequestRedirect};

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub method: &'static str,
    pub path: &'a str,
    /// Without the question mark.
    pub query: &'a str,
    /// JSON, or nothing.
    pub body: &'a [u8],
    pub if_none_match: Option<&'a str>,
    pub timeout_ms: i64,
}

impl<'a> Call<'a> {
    pub fn get(path: &'a str, timeout_ms: i64) -> Self {
        Self { method: "GET", path, query: "", body: b"", if_none_match: None, timeout_ms }
    }

    pub fn post(path: &'a str, body: &'a [u8], timeout_ms: i64) -> Self {
        Self { method: "POST", body, ..Self::get(path, timeout_ms) }
    }
}

/// Who calls: the key and its id.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    pub key: &'a DeviceKey,
    pub keyid: &'a str,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// No answer, or not all of it, in time.
    Unreachable,
    /// An answer that is not in our format: a captive portal, a proxy's error page.
    NotHoldfast,
    Problem {
        problem: Problem,
        retry_after_ms: Option<i64>,
    },
    Ok {
        status: u16,
        body: Vec<u8>,
        etag: Option<String>,
    },
}

/// Sends a request, signed by the caller if there is one.
pub async fn send(call: Call<'_>, caller: Option<Caller<'_>>) -> Answer {
    let Ok(abort) = AbortController::new() else { return Answer::Unreachable };
    let sending = pin!(send_to_end(call, caller, &abort));
    let timeout_ms = u32::try_from(call.timeout_ms).unwrap_or(u32::MAX);
    match select(sending, TimeoutFuture::new(timeout_ms)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            abort.abort();
            Answer::Unreachable
        }
    }
}

async fn send_to_end(call: Call<'_>, caller: Option<Caller<'_>>, abort: &AbortController) -> Answer {
    let url = if call.query.is_empty() { call.path.to_owned() } else { format!("{}?{}", call.path, call.query) };
    let mut builder = RequestBuilder::new(&url)
        .method(call.method.parse().unwrap_or_default())
        .cache(RequestCache::NoStore)
        .credentials(RequestCredentials::Omit)
        // A redirect is a captive portal's; what it leads to would only look like an answer.
        .redirect(RequestRedirect::Manual)
        .abort_signal(Some(&abort.signal()));
    if let Some(etag) = call.if_none_match {
        builder = builder.header("If-None-Match", etag);
    }
    if let Some(caller) = caller {
        let signed = Request { method: call.method, path: call.path, query: call.query, body: call.body };
        let to_sign = ToSign::new(&signed, caller.keyid, wall_ms().div_euclid(1000));
        // Without a signature the server would refuse it anyway.
        let Ok(signature) = caller.key.sign(to_sign.signing_input()).await else { return Answer::Unreachable };
        let fields = to_sign.with_signature(&signature);
        builder = builder
            .header("Content-Digest", &fields.content_digest)
            .header("Signature-Input", &fields.signature_input)
            .header("Signature", &fields.signature);
    }
    let request = if call.body.is_empty() {
        builder.build()
    } else {
        builder.header("Content-Type", "application/json").body(Uint8Array::from(call.body))
    };
    let Ok(request) = request else { return Answer::Unreachable };
    match request.send().await {
        Ok(response) => read(response).await,
        Err(_) => Answer::Unreachable,
    }
}

async fn read(response: Response) -> Answer {
    let headers = response.headers();
    let (status, etag) = (response.status(), headers.get("etag"));
    let retry_after_ms = headers.get("retry-after").and_then(|s| s.parse::<i64>().ok()).map(|s| s.saturating_mul(1000));
    let content_type = headers.get("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(status, 204 | 304) {
        return Answer::Ok { status, body: Vec::new(), etag };
    }
    let is_success = (200..300).contains(&status);
    if !(is_success && kind == "application/json" || !is_success && kind == Problem::CONTENT_TYPE) {
        return Answer::NotHoldfast;
    }
    let Ok(body) = response.binary().await else { return Answer::Unreachable };
    if is_success {
        return Answer::Ok { status, body, etag };
    }
    match Problem::from_json(&body) {
        Some(problem) => Answer::Problem { problem, retry_after_ms },
        None => Answer::NotHoldfast,
    }
}
