//! The head of a request to a proxy: as much of it as decides where it goes.

use super::authority;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// A request as a proxy gets it.
#[derive(Debug)]
pub struct Request {
    /// The host that it is for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What is to be sent there first; none where the client wants a tunnel.
    pub forward: Option<Vec<u8>>,
    /// What the client has sent after the head.
    pub rest: Vec<u8>,
}

/// Reads one; none when it is not one that we understand.
pub async fn read(client: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > LONGEST || client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let rest = bytes.split_off(end + 4);
    parse(std::str::from_utf8(&bytes[..end]).ok()?, rest)
}

fn parse(head: &str, rest: Vec<u8>) -> Option<Request> {
    let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut words = first.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    if method == "CONNECT" {
        let (host, port) = authority(target)?;
        return Some(Request { host, port: port?, forward: None, rest });
    }
    let target = target.strip_prefix("http://")?;
    let (site, path) = match target.find(['/', '?']) {
        Some(end) => target.split_at(end),
        None => (target, "/"),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    // A name before an `@` is no host.
    let (host, port) = authority(site).filter(|_| !site.contains('@'))?;
    // The server closes after its answer, so that each request is judged. It hears who is meant from us.
    let kept = headers.split("\r\n").filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !matches!(name.as_str(), "" | "host" | "connection" | "keep-alive") && !name.starts_with("proxy-")
    });
    let mut forward = format!("{method} {slash}{path} {version}\r\nHost: {site}\r\nConnection: close\r\n");
    for line in kept {
        forward.push_str(line);
        forward.push_str("\r\n");
    }
    forward.push_str("\r\n");
    Some(Request { host, port: port.unwrap_or(80), forward: Some(forward.into_bytes()), rest })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_tunnel_names_host_and_port() {
        let request =
            parse("CONNECT example.com:443 HTTP/1.1\r\nHost: other.org", b"tls".to_vec()).expect("reads");
        assert_eq!((request.host.as_str(), request.port, request.forward), ("example.com", 443, None));
        assert_eq!(request.rest, b"tls");
        assert!(parse("CONNECT example.com HTTP/1.1", Vec::new()).is_none());
    }

    #[test]
    fn a_plain_request_goes_on_to_the_host_that_was_judged() {
        let head = "GET http://example.com:8080?q=1 HTTP/1.1\r\nHost: evil.org\r\nProxy-Authorization: x\r\nAccept: */*";
        let request = parse(head, Vec::new()).expect("reads");
        assert_eq!((request.host.as_str(), request.port), ("example.com", 8080));
        assert_eq!(
            String::from_utf8(request.forward.expect("goes on")).expect("text"),
            "GET /?q=1 HTTP/1.1\r\nHost: example.com:8080\r\nConnection: close\r\nAccept: */*\r\n\r\n"
        );
    }

    #[test]
    fn what_names_no_host_or_two_is_not_understood() {
        for head in [
            "GET / HTTP/1.1\r\nHost: example.com",
            "GET http://example.com@evil.org/ HTTP/1.1",
            "GET https://example.com/ HTTP/1.1",
            "GET  http://example.com/ HTTP/1.1",
            "GET http://example.com/ HTTP/2",
            "",
        ] {
            assert!(parse(head, Vec::new()).is_none(), "{head}");
        }
    }
}
