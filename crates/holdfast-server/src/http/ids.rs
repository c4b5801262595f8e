//! By what a request is found again: an id for the log, and its place in a trace. A trusted proxy may give both; anybody else's are not
//! taken, or a stranger would write into our log.

use axum::http::HeaderMap;
use holdfast_core::limits::REQUEST_ID_CHARS_MAX;
use uuid::Uuid;

/// A request's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    pub request: String,
    pub parent: Option<TraceParent>,
}

/// `traceparent` (W3C Trace Context section 3.2): the step of a trace that led here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    pub is_sampled: bool,
}

impl Ids {
    /// Those that came along, if they are well-formed and may be believed, and otherwise fresh ones. Without an id of its own a request goes by
    /// that of its trace.
    pub fn of(headers: &HeaderMap, is_believed: bool) -> Self {
        let field = |name: &str| headers.get(name).filter(|_| is_believed).and_then(|value| value.to_str().ok());
        let parent = field("traceparent").and_then(TraceParent::parse);
        let given = field("x-request-id").filter(|id| is_id(id)).map(str::to_owned);
        let of_trace = || parent.as_ref().map(|parent| parent.trace_id.clone());
        let request = given.or_else(of_trace).unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        Self { request, parent }
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

impl TraceParent {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str, chars: usize| {
            part.len() == chars && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_name = |part: &str, chars: usize| is_hex(part, chars) && part.bytes().any(|b| b != b'0');
        // A later version may have more parts, and has these.
        let is_known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
        if !(is_known && is_name(trace_id, 32) && is_name(span_id, 16) && is_hex(flags, 2)) {
            return None;
        }
        let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(Self { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), is_sampled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn ids(is_believed: bool, fields: &[(&'static str, &str)]) -> Ids {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        Ids::of(&headers, is_believed)
    }

    #[test]
    fn what_a_trusted_proxy_gives_is_kept_when_it_is_well_formed() {
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let both = [("x-request-id", "Root=1-67.a_b"), ("traceparent", parent.as_str())];
        assert_eq!(ids(true, &[("x-request-id", "edge-1.2_3")]).request, "edge-1.2_3");
        assert_eq!(ids(true, &both).request, TRACE, "an id with a sign that could mean something in a log is none");
        let given = ids(true, &[("x-request-id", "edge-1"), ("traceparent", &parent)]);
        assert_eq!(given.request, "edge-1");
        assert_eq!(
            given.parent.map(|parent| (parent.span_id, parent.is_sampled)),
            Some(("00f067aa0ba902b7".into(), true))
        );
        let long = "x".repeat(REQUEST_ID_CHARS_MAX + 1);
        for bad in ["", " ", "a b", "a\"b", "é", "a\tb", &long] {
            assert!(ids(true, &[("x-request-id", bad)]).request.len() == 32, "{bad:?}");
        }
        assert_eq!(ids(false, &[("x-request-id", "mine")]).request.len(), 32);
        assert_eq!(ids(false, &both).parent, None);
        assert_ne!(ids(true, &[]).request, ids(true, &[]).request);
    }

    #[test]
    fn a_trace_parent_is_read_as_the_w3c_says() {
        let read = |text: &str| TraceParent::parse(text).map(|parent| parent.is_sampled);
        let of = |version: &str, flags: &str| format!("{version}-{TRACE}-00f067aa0ba902b7-{flags}");
        assert_eq!(
            (read(&of("00", "01")), read(&of("00", "00")), read(&of("00", "03"))),
            (Some(true), Some(false), Some(true))
        );
        assert_eq!(read(&(of("cc", "01") + "-what-the-future-adds")), Some(true));
        for bad in [
            of("00", "01") + "-more",
            of("ff", "01"),
            of("00", "0"),
            of("00", "0x"),
            of("00", "01").to_uppercase(),
            of("00", "01").replace(TRACE, &"0".repeat(32)),
            of("00", "01").replace("00f067aa0ba902b7", &"0".repeat(16)),
            of("00", "01").replace(TRACE, &TRACE[1..]),
            String::new(),
            "00".to_owned(),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
