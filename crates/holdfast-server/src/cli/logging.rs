//! The log: one line per event on the standard error stream. It never holds a body, a header, a query or card data.

use tracing_subscriber::EnvFilter;

/// Starts the log. `RUST_LOG` sets what is written; the default is what an operator wants to see.
pub fn start(json: bool) {
    let filter = quiet(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if json {
        // What is logged while a request is answered has the request's id.
        log.json().with_span_list(false).init();
    } else {
        log.with_ansi(false).init();
    }
}

/// A database library logs statements, and those could hold values: it stays quiet whatever `RUST_LOG` says. So does what reads requests.
pub(crate) fn quiet(filter: EnvFilter) -> EnvFilter {
    ["sqlx=warn", "hyper=warn"].iter().fold(filter, |filter, directive| match directive.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    })
}
