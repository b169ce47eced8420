//! Which addresses we speak to: the policy itself, without any network.

use crate::Next;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use url::{Host, Url};

/// Where the outside world may be reached, and how.
///
/// Link-local and metadata addresses and our own ports are never reached; loopback only if allowed; everything else, private
/// ranges included, is.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// May loopback be reached? True while the control plane itself listens on loopback alone.
    pub loopback: bool,
    /// The addresses we listen on.
    pub own: Vec<SocketAddr>,
    /// What may be reached besides: a CIDR (`127.0.0.0/8`), an address, a host name or `*.suffix`.
    pub allow: Vec<String>,
    /// May credentials travel over plain `http://` to other machines?
    pub allow_credentials_over_http: bool,
    /// Certificate authorities trusted besides the system's, as PEM.
    pub ca_bundle: Option<Vec<u8>>,
    /// The proxies to go through.
    pub proxies: Proxies,
}

/// The proxies that stand between us and the world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `https://` targets.
    pub https: Option<String>,
    /// For `http://` targets.
    pub http: Option<String>,
    /// Hosts reached without a proxy, comma-separated; loopback always is.
    pub none: String,
}

impl Proxies {
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (upper or lower case) say.
    pub fn from_env() -> Self {
        let read = |name: &str| {
            let value = std::env::var(name).ok().or_else(|| std::env::var(name.to_lowercase()).ok());
            value.filter(|value| !value.trim().is_empty())
        };
        Self { https: read("HTTPS_PROXY"), http: read("HTTP_PROXY"), none: read("NO_PROXY").unwrap_or_default() }
    }
}

/// Why a target is not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An address no one may reach through us.
    #[error("{} is {what}, which is never reached: use another address", at(host, ip))]
    Never {
        /// The host as it was asked for.
        host: String,
        /// The address it stands for.
        ip: IpAddr,
        /// What kind of address it is.
        what: &'static str,
    },
    /// One of our own ports.
    #[error("`{host}` ({addr}) is a port of Seaway itself, which is never reached from inside")]
    Own {
        /// The host as it was asked for.
        host: String,
        /// The address it stands for.
        addr: SocketAddr,
    },
    /// This machine.
    #[error("{} is this machine: add it to `egress.allow` to reach it", at(host, ip))]
    Loopback {
        /// The host as it was asked for.
        host: String,
        /// The address it stands for.
        ip: IpAddr,
    },
    /// Neither `http` nor `https`.
    #[error("`{url}` is not an http:// or https:// address")]
    Scheme {
        /// The URL without secrets.
        url: String,
    },
    /// A credential would travel in the clear.
    #[error("no credentials are sent to `{url}` over plain http: use https, or set `egress.allowCredentialsOverHTTP`")]
    PlainCredentials {
        /// The URL without secrets.
        url: String,
    },
    /// A redirect leads from https to plain http.
    #[error("`{from}` redirects to `{to}` over plain http: use https there, or set `egress.allowCredentialsOverHTTP`")]
    Downgrade {
        /// Where the redirect came from.
        from: String,
        /// Where it leads.
        to: String,
    },
}

/// A host and its address, once if they are the same.
fn at(host: &str, ip: &IpAddr) -> String {
    if host == ip.to_string() { format!("`{host}`") } else { format!("`{host}` ({ip})") }
}

impl Refused {
    /// A refusal stands until a setting or a URL changes.
    pub const fn next(&self) -> Next {
        Next::Blocked
    }

    /// The setting that would allow it, if one would.
    pub const fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Loopback { .. } => Some("egress.allow"),
            Self::PlainCredentials { .. } | Self::Downgrade { .. } => Some("egress.allowCredentialsOverHTTP"),
            Self::Never { .. } | Self::Own { .. } | Self::Scheme { .. } => None,
        }
    }
}

/// A URL as it may be shown: without user, password, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_fragment(None);
    bare.set_query(None);
    if url.query().is_some() { format!("{bare}?***") } else { bare.to_string() }
}

impl Egress {
    /// The policy of a laptop: loopback is reached.
    pub fn local() -> Self {
        Self { loopback: true, ..Self::default() }
    }

    /// May `addr`, which `host` stands for, be reached? Port 0 stands for a port not known yet.
    ///
    /// # Errors
    /// [`Refused`], naming the setting that would allow it.
    pub fn verdict(&self, host: &str, addr: SocketAddr) -> Result<(), Refused> {
        let forms = forms(addr.ip());
        for &ip in &forms {
            if let Some(what) = never(ip) {
                return Err(Refused::Never { host: host.to_owned(), ip, what });
            }
            if addr.port() != 0 && self.own.iter().any(|own| own.port() == addr.port() && same_machine(own.ip(), ip)) {
                return Err(Refused::Own { host: host.to_owned(), addr });
            }
        }
        match forms.iter().find(|ip| ip.is_loopback()) {
            Some(&ip) if !self.loopback && !self.allows(host, ip) => Err(Refused::Loopback { host: host.to_owned(), ip }),
            _ => Ok(()),
        }
    }

    /// May this URL be asked for, as far as it can be told without DNS?
    ///
    /// # Errors
    /// [`Refused`] for other schemes, for literal addresses by [`Egress::verdict`], for well-known local names, and for a user
    /// or password in a URL over plain http.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        let port = url.port_or_known_default().unwrap_or(0);
        if !url.username().is_empty() || url.password().is_some() {
            self.may_send_credentials(url)?;
        }
        match (url.scheme(), url.host()) {
            ("http" | "https", Some(host)) => match host {
                Host::Ipv4(ip) => self.verdict(&ip.to_string(), (ip, port).into()),
                Host::Ipv6(ip) => self.verdict(&ip.to_string(), (ip, port).into()),
                Host::Domain(name) if is_local_name(name) => {
                    self.verdict(name, (Ipv4Addr::LOCALHOST, port).into())?;
                    self.verdict(name, (Ipv6Addr::LOCALHOST, port).into())
                }
                Host::Domain(name) if bare_name(name) == "metadata.google.internal" => Err(Refused::Never {
                    host: name.to_owned(),
                    ip: Ipv4Addr::new(169, 254, 169, 254).into(),
                    what: "a cloud metadata service",
                }),
                Host::Domain(_) => Ok(()),
            },
            _ => Err(Refused::Scheme { url: shown(url) }),
        }
    }

    /// May credentials be sent to this URL? Over plain http only to loopback, or where the setting says so.
    ///
    /// # Errors
    /// [`Refused::PlainCredentials`].
    pub fn may_send_credentials(&self, url: &Url) -> Result<(), Refused> {
        if url.scheme() == "https" || self.allow_credentials_over_http || is_loopback(url) {
            return Ok(());
        }
        Err(Refused::PlainCredentials { url: shown(url) })
    }

    /// The first entry of `allow` that cannot be read.
    pub(super) fn bad_entry(&self) -> Option<&str> {
        self.allow.iter().map(String::as_str).find(|entry| entry.contains('/') && Cidr::parse(entry).is_none())
    }

    /// Is one of our own listeners on that port?
    pub(super) fn owns_port(&self, port: u16) -> bool {
        self.own.iter().any(|own| own.port() == port)
    }

    fn allows(&self, host: &str, ip: IpAddr) -> bool {
        let host = bare_name(host);
        self.allow.iter().any(|entry| match Cidr::parse(entry) {
            Some(cidr) => cidr.contains(ip),
            None => match entry.strip_prefix("*.") {
                Some(suffix) => host.strip_suffix(&suffix.to_lowercase()).is_some_and(|front| front.ends_with('.')),
                None => bare_name(entry) == host,
            },
        })
    }
}

/// Is the host this machine's loopback, by a literal address or the name `localhost`?
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => forms(ip.into()).iter().any(IpAddr::is_loopback),
        Some(Host::Domain(name)) => is_local_name(name),
        None => false,
    }
}

fn bare_name(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

fn is_local_name(name: &str) -> bool {
    let name = bare_name(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// The address itself and every IPv4 address that is folded into it.
fn forms(ip: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = ip else { return vec![ip] };
    let s = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    let mut all = vec![ip];
    match s {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] if v6 != Ipv6Addr::LOCALHOST && v6 != Ipv6Addr::UNSPECIFIED => {
            all.push(v4(high, low));
        }
        [0, 0, 0, 0, 0xffff, 0, high, low] => all.push(v4(high, low)),
        [0x64, 0xff9b, ..] => all.push(v4(s[6], s[7])),
        [0x2002, high, low, ..] => all.push(v4(high, low)),
        [0x2001, 0, ..] => all.push(v4(!s[6], !s[7])),
        _ => {}
    }
    all
}

/// What makes an address one that is never reached.
fn never(ip: IpAddr) -> Option<&'static str> {
    const METADATA_4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    match ip {
        IpAddr::V4(ip) if ip.is_link_local() => Some("a link-local address"),
        IpAddr::V4(ip) if METADATA_4.contains(&ip) => Some("a cloud metadata service"),
        IpAddr::V4(ip) if ip.octets()[0] == 0 => Some("an unspecified address"),
        IpAddr::V4(ip) if ip.is_multicast() || ip.is_broadcast() => Some("a multicast address"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("a link-local address"),
        IpAddr::V6(ip) if matches!(ip.segments(), [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..]) => Some("a cloud metadata service"),
        IpAddr::V6(ip) if ip.is_unspecified() => Some("an unspecified address"),
        IpAddr::V6(ip) if ip.is_multicast() => Some("a multicast address"),
        _ => None,
    }
}

/// Does a listener on `own` answer at `ip`? One that listens everywhere answers at every address of this machine.
fn same_machine(own: IpAddr, ip: IpAddr) -> bool {
    own == ip || own.to_canonical() == ip || (own.is_unspecified() && (ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()))
}

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cidr {
    ip: u128,
    bits: u32,
    v4: bool,
}

impl Cidr {
    /// Reads it; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (ip, bits) = match text.trim().split_once('/') {
            Some((ip, bits)) => (ip, Some(bits.parse::<u32>().ok()?)),
            None => (text.trim(), None),
        };
        let ip: IpAddr = ip.trim_matches(['[', ']']).parse().ok()?;
        let (ip, width) = Self::number(ip);
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { ip, bits, v4: width == 32 })
    }

    fn number(ip: IpAddr) -> (u128, u32) {
        match ip {
            IpAddr::V4(ip) => (u128::from(u32::from(ip)), 32),
            IpAddr::V6(ip) => (u128::from(ip), 128),
        }
    }

    /// Is the address in it?
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (number, width) = Self::number(ip);
        let shift = width - self.bits.min(width);
        (width == 32) == self.v4 && number.checked_shr(shift).unwrap_or(0) == self.ip.checked_shr(shift).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks each URL with the port of the URL and compares the refusal with a word it must hold; empty means reached.
    fn check(egress: &Egress, table: &[(&str, &str)]) {
        for (url, word) in table {
            let said = egress.check(&Url::parse(url).unwrap()).err().map(|err| err.to_string()).unwrap_or_default();
            assert!(if word.is_empty() { said.is_empty() } else { said.contains(word) }, "{url}: {said:?}, wanted {word:?}");
        }
    }

    #[test]
    fn a_server_reaches_private_ranges_and_nothing_local() {
        let table = [
            ("https://example.com/", ""),
            ("http://10.1.2.3/", ""),
            ("http://192.168.0.1:8080/", ""),
            ("http://[fd12::1]/", ""),
            ("http://127.0.0.1/", "egress.allow"),
            ("http://2130706433/", "egress.allow"),
            ("http://0x7f.1/", "egress.allow"),
            ("http://localhost:3000/", "egress.allow"),
            ("http://git.localhost./", "egress.allow"),
            ("http://[::1]/", "egress.allow"),
            ("http://[::ffff:127.0.0.1]/", "egress.allow"),
            ("http://[64:ff9b::7f00:1]/", "egress.allow"),
            ("http://[2002:7f00:1::]/", "egress.allow"),
            ("http://0.0.0.0/", "unspecified"),
            ("http://[::]/", "unspecified"),
            ("http://169.254.169.254/latest", "link-local"),
            ("http://169.254.1.1/", "link-local"),
            ("http://[::ffff:169.254.169.254]/", "link-local"),
            ("http://[64:ff9b::a9fe:a9fe]/", "link-local"),
            ("http://[2002:a9fe:a9fe::1]/", "link-local"),
            ("http://[fe80::1]/", "link-local"),
            ("http://[fd00:ec2::254]/", "metadata"),
            ("http://[fd20:ce::254]/", "metadata"),
            ("http://100.100.100.200/", "metadata"),
            ("http://metadata.google.internal/", "metadata"),
            ("http://224.0.0.1/", "multicast"),
            ("ftp://example.com/", "not an http"),
            ("file:///etc/passwd", "not an http"),
            ("http://me:pw@example.com/", "no credentials are sent to `http://example.com/`"),
            ("https://me:pw@example.com/", ""),
        ];
        check(&Egress::default(), &table);
    }

    #[test]
    fn allow_opens_loopback_but_never_the_rest() {
        let open = |allow: &[&str]| Egress { allow: allow.iter().map(ToString::to_string).collect(), ..Egress::default() };
        check(&open(&["127.0.0.0/8"]), &[("http://127.3.0.1/", ""), ("http://[::1]/", "egress.allow")]);
        check(&open(&["::1", "127.0.0.1"]), &[("http://[::1]/", ""), ("http://127.0.0.2/", "egress.allow")]);
        check(&open(&["LOCALHOST"]), &[("http://localhost/", ""), ("http://127.0.0.1/", "egress.allow")]);
        check(&open(&["*.localhost"]), &[("http://git.localhost/", ""), ("http://localhost/", "egress.allow")]);
        check(&open(&["169.254.0.0/16", "0.0.0.0/0"]), &[("http://169.254.169.254/", "never"), ("http://127.0.0.1/", "")]);
        assert_eq!(open(&["10.0.0.0/8", "1.2.3.4/40"]).bad_entry(), Some("1.2.3.4/40"));
    }

    #[test]
    fn our_own_ports_are_never_reached() {
        let egress = Egress { own: vec!["127.0.0.1:7000".parse().unwrap(), "0.0.0.0:8000".parse().unwrap()], ..Egress::local() };
        let table = [
            ("http://127.0.0.1:7000/", "itself"),
            ("http://localhost:7000/", "itself"),
            ("http://[::ffff:7f00:1]:7000/", "itself"),
            ("http://127.0.0.1:7001/", ""),
            ("http://127.0.0.9:8000/", "itself"),
            ("http://[::1]:8000/", "itself"),
            ("http://10.99.98.97:8000/", ""),
        ];
        check(&egress, &table);
    }

    #[test]
    fn credentials_stay_off_plain_http() {
        let may = |egress: &Egress, url: &str| egress.may_send_credentials(&Url::parse(url).unwrap()).is_ok();
        let egress = Egress::default();
        assert!(may(&egress, "https://a.example") && may(&egress, "http://localhost:1") && may(&egress, "http://[::1]:1"));
        assert!(!may(&egress, "http://a.example"));
        assert!(may(&Egress { allow_credentials_over_http: true, ..egress }, "http://a.example"));
    }

    #[test]
    fn urls_are_shown_without_secrets() {
        let url = Url::parse("https://me:pw@a.example/x?token=1#f").unwrap();
        assert_eq!(shown(&url), "https://a.example/x?***");
    }
}
