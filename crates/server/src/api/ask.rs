//! How a request is read: who asks, in which project, with what body and parameters. What cannot be read is a problem.

use crate::live::{Live, may_read};
use crate::problem::{Problem, ProblemBody, Type};
use crate::state::ServerState;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use kube::api::Api;
use seaway_api::kargo::Project;
use seaway_apiserver::{Authorizer, Identity};
use seaway_verbs::Verbs;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The longest name there is.
const NAME_MAX: usize = 253;

/// Who asks. To read it counts the request.
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) state: ServerState,
}

impl FromRequestParts<ServerState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Identity>().cloned();
        let identity = identity.ok_or_else(|| Problem::new(Type::NotAuthenticated, "nobody is signed in"))?;
        state.served.limits.count(&identity.username)?;
        Ok(Self { identity, state: state.clone() })
    }
}

impl Caller {
    pub(crate) fn authorizer(&self) -> Authorizer {
        self.state.api.authorizer()
    }

    /// Their verbs in a project that they may read.
    ///
    /// # Errors
    /// The right that they lack; then whether the project is there.
    pub(crate) async fn verbs(&self, project: &str) -> Result<Verbs, Problem> {
        named("project", project)?;
        may_read(&self.authorizer(), &self.identity, project)?;
        let client = self.state.api.client(Identity::controller("server"));
        let projects: Api<Project> = Api::all(client);
        match projects.get_opt(project).await? {
            Some(_) => Ok(Verbs::new(self.state.api.client(self.identity.clone()), project)),
            None => Err(Problem::not_found(format_args!("project `{project}`")).hint("GET /seaway/v1/projects lists them")),
        }
    }

    /// The live board of a project that they may read.
    ///
    /// # Errors
    /// As [`Caller::verbs`].
    pub(crate) async fn live(&self, project: &str) -> Result<Arc<Live>, Problem> {
        self.verbs(project).await?;
        self.state.served.hub.project(project).await
    }

    /// The projects that they may read, by name.
    pub(crate) async fn projects(&self) -> Result<Vec<String>, Problem> {
        let client = self.state.api.client(Identity::controller("server"));
        let all = Api::<Project>::all(client).list(&Default::default()).await?;
        let mut names: Vec<String> = all.items.into_iter().filter_map(|project| project.metadata.name).collect();
        let authorizer = self.authorizer();
        names.retain(|name| may_read(&authorizer, &self.identity, name).is_ok());
        names.sort();
        Ok(names)
    }
}

/// A name as an object can bear it.
///
/// # Errors
/// Nothing can be called so.
pub(crate) fn named<'a>(what: &str, name: &'a str) -> Result<&'a str, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(plain) && !name.contains("..") {
        return Ok(name);
    }
    Err(Problem::not_found(format_args!("{what} of that name; a name is of letters, digits, `-` and `.`")))
}

/// Freight as people name it: a name, an alias, a version, `fund-transfer:1.5.1`.
///
/// # Errors
/// It is empty or too long.
pub(crate) fn spoken(freight: &str) -> Result<&str, Problem> {
    if freight.is_empty() || freight.len() > NAME_MAX {
        return Err(Problem::invalid("freight: a name, an alias or a version is wanted"));
    }
    Ok(freight)
}

/// A freight's own name by any of its names.
pub(crate) async fn freight(verbs: &Verbs, query: &str) -> Result<seaway_api::kargo::Freight, Problem> {
    Ok(verbs.freight(spoken(query)?).await?)
}

/// The parts of a path.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<ServerState> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let Path(place) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|err| Problem::new(Type::NotFound, format!("the path cannot be read: {}", err.body_text())))?;
        Ok(Self(place))
    }
}

/// The parameters of a query; one that is not known is refused.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<ServerState> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let Query(params) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|err| Problem::invalid(format!("query: {}", err.body_text())))?;
        Ok(Self(params))
    }
}

/// A JSON body, and a hash of what was asked where, and within which scope: a narrower token is told nothing that a wider one was.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) hash: [u8; 32],
    pub(crate) headers: HeaderMap,
}

impl<T: DeserializeOwned> FromRequest<ServerState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ServerState) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let path = request.uri().path().to_owned();
        let scope = request.extensions().get::<Identity>().and_then(|identity| identity.scope.clone());
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let is_json = media.eq_ignore_ascii_case("application/json");
        let bytes = Bytes::from_request(request, state).await.map_err(|err| unread(&err))?;
        // A verb without words needs no body, and one without a body no form.
        let is_nothing = bytes.is_empty() && media.is_empty();
        if !is_json && !is_nothing {
            let detail = format!("a body of `{media}` is not read here");
            return Err(Problem::new(Type::UnsupportedMediaType, detail).hint("send Content-Type: application/json"));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value = serde_json::from_slice(text).map_err(|err| match err.classify() {
            serde_json::error::Category::Data => Problem::invalid(format!("body: {err}")),
            _ => Problem::new(Type::Malformed, format!("body: {err}")),
        })?;
        let mut hash = Sha256::new();
        let scope = serde_json::to_vec(&scope.as_deref()).map_err(|err| Problem::bug("read a scope", err))?;
        for part in [path.as_bytes(), &scope] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(&bytes);
        Ok(Self { value, hash: hash.finalize().into(), headers })
    }
}

fn unread(err: &BytesRejection) -> Problem {
    if err.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let max = crate::limits::BODY_BYTES_MAX;
        return Problem::new(Type::TooLarge, format!("a body of more than {max} bytes is not read"));
    }
    Problem::new(Type::Malformed, format!("read the body: {}", err.body_text()))
}

/// A body without words: `{}` or nothing.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// What any reading request may be refused with.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) enum Refused {
    /// The request cannot be read
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// Nobody is signed in
    #[response(status = 401, content_type = "application/problem+json")]
    NotAuthenticated(ProblemBody),
    /// A right is lacking, or the request came from another site
    #[response(status = 403, content_type = "application/problem+json")]
    NotAuthorised(ProblemBody),
    /// No such object
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemBody),
    /// This host name is not served here
    #[response(status = 421, content_type = "application/problem+json")]
    ForeignHost(ProblemBody),
    /// A parameter says what cannot be
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemBody),
    /// Too many requests
    #[response(status = 429, content_type = "application/problem+json")]
    TooManyRequests(ProblemBody),
    /// Not available now
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}

/// What a writing request may be refused with beside that.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) enum NotDone {
    /// As it stands it cannot be done
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemBody),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body is no JSON
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(ProblemBody),
    /// Not done in time; it may go on
    #[response(status = 504, content_type = "application/problem+json")]
    TimedOut(ProblemBody),
}

/// Whether the caller has a right.
///
/// # Errors
/// The refusal that names it.
pub(crate) fn require(caller: &Caller, verb: &str, resource: seaway_core::authorize::Resource<'_>) -> Result<(), Problem> {
    caller.authorizer().decide(&caller.identity, verb, resource).into_result()?;
    Ok(())
}
