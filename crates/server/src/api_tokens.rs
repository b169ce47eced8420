//! `/seaway/v1/tokens`: API tokens of whoever asks, with a scope and an end, told once.

use crate::api::ask::{Body, Caller, NotDone, Params, Place, Refused};
use crate::authenticate::Proof;
use crate::problem::Problem;
use crate::session::{in_person, unscoped};
use crate::state::ServerState;
use crate::users;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use seaway_core::authorize::Scope;
use seaway_identity::TokenRow;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A token lasts so long where nobody says: thirty days.
const LASTS_SECONDS: u64 = 30 * 24 * 3600;

/// The routes; they need an identity.
pub(crate) fn router() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(revoke))
}

/// What a token may do of what its owner may; an empty list is everything.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct ScopeView {
    /// The only projects.
    projects: Vec<String>,
    /// The only verbs: `get`, `promote`, ….
    verbs: Vec<String>,
}

#[derive(Serialize, ToSchema)]
struct TokenList {
    items: Vec<TokenItem>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TokenItem {
    id: String,
    /// What it was called.
    name: String,
    /// What it is narrowed to, if it is.
    scope: Option<ScopeView>,
    created_at: String,
    expires_at: String,
    /// When it was last used, if it was.
    used_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct MadeToken {
    #[serde(flatten)]
    row: TokenItem,
    /// The token; it is told this once.
    token: String,
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewToken {
    /// What it is for: `nightly build`.
    name: String,
    /// What it is narrowed to; without it, it may do all that its owner may.
    scope: Option<ScopeView>,
    /// Seconds until it ends; without it thirty days. A year at the most, thirty days for whom an identity provider vouches, and no
    /// longer than the token that makes it, or the session of a link.
    expires_in: Option<u64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Whose {
    /// A local user; without it one's own. Others' need the right to `get` `users.seaway.dev`.
    user: Option<String>,
}

impl From<TokenRow> for TokenItem {
    fn from(row: TokenRow) -> Self {
        let scope = row.scope.map(|Scope { projects, verbs }| ScopeView { projects, verbs });
        let (created_at, expires_at) = (row.created_at.to_string(), row.expires_at.to_string());
        Self { id: row.id, name: row.name, scope, created_at, expires_at, used_at: row.used_at.map(|at| at.to_string()) }
    }
}

/// The API tokens of whoever asks
#[utoipa::path(get, path = "/seaway/v1/tokens", operation_id = "listTokens", tag = "sign-in", params(Whose),
    responses((status = 200, description = "The tokens, the newest first; none is told itself.", body = TokenList), Refused))]
async fn list(
    caller: Caller,
    Extension(proof): Extension<Proof>,
    Params(whose): Params<Whose>,
) -> Result<Json<TokenList>, Problem> {
    unscoped(&proof, "see tokens")?;
    let username = match &whose.user {
        Some(name) => users::someone(&caller, &proof, "get", name)?,
        None => proof.person().username.clone(),
    };
    let rows = caller.state.identities.tokens(Some(&username));
    Ok(Json(TokenList { items: rows.into_iter().map(TokenItem::from).collect() }))
}

/// Makes an API token for whoever asks
#[utoipa::path(post, path = "/seaway/v1/tokens", operation_id = "makeToken", tag = "sign-in", request_body = NewToken,
    responses((status = 201, description = "The token; it is told this once.", body = MadeToken), Refused, NotDone))]
async fn make(caller: Caller, Extension(proof): Extension<Proof>, body: Body<NewToken>) -> Result<Response, Problem> {
    in_person(Some(&proof), "make tokens")?;
    unscoped(&proof, "make tokens")?;
    let NewToken { name, scope, expires_in } = body.value;
    let lasts = Duration::from_secs(expires_in.unwrap_or(LASTS_SECONDS));
    let bound = match &proof {
        Proof::Folder(_) | Proof::Acting(_) => None,
        Proof::SignedIn(signed_in) => signed_in.bound_of_tokens(),
    };
    let scope = scope.map(|ScopeView { projects, verbs }| Scope { projects, verbs });
    let made = caller.state.identities.make_token_within(proof.person(), &name, scope, lasts, bound);
    let (token, row) = made.await?;
    let (token, row) = (token.reveal().clone(), TokenItem::from(row));
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(MadeToken { row, token })).into_response())
}

/// Ends an API token
#[utoipa::path(delete, path = "/seaway/v1/tokens/{id}", operation_id = "revokeToken", tag = "sign-in",
    params(("id" = String, Path, description = "Which one. Others' need the right to `update` `users.seaway.dev`.")),
    responses((status = 204, description = "It has ended."), Refused))]
async fn revoke(caller: Caller, Extension(proof): Extension<Proof>, Place(id): Place<String>) -> Result<StatusCode, Problem> {
    in_person(Some(&proof), "revoke tokens")?;
    unscoped(&proof, "revoke tokens")?;
    let unknown = || Problem::not_found("token of that id").hint("GET /seaway/v1/tokens lists them");
    let found = caller.state.identities.tokens(None).into_iter().find(|row| row.id == id).ok_or_else(unknown)?;
    users::own_or_managed(&caller, &proof, &found.username).map_err(|_| unknown())?;
    if caller.state.identities.revoke_token(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
