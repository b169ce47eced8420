//! The control plane as somebody sees it who is not signed in yet.

use super::Made;
use crate::exit::Failure;
use crate::v1;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use seaway_base::Secret;
use seaway_server::fingerprint;
use serde_json::{Value, json};
use std::time::Duration;

/// A control plane that does not take a connection by then is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// No answer to a login is longer.
const ANSWER_MAX: usize = 1 << 20;
/// A token for a password lives so long, in seconds: as an identity provider's does.
const LIFETIME: u64 = 12 * 3600;

/// The control plane, without anybody's identity.
pub(super) struct Server {
    /// `https://HOST[:PORT]`.
    pub(super) url: String,
    /// What vouches for its certificate, PEM; `None` is what the system trusts.
    pub(super) ca: Option<Vec<u8>>,
    client: Option<Client>,
}

impl Server {
    pub(super) fn of(url: &str, ca: Option<Vec<u8>>) -> Self {
        Self { url: url.to_owned(), ca, client: None }
    }

    /// Takes the URL as people type it.
    pub(super) async fn open(url: &str, ca: Option<Vec<u8>>) -> Result<Self, Failure> {
        let bad =
            || Failure::usage(format!("`{url}` is no URL of a control plane"), "it is like https://seaway.example.com:7443");
        let parsed: http::Uri = url.parse().map_err(|_| bad())?;
        let authority = parsed.authority().filter(|it| !it.as_str().contains('@')).ok_or_else(bad)?;
        if parsed.scheme_str() != Some("https") || parsed.path() != "/" || parsed.query().is_some() {
            return Err(bad());
        }
        let mut server = Self::of(&format!("https://{authority}"), ca);
        let mut cluster = json!({ "server": server.url });
        if let Some(pem) = &server.ca {
            cluster["certificate-authority-data"] = json!(STANDARD.encode(pem));
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "login",
            "clusters": [{ "name": "login", "cluster": cluster }],
            "users": [{ "name": "login", "user": {} }],
            "contexts": [{ "name": "login", "context": { "cluster": "login", "user": "login" } }],
        });
        let unusable = |err: &dyn std::fmt::Display| {
            Failure::new(format!("speak with {url}: {err}"), "--ca names a file of certificates in PEM")
        };
        let config: Kubeconfig = serde_json::from_value(config).map_err(|err| unusable(&err))?;
        let mut config =
            kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.map_err(|err| unusable(&err))?;
        config.connect_timeout = Some(CONNECT);
        server.client = Some(Client::try_from(config).map_err(|err| unusable(&err))?);
        Ok(server)
    }

    /// How one may sign in; the first question, so that who is not trusted is told with the fingerprint.
    pub(super) async fn methods(&self) -> Result<Value, Failure> {
        let err = match self.send(Method::GET, "session", None, None).await {
            Ok((status, _, answer)) if status.is_success() => return Ok(answer),
            Ok((status, _, answer)) => return Err(v1::refused("ask how to sign in", status, &answer)),
            Err(err) => err,
        };
        let why = seaway_base::chain(&err);
        if !why.contains("certificate") {
            return Err(Failure::api(format!("ask {} how to sign in", self.url), err));
        }
        let parsed: http::Uri = self.url.parse().unwrap_or_default();
        let (host, port) = (parsed.host().unwrap_or_default(), parsed.port_u16().unwrap_or(443));
        let shown = fingerprint::shown_to_anybody(host, port).await.unwrap_or_else(|err| format!("unknown: {err}"));
        let whose = if self.ca.is_some() { "the CA that was named" } else { "no CA that this machine trusts" };
        let whose = if self.ca.is_some() { format!("not vouched for by {whose}") } else { format!("vouched for by {whose}") };
        Err(Failure::new(
            format!("the certificate of {} is {whose} (SHA-256 {shown})", self.url),
            "get its CA: on its machine `seaway trust` shows the same fingerprint and `seaway trust --pem > ca.pem` writes the CA; then --ca ca.pem",
        ))
    }

    /// Asks for JSON as nobody.
    pub(super) async fn ask(&self, what: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let (status, _, answer) = self.send(method, path, body, None).await.map_err(|err| Failure::api(what, err))?;
        if status.is_success() { Ok(answer) } else { Err(v1::refused(what, status, &answer)) }
    }

    /// Signs a local user in: a session for as long as it takes to make a token.
    pub(super) async fn by_password(&self, user: &str, password: &Secret<String>) -> Result<Made, Failure> {
        let what = format!("sign in as {user}");
        let body = json!({ "user": user, "password": password.reveal() });
        let (status, cookie, answer) =
            self.send(Method::POST, "session", Some(&body), None).await.map_err(|err| Failure::api(&what, err))?;
        if status == http::StatusCode::UNAUTHORIZED {
            let hint = format!("type both again; who manages users sets another with `seaway user passwd {user}`");
            return Err(Failure { hint, ..v1::refused(&what, status, &answer) });
        }
        if !status.is_success() {
            return Err(v1::refused(&what, status, &answer));
        }
        let cookie = cookie.ok_or_else(|| Failure::bug(format!("{what}: the control plane gave no session")))?;
        let body = json!({ "name": name(), "expiresIn": LIFETIME, "scope": { "projects": [], "verbs": [] } });
        let made = self.send(Method::POST, "tokens", Some(&body), Some(&cookie)).await;
        let ended = self.send(Method::DELETE, "session", None, Some(&cookie)).await;
        let (status, _, answer) = made.map_err(|err| Failure::api(&what, err))?;
        if !status.is_success() {
            return Err(v1::refused(&what, status, &answer));
        }
        ended.map_err(|err| Failure::api(format!("{what}: end the session that made the token"), err))?;
        Made::of(&answer, user)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        cookie: Option<&Secret<String>>,
    ) -> Result<(http::StatusCode, Option<Secret<String>>, Value), kube::Error> {
        let mut request =
            Request::builder().method(method).uri(format!("/seaway/v1/{path}")).header("accept", "application/json");
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie.reveal());
        }
        // As the page would: what a session changes must come from our own origin.
        request = request.header(ORIGIN, &self.url);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string().into_bytes())),
            None => request.body(Body::empty()),
        };
        let request = request.map_err(kube::Error::HttpError)?;
        let Some(client) = &self.client else { return Err(kube::Error::Service("no client".into())) };
        let response = client.send(request).await?;
        let status = response.status();
        let pair = |value: &http::HeaderValue| value.to_str().ok().and_then(|text| text.split(';').next()).map(str::to_owned);
        let cookie = response.headers().get(SET_COOKIE).and_then(pair).map(Secret::new);
        let read = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(kube::Error::Service)?;
        Ok((status, cookie, serde_json::from_slice(&read.to_bytes()).unwrap_or_default()))
    }
}

/// What the token is called in the list of tokens.
fn name() -> String {
    host().map_or_else(|| "login".to_owned(), |host| format!("login from {host}"))
}

/// This machine's name.
pub(super) fn host() -> Option<String> {
    let uname = rustix::system::uname();
    uname.nodename().to_str().ok().filter(|host| !host.is_empty()).map(str::to_owned)
}
