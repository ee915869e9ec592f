//! One request over HTTP, one reply, bounded in time and size.
//!
//! Redirects are not followed: the key goes to the address in the config and nowhere else. This very
//! machine is never asked through a proxy; for all others the usual variables (`HTTPS_PROXY`,
//! `NO_PROXY`, …) count.

use crate::agents::proxy;
use crate::domain::text::units;
use http::uri::InvalidUri;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Proxy, Url};
use serde_json::Value;
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

/// A longer reply is not an answer, in bytes.
const LONGEST: usize = 16 << 20;

/// How long the server may take to accept the connection.
const CONNECT: Duration = Duration::from_secs(20);

/// A reply with any status.
#[derive(Debug)]
pub struct HttpReply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl HttpReply {
    /// Whether the body claims to be JSON.
    pub fn is_json(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        kind.contains("json")
    }
}

/// Why there is no reply.
#[derive(Debug)]
pub enum HttpError {
    /// Worth another try: no connection, or one that was cut.
    Connection(String),
    /// Not worth another try.
    Permanent(String),
}

/// A client for that server. Made only when something is asked: with TLS it costs 5 ms.
pub fn client(url: &Url) -> Result<Client, HttpError> {
    // It fails when a provider has been installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("git-flow-ai/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .tcp_keepalive(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none());
    // Nothing is asked of the environment but here: reqwest passes by a proxy that it cannot use.
    builder = builder.no_proxy();
    if let Some(proxy) = proxy_for(url)? {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| HttpError::Permanent(innermost(&error)))
}

/// The proxy that the environment names for that server.
fn proxy_for(url: &Url) -> Result<Option<Proxy>, HttpError> {
    if is_loopback(url) {
        return Ok(None);
    }
    let permanent = |error: &dyn Error| HttpError::Permanent(innermost(error));
    let address = url.as_str().parse().map_err(|error: InvalidUri| permanent(&error))?;
    let Some(named) = proxy::for_address(&address).map_err(|error| permanent(&error))? else {
        return Ok(None);
    };
    let found = Proxy::all(named.uri().to_string()).map_err(|error| permanent(&error))?;
    Ok(Some(match named.basic_auth() {
        Some(credentials) => found.custom_http_auth(credentials.clone()),
        None => found,
    }))
}

/// Posts JSON and reads the whole reply.
pub async fn post(
    client: &Client,
    url: &Url,
    headers: &HeaderMap,
    body: &Value,
) -> Result<HttpReply, HttpError> {
    let request = client.post(url.clone()).headers(headers.clone()).json(body);
    let mut response = request.send().await.map_err(|error| http_error(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| http_error(&error))? {
        if body.len() + chunk.len() > LONGEST {
            return Err(HttpError::Permanent(format!(
                "the reply has more than {}",
                units::size(LONGEST as u64)
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpReply { status, headers, body })
}

/// Whether the address is this very machine's.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || number.is_ok_and(|number| number.is_loopback())
}

fn http_error(error: &reqwest::Error) -> HttpError {
    if error.is_builder() {
        HttpError::Permanent(innermost(error))
    } else {
        HttpError::Connection(innermost(error))
    }
}

/// What it comes from, without the address that the outer links repeat.
fn innermost(error: &dyn Error) -> String {
    let mut link = error;
    while let Some(source) = link.source() {
        link = source;
    }
    link.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, expected) in [
            ("http://localhost:11434/v1", true),
            ("http://127.0.0.1", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:8080", true),
            ("http://model.localhost", true),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.1", false),
            ("http://0.0.0.0", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
