//! Connects to a host: directly, or through the proxy that the environment names.

use super::normalized;
use crate::agents::proxy::{self, Unusable};
use http::Uri;
use hyper_util::client::proxy::matcher::Intercept;
use std::io::{Error, Result};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest head of a reply that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// How long a host may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a connection to that host.
pub async fn dial(host: &str, port: u16) -> Result<TcpStream> {
    let call = async {
        match upstream(host, port)? {
            Some(proxy) => through(&proxy, host, port).await,
            None => TcpStream::connect((host, port)).await,
        }
    };
    timeout(PATIENCE, call).await.map_err(|_| Error::other("nobody answers"))?
}

/// The proxy that the environment names for that host.
fn upstream(host: &str, port: u16) -> Result<Option<Intercept>> {
    let scheme = if port == 80 { "http" } else { "https" };
    let address =
        Uri::builder().scheme(scheme).authority(in_url(&normalized(host))).path_and_query("/").build();
    proxy::for_address(&address.map_err(Error::other)?).map_err(Error::other)
}

/// A tunnel through that proxy. `hyper_util`'s own reads on after the reply to CONNECT and loses what a host
/// that speaks first has sent by then.
async fn through(proxy: &Intercept, host: &str, port: u16) -> Result<TcpStream> {
    let address = proxy.uri();
    let name = address
        .host()
        .filter(|_| address.scheme_str() == Some("http"))
        .ok_or_else(|| Error::other(Unusable))?;
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let mut stream = TcpStream::connect((name, address.port_u16().unwrap_or(80))).await?;
    let target = format!("{}:{port}", in_url(host));
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(credentials) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(credentials.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    match reply(&mut stream).await? {
        200 => Ok(stream),
        _ => Err(Error::other("the proxy of the environment refuses")),
    }
}

/// The status of a reply, of which nothing is read but its head.
async fn reply(stream: &mut TcpStream) -> Result<u16> {
    let mut head = Vec::new();
    while head.len() < LONGEST {
        // One by one, since what follows is the host's. The reply to CONNECT is short.
        head.push(stream.read_u8().await?);
        if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut reply = httparse::Response::new(&mut headers);
            reply.parse(&head).map_err(Error::other)?;
            return reply
                .code
                .ok_or_else(|| Error::other("the proxy of the environment does not speak HTTP"));
        }
    }
    Err(Error::other("the proxy of the environment talks without end"))
}

/// A host as a URL has it: an IPv6 address in brackets.
fn in_url(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
