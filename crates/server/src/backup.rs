//! `POST /seaway/v1/backup`: a consistent copy of the store, streamed while serving. Sealed objects stay sealed in it.

use crate::api::ask::Refused;
use crate::problem::{Problem, Type};
use crate::state::ServerState;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use seaway_apiserver::{ApiServer, Identity};
use std::path::Path;
use tokio::sync::Mutex;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where a client asks for a copy.
pub const PATH: &str = "/seaway/v1/backup";
/// Who may: the store holds everything.
const GROUP: &str = "system:masters";
/// Copies are large: one is made at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// Its route; it needs an identity.
pub(crate) fn router() -> OpenApiRouter<ServerState> {
    OpenApiRouter::new().routes(routes!(backup))
}

/// Takes a copy of everything, while serving
#[utoipa::path(post, path = "/seaway/v1/backup", operation_id = "backup", tag = "across projects",
    responses((status = 200, description = "An SQLite database, for members of `system:masters`; sealed objects stay sealed in it.",
        content_type = "application/vnd.sqlite3", body = [u8]), Refused,
        (status = 500, description = "It could not be made", content_type = "application/problem+json", body = crate::problem::ProblemBody)))]
async fn backup(State(state): State<ServerState>, Extension(identity): Extension<Identity>) -> Result<Response, Problem> {
    // A member whose token has a scope is refused by the policy.
    if !identity.is_cluster_admin() || !state.api.authorizer().decide_path(&identity, "post", PATH).is_allowed() {
        let why = format!("a backup holds everything: only members of {GROUP} may take one");
        return Err(Problem::new(Type::NotAuthorised, why).hint("somebody with the data folder's kubeconfig can take it"));
    }
    let _turn = TURN.lock().await;
    let path = state.info.scratch.join(format!("backup-{}.db", std::process::id()));
    match copy(&state.api, &path).await {
        Ok(response) => Ok(response),
        Err(message) => {
            let _ = tokio::fs::remove_file(&path).await;
            tracing::error!(error = message, "back up the store");
            Err(Problem::new(Type::Bug, message).hint("the control plane's log has more; it can be repeated at any time"))
        }
    }
}

async fn copy(api: &ApiServer, path: &Path) -> Result<Response, String> {
    let io = |what: &'static str| move |err: std::io::Error| format!("{what} the copy: {err}");
    tokio::fs::create_dir_all(path.parent().unwrap_or(path)).await.map_err(io("make the folder of"))?;
    let _ = tokio::fs::remove_file(path).await;
    api.store().backup_to(path).await.map_err(|err| format!("copy the store: {}", seaway_base::chain(&err)))?;
    let file = tokio::fs::File::open(path).await.map_err(io("open"))?;
    let n_bytes = file.metadata().await.map_err(io("measure"))?.len();
    // The open file outlives its name: nothing stays behind, whatever becomes of the client.
    tokio::fs::remove_file(path).await.map_err(io("remove"))?;
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.sqlite3"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(n_bytes));
    Ok(response)
}
