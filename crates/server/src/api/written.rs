//! What a promotion wrote, told by git: the files that its commits changed, in the form in which its plan told what it would write.

use super::ask::{Caller, Place, Refused, named};
use super::plans::FileView;
use super::promotion::journal;
use crate::problem::Problem;
use axum::Json;
use seaway_api::seaway::PromotionRun;
use serde::Serialize;
use utoipa::ToSchema;

/// What a promotion wrote.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WrittenFiles {
    /// The files of all its commits, each against what stood there before the first of them.
    files: Vec<FileView>,
    /// Whether files or differences were left out because they grew too big.
    truncated: bool,
    /// What is not told, and why; a sentence each.
    unknown: Vec<String>,
}

/// What a promotion wrote, as git tells it
///
/// Nothing is told before a push landed. A repository that cannot be asked is no error: `unknown` says why.
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/promotions/{name}/written", tag = "promotions",
    params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = WrittenFiles), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn written(
    caller: Caller,
    Place((project, name)): Place<(String, String)>,
) -> Result<Json<WrittenFiles>, Problem> {
    let verbs = caller.verbs(&project).await?;
    verbs.promotion(named("promotion", &name)?).await?;
    let run = verbs.api::<PromotionRun>().get_opt(&name).await?;
    let told = caller.state.served.past.written(&project, &name, &journal(run.as_ref())).await;
    let files = told.files.iter().map(FileView::from).collect();
    Ok(Json(WrittenFiles { files, truncated: told.truncated, unknown: told.unknown }))
}
