//! The proxy that the environment names for an address, by curl's rules.
//!
//! One that cannot be used is an error: the user has it because nothing is to be reached directly.

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// A proxy is named for the address, and we cannot use it.
#[derive(Debug, thiserror::Error)]
#[error("the proxy of the environment is none that speaks plain HTTP")]
pub struct Unusable;

/// The proxy for that address; none if none is named, or `NO_PROXY` exempts the address.
pub fn for_address(address: &Uri) -> Result<Option<Intercept>, Unusable> {
    choose(address, |name| std::env::var(name).ok())
}

// `Matcher::from_env` ignores a proxy that it cannot use, lets an empty variable hide another, and drops all
// proxies where `REQUEST_METHOD` is set.
fn choose(address: &Uri, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Intercept>, Unusable> {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|text| !text.is_empty()));
    let named = match address.scheme_str() {
        Some("http") => ["HTTP_PROXY", "http_proxy"],
        _ => ["HTTPS_PROXY", "https_proxy"],
    };
    let Some(proxy) = first(&named).or_else(|| first(&["ALL_PROXY", "all_proxy"])) else { return Ok(None) };
    let exempt = first(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let matching = |proxy: &str| Matcher::builder().all(proxy).no(exempt.as_str()).build().intercept(address);
    // Any proxy that can be used shows whether the address is exempt.
    if matching("http://proxy").is_none() {
        return Ok(None);
    }
    matching(&proxy).filter(|found| is_usable(found.uri(), &proxy)).ok_or(Unusable).map(Some)
}

/// Whether that is what the text means: a raw `#` or `/` in a password ends the address before its host.
fn is_usable(address: &Uri, text: &str) -> bool {
    let Some(authority) = address.authority() else { return false };
    let site = text.rsplit_once('@').or_else(|| text.split_once("://")).map_or(text, |(_, site)| site);
    matches!(address.scheme_str(), Some("http" | "https"))
        && site.starts_with(authority.as_str())
        && (authority.port_u16().is_some() || authority.host() == authority.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy for that address where these variables are set: `none`, `unusable`, or its authority.
    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn chosen(address: &str, variables: Variables<'_>) -> String {
        let variable = |wanted: &str| {
            variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        };
        match choose(&address.parse().unwrap(), variable) {
            Ok(Some(proxy)) => proxy.uri().authority().unwrap().to_string(),
            Ok(None) => "none".to_owned(),
            Err(Unusable) => "unusable".to_owned(),
        }
    }

    #[test]
    fn the_variables_say_which_proxy_and_one_that_cannot_be_used_is_never_passed_by() {
        let (https, http) = ("https://far.example/", "http://far.example/");
        let cases: [(&str, Variables<'_>, &str); 24] = [
            (https, &[], "none"),
            (https, &[("HTTPS_PROXY", "http://a:1"), ("ALL_PROXY", "http://b:2")], "a:1"),
            (https, &[("https_proxy", "http://u:p%40@a:1")], "a:1"),
            (https, &[("HTTPS_PROXY", "a:1")], "a:1"),
            (http, &[("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "http://b:2")], "a:1"),
            (http, &[("HTTPS_PROXY", "http://b:2")], "none"),
            (https, &[("HTTPS_PROXY", ""), ("https_proxy", "http://a:1")], "a:1"),
            (https, &[("HTTPS_PROXY", ""), ("ALL_PROXY", ""), ("all_proxy", "http://a:1")], "a:1"),
            (https, &[("REQUEST_METHOD", "GET"), ("HTTPS_PROXY", "http://a:1")], "a:1"),
            (https, &[("ALL_PROXY", "socks://a:1")], "unusable"),
            (https, &[("ALL_PROXY", "socks5://a:1")], "unusable"),
            (https, &[("HTTPS_PROXY", "http://u:p#w@a:1")], "unusable"),
            (https, &[("HTTPS_PROXY", "http://u:1#w@a:1")], "unusable"),
            (https, &[("HTTPS_PROXY", "http://a:port")], "unusable"),
            (https, &[("HTTPS_PROXY", "http://[::1]/")], "[::1]"),
            (https, &[("HTTPS_PROXY", "http://u:p@w@a:1"), ("ALL_PROXY", "http://b:2")], "unusable"),
            (https, &[("ALL_PROXY", "socks://a:1"), ("NO_PROXY", ""), ("no_proxy", ".example")], "none"),
            (https, &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "near.example")], "a:1"),
            (https, &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "*")], "none"),
            (
                "https://10.1.2.3/",
                &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", ".corp, 10.0.0.0/8")],
                "none",
            ),
            ("https://11.1.2.3/", &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", ".corp, 10.0.0.0/8")], "a:1"),
            ("https://10.1.2.3/", &[("HTTPS_PROXY", "http://a:1"), ("no_proxy", "10.1.2.3")], "none"),
            ("https://[fd00::7]/", &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "fd00::/8")], "none"),
            ("https://[fe00::7]/", &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "fd00::/8")], "a:1"),
        ];
        for (address, variables, expected) in cases {
            assert_eq!(chosen(address, variables), expected, "{address} {variables:?}");
        }
    }
}
