//! Who asks, and whether they may ask from there: the host, the origin, then a bearer token or the session's cookie. Whatever identity a
//! client claims by itself never counts.

use crate::problem::{Problem, Type};
use crate::reach::{ClientAddress, Peer};
use crate::state::{Info, ServerState};
use crate::tokens::Tokens;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use seaway_apiserver::{ApiServer, Identity, Lease, NotActing, names_another};
use seaway_core::authorize::Denied;
use seaway_identity::{Identities, Person, SignedIn, Via};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};

/// What a browser says of the page that asks: `same-origin`, `same-site`, `cross-site` or `none`.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Whether a browser goes somewhere, or a page asks.
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// How the one who asks was proven; beside it stands their [`Identity`].
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// By the token of the data folder.
    Folder(Person),
    /// By a session or a token.
    SignedIn(SignedIn),
    /// Another, proven as one of these, who may act as this person and asked to.
    Acting(Person),
}

impl Proof {
    pub(crate) fn person(&self) -> &Person {
        match self {
            Self::Folder(person) | Self::Acting(person) => person,
            Self::SignedIn(signed_in) => &signed_in.person,
        }
    }

    /// The session's id, where it is one.
    pub(crate) fn session(&self) -> Option<&str> {
        match self {
            Self::SignedIn(signed_in) if !matches!(signed_in.via, Via::Token | Via::Account) => Some(&signed_in.id),
            _ => None,
        }
    }
}

/// What is known of who asks where nobody was proven.
#[derive(Debug, Clone, Copy)]
struct Nobody(&'static str);

/// What [`guard`] needs.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) state: ServerState,
    pub(crate) folder: Tokens,
}

/// Refuses what comes from elsewhere, and puts on the request who asks.
pub(crate) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions_mut();
    extensions.remove::<Identity>();
    extensions.remove::<Proof>();
    let peer = extensions.get::<Peer>().copied();
    let proven = match (Asked { request: &request, peer }).looked_at(&guard) {
        Ok(proven) => proven,
        Err(problem) => return refuse(request.uri().path(), problem),
    };
    let proven = match counting_as(&guard.state.api, proven, request.headers_mut()) {
        Ok(proven) => proven,
        Err(problem) => return refuse(request.uri().path(), problem),
    };
    let client = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| guard.state.info.reach.client(&peer, request.headers()));
    let extensions = request.extensions_mut();
    extensions.insert(ClientAddress(client));
    match proven {
        Proven::As(known) => {
            let (identity, proof) = *known;
            extensions.insert(identity);
            extensions.insert(proof);
        }
        Proven::Nobody(why) => drop(extensions.insert(Nobody(why))),
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Lets only those pass who were proven.
pub(crate) async fn require(request: Request, next: Next) -> Response {
    if request.extensions().get::<Identity>().is_some() {
        let mut response = next.run(request).await;
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        return response;
    }
    let why = request.extensions().get::<Nobody>().map_or("nobody is signed in", |nobody| nobody.0);
    refuse(request.uri().path(), not_signed_in(why))
}

fn not_signed_in(why: &str) -> Problem {
    let hint = "sign in on the page, send `Authorization: Bearer …`, or use the data folder's kubeconfig";
    Problem::new(Type::NotAuthenticated, why).hint(hint)
}

enum Proven {
    As(Box<(Identity, Proof)>),
    Nobody(&'static str),
}

/// Whom the request counts as, at every door: another than was proven, where its headers ask for that and the rights allow it. The headers
/// are gone then, so that no door behind this one honours them again.
fn counting_as(api: &ApiServer, proven: Proven, headers: &mut HeaderMap) -> Result<Proven, Problem> {
    if !headers.keys().any(names_another) {
        return Ok(proven);
    }
    let (identity, proof) = match proven {
        Proven::As(known) => *known,
        Proven::Nobody(why) => return Err(not_signed_in(why)),
    };
    let acting = api.acting(&identity, headers).map_err(|refused| match refused {
        NotActing::Unreadable(message) => Problem::new(Type::Malformed, message),
        NotActing::Lacking(message) => Problem::from(Denied { message }),
    })?;
    let acting = acting.map(|acting| {
        let proof = Proof::Acting(person(&acting));
        (acting, proof)
    });
    Ok(Proven::As(Box::new(acting.unwrap_or((identity, proof)))))
}

/// A request before anything of it counts.
struct Asked<'a> {
    request: &'a Request,
    peer: Option<Peer>,
}

impl Asked<'_> {
    fn looked_at(&self, guard: &Guard) -> Result<Proven, Problem> {
        self.is_for_us(guard)?;
        self.is_from_us(guard)?;
        self.proven(guard)
    }

    /// A name that is not ours was made to lead here: a page of that name must read nothing (DNS rebinding).
    fn is_for_us(&self, guard: &Guard) -> Result<(), Problem> {
        let line = self.request.uri().authority().map(|authority| authority.as_str());
        let header = self.request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or_default());
        let serves = |host: &str| guard.state.info.reach.serves(host, self.peer.as_ref());
        let n_hosts = self.request.headers().get_all(header::HOST).iter().count();
        let is_ours = line.is_none_or(serves) && header.is_none_or(serves) && (line.is_some() || header.is_some()) && n_hosts < 2;
        if is_ours {
            return Ok(());
        }
        let host: String = line.or(header).unwrap_or_default().chars().take(100).collect();
        let why = format!("the host {host:?} is not served here");
        Err(Problem::new(Type::ForeignHost, why).hint("use the external URL, or add the name to the setting `hosts`"))
    }

    /// What a page of another origin asks is refused, unless it only looks.
    fn is_from_us(&self, guard: &Guard) -> Result<(), Problem> {
        if is_safe(self.request.method()) {
            return Ok(());
        }
        let origins = self.request.headers().get_all(header::ORIGIN);
        let line = self.request.uri().authority().map(|authority| authority.as_str());
        let asked = line.or_else(|| self.request.headers().get(header::HOST)?.to_str().ok());
        let own = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| guard.state.info.reach.is_own_origin(origin, asked));
        if origins.iter().all(own) && self.comes_from_here() {
            Ok(())
        } else {
            Err(foreign("it came from a page of another origin"))
        }
    }

    /// What the browser says of the page that asks, where it says so.
    fn comes_from_here(&self) -> bool {
        let headers = self.request.headers();
        headers.get_all(FETCH_SITE).iter().all(|site| site == "same-origin" || site == "none")
    }

    fn proven(&self, guard: &Guard) -> Result<Proven, Problem> {
        let headers = self.request.headers();
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            // A token was brought on purpose: a cookie beside it does not count.
            let bearer = authorization.to_str().ok().and_then(bearer_of);
            let proven = bearer.and_then(|token| by_token(&guard.folder, &guard.state.identities, token));
            return Ok(proven.unwrap_or(Proven::Nobody("the token is not known, or has ended")));
        }
        let Some(cookie) = cookie(headers, &guard.state.info) else {
            return Ok(Proven::Nobody("nobody is signed in, and no token was sent"));
        };
        let Some(signed_in) = guard.state.identities.session(cookie) else {
            return Ok(Proven::Nobody("the session has ended"));
        };
        let is_safe = is_safe(self.request.method());
        if !is_safe && !headers.contains_key(header::ORIGIN) {
            return Err(foreign("by a session only the page changes something: the request names no origin"));
        }
        let goes_there = headers.get(FETCH_MODE).is_some_and(|mode| mode == "navigate");
        if is_safe && !goes_there && !self.comes_from_here() {
            return Err(foreign("it came from a page of another origin, with the session of this one"));
        }
        Ok(as_signed_in(signed_in))
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn foreign(why: &str) -> Problem {
    Problem::new(Type::ForeignOrigin, why).hint("use the page at its own address, or a token")
}

fn by_token(folder: &Tokens, identities: &Identities, token: &str) -> Option<Proven> {
    if let Some(identity) = folder.identity(token) {
        return Some(Proven::As(Box::new((identity.clone(), Proof::Folder(person(identity))))));
    }
    identities.bearer(token).map(as_signed_in)
}

/// A person who is known by this identity alone.
fn person(identity: &Identity) -> Person {
    Person {
        username: identity.username.to_string(),
        groups: identity.groups.to_vec(),
        claims: None,
        claim: String::new(),
        name: identity.username.to_string(),
        scope: None,
    }
}

fn as_signed_in(signed_in: SignedIn) -> Proven {
    match identity_of(&signed_in) {
        Some(identity) => Proven::As(Box::new((identity, Proof::SignedIn(signed_in)))),
        None => Proven::Nobody("the identity has no name"),
    }
}

/// The identity of somebody who is signed in; what they hold open ends with the session or token.
pub(crate) fn identity_of(signed_in: &SignedIn) -> Option<Identity> {
    let person = &signed_in.person;
    let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
    let mut identity = Identity::new(&person.username, &groups)?.with_lease(Lease::from(signed_in.ended.clone()));
    if let Some(claims) = &person.claims {
        identity = identity.with_claims(claims.clone(), &person.claim);
    }
    if let Some(scope) = &person.scope {
        identity = identity.with_scope(scope.clone());
    }
    Some(identity)
}

fn bearer_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session's cookie among those that were sent.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, info: &Info) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == info.cookie).map(|(_, value)| value)
}

/// A refusal in the form that who asks reads: a problem, or what Kubernetes clients know.
fn refuse(path: &str, problem: Problem) -> Response {
    let ours = path == "/" || path == "/status" || ["/seaway/", "/p/", "/assets/"].iter().any(|prefix| path.starts_with(prefix));
    if ours {
        return problem.into_response();
    }
    let reason = match problem.kind() {
        Type::NotAuthenticated => "Unauthorized",
        Type::ForeignHost => "MisdirectedRequest",
        Type::Malformed => "BadRequest",
        _ => "Forbidden",
    };
    let (code, body) = (problem.status(), problem.body(String::new()));
    let message = if body.hint.is_empty() { body.detail } else { format!("{}; {}", body.detail, body.hint) };
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code.as_u16() });
    let mut response = (code, axum::Json(status)).into_response();
    if problem.kind() == Type::NotAuthenticated {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
