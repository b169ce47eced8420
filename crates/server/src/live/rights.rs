//! What the caller may do in a project, apart from the board, which is the same for all.

use crate::problem::Problem;
use seaway_api::kargo::GROUP;
use seaway_apiserver::{Authorizer, Identity};
use seaway_core::authorize::Resource;
use serde::Serialize;
use utoipa::ToSchema;

/// The kinds that whoever reads a board must be able to list.
const BOARD: [&str; 4] = ["stages", "freights", "warehouses", "promotions"];

/// What the caller may do in this project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rights {
    /// The stages the caller may promote to, approve freight for, abort and resolve in.
    pub promote: Vec<String>,
    /// Whether approvals may be written at all; `promote` says for which stages.
    pub approve: bool,
    /// Whether the caller may ask for a look.
    pub refresh: bool,
    /// Whether the caller may write the project's documents.
    pub write: bool,
}

/// Something of a project.
pub(crate) const fn within<'a>(project: &'a str, resource: &'a str, name: &'a str) -> Resource<'a> {
    Resource { group: GROUP, resource, subresource: "", namespace: project, name }
}

impl Rights {
    /// What somebody may do in a project that has these stages.
    pub(crate) fn of(authorizer: &Authorizer, who: &Identity, project: &str, stages: &[String]) -> Self {
        let allows = |verb: &str, resource: Resource<'_>| authorizer.allows(who, verb, resource);
        let everywhere = allows("promote", within(project, "stages", ""));
        let may = |stage: &&String| everywhere || allows("promote", within(project, "stages", stage));
        let creates = allows("create", within(project, "promotions", ""));
        let status = Resource { subresource: "status", ..within(project, "freights", "") };
        Self {
            promote: if creates { stages.iter().filter(may).cloned().collect() } else { Vec::new() },
            approve: allows("patch", status),
            refresh: allows("refresh", within(project, "warehouses", "")) && allows("get", within(project, "warehouses", "")),
            write: allows("patch", within(project, "stages", "")),
        }
    }
}

/// Whether somebody may read a project's board.
///
/// # Errors
/// A problem that names the first right that is lacking.
pub(crate) fn may_read(authorizer: &Authorizer, who: &Identity, project: &str) -> Result<(), Problem> {
    for resource in BOARD {
        authorizer.decide(who, "list", within(project, resource, "")).into_result()?;
    }
    Ok(())
}
