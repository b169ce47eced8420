//! `/seaway/v1/users`: local users. Whoever manages them needs rights on the virtual resource `users.seaway.dev`; one's own password needs
//! the one before.

use crate::api::ask::{Body, Caller, NotDone, Place, Refused, require};
use crate::authenticate::Proof;
use crate::problem::Problem;
use crate::reach::ClientAddress;
use crate::session::{in_person, read, unscoped};
use crate::state::ServerState;
use axum::http::StatusCode;
use axum::{Extension, Json};
use seaway_base::Secret;
use seaway_core::authorize::{Resource, local_user};
use seaway_identity::{SignInError, UserRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes; they need an identity.
pub(crate) fn router() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(set_password)).routes(routes!(remove))
}

/// `users.seaway.dev`: no kind is behind it, only rights.
fn resource(name: &str) -> Resource<'_> {
    Resource { group: "seaway.dev", resource: "users", name, ..Resource::default() }
}

/// The username of a local user whom the caller is, or may do this to.
pub(crate) fn someone(caller: &Caller, proof: &Proof, verb: &str, name: &str) -> Result<String, Problem> {
    let username = local_user(name).map_err(|err| Problem::invalid(err.to_string()))?;
    if proof.person().username != username {
        require(caller, verb, resource(name))?;
    }
    Ok(username)
}

/// Whether something of this username is the caller's own, or theirs to manage.
pub(crate) fn own_or_managed(caller: &Caller, proof: &Proof, username: &str) -> Result<(), Problem> {
    if proof.person().username == username {
        return Ok(());
    }
    require(caller, "update", resource(username.strip_prefix("user:").unwrap_or(username)))
}

#[derive(Serialize, ToSchema)]
struct UserList {
    items: Vec<UserItem>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserItem {
    /// The name; roles say `user:<name>`.
    name: String,
    /// Their groups.
    groups: Vec<String>,
    created_at: String,
    /// When the password was set.
    password_since: String,
}

impl From<UserRow> for UserItem {
    fn from(row: UserRow) -> Self {
        let UserRow { name, groups, created_at, password_since } = row;
        Self { name, groups, created_at: created_at.to_string(), password_since: password_since.to_string() }
    }
}

/// A new local user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// Letters, digits and `._@+-`.
    name: String,
    /// Twelve characters or more.
    #[schema(value_type = String)]
    password: Secret<String>,
    /// Their groups; none begins with `system:` or `oidc:`.
    #[serde(default)]
    groups: Vec<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// Twelve characters or more.
    #[schema(value_type = String)]
    password: Secret<String>,
    /// The one before, where it is one's own.
    #[schema(value_type = Option<String>)]
    old: Option<Secret<String>>,
}

/// The local users
#[utoipa::path(get, path = "/seaway/v1/users", operation_id = "listUsers", tag = "sign-in",
    responses((status = 200, description = "The local users, by name. Needs `list` on `users.seaway.dev`.", body = UserList), Refused))]
async fn list(caller: Caller) -> Result<Json<UserList>, Problem> {
    require(&caller, "list", resource(""))?;
    Ok(Json(UserList { items: caller.state.identities.users().into_iter().map(UserItem::from).collect() }))
}

/// Makes a local user
#[utoipa::path(post, path = "/seaway/v1/users", operation_id = "addUser", tag = "sign-in", request_body = NewUser,
    responses((status = 201, description = "The user is there. Needs `create` on `users.seaway.dev`.", body = UserItem), Refused, NotDone))]
async fn add(
    caller: Caller,
    Extension(proof): Extension<Proof>,
    body: Body<Value>,
) -> Result<(StatusCode, Json<UserItem>), Problem> {
    in_person(Some(&proof), "manage users")?;
    unscoped(&proof, "manage users")?;
    require(&caller, "create", resource(""))?;
    let NewUser { name, password, groups } = read(body)?;
    let row = caller.state.identities.add_user(&name, &password, &groups).await?;
    tracing::info!(actor = %caller.identity.actor(), user = name, "made a user");
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// Gives a local user another password
#[utoipa::path(post, path = "/seaway/v1/users/{name}/password", operation_id = "setPassword", tag = "sign-in", request_body = NewPassword,
    params(("name" = String, Path, description = "The user. Others than oneself need `update` on `users.seaway.dev`.")),
    responses((status = 204, description = "It is set; the user's sessions, links and tokens have ended."), Refused, NotDone))]
async fn set_password(
    caller: Caller,
    Extension(proof): Extension<Proof>,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Place(name): Place<String>,
    body: Body<Value>,
) -> Result<StatusCode, Problem> {
    in_person(Some(&proof), "set passwords")?;
    unscoped(&proof, "set passwords")?;
    let username = someone(&caller, &proof, "update", &name)?;
    let NewPassword { password, old } = read(body)?;
    let identities = &caller.state.identities;
    if proof.person().username == username {
        let old = old.ok_or_else(|| Problem::invalid("`old`: one's own password is changed by who knows the one before"))?;
        identities.check_password(&name, &old, from).await.map_err(|err| match err {
            SignInError::Wrong => Problem::invalid("`old` is not the present password"),
            err => err.into(),
        })?;
    }
    identities.set_password(&name, &password).await?;
    tracing::info!(actor = %caller.identity.actor(), user = name, "set a password");
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a local user
#[utoipa::path(delete, path = "/seaway/v1/users/{name}", operation_id = "removeUser", tag = "sign-in",
    params(("name" = String, Path, description = "The user. Needs `delete` on `users.seaway.dev`.")),
    responses((status = 204, description = "The user is gone; their sessions, links and tokens have ended."), Refused, NotDone))]
async fn remove(caller: Caller, Extension(proof): Extension<Proof>, Place(name): Place<String>) -> Result<StatusCode, Problem> {
    in_person(Some(&proof), "manage users")?;
    unscoped(&proof, "manage users")?;
    require(&caller, "delete", resource(&name))?;
    caller.state.identities.remove_user(&name).await?;
    tracing::info!(actor = %caller.identity.actor(), user = name, "removed a user");
    Ok(StatusCode::NO_CONTENT)
}
