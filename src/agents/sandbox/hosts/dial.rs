//! Reaching a host: directly, or through the proxy that the person needs to reach anything.

use super::{authority, plain};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::env;
use std::io::{Error, Result};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a host may take to answer a call.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a connection to that host.
pub async fn dial(host: &str, port: u16) -> Result<TcpStream> {
    let call = async {
        match upstream(host, port == 80) {
            Some(proxy) => through(&proxy, host, port).await,
            None => TcpStream::connect((host, port)).await,
        }
    };
    timeout(PATIENCE, call).await.map_err(|_| Error::other("nobody answers"))?
}

/// The proxy that the environment names for that host.
fn upstream(host: &str, is_plain: bool) -> Option<String> {
    let first =
        |names: &[&str]| names.iter().find_map(|name| env::var(name).ok().filter(|text| !text.is_empty()));
    let is_exempt = first(&["NO_PROXY", "no_proxy"]).is_some_and(|list| {
        list.split(',').map(|name| plain(name.trim().trim_start_matches('.'))).any(|name| {
            name == "*"
                || plain(host) == name
                || plain(host).ends_with(&format!(".{name}")) && !name.is_empty()
        })
    });
    if is_exempt {
        return None;
    }
    let named = if is_plain { ["HTTP_PROXY", "http_proxy"] } else { ["HTTPS_PROXY", "https_proxy"] };
    first(&named).or_else(|| first(&["ALL_PROXY", "all_proxy"]))
}

/// A tunnel through that proxy.
async fn through(proxy: &str, host: &str, port: u16) -> Result<TcpStream> {
    let site = proxy.strip_prefix("http://").unwrap_or(proxy).trim_end_matches('/');
    let (user, site) = site.rsplit_once('@').map_or((None, site), |(user, site)| (Some(user), site));
    let (name, at) = authority(site)
        .filter(|_| !site.contains("://"))
        .ok_or_else(|| Error::other("the proxy of the environment is none that speaks plain HTTP"))?;
    let mut stream = TcpStream::connect((name.as_str(), at.unwrap_or(80))).await?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(user) = user {
        ask.push_str(&format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(user)));
    }
    ask.push_str("\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    // One by one, since what follows is the host's. The answer to CONNECT is short.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > 16 << 10 {
            return Err(Error::other("the proxy of the environment talks without end"));
        }
        answer.push(stream.read_u8().await?);
    }
    match answer.get(9..12) {
        Some(b"200") => Ok(stream),
        _ => Err(Error::other("the proxy of the environment refuses")),
    }
}
