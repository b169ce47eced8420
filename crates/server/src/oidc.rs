//! `/seaway/v1/oidc`: the page's sign-in by an identity provider, and the exchange of what `seaway login` brings for a token of ours.

use crate::api::ask::{Body, NotDone, Params, Refused};
use crate::problem::{Problem, Type};
use crate::reach::ClientAddress;
use crate::session;
use crate::state::ServerState;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use seaway_base::Secret;
use seaway_identity::oidc::{Answer, Oidc, OidcError, Public};
use seaway_identity::{Opening, Via};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the provider sends browsers back to, below our URL.
pub const CALLBACK: &str = "/seaway/v1/oidc/callback";
/// A name of a machine in a token's name is no longer.
const HOST_MAX: usize = 60;

/// The routes; they answer to anybody.
pub(crate) fn routes() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(about)).routes(routes!(start)).routes(routes!(callback)).routes(routes!(token))
}

/// Where a sign-in leads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Start {
    /// A path of this page, such as `/p/bank`; without it `/`.
    to: Option<String>,
}

/// What the provider sends the browser back with.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what `Answer` reads")]
struct AnswerParameters {
    /// The code.
    code: Option<String>,
    /// The state that was sent.
    state: Option<String>,
    /// The issuer (RFC 9207).
    iss: Option<String>,
    /// Why there is no code.
    error: Option<String>,
}

/// What `seaway login` got from the provider.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Brought {
    /// The ID token, for the CLI's client.
    #[schema(value_type = String)]
    id_token: Secret<String>,
    /// The access token beside it, by which the provider's userinfo is asked for what the ID token does not say.
    #[schema(value_type = Option<String>)]
    access_token: Option<Secret<String>>,
    /// The machine on which it is going to be used, for the list of tokens.
    host: Option<String>,
}

/// A token of Seaway's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Made {
    /// Which one, to end it by.
    id: String,
    /// The token itself, told this once.
    token: String,
    /// Whose it is.
    user: String,
    /// When it ends.
    expires_at: String,
}

/// The identity provider, as `seaway login` needs to know it
#[utoipa::path(get, path = "/seaway/v1/oidc", operation_id = "getOidc", tag = "sign-in",
    responses((status = 200, description = "The provider, and the CLI's client there.", body = OidcView), Refused))]
async fn about(State(state): State<ServerState>) -> Result<Response, Problem> {
    Ok(Json(OidcView::from(oidc(&state)?.public())).into_response())
}

/// The identity provider, as anybody may know it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OidcView {
    /// What people call it.
    name: String,
    /// Its issuer URL.
    issuer: String,
    /// The CLI's client there.
    client_id: String,
    /// What to ask for.
    scopes: Vec<String>,
}

impl From<Public> for OidcView {
    fn from(public: Public) -> Self {
        let Public { name, issuer, client_id, scopes } = public;
        Self { name, issuer, client_id, scopes }
    }
}

/// Begins a sign-in at the identity provider; a browser goes there
#[utoipa::path(get, path = "/seaway/v1/oidc/start", operation_id = "startOidc", tag = "sign-in", params(Start),
    responses((status = 303, description = "To the provider; or, for a browser that is refused, to the page, which says why."), Refused))]
async fn start(State(state): State<ServerState>, Params(asked): Params<Start>, uri: Uri, headers: HeaderMap) -> Response {
    // The provider sends the browser to our URL: the cookie must be there, and not under another name of this machine.
    if let Some(same) = under_our_name(&state, &headers, &uri) {
        return redirect(&same, None);
    }
    let begun = match oidc(&state) {
        Ok(oidc) => oidc.begin(asked.to.as_deref().unwrap_or("/")).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match begun {
        Ok(begun) => redirect(begun.location.as_str(), Some(sign_in_cookie(&state, begun.cookie.reveal(), begun.seconds))),
        Err(problem) => refused(&headers, problem, "unavailable", None),
    }
}

/// Ends a sign-in at the identity provider: the browser comes back from there
#[utoipa::path(get, path = "/seaway/v1/oidc/callback", operation_id = "finishOidc", tag = "sign-in", params(AnswerParameters),
    responses((status = 303, description = "To where the sign-in should lead, with a session's cookie; or, for a browser that is refused, to the page, which says why."), Refused))]
async fn callback(
    State(state): State<ServerState>,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Params(answer): Params<Answer>,
    headers: HeaderMap,
) -> Response {
    let spent = || sign_in_cookie(&state, "", 0);
    let oidc = match oidc(&state) {
        Ok(oidc) => oidc,
        Err(problem) => return refused(&headers, problem, "unavailable", None),
    };
    let name = cookie_name(&state);
    let finished = match oidc.finish(cookie(&headers, &name), answer).await {
        Ok(finished) => finished,
        Err(err) => return refused(&headers, Problem::from(err.clone()), err.code(), Some(spent())),
    };
    let mut opening = Opening::new(finished.vouched.person, Via::Oidc).from(from).at_most(oidc.lifetime());
    if let Some(grant) = finished.vouched.grant {
        opening = opening.grant(grant);
    }
    match state.identities.open_session(opening).await {
        Ok(opened) => {
            tracing::info!(%from, user = opened.username, session = opened.id, "signed in");
            let mut response = redirect(&finished.to, Some(spent()));
            response.headers_mut().append(SET_COOKIE, session::cookie(&state.info, &opened));
            response
        }
        Err(err) => refused(&headers, Problem::from(err), "unavailable", Some(spent())),
    }
}

/// Makes a token of whoever an ID token names; `seaway login` keeps it
#[utoipa::path(post, path = "/seaway/v1/oidc/token", operation_id = "exchangeOidc", tag = "sign-in", request_body = Brought,
    responses((status = 201, description = "The token, told this once.", body = Made), Refused, NotDone))]
async fn token(State(state): State<ServerState>, body: Body<Brought>) -> Result<Response, Problem> {
    let (oidc, brought) = (oidc(&state)?, body.value);
    let vouched = oidc.brought(&brought.id_token, brought.access_token.as_ref()).await?;
    let host: String = brought.host.unwrap_or_default().chars().filter(|c| !c.is_control()).take(HOST_MAX).collect();
    let name = if host.trim().is_empty() { "login".to_owned() } else { format!("login from {}", host.trim()) };
    let (token, row) = state.identities.make_token(&vouched.person, &name, None, oidc.lifetime()).await?;
    let (id, user, expires_at) = (row.id, vouched.person.username, row.expires_at.to_string());
    let made = Made { id, token: token.reveal().clone(), user, expires_at };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(made)).into_response())
}

fn oidc(state: &ServerState) -> Result<&Oidc, Problem> {
    let off = || Problem::not_found("identity provider: the setting `oidc.issuer` names one");
    state.oidc.as_ref().ok_or_else(off)
}

impl From<OidcError> for Problem {
    fn from(err: OidcError) -> Self {
        let kind = match &err {
            _ if err.is_outage() => Type::Unavailable,
            OidcError::To | OidcError::State(_) => Type::Malformed,
            OidcError::Claim(_) => Type::NotAuthorised,
            _ => Type::NotAuthenticated,
        };
        Self::new(kind, err.to_string())
    }
}

/// A browser is sent to the page, which has words for the code; who is no browser gets the problem itself.
fn refused(headers: &HeaderMap, problem: Problem, code: &str, cookie: Option<HeaderValue>) -> Response {
    let browser = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    let mut response = if browser {
        let id: String = seaway_base::ids::secret_bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        tracing::info!(id, code, detail = ?problem.detail(), "a sign-in was refused");
        redirect(&format!("/#refused={code}&id={id}"), None)
    } else {
        problem.into_response()
    };
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

fn redirect(to: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    match HeaderValue::from_str(to) {
        Ok(to) => headers.insert(LOCATION, to),
        Err(err) => return Problem::bug("send a browser on", err).into_response(),
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// The same address under our URL's host, where the browser used another of this machine's names.
fn under_our_name(state: &ServerState, headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let ours = state.info.url.split_once("://").map_or(state.info.url.as_str(), |(_, rest)| rest);
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|it| it.as_str()))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    (!asked.eq_ignore_ascii_case(ours)).then(|| format!("{}{path}", state.info.url))
}

fn cookie_name(state: &ServerState) -> String {
    format!("__Host-seaway-signin-{}", state.info.cookie_suffix)
}

/// Lax, not Strict: the browser comes back from another site.
fn sign_in_cookie(state: &ServerState, value: &str, seconds: i64) -> HeaderValue {
    let name = cookie_name(state);
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    // Name and value are of base64's letters.
    let mut header = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = all.filter_map(|pair| pair.trim().split_once('=')).filter(|(known, _)| *known == name);
    named.next().map(|(_, value)| value)
}
