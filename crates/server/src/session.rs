//! `/seaway/v1/session`, `/links` and `/sessions`: coming in, going out, and who else is in as oneself.

use crate::api::ask::{Body, Caller, NotDone, Nothing, Params, Place, Refused};
use crate::authenticate::{Proof, cookie as cookie_of};
use crate::problem::{Problem, Type};
use crate::reach::ClientAddress;
use crate::state::{Info, ServerState};
use crate::users;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use seaway_base::Secret;
use seaway_core::authorize::Scope;
use seaway_identity::{IdentityError, NewSession, Person, SessionRow, SignInError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes that answer to anybody.
pub(crate) fn open() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(session, sign_in, sign_out))
}

/// The routes that need an identity.
pub(crate) fn closed() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(make_link)).routes(routes!(sessions)).routes(routes!(end_session))
}

/// Who asks; nobody, and then how one may sign in.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum SessionView {
    SignedIn(SignedInView),
    Nobody(NobodyView),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedInView {
    /// The username, as roles name it: `user:bob`.
    user: String,
    /// The name for people.
    name: String,
    /// `password`, `link`, `oidc`, `token`, `account`, `folder` for the token of the data folder, or `impersonation` for whoever acts as
    /// this user.
    via: String,
    /// When it ends; null for the token of the data folder, which does not, and for `impersonation`.
    expires_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NobodyView {
    /// Always null.
    #[schema(value_type = Option<String>)]
    user: Option<()>,
    /// `password`, and `oidc` where there is a provider.
    methods: Vec<&'static str>,
    /// The provider.
    oidc: Option<ProviderView>,
}

#[derive(Serialize, ToSchema)]
struct ProviderView {
    /// What people call it.
    name: String,
}

/// Either a one-time link's secret, or a local user and their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// What stood behind `#link=`.
    #[schema(value_type = Option<String>)]
    link: Option<Secret<String>>,
    /// A local user's name, without `user:`.
    user: Option<String>,
    /// Their password.
    #[schema(value_type = Option<String>)]
    password: Option<Secret<String>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LinkView {
    /// Opens the page and signs in, once.
    url: String,
    /// Until when it is good.
    expires_at: String,
}

#[derive(Serialize, ToSchema)]
struct SessionList {
    items: Vec<SessionItem>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionItem {
    id: String,
    /// Whose, as people are shown it.
    user: String,
    /// How they came in.
    via: String,
    created_at: String,
    used_at: String,
    expires_at: String,
    /// Where from; empty if that is not known.
    from: String,
    /// The session that asks.
    current: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Whose {
    /// A local user; without it one's own. Others' need the right to `get` `users.seaway.dev`.
    user: Option<String>,
}

/// Reads a body that may hold secrets: what is wrong with it is told without repeating it.
pub(crate) fn read<T: DeserializeOwned>(body: Body<Value>) -> Result<T, Problem> {
    serde_json::from_value(body.value).map_err(|_| {
        Problem::invalid("the body has other fields, or of other forms, than this takes")
            .hint("/seaway/v1/openapi.json tells them")
    })
}

/// The `Set-Cookie` of a session.
pub(crate) fn cookie(info: &Info, opened: &NewSession) -> HeaderValue {
    set_cookie(info, opened.cookie.reveal(), "")
}

/// The browser forgets it when it closes, or keeps it where it restores its windows; the session itself ends here in any case.
fn set_cookie(info: &Info, value: &str, more: &str) -> HeaderValue {
    let text = format!("{}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{more}", info.cookie);
    // A cookie is of base64's letters, its name of hexadecimal digits.
    let mut header = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// Who is signed in
#[utoipa::path(get, path = "/seaway/v1/session", operation_id = "getSession", tag = "sign-in",
    responses((status = 200, description = "Who asks, or how one may sign in.", body = SessionView), Refused))]
async fn session(State(state): State<ServerState>, proof: Option<Extension<Proof>>) -> Response {
    let view = match proof {
        Some(Extension(proof)) => SessionView::SignedIn(signed_in(&proof)),
        None => {
            let oidc = state.oidc.as_ref().map(|oidc| ProviderView { name: oidc.name().to_owned() });
            let methods = if oidc.is_some() { vec!["password", "oidc"] } else { vec!["password"] };
            SessionView::Nobody(NobodyView { user: None, methods, oidc })
        }
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(view)).into_response()
}

fn signed_in(proof: &Proof) -> SignedInView {
    let (via, expires_at) = match proof {
        Proof::Folder(_) => ("folder".to_owned(), None),
        Proof::SignedIn(signed_in) => (signed_in.via.to_string(), Some(signed_in.expires_at.to_string())),
        Proof::Acting(_) => ("impersonation".to_owned(), None),
    };
    let Person { username, name, .. } = proof.person();
    SignedInView { user: username.clone(), name: name.clone(), via, expires_at }
}

/// Signs in, by a one-time link or by a password
#[utoipa::path(post, path = "/seaway/v1/session", operation_id = "signIn", tag = "sign-in", request_body = SignIn,
    responses((status = 204, description = "Signed in: the cookie is set.", headers(("Set-Cookie" = String))), Refused, NotDone))]
async fn sign_in(
    State(state): State<ServerState>,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    proof: Option<Extension<Proof>>,
    headers: HeaderMap,
    body: Body<Value>,
) -> Result<Response, Problem> {
    in_person(proof.as_deref(), "sign in")?;
    let asked: SignIn = read(body)?;
    // What is no user's name may be a password in the wrong field.
    let named = asked.user.clone().filter(|name| state.identities.has_user(name));
    let opened = match asked {
        SignIn { link: Some(link), user: None, password: None } => state.identities.sign_in_by_link(link.reveal(), from).await,
        SignIn { link: None, user: Some(user), password: Some(password) } => {
            state.identities.sign_in(&user, &password, from).await
        }
        _ => return Err(Problem::invalid("either `link`, or `user` and `password`")),
    };
    let opened = opened.map_err(|err| {
        tracing::info!(%from, user = named, why = %err, "a sign-in was refused");
        Problem::from(err)
    })?;
    tracing::info!(%from, user = opened.username, session = opened.id, "signed in");
    // Whoever signs in anew leaves the session before, unless the new one came of its link and would end with it.
    if let Some(before) = cookie_of(&headers, &state.info).and_then(|cookie| state.identities.session(cookie))
        && !state.identities.ends_with(&opened.id, &before.id)
    {
        state.identities.end_session(&before.id).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&state.info, &opened))]).into_response())
}

/// Signs out
#[utoipa::path(delete, path = "/seaway/v1/session", operation_id = "signOut", tag = "sign-in",
    responses((status = 204, description = "The session has ended, if there was one; a token stays.", headers(("Set-Cookie" = String))), Refused))]
async fn sign_out(State(state): State<ServerState>, proof: Option<Extension<Proof>>) -> Result<Response, Problem> {
    in_person(proof.as_deref(), "sign out")?;
    if let Some(id) = proof.as_ref().and_then(|Extension(proof)| proof.session()) {
        state.identities.end_session(id).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&state.info, "", "; Max-Age=0"))]).into_response())
}

/// Makes a link that signs whoever asks in once
#[utoipa::path(post, path = "/seaway/v1/links", operation_id = "makeLink", tag = "sign-in", request_body = Nothing,
    responses((status = 200, description = "The link; it is told this once.", body = LinkView), Refused, NotDone))]
async fn make_link(caller: Caller, Extension(proof): Extension<Proof>, _: Body<Nothing>) -> Result<Response, Problem> {
    in_person(Some(&proof), "make links")?;
    unscoped(&proof, "make links")?;
    let bound = match &proof {
        Proof::Folder(_) | Proof::Acting(_) => None,
        Proof::SignedIn(signed_in) => Some(signed_in.bound()),
    };
    let made = caller.state.identities.make_link(proof.person(), bound).await?;
    let url = format!("{}/#link={}", caller.state.info.url, made.secret.reveal());
    let view = LinkView { url, expires_at: made.expires_at.to_string() };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)).into_response())
}

/// The sessions of whoever asks
#[utoipa::path(get, path = "/seaway/v1/sessions", operation_id = "listSessions", tag = "sign-in", params(Whose),
    responses((status = 200, description = "The sessions, the newest first.", body = SessionList), Refused))]
async fn sessions(
    caller: Caller,
    Extension(proof): Extension<Proof>,
    Params(whose): Params<Whose>,
) -> Result<Json<SessionList>, Problem> {
    unscoped(&proof, "see sessions")?;
    let username = match &whose.user {
        Some(name) => users::someone(&caller, &proof, "get", name)?,
        None => proof.person().username.clone(),
    };
    let own = caller.state.identities.sessions().into_iter().filter(|row| row.username == username);
    let items = own.map(|row| item(row, proof.session())).collect();
    Ok(Json(SessionList { items }))
}

fn item(row: SessionRow, current: Option<&str>) -> SessionItem {
    SessionItem {
        current: current == Some(row.id.as_str()),
        id: row.id,
        user: row.name,
        via: row.via.to_string(),
        created_at: row.created_at.to_string(),
        used_at: row.used_at.to_string(),
        expires_at: row.expires_at.to_string(),
        from: row.from.map(|from| from.to_string()).unwrap_or_default(),
    }
}

/// Ends a session
#[utoipa::path(delete, path = "/seaway/v1/sessions/{id}", operation_id = "endSession", tag = "sign-in",
    params(("id" = String, Path, description = "Which one. Others' need the right to `update` `users.seaway.dev`.")),
    responses((status = 204, description = "It has ended."), Refused))]
async fn end_session(
    caller: Caller,
    Extension(proof): Extension<Proof>,
    Place(id): Place<String>,
) -> Result<StatusCode, Problem> {
    in_person(Some(&proof), "end sessions")?;
    unscoped(&proof, "end sessions")?;
    let unknown = || Problem::not_found("session of that id").hint("GET /seaway/v1/sessions lists them");
    let found = caller.state.identities.sessions().into_iter().find(|row| row.id == id).ok_or_else(unknown)?;
    users::own_or_managed(&caller, &proof, &found.username).map_err(|_| unknown())?;
    if caller.state.identities.end_session(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

/// Ways to sign in are made and ended by the person themselves: a right to act as somebody lasts no longer than the request.
pub(crate) fn in_person(proof: Option<&Proof>, what: &str) -> Result<(), Problem> {
    let Some(Proof::Acting(person)) = proof else { return Ok(()) };
    let why = format!("whoever acts as another may not {what}, here as {}", person.username);
    Err(Problem::new(Type::NotAuthorised, why)
        .hint("leave out Impersonate-* (`--as`, or `as:` in the kubeconfig), or sign in as them"))
}

/// What a scope takes away must not come back by another way in.
pub(crate) fn unscoped(proof: &Proof, what: &str) -> Result<(), Problem> {
    if proof.person().scope.as_ref().is_none_or(Scope::is_everything) {
        return Ok(());
    }
    let why = format!("a token with a scope may not {what}");
    Err(Problem::new(Type::NotAuthorised, why).hint("sign in, or use a token without a scope"))
}

impl From<IdentityError> for Problem {
    fn from(err: IdentityError) -> Self {
        let said = err.to_string();
        match err {
            IdentityError::Kept { .. } | IdentityError::NotSynced { .. } => {
                tracing::error!(error = seaway_base::chain(&err), "keep an identity");
                Self::new(Type::Unavailable, said).hint("the server's log has the cause; try again")
            }
            IdentityError::Key { .. } => Self::bug("the key of service-account tokens", &said),
            IdentityError::Contended { .. } | IdentityError::Exists { .. } => Self::new(Type::Conflict, said),
            IdentityError::NoSuch { .. } => Self::new(Type::NotFound, said),
            IdentityError::Busy => Self::new(Type::TooManyRequests, said).retry_after(1),
            IdentityError::Name(_) | IdentityError::Password(_) | IdentityError::TooMany { .. } | IdentityError::Refused(_) => {
                Self::invalid(said)
            }
        }
    }
}

impl From<SignInError> for Problem {
    fn from(err: SignInError) -> Self {
        let said = err.to_string();
        match err {
            SignInError::Wrong => Self::new(Type::NotAuthenticated, said),
            SignInError::LinkExpired | SignInError::LinkUsed => {
                Self::new(Type::NotAuthenticated, said).hint("`seaway open` makes another")
            }
            SignInError::TooMany { wait } => Self::new(Type::TooManyRequests, said).retry_after(wait.as_secs() + 1),
            SignInError::Failed(err) => err.into(),
        }
    }
}
