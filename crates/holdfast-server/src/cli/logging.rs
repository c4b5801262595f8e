//! The log: one line per event on the standard error stream. It never holds a body, a header, a query or card data.

use crate::telemetry::Telemetry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Starts the log, and the traces if there are to be any. `RUST_LOG` sets what is written; the default is what an operator wants to see.
pub fn start(json: bool, telemetry: &Telemetry) {
    let filter = quiet(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // What is logged while a request is answered has the request's id.
    let lines = if json { lines.json().with_span_list(false).boxed() } else { lines.with_ansi(false).boxed() };
    tracing_subscriber::registry().with(telemetry.layer()).with(lines.with_filter(filter)).init();
}

/// A database library logs statements, and those could hold values: it stays quiet whatever `RUST_LOG` says. So does what reads requests, and what
/// sends traces; the traces' own spans are no lines.
pub(crate) fn quiet(filter: EnvFilter) -> EnvFilter {
    let quiet = ["sqlx=warn", "hyper=warn", "opentelemetry=warn", "ureq=warn", "holdfast::trace=off"];
    quiet.iter().fold(filter, |filter, directive| match directive.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    })
}
