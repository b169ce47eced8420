//! The client: one request at a time with login, pace and errors that say what to do.

use crate::auth::{Asking, Challenge};
use crate::cache::Cache;
use crate::image::ImageInfo;
use crate::pace::Pace;
use crate::space::Space;
use crate::{Credential, OciError, Reference, Repository, digest_of};
use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use seaway_base::http::{HttpClient, HttpError, is_loopback, read_bounded};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// No manifest is longer; the specification's own bound.
pub(crate) const MAX_MANIFEST_BYTES: usize = 4 << 20;
/// No error text is longer.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// Registries and credentials remembered.
const MAX_SPACES: usize = 4096;
/// Until the head of an answer is there.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// How registries are asked.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Requests a second to one registry, 0 for no limit; registries on loopback have none.
    pub requests_per_second: u32,
    /// Images remembered.
    pub cache_entries_max: usize,
}

impl Default for RegistryOptions {
    /// 20 requests a second, 100,000 images.
    fn default() -> Self {
        Self { requests_per_second: 20, cache_entries_max: 100_000 }
    }
}

/// All registries, with what is remembered about them; cheap to clone.
#[derive(Debug, Clone)]
pub struct Registries(Arc<Shared>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SpaceKey {
    registry: String,
    credential: Option<String>,
    skip_tls_verify: bool,
}

pub(crate) type TagList = (String, Arc<Vec<String>>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) http: HttpClient,
    options: RegistryOptions,
    spaces: Mutex<HashMap<SpaceKey, Arc<Space>>>,
    paces: Mutex<HashMap<String, Arc<Pace>>>,
    /// By whose eyes, which repository, which tag or digest, for which platform.
    pub(crate) images: Cache<(SpaceKey, String, Reference, String), Arc<ImageInfo>>,
    /// Lists of tags with their ETag.
    pub(crate) tag_lists: Cache<(SpaceKey, String), TagList>,
}

/// One repository, seen with one credential; cheap to clone.
#[derive(Debug, Clone)]
pub struct Remote {
    pub(crate) shared: Arc<Shared>,
    pub(crate) repository: Repository,
    pub(crate) key: SpaceKey,
    credential: Option<Credential>,
    space: Arc<Space>,
    pace: Arc<Pace>,
}

/// A manifest or an index as the registry keeps it.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The digest of `bytes`.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Exactly as it came.
    pub bytes: Bytes,
    /// The same, read.
    pub json: Value,
}

impl Registries {
    /// Registries reached through `http`.
    pub fn new(http: HttpClient, options: RegistryOptions) -> Self {
        let images = Cache::new(options.cache_entries_max);
        let shared =
            Shared { http, options, spaces: Mutex::default(), paces: Mutex::default(), images, tag_lists: Cache::new(10_000) };
        Self(Arc::new(shared))
    }

    /// A repository, seen with a credential. Nothing is asked yet.
    pub fn remote(&self, repository: &Repository, credential: Option<&Credential>, skip_tls_verify: bool) -> Remote {
        let registry = repository.registry.clone();
        let key = SpaceKey {
            registry: registry.clone(),
            credential: credential.map(|credential| credential.key.clone()),
            skip_tls_verify,
        };
        let space = {
            let mut spaces = self.0.spaces.lock();
            if spaces.len() >= MAX_SPACES && !spaces.contains_key(&key) {
                spaces.clear();
            }
            Arc::clone(spaces.entry(key.clone()).or_default())
        };
        let pace = {
            let mut paces = self.0.paces.lock();
            if paces.len() >= MAX_SPACES && !paces.contains_key(&registry) {
                paces.clear();
            }
            let local = Url::parse(&format!("https://{registry}")).is_ok_and(|url| is_loopback(&url));
            let per_second = if local { 0 } else { self.0.options.requests_per_second };
            Arc::clone(paces.entry(registry).or_insert_with(|| Arc::new(Pace::new(per_second))))
        };
        let repository = repository.clone();
        Remote { shared: Arc::clone(&self.0), repository, key, credential: credential.cloned(), space, pace }
    }
}

/// One request.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) push: bool,
}

impl Call {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: None, push: false }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Remote {
    /// The repository.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// A URL below the repository: `tags/list`, `manifests/…`.
    pub(crate) async fn url(&self, rest: &str) -> Result<Url, OciError> {
        let base = self.space.base(&self.shared.http, &self.repository, self.key.skip_tls_verify).await?;
        base.join(&format!("{}/{rest}", self.repository.name)).map_err(|err| OciError::invalid(&self.repository, "address", err))
    }

    /// Sends a request with the login that the registry wants, which may take a second try. Any status but 401 and 429 is an answer.
    pub(crate) async fn send(&self, call: &Call) -> Result<Response, OciError> {
        let repository = self.repository.to_string();
        let actions = if call.push { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{actions}", self.repository.name);
        let asking = Asking {
            http: &self.shared.http,
            credential: self.credential.as_ref(),
            skip_tls_verify: self.key.skip_tls_verify,
            repository: &repository,
            scope: &scope,
            url: &call.url,
        };
        for attempt in 0..2 {
            let limited = |wait| OciError::RateLimited { repository: repository.clone(), retry_after: Some(wait) };
            let _permit = self.pace.turn().await.map_err(limited)?;
            let login = self.space.auth.header(&asking).await?;
            let response = self.once(call, login.as_deref()).await?;
            match response.status() {
                StatusCode::UNAUTHORIZED => {
                    let challenge = Challenge::read(response.headers());
                    if attempt == 0 && self.space.auth.learn(challenge, login.as_deref(), &scope).await {
                        continue;
                    }
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    let retry_after = retry_after(response.headers());
                    self.pace.pause(retry_after.unwrap_or(Duration::from_secs(1)));
                    return Err(OciError::RateLimited { repository, retry_after });
                }
                _ => return Ok(response),
            }
            break;
        }
        Err(OciError::Unauthorized { repository, had_credential: self.credential.is_some() })
    }

    async fn once(&self, call: &Call, login: Option<&str>) -> Result<Response, OciError> {
        let http = &self.shared.http;
        let begun = http.request(call.method.clone(), &call.url, self.key.skip_tls_verify);
        let mut request = begun.map_err(OciError::refused(&self.repository))?;
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(login) = login {
            request = request.header(AUTHORIZATION, login);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let late = |_| HttpError::TimedOut { url: seaway_base::http::shown(&call.url) };
        let sent = async {
            // A push may take long before the registry answers; its own bounds are idle and total time.
            if call.body.is_some() {
                return http.send(request).await;
            }
            tokio::time::timeout(HEAD_TIMEOUT, http.send(request)).await.map_err(late)?
        };
        sent.await.map_err(OciError::http(&self.repository))
    }

    /// The body of a success, else the error that the status stands for; `reference` is what was asked for.
    pub(crate) async fn body(
        &self,
        response: Response,
        reference: Option<&Reference>,
        max_bytes: usize,
    ) -> Result<Bytes, OciError> {
        if response.status().is_success() {
            return read_bounded(response, max_bytes).await.map_err(OciError::http(&self.repository));
        }
        Err(self.failure(response, reference, "read it").await)
    }

    /// The error that an answer stands for.
    pub(crate) async fn failure(&self, response: Response, reference: Option<&Reference>, action: &'static str) -> OciError {
        let status = response.status();
        let bytes = read_bounded(response, MAX_ERROR_BYTES).await.unwrap_or_default();
        let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let first = &json["errors"][0];
        let (code, message) = (first["code"].as_str().unwrap_or_default(), first["message"].as_str().unwrap_or_default());
        let repository = self.repository.to_string();
        match (status, reference) {
            (StatusCode::NOT_FOUND, _) if code == "NAME_UNKNOWN" => OciError::NoRepository { repository },
            (StatusCode::NOT_FOUND, Some(reference)) => OciError::NoImage { repository, reference: reference.to_string() },
            (StatusCode::NOT_FOUND, None) => OciError::NoRepository { repository },
            (StatusCode::FORBIDDEN, _) => OciError::Denied { repository, action },
            _ => {
                let message: String = format!("{code} {message}").trim().chars().take(300).collect();
                OciError::Status { repository, status: status.as_u16(), message }
            }
        }
    }

    /// The digest that a tag or digest stands for at this moment.
    ///
    /// # Errors
    /// [`OciError`]; [`OciError::NoImage`] where there is none.
    pub async fn digest(&self, reference: &Reference) -> Result<String, OciError> {
        let url = self.url(&format!("manifests/{reference}")).await?;
        let response = self.send(&Call::new(Method::HEAD, url).header(ACCEPT, MANIFEST_TYPES)).await?;
        let header = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        match (response.status(), header) {
            (status, Some(digest)) if status.is_success() => Ok(digest.to_owned()),
            // A HEAD has no body to tell a missing repository from a missing tag, and some registries know no HEAD.
            _ => Ok(self.manifest(reference).await?.digest),
        }
    }

    /// The manifest or index of a tag or digest.
    ///
    /// # Errors
    /// [`OciError`]; [`OciError::Invalid`] where the content is not what its digest promises.
    pub async fn manifest(&self, reference: &Reference) -> Result<Manifest, OciError> {
        let url = self.url(&format!("manifests/{reference}")).await?;
        let response = self.send(&Call::new(Method::GET, url).header(ACCEPT, MANIFEST_TYPES)).await?;
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (promised, content_type) = (header("docker-content-digest"), header(CONTENT_TYPE.as_str()));
        let bytes = self.body(response, Some(reference), MAX_MANIFEST_BYTES).await?;
        let digest = digest_of(&bytes);
        let expected = match reference {
            Reference::Digest(digest) => digest,
            Reference::Tag(_) => &promised,
        };
        if expected.starts_with("sha256:") && *expected != digest {
            return Err(OciError::invalid(&self.repository, format!("manifest of `{reference}`"), format!("it is `{digest}`")));
        }
        let digest = if expected.is_empty() { digest } else { expected.clone() };
        let json: Value = serde_json::from_slice(&bytes)
            .map_err(|err| OciError::invalid(&self.repository, format!("manifest of `{reference}`"), err))?;
        let media_type = json["mediaType"].as_str().map_or(content_type, str::to_owned);
        Ok(Manifest { digest, media_type, bytes, json })
    }

    /// A blob, checked against its digest.
    ///
    /// # Errors
    /// [`OciError`]; more than `max_bytes` is one.
    pub async fn blob(&self, digest: &str, max_bytes: usize) -> Result<Bytes, OciError> {
        let url = self.url(&format!("blobs/{digest}")).await?;
        let response = self.send(&Call::new(Method::GET, url)).await?;
        let bytes = self.body(response, Some(&Reference::Digest(digest.to_owned())), max_bytes).await?;
        let found = digest_of(&bytes);
        if digest.starts_with("sha256:") && found != digest {
            return Err(OciError::invalid(&self.repository, format!("blob `{digest}`"), format!("it is `{found}`")));
        }
        Ok(bytes)
    }
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read_in_seconds_and_as_dates() {
        let check = |text: &str| {
            let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(check("7"), Some(7));
        assert_eq!(check("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0));
        assert!(check("Fri, 31 Dec 2399 23:59:59 GMT").is_some_and(|wait| wait > 1_000_000));
        assert_eq!(check("soon"), None);
    }
}
