//! By which names and through which proxies we are reached: what a request's `Host`, `Origin` and `X-Forwarded-For` may say.

use axum::http::HeaderMap;
use seaway_base::http::Cidr;
use std::net::{IpAddr, SocketAddr};

/// The header in which proxies name the client; `Forwarded` and the others never count.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Names by which this machine reaches itself; no foreign name server can make them lead elsewhere.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Who connected: the client, or a proxy before it.
    pub remote: SocketAddr,
    /// Where they connected to.
    pub local: SocketAddr,
}

/// Where the request came from: the client's address behind the proxies that are trusted.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// The names we go by, and the proxies we trust.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Hosts without a port, lower-case, IPv6 in brackets.
    hosts: Vec<String>,
    /// The origin of the external URL.
    origin: String,
    proxies: Vec<Cidr>,
}

impl Reach {
    /// Reached at `url`, and by `hosts`. Of these proxies (addresses or CIDRs, already read) the forwarded address counts.
    pub fn new(url: &str, hosts: &[String], proxies: Vec<Cidr>) -> Self {
        let origin = origin_of(url);
        let of_url = origin.split_once("://").map(|(_, authority)| host_of(authority).to_owned());
        let more = hosts.iter().map(|host| bracketed(&host.to_ascii_lowercase()));
        let hosts = LOOPBACK.map(str::to_owned).into_iter().chain(more).chain(of_url).collect();
        Self { hosts, origin, proxies }
    }

    /// Is this authority, `name:port`, one of ours? The port does not matter: tunnels change it.
    pub(crate) fn serves(&self, authority: &str, peer: Option<&Peer>) -> bool {
        let host = host_of(authority).to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.hosts.iter().any(|own| own == host) || peer.is_some_and(|peer| literal(peer.local.ip()) == host)
    }

    /// Is this origin ours, to the letter: the external URL's, or that of the very host and port which the request asks?
    pub(crate) fn is_own_origin(&self, origin: &str, asked: Option<&str>) -> bool {
        let origin = origin.to_ascii_lowercase();
        origin == self.origin || asked.is_some_and(|asked| origin == origin_of(&format!("https://{asked}")))
    }

    /// Is that address a proxy of ours, behind which there are many clients?
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(address.to_canonical()))
    }

    /// The client's address: the last one in `X-Forwarded-For` that no trusted proxy has, if a trusted proxy is who connected.
    pub(crate) fn client(&self, peer: &Peer, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.remote.ip().to_canonical();
        let said = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let mut said: Vec<&str> = said.flat_map(|line| line.split(',')).map(str::trim).collect();
        while self.is_proxy(client) {
            let Some(Ok(before)) = said.pop().map(str::parse::<IpAddr>) else { break };
            client = before.to_canonical();
        }
        client
    }
}

/// `https://seaway.example.com` of an URL: lower-case, without a path or the scheme's own port.
fn origin_of(url: &str) -> String {
    let url = url.to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", &url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let own_port = if scheme == "http" { ":80" } else { ":443" };
    format!("{scheme}://{}", authority.strip_suffix(own_port).unwrap_or(authority))
}

/// The host of `host:port`, brackets kept.
fn host_of(authority: &str) -> &str {
    match authority.find(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// An address as a URL has it.
fn literal(ip: IpAddr) -> String {
    bracketed(&ip.to_canonical().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach() -> Reach {
        let proxies = ["10.0.0.0/8", "192.0.2.7"].iter().filter_map(|text| Cidr::parse(text)).collect();
        Reach::new("https://Seaway.example.com/", &["harbour.local".to_owned(), "fd00::1".to_owned()], proxies)
    }

    fn peer(remote: &str, local: &str) -> Peer {
        Peer { remote: SocketAddr::new(remote.parse().unwrap(), 9), local: SocketAddr::new(local.parse().unwrap(), 7443) }
    }

    #[test]
    fn only_names_of_ours_are_served() {
        let peer = peer("192.0.2.1", "192.0.2.2");
        let check = |authority: &str, expected: bool| assert_eq!(reach().serves(authority, Some(&peer)), expected, "{authority}");
        for own in
            ["seaway.example.com", "SEAWAY.example.com:443", "harbour.local:7443", "127.0.0.1:7443", "localhost:1", "[::1]:7443"]
        {
            check(own, true);
        }
        check("192.0.2.2:7443", true);
        check("[fd00::1]:7443", true);
        check("localhost.:7443", true);
        for foreign in
            ["evil.example", "seaway.example.com.evil.example", "127.0.0.1.evil.example", "192.0.2.1", "", "127.0.0.2", "[::2]"]
        {
            check(foreign, false);
        }
        assert!(!reach().serves("192.0.2.2", None));
    }

    #[test]
    fn an_origin_is_ours_to_the_letter() {
        let check = |origin: &str, asked: &str, expected: bool| {
            assert_eq!(reach().is_own_origin(origin, Some(asked)), expected, "{origin} asks {asked}");
        };
        check("https://seaway.example.com", "seaway.example.com", true);
        // A proxy may ask us by another name than the browser asked it.
        check("https://seaway.example.com", "127.0.0.1:7443", true);
        check("https://127.0.0.1:7443", "127.0.0.1:7443", true);
        check("https://localhost:7443", "LOCALHOST:7443", true);
        check("https://[::1]:7443", "[::1]:7443", true);
        check("https://harbour.local", "harbour.local:443", true);
        // Another name of ours; the same site's other port; another scheme; a name that begins like ours; an opaque origin.
        check("https://localhost:7443", "127.0.0.1:7443", false);
        check("https://127.0.0.1:7444", "127.0.0.1:7443", false);
        check("https://127.0.0.1", "127.0.0.1:7443", false);
        check("http://127.0.0.1:7443", "127.0.0.1:7443", false);
        check("http://seaway.example.com", "seaway.example.com", false);
        check("https://seaway.example.com.evil.example", "seaway.example.com", false);
        check("https://evil.seaway.example.com", "seaway.example.com", false);
        check("null", "127.0.0.1:7443", false);
        check("", "127.0.0.1:7443", false);
        assert!(!reach().is_own_origin("https://127.0.0.1:7443", None));
    }

    #[test]
    fn what_is_forwarded_counts_from_trusted_proxies_alone() {
        let check = |remote: &str, said: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for line in said {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            headers.insert("forwarded", "for=203.0.113.99".parse().unwrap());
            let client = reach().client(&peer(remote, "127.0.0.1"), &headers);
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{remote} {said:?}");
        };
        check("203.0.113.1", &["198.51.100.1"], "203.0.113.1");
        check("10.1.2.3", &["198.51.100.1"], "198.51.100.1");
        // What the client put in front of it is not looked at.
        check("10.1.2.3", &["1.1.1.1, 198.51.100.1, 192.0.2.7"], "198.51.100.1");
        check("10.1.2.3", &["1.1.1.1", "198.51.100.1"], "198.51.100.1");
        check("10.1.2.3", &[], "10.1.2.3");
        check("10.1.2.3", &["unknown"], "10.1.2.3");
        check("::ffff:10.1.2.3", &["2001:db8::1"], "2001:db8::1");
    }
}
