//! The one HTTP client and the one egress policy: link-local, metadata and our own addresses are never reached.

mod egress;
mod redirect;

pub use egress::{Cidr, Egress, Proxies, Refused, is_loopback, shown};

use crate::Next;
use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, RwLock};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::HashSet;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// No chain of redirects is longer.
const MAX_REDIRECTS: usize = 10;
/// Names asked for on one of our own ports that we remember.
const MAX_GUARDED: usize = 4096;

/// How long a request may take.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// Until the connection stands, DNS and TLS included.
    pub connect: Duration,
    /// Between two reads.
    pub idle: Duration,
    /// All in all; a request can set its own.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(30), total: Duration::from_secs(600) }
    }
}

/// Why a request brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The policy does not let us.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A setting of the client cannot be used.
    #[error("the setting `{setting}` cannot be used: {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer from `{url}` in time")]
    TimedOut {
        /// The URL without secrets.
        url: String,
    },
    /// The host was not found or no connection came about.
    #[error("cannot connect to `{url}`: {reason}; check the address, and that its server runs")]
    Connect {
        /// The URL without secrets.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The certificate is not trusted.
    #[error("the certificate of `{url}` is not trusted: {reason}; add its authority to `egress.caBundle`")]
    Tls {
        /// The URL without secrets.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The exchange broke off or made no sense.
    #[error("the exchange with `{url}` failed: {reason}")]
    Broken {
        /// The URL without secrets.
        url: String,
        /// The cause.
        reason: String,
    },
    /// More redirects than we follow.
    #[error("`{url}` redirects more than {MAX_REDIRECTS} times")]
    Redirects {
        /// The URL without secrets.
        url: String,
    },
    /// The answer is longer than it may be.
    #[error("the answer of `{url}` is longer than {max} bytes")]
    TooLarge {
        /// The URL without secrets.
        url: String,
        /// The bound.
        max: usize,
    },
}

impl HttpError {
    /// What should happen next.
    pub const fn next(&self) -> Next {
        match self {
            Self::TimedOut { .. } | Self::Connect { .. } | Self::Broken { .. } => Next::Retry,
            Self::Refused(_) | Self::Setting { .. } | Self::Tls { .. } | Self::Redirects { .. } | Self::TooLarge { .. } => {
                Next::Blocked
            }
        }
    }

    /// Did the request certainly never reach the other side?
    pub const fn never_sent(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Setting { .. } | Self::Connect { .. } | Self::Tls { .. })
    }
}

impl From<reqwest::Error> for HttpError {
    fn from(err: reqwest::Error) -> Self {
        let url = err.url().map_or_else(|| "the server".to_owned(), shown);
        let mut reason = String::new();
        let mut cause: Option<&(dyn Error + 'static)> = err.source();
        while let Some(inner) = cause {
            if let Some(refused) = inner.downcast_ref::<Refused>() {
                return Self::Refused(refused.clone());
            }
            reason = inner.to_string();
            cause = inner.source();
        }
        if reason.is_empty() {
            reason = err.without_url().to_string();
            return Self::Broken { url, reason };
        }
        if err.is_connect() && err.is_timeout() {
            Self::Connect { url, reason: "no answer in time".to_owned() }
        } else if err.is_timeout() {
            Self::TimedOut { url }
        } else if err.is_connect() && reason.contains("certificate") {
            Self::Tls { url, reason }
        } else if err.is_connect() {
            Self::Connect { url, reason }
        } else {
            Self::Broken { url, reason }
        }
    }
}

/// The policy as the clients' hooks see it.
#[derive(Debug)]
struct Shared {
    egress: RwLock<Egress>,
    /// Names that were asked for on one of our own ports: the resolver, which knows no port, looks twice at them.
    guarded: Mutex<HashSet<String>>,
    proxy_hosts: HashSet<String>,
}

impl Shared {
    fn check(&self, url: &Url) -> Result<(), Refused> {
        let egress = self.egress.read();
        egress.check(url)?;
        if let (Some(Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default())
            && egress.owns_port(port)
            && !is_loopback(url)
        {
            let mut guarded = self.guarded.lock();
            if guarded.len() >= MAX_GUARDED && !guarded.contains(name) {
                let addr = SocketAddr::from(([0, 0, 0, 0], port));
                return Err(Refused::Own { host: name.to_owned(), addr });
            }
            guarded.insert(name.to_owned());
        }
        Ok(())
    }

    /// The addresses of `name` that may be reached.
    fn sift(&self, name: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        if self.proxy_hosts.contains(name) {
            return Ok(found.collect());
        }
        let egress = self.egress.read();
        let ports: Vec<u16> =
            if self.guarded.lock().contains(name) { egress.own.iter().map(SocketAddr::port).collect() } else { vec![0] };
        let mut good = Vec::new();
        let mut refused = None;
        for addr in found {
            match ports.iter().try_for_each(|&port| egress.verdict(name, SocketAddr::new(addr.ip(), port))) {
                Ok(()) => good.push(addr),
                Err(err) => refused = Some(err),
            }
        }
        match refused {
            Some(err) if good.is_empty() => Err(err),
            _ => Ok(good),
        }
    }
}

struct Resolver(Arc<Shared>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str().to_lowercase();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addrs: Addrs = Box::new(shared.sift(&name, found)?.into_iter());
            Ok(addrs)
        })
    }
}

/// Speaks HTTP with the outside world under one [`Egress`] policy; cheap to clone.
///
/// Names are judged after DNS and redirects at each hop; a literal address never meets the resolver, so a request begins with
/// [`HttpClient::request`] or with [`HttpClient::check`]. Redirects are followed by [`HttpClient::send`] alone: to a request that is
/// sent otherwise, a redirect is an answer like any other.
#[derive(Debug, Clone)]
pub struct HttpClient {
    verifying: reqwest::Client,
    trusting: reqwest::Client,
    idle: Duration,
    total: Duration,
    shared: Arc<Shared>,
}

impl HttpClient {
    /// A client with the usual [`Timeouts`].
    ///
    /// # Errors
    /// [`HttpError::Setting`] where the policy, the CA bundle or a proxy cannot be read.
    pub fn new(egress: Egress) -> Result<Self, HttpError> {
        Self::with_timeouts(egress, &Timeouts::default())
    }

    /// A client with these timeouts.
    ///
    /// # Errors
    /// As [`HttpClient::new`].
    pub fn with_timeouts(egress: Egress, timeouts: &Timeouts) -> Result<Self, HttpError> {
        if let Some(entry) = egress.bad_entry() {
            return Err(HttpError::Setting { setting: "egress.allow", reason: format!("`{entry}` is not a CIDR") });
        }
        let bundle = match &egress.ca_bundle {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem).map_err(|err| setting("egress.caBundle", err))?,
            None => Vec::new(),
        };
        let mut proxies = Vec::new();
        let mut proxy_hosts = HashSet::new();
        let none = format!("localhost,127.0.0.0/8,::1,{}", egress.proxies.none);
        for (name, value) in [("HTTPS_PROXY", &egress.proxies.https), ("HTTP_PROXY", &egress.proxies.http)] {
            let Some(value) = value else { continue };
            let text = if value.contains("://") { value.clone() } else { format!("http://{value}") };
            let url = Url::parse(&text).map_err(|err| HttpError::Setting { setting: name, reason: err.to_string() })?;
            proxy_hosts.extend(url.host_str().map(str::to_lowercase));
            let make = if name == "HTTPS_PROXY" { reqwest::Proxy::https(url) } else { reqwest::Proxy::http(url) };
            proxies.push(make.map_err(|err| setting(name, err))?.no_proxy(reqwest::NoProxy::from_string(&none)));
        }
        let shared = Arc::new(Shared { egress: RwLock::new(egress), guarded: Mutex::default(), proxy_hosts });
        let build = |skip_tls_verify: bool, only: bool| {
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("seaway/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(timeouts.connect)
                .read_timeout(timeouts.idle)
                .timeout(timeouts.total)
                .pool_idle_timeout(Duration::from_secs(60))
                .pool_max_idle_per_host(32)
                .dns_resolver(Resolver(Arc::clone(&shared)))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .tls_danger_accept_invalid_certs(skip_tls_verify)
                .no_proxy();
            for proxy in &proxies {
                builder = builder.proxy(proxy.clone());
            }
            if only { builder.tls_certs_only(bundle.clone()) } else { builder.tls_certs_merge(bundle.clone()) }.build()
        };
        let verifying = build(false, false).or_else(|err| {
            tracing::warn!("the system's certificate authorities cannot be used, only `egress.caBundle` is: {err}");
            build(false, true).map_err(|err| setting("egress.caBundle", err))
        })?;
        let trusting = build(true, false).map_err(|err| setting("egress", err))?;
        Ok(Self { verifying, trusting, idle: timeouts.idle, total: timeouts.total, shared })
    }

    /// Begins a request; `skip_tls_verify` accepts any certificate.
    ///
    /// # Errors
    /// As [`HttpClient::check`].
    pub fn request(&self, method: reqwest::Method, url: &Url, skip_tls_verify: bool) -> Result<reqwest::RequestBuilder, Refused> {
        self.check(url)?;
        Ok(self.get(skip_tls_verify).request(method, url.clone()))
    }

    /// The client itself, for callers that build requests on their own: call [`HttpClient::check`] on the URL first.
    pub const fn get(&self, skip_tls_verify: bool) -> &reqwest::Client {
        if skip_tls_verify { &self.trusting } else { &self.verifying }
    }

    /// May this URL be asked for, as far as it can be told without DNS?
    ///
    /// # Errors
    /// [`Refused`], naming the setting that would allow it.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        self.shared.check(url)
    }

    /// May credentials be sent to this URL?
    ///
    /// # Errors
    /// [`Refused::PlainCredentials`].
    pub fn may_send_credentials(&self, url: &Url) -> Result<(), Refused> {
        self.shared.egress.read().may_send_credentials(url)
    }

    /// How long a server may say nothing.
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// The policy as it stands.
    pub fn egress(&self) -> Egress {
        self.shared.egress.read().clone()
    }

    /// Tells the policy of one more address that we listen on.
    pub fn add_own(&self, addr: SocketAddr) {
        self.shared.egress.write().own.push(addr);
    }
}

/// Host and port of a URL; the usual port is left out.
pub fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn setting(setting: &'static str, err: reqwest::Error) -> HttpError {
    let text = crate::chain(&err);
    HttpError::Setting { setting, reason: text }
}

/// Reads a whole answer, but no more than `max_bytes`.
///
/// # Errors
/// [`HttpError::TooLarge`], and whatever breaks while reading.
pub async fn read_bounded(mut response: reqwest::Response, max_bytes: usize) -> Result<Bytes, HttpError> {
    let too_large = |response: &reqwest::Response| HttpError::TooLarge { url: shown(response.url()), max: max_bytes };
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(too_large(&response));
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(too_large(&response));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests;
