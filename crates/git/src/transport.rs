//! HTTP as git needs it: one GET that may be redirected, POSTs that may not, with limits on time and size.

use crate::error::TransportError;
use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use seaway_base::Secret;
use seaway_base::awaited::{Waiting, waits_for};
use seaway_base::http::{HttpClient, HttpError, Refused, server, shown};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use url::Url;

/// A slower upload than this is taken for a hanging one.
const UPLOAD_BYTES_PER_SECOND: u64 = 100_000;

/// Method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Redirects are followed, the credential stays with the first origin.
    Get,
    /// A redirect is an answer like any other.
    Post,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// Where to; without user name and password.
    pub url: Url,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Body of a POST.
    pub body: Bytes,
    /// User name and password for basic authentication.
    pub credential: Option<(String, Secret<String>)>,
    /// Accept any certificate.
    pub skip_tls_verify: bool,
}

/// An answer whose body is still on its way.
pub struct Response {
    /// The status.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: Url,
    /// `Content-Type`, or nothing.
    pub content_type: String,
    /// The body.
    pub body: BoxStream<'static, Result<Bytes, TransportError>>,
}

/// Limits of one request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the request's end to the answer's head, and between two pieces of the body.
    pub idle: Duration,
    /// From start to end.
    pub total: Duration,
    /// Size of a body.
    pub body_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), total: Duration::from_secs(600), body_bytes_max: 4 << 30 }
    }
}

/// Sends requests; the seam at which tests cut connections.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and returns once the answer's head is there.
    ///
    /// # Errors
    /// Whatever kept an answer from coming.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// A transport over the one HTTP client and its egress policy.
#[derive(Clone)]
pub struct HttpTransport {
    http: HttpClient,
    limits: Limits,
}

impl HttpTransport {
    /// A transport with these limits.
    pub fn over(http: HttpClient, limits: Limits) -> Self {
        Self { http, limits }
    }

    fn check(&self, request: &Request) -> Result<(), Refused> {
        self.http.check(&request.url)?;
        if request.credential.is_some() { self.http.may_send_credentials(&request.url) } else { Ok(()) }
    }

    /// A GET may be redirected. A POST is sent where it belongs or nowhere: a pack goes to no second server, and to none twice.
    async fn exchange(&self, request: &Request) -> Result<reqwest::Response, HttpError> {
        let builder = self.builder(request);
        match request.method {
            Method::Get => self.http.send(builder).await,
            Method::Post => builder.send().await.map_err(HttpError::from),
        }
    }

    fn builder(&self, request: &Request) -> reqwest::RequestBuilder {
        let client = self.http.get(request.skip_tls_verify);
        let builder = match request.method {
            Method::Get => client.get(request.url.clone()),
            Method::Post => client.post(request.url.clone()).body(request.body.clone()),
        };
        let mut builder = builder.timeout(self.limits.total);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some((user, password)) = &request.credential {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.reveal()));
            if let Ok(mut value) = reqwest::header::HeaderValue::from_str(&format!("Basic {pair}")) {
                value.set_sensitive(true);
                builder = builder.header(reqwest::header::AUTHORIZATION, value);
            }
        }
        builder
    }
}

/// A waiting time as it is shown, to a tenth of a second.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis() / 100 * 100).unwrap_or(u64::MAX))
}

/// The innermost cause: the ones around it repeat themselves, and name the URL.
fn why(err: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = err;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    if std::ptr::addr_eq(innermost, err) { "no cause is known".into() } else { innermost.to_string() }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.check(&request).map_err(|err| TransportError::Refused(err.to_string()))?;
        let host = server(&request.url);
        let (limits, begun) = (self.limits, Instant::now());
        let deadline = begun + limits.total;
        // A large body takes its time before the server can say anything.
        let upload = Duration::from_secs(request.body.len() as u64 / UPLOAD_BYTES_PER_SECOND);
        let patience = (limits.idle + upload).min(limits.total);
        let waiting = waits_for(&host, patience.min(self.http.idle()));
        let response = match timeout(patience, self.exchange(&request)).await {
            Err(_) => return Err(TransportError::Timeout { host, what: "sent nothing", after: limits.idle }),
            Ok(Err(HttpError::TimedOut { .. })) => {
                return Err(TransportError::Timeout { host, what: "sent nothing", after: rounded(begun.elapsed()) });
            }
            Ok(Err(HttpError::Connect { reason, .. } | HttpError::Tls { reason, .. })) => {
                return Err(TransportError::Connect { host, why: reason });
            }
            Ok(Err(HttpError::Broken { reason, .. })) => return Err(TransportError::Cut { host, why: reason }),
            Ok(Err(err)) => return Err(TransportError::Refused(err.to_string())),
            Ok(Ok(response)) => response,
        };
        let url = response.url().clone();
        if request.method == Method::Post && response.status().is_redirection() {
            let to = response.headers().get(reqwest::header::LOCATION).and_then(|value| value.to_str().ok());
            let to = to.and_then(|text| url.join(text).ok()).map_or_else(|| "nowhere".to_owned(), |to| shown(&to));
            let from = shown(&url);
            return Err(TransportError::Refused(format!(
                "`{from}` redirects to `{to}`, and what is sent to one address is not sent on to another: let `repoURL` name the address that answers"
            )));
        }
        let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        waiting.answers(limits.total);
        let inner = response.bytes_stream().boxed();
        let state = Body { inner, host, limits, deadline, read: 0, _waiting: waiting };
        let body = stream::try_unfold(state, |mut state| async move { Ok(state.piece().await?.map(|piece| (piece, state))) });
        Ok(Response { status, url, content_type, body: body.boxed() })
    }
}

/// A body under way and its limits.
struct Body {
    inner: BoxStream<'static, Result<Bytes, reqwest::Error>>,
    host: String,
    limits: Limits,
    deadline: Instant,
    read: u64,
    _waiting: Waiting,
}

impl Body {
    async fn piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        let waited = Instant::now();
        let left = self.deadline.saturating_duration_since(Instant::now());
        let host = || self.host.clone();
        let piece = match timeout(left.min(self.limits.idle), self.inner.next()).await {
            Err(_) if left < self.limits.idle => {
                return Err(TransportError::Timeout { host: host(), what: "was not done", after: self.limits.total });
            }
            Err(_) => return Err(TransportError::Timeout { host: host(), what: "sent nothing", after: self.limits.idle }),
            Ok(None) => return Ok(None),
            Ok(Some(Err(err))) if err.is_timeout() => {
                return Err(TransportError::Timeout { host: host(), what: "sent nothing", after: rounded(waited.elapsed()) });
            }
            Ok(Some(Err(err))) => return Err(TransportError::Cut { host: host(), why: why(&err) }),
            Ok(Some(Ok(piece))) => piece,
        };
        self.read += piece.len() as u64;
        if self.read > self.limits.body_bytes_max {
            return Err(TransportError::TooLarge { host: host(), limit: self.limits.body_bytes_max });
        }
        Ok(Some(piece))
    }
}
