//! `POST /seaway/v1/backup`: a consistent copy of the store, streamed while serving. Sealed objects stay sealed in it.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json};
use seaway_apiserver::{ApiServer, Identity};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio_util::io::ReaderStream;

/// Where a client asks for a copy.
pub const PATH: &str = "/seaway/v1/backup";
/// Who may: the store holds everything.
const GROUP: &str = "system:masters";

struct Backups {
    api: ApiServer,
    scratch: PathBuf,
    one_at_a_time: Mutex<()>,
}

/// Its route; copies are made in `scratch` and gone once they are sent.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(api: &ApiServer, scratch: PathBuf) -> Router<S> {
    let backups = Arc::new(Backups { api: api.clone(), scratch, one_at_a_time: Mutex::default() });
    Router::new().route(PATH, post(backup)).with_state(backups)
}

async fn backup(State(backups): State<Arc<Backups>>, identity: Option<Extension<Identity>>) -> Response {
    // A member whose token has a scope is refused by the policy.
    let authorizer = backups.api.authorizer();
    let may = |identity: &Identity| identity.is_cluster_admin() && authorizer.decide_path(identity, "post", PATH).is_allowed();
    let allowed = identity.is_some_and(|Extension(identity)| may(&identity));
    if !allowed {
        return refuse(
            StatusCode::FORBIDDEN,
            "Forbidden",
            format!("a backup holds everything: only members of {GROUP} may take one"),
        );
    }
    let _turn = backups.one_at_a_time.lock().await;
    let path = backups.scratch.join(format!("backup-{}.db", std::process::id()));
    match copy(&backups, &path).await {
        Ok(response) => response,
        Err(message) => {
            let _ = tokio::fs::remove_file(&path).await;
            tracing::error!(error = message, "back up the store");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
        }
    }
}

async fn copy(backups: &Backups, path: &Path) -> Result<Response, String> {
    let io = |what: &'static str| move |err: std::io::Error| format!("{what} the copy: {err}");
    tokio::fs::create_dir_all(&backups.scratch).await.map_err(io("make the folder of"))?;
    let _ = tokio::fs::remove_file(path).await;
    backups.api.store().backup_to(path).await.map_err(|err| format!("copy the store: {}", seaway_base::chain(&err)))?;
    let file = tokio::fs::File::open(path).await.map_err(io("open"))?;
    let n_bytes = file.metadata().await.map_err(io("measure"))?.len();
    // The open file outlives its name: nothing stays behind, whatever becomes of the client.
    tokio::fs::remove_file(path).await.map_err(io("remove"))?;
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.sqlite3"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(n_bytes));
    Ok(response)
}

fn refuse(code: StatusCode, reason: &str, message: String) -> Response {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code.as_u16() });
    (code, Json(status)).into_response()
}
