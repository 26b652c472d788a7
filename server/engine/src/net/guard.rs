//! Who may ask: the names by which the server is called, and the pages that may call.
//!
//! A peer's address is never looked at: behind a proxy everybody is 127.0.0.1.

use axum::http::{HeaderMap, header};

use crate::config::Config;

/// What the public door lets in.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    origins: Vec<String>,
    hosts: Vec<String>,
    is_loopback: bool,
}

impl Guard {
    /// By the settings.
    pub(crate) fn new(config: &Config) -> Self {
        let hosts = config.allowed_hosts.iter().map(|host| host.to_ascii_lowercase());
        let from_origins = config.allowed_origins.iter().filter_map(|origin| {
            let (_, host) = origin.split_once("://")?;
            Some(host_name(host).to_ascii_lowercase())
        });
        Self {
            origins: config.allowed_origins.clone(),
            hosts: hosts.chain(from_origins).collect(),
            is_loopback: config.listen.ip().is_loopback(),
        }
    }

    /// Whether the request names this server. What a rebound name cannot do is pass for a name
    /// that the operator gave, or for an address.
    pub(crate) fn allows_host(&self, headers: &HeaderMap) -> bool {
        let Some(host) = text(headers, header::HOST) else { return false };
        let name = host_name(host).to_ascii_lowercase();
        is_address(&name) || name == "localhost" || self.hosts.contains(&name)
    }

    /// Whether the page that asks may play. Programs that are no browsers send no origin.
    pub(crate) fn allows_origin(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(header::ORIGIN) {
            return true;
        }
        let Some(origin) = text(headers, header::ORIGIN) else { return false };
        if self.origins.iter().any(|allowed| allowed == origin || allowed == "*") {
            return true;
        }
        let own = text(headers, header::HOST).is_some_and(|host| {
            origin.split_once("://").is_some_and(|(_, page)| page.eq_ignore_ascii_case(host))
        });
        // On this machine alone, pages of this machine may play: a development server, say.
        own || self.is_loopback && self.origins.is_empty() && is_local(origin)
    }

    /// Whether this machine alone gets to the public door.
    pub(crate) const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Pages that may hold a frame of ours, as a content policy lists them.
    pub(crate) fn frame_ancestors(&self) -> String {
        let mut pages = String::from("'self'");
        for origin in &self.origins {
            pages.push(' ');
            pages.push_str(origin);
        }
        if self.is_loopback && self.origins.is_empty() {
            pages.push_str(" http://localhost:* http://127.0.0.1:*");
        }
        pages
    }
}

/// Whether the internal door answers: it is asked by address or as localhost, never by a page.
pub(crate) fn allows_internal(headers: &HeaderMap) -> bool {
    let host = text(headers, header::HOST).map(host_name);
    !headers.contains_key(header::ORIGIN)
        && host.is_some_and(|name| is_address(name) || name == "localhost")
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_address(name: &str) -> bool {
    name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

fn is_local(origin: &str) -> bool {
    let Some((_, host)) = origin.split_once("://") else { return false };
    matches!(host_name(host), "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(host: &'static str, origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    fn guard(origins: &[&str]) -> Guard {
        let origins = origins.iter().copied().map(String::from).collect();
        Guard { origins, hosts: vec![String::from("play.example")], is_loopback: true }
    }

    #[test]
    fn a_rebound_name_is_not_this_server() {
        let guard = guard(&[]);
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "play.example"] {
            assert!(guard.allows_host(&headers(host, None)), "{host}");
        }
        assert!(!guard.allows_host(&headers("evil.example:8080", None)));
        assert!(!guard.allows_host(&HeaderMap::new()));
    }

    #[test]
    fn pages_from_elsewhere_need_a_place_on_the_list() {
        let host = "play.example";
        let cases = [
            (&[][..], "https://play.example", true, "the own page"),
            (&[], "http://localhost:5173", true, "a page of this machine"),
            (&[], "https://evil.example", false, "a page from anywhere"),
            (&["https://portal.example"], "https://portal.example", true, "a listed page"),
            (&["https://portal.example"], "http://localhost:5173", false, "an unlisted page"),
            (&["https://portal.example"], "null", false, "a page without an origin"),
        ];
        for (allowed, origin, expected, what) in cases {
            let asked = headers(host, Some(origin));
            assert_eq!(guard(allowed).allows_origin(&asked), expected, "{what}");
        }
    }

    #[test]
    fn the_internal_door_hears_no_pages() {
        assert!(allows_internal(&headers("127.0.0.1:8081", None)));
        assert!(!allows_internal(&headers("127.0.0.1:8081", Some("http://127.0.0.1:8081"))));
        assert!(!allows_internal(&headers("evil.example", None)));
    }
}
