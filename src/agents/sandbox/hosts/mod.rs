//! Allowed hosts, if the access policy names them: a list, and a proxy that enforces it.
//!
//! The guardian runs the proxy outside the sandbox; inside, nothing else can be reached. Under bubblewrap the
//! network is empty but for a [`bridge`] to the proxy's socket. Landlock allows connections to the proxy's
//! port only, but on any host, and does not restrict UDP. Only the proxy resolves names.

pub mod bridge;
mod dial;
pub mod proxy;
mod request;

use crate::domain::error::{Result, hint};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Variables by which programs find a proxy.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// The names of a machine for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The ports that are allowed if a host is listed without one.
const DEFAULT_PORTS: [u16; 2] = [443, 80];

/// The hosts that are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosts(Vec<Host>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Host {
    name: String,
    /// Whether it stands for all names below that name, and not for the name itself.
    below: bool,
    port: Option<u16>,
}

impl Hosts {
    /// Parses the hosts that a config lists: `example.com`, `*.example.com`, `example.com:8443`, `[::1]:80`.
    pub fn read(texts: &[String]) -> Result<Hosts> {
        let host = |text: &String| {
            Host::read(text).ok_or_else(|| {
                hint(
                    format!("`{text}` under hosts of [sandbox] is no host"),
                    "write a name, an address, or `*.` and a name; a port may follow after a colon",
                )
            })
        };
        texts.iter().map(host).collect::<Result<_>>().map(Hosts)
    }

    /// Whether that port of that host is allowed. An address is allowed only if it is listed itself, whatever
    /// names lead to it.
    pub fn allow(&self, name: &str, port: u16) -> bool {
        let name = normalized(name);
        self.0.iter().any(|host| {
            let is_it = match host.below {
                true => {
                    name.strip_suffix(&host.name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
                }
                false => is_same(&name, &host.name),
            };
            is_it && host.port.map_or_else(|| DEFAULT_PORTS.contains(&port), |only| only == port)
        })
    }

    /// Whether any port of that name is allowed.
    pub fn allow_name(&self, name: &str) -> bool {
        self.0.iter().any(|host| !host.below && is_same(&host.name, name))
    }
}

impl Host {
    fn read(text: &str) -> Option<Host> {
        let (name, port) = authority(text.trim())?;
        let (name, below) = match name.strip_prefix("*.") {
            Some(name) => (name.to_owned(), true),
            None => (name, false),
        };
        let is_address = !below && name.parse::<IpAddr>().is_ok();
        let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        (!name.is_empty() && (is_address || is_name)).then(|| Host { name: normalized(&name), below, port })
    }
}

/// A host and its port, as written in a URL or after CONNECT.
fn authority(text: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if rest.is_empty() => None,
            None => return None,
        };
        return address.parse::<IpAddr>().is_ok().then(|| (address.to_owned(), port));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Some((text.to_owned(), None));
    }
    match text.split_once(':') {
        Some((name, port)) => Some((name.to_owned(), Some(port.parse().ok()?))),
        None => Some((text.to_owned(), None)),
    }
}

/// A name in the spelling in which names are compared.
fn normalized(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_lowercase()
}

fn is_same(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// The variables that lead programs to the proxy at that port. If the network is empty (`is_empty`), a machine
/// talks to itself without it, unless the list means another machine by that name.
pub fn variables(hosts: &Hosts, port: u16, is_empty: bool) -> Vec<(&'static str, String)> {
    let exempt: Vec<&str> = LOOPBACK.into_iter().filter(|name| is_empty && !hosts.allow_name(name)).collect();
    let mut variables: Vec<(&'static str, String)> =
        PROXIES.iter().map(|name| (*name, format!("http://127.0.0.1:{port}"))).collect();
    variables.extend(["NO_PROXY", "no_proxy"].map(|name| (name, exempt.join(","))));
    // Node ignores the others without this one.
    variables.push(("NODE_USE_ENV_PROXY", "1".into()));
    variables
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    fn hosts(texts: &[&str]) -> Hosts {
        Hosts::read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).expect("reads")
    }

    #[test]
    fn a_host_is_its_name_in_any_spelling_at_the_usual_ports() {
        let hosts = hosts(&["Example.com", "api.example.org:8443"]);
        for (name, port) in [("example.com", 443), ("EXAMPLE.COM.", 80), ("api.example.org", 8443)] {
            assert!(hosts.allow(name, port), "{name}:{port}");
        }
        for (name, port) in [
            ("example.com", 22),
            ("www.example.com", 443),
            ("badexample.com", 443),
            ("example.com.evil.org", 443),
            ("api.example.org", 443),
            ("", 443),
        ] {
            assert!(!hosts.allow(name, port), "{name}:{port}");
        }
    }

    #[test]
    fn a_star_stands_for_what_is_below_a_name() {
        let hosts = hosts(&["*.example.com"]);
        assert!(hosts.allow("a.example.com", 443) && hosts.allow("a.b.example.com", 80));
        assert!(!hosts.allow("example.com", 443) && !hosts.allow(".example.com", 443));
        assert!(!hosts.allow("badexample.com", 443));
    }

    #[test]
    fn an_address_has_to_be_listed_itself() {
        let hosts = hosts(&["127.0.0.1:8080", "[::1]:80", "localhost"]);
        assert!(hosts.allow("127.0.0.1", 8080) && hosts.allow("0:0:0:0:0:0:0:1", 80));
        assert!(!hosts.allow("127.0.0.2", 8080) && !hosts.allow("127.0.0.1", 80));
        assert!(!hosts.allow("2130706433", 8080) && !hosts.allow("127.1", 8080));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "*", "*.", "http://example.com", "a b", "example.com:x", "example.com/path", "[::1"]
        {
            assert!(Hosts::read(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
