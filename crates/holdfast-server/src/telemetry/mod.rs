//! Traces for OpenTelemetry, when they are asked for with `--otlp`: spans of requests and of calls to the acquirer, and nothing else. What is
//! exported is made under [`TARGET`] and by the functions here, so that nothing else can be; no line of the log goes this way.

mod post;

use crate::http::ids::{Ids, TraceParent};
use axum::http::Method;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use post::Post;
use std::time::Duration;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

/// Under this target, and no other, spans are exported.
pub const TARGET: &str = "holdfast::trace";
/// How long an export may take, and how long the end of the process waits for the last one.
const EXPORT_MAX: Duration = Duration::from_secs(10);
const LAST_EXPORT_MAX: Duration = Duration::from_secs(5);

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
#[error("--otlp cannot be used: {0}")]
pub struct TelemetryError(#[from] ExporterBuildError);

/// Sends spans until it is dropped, and what is left then.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// To the receiver at this address; `None` sends nothing.
    ///
    /// # Errors
    /// When the address is none.
    pub fn start(receiver: Option<&Url>) -> Result<Self, TelemetryError> {
        let Some(receiver) = receiver else { return Ok(Self(None)) };
        // As OTEL_EXPORTER_OTLP_ENDPOINT is read: the signal's path comes after it.
        let address = format!("{}/v1/traces", receiver.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Post::new(EXPORT_MAX))
            .with_timeout(EXPORT_MAX)
            .with_endpoint(address)
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("holdfast").with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
        Ok(Self(Some(provider)))
    }

    /// What the log's subscriber needs to know of it.
    pub fn layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer = self.0.as_ref()?.tracer("holdfast");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(Targets::new().with_target(TARGET, Level::INFO)))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let ended = self.0.as_ref().map(|provider| provider.shutdown_with_timeout(LAST_EXPORT_MAX));
        if let Some(Err(error)) = ended {
            tracing::warn!(%error, "the last traces were not taken");
        }
    }
}

/// The span of a request: its route's pattern, never its path. It belongs to the trace that a trusted proxy named.
pub fn of_request(method: &'static str, route: Option<&str>, ids: &Ids) -> Span {
    let route = route.unwrap_or("file");
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        request_id = %ids.request,
    );
    if let (false, Some(parent)) = (span.is_disabled(), ids.parent.as_ref().and_then(context)) {
        // Fails only where nobody asked for traces.
        let _ = span.set_parent(parent);
    }
    span
}

/// How a request went.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of a call to the acquirer.
pub fn of_call(call: &'static str) -> Span {
    tracing::info_span!(
        target: TARGET,
        "acquirer",
        otel.name = format_args!("acquirer {call}"),
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        outcome = tracing::field::Empty,
    )
}

/// How a call to the acquirer went.
pub fn called(span: &Span, outcome: &'static str, is_fault: bool) {
    span.record("outcome", outcome);
    if is_fault {
        span.record("otel.status_code", "ERROR");
    }
}

/// The methods that are known, or one word for any other: a stranger may write what it likes there.
pub fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| method == known).unwrap_or("_OTHER")
}

fn context(parent: &TraceParent) -> Option<Context> {
    let (trace_id, span_id) = (TraceId::from_hex(&parent.trace_id).ok()?, SpanId::from_hex(&parent.span_id).ok()?);
    let flags = if parent.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let remote = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    Some(Context::new().with_remote_span_context(remote))
}
