//! How exports are sent: by `ureq`, which blocks, and may, since the exporter has a thread of its own. TLS is rustls with the server's own provider
//! and the system's roots; no proxy is asked.

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

/// Bytes of an answer that are read: it says at most what was not taken.
const ANSWER_BYTES_MAX: u64 = 65_536;

#[derive(Debug)]
pub struct Post {
    agent: Agent,
}

impl Post {
    pub fn new(time_max: Duration) -> Self {
        let system = rustls_native_certs::load_native_certs().certs;
        let roots = system.iter().map(|root| Certificate::from_der(root).to_owned()).collect::<Vec<_>>();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::from(roots))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(time_max))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build();
        Self { agent: config.into() }
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut response = self.agent.run(Request::from_parts(parts, body.to_vec()))?;
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Response::builder().status(response.status()).body(Bytes::from(body))?)
    }
}
