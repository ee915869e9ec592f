//! The head of a request to the proxy, as far as it decides where the request goes.

use super::authority;
use httparse::Status;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// How many headers it may have.
const MOST: usize = 100;

/// A request to the proxy.
#[derive(Debug)]
pub struct Request {
    pub host: String,
    pub port: u16,
    /// What to send there first; `None` if the client wants a tunnel.
    pub forward: Option<Vec<u8>>,
    /// What the client has sent after the head.
    pub rest: Vec<u8>,
}

/// Reads one; `None` if it is not one that we understand.
pub async fn read(client: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    while bytes.len() <= LONGEST && client.read_buf(&mut bytes).await.ok()? > 0 {
        match parse(&bytes) {
            Parsed::Unfinished => {}
            Parsed::Whole(request) => return Some(request),
            Parsed::Unknown => return None,
        }
    }
    None
}

/// What some bytes are.
#[derive(Debug)]
enum Parsed {
    Unfinished,
    Whole(Request),
    Unknown,
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MOST];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(bytes) {
        Ok(Status::Complete(end)) => {
            request(&head, bytes[end..].to_vec()).map_or(Parsed::Unknown, Parsed::Whole)
        }
        Ok(Status::Partial) => Parsed::Unfinished,
        Err(_) => Parsed::Unknown,
    }
}

fn request(head: &httparse::Request<'_, '_>, rest: Vec<u8>) -> Option<Request> {
    let (method, target) = (head.method?, head.path?);
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
    // A name before an `@` is not a host.
    let (host, port) = authority(site).filter(|_| !site.contains('@'))?;
    let version = head.version?;
    // The server closes after its answer, so that each request is judged. It hears who is meant from us.
    let mut forward =
        format!("{method} {slash}{path} HTTP/1.{version}\r\nHost: {site}\r\nConnection: close\r\n")
            .into_bytes();
    for header in head.headers.iter().filter(|header| !is_ours(header.name)) {
        forward.extend_from_slice(header.name.as_bytes());
        forward.extend_from_slice(b": ");
        forward.extend_from_slice(header.value);
        forward.extend_from_slice(b"\r\n");
    }
    forward.extend_from_slice(b"\r\n");
    Some(Request { host, port: port.unwrap_or(80), forward: Some(forward), rest })
}

/// Whether a header is between the client and us, or said anew by us.
fn is_ours(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "host" | "connection" | "keep-alive") || name.starts_with("proxy-")
}

#[cfg(test)]
mod tests {
    use super::{Parsed, Request, parse};

    fn whole(head: &str) -> Option<Request> {
        match parse(head.as_bytes()) {
            Parsed::Whole(request) => Some(request),
            Parsed::Unfinished | Parsed::Unknown => None,
        }
    }

    #[test]
    fn a_tunnel_names_host_and_port() {
        let request = whole("CONNECT example.com:443 HTTP/1.1\r\nHost: other.org\r\n\r\ntls").expect("reads");
        assert_eq!((request.host.as_str(), request.port, request.forward), ("example.com", 443, None));
        assert_eq!(request.rest, b"tls");
        assert!(whole("CONNECT example.com HTTP/1.1\r\n\r\n").is_none());
    }

    #[test]
    fn a_plain_request_goes_on_to_the_host_that_was_judged() {
        let head = "GET http://example.com:8080?q=1 HTTP/1.1\r\nHost: evil.org\r\nProxy-Authorization: x\r\nAccept: */*\r\n\r\n";
        let request = whole(head).expect("reads");
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
            "GET http://example.com/ HTTP/1.1\r\nAccept: a\r\n b",
            "garbage",
        ] {
            assert!(matches!(parse(format!("{head}\r\n\r\n").as_bytes()), Parsed::Unknown), "{head}");
        }
        assert!(matches!(parse(b"GET http://example.com/ HT"), Parsed::Unfinished));
    }
}
