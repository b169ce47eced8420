//! Plans: what a promotion would write and do, and whether it could start now.

use super::ask::{Body, Caller, NotDone, Place, Refused, freight, named, require};
use crate::live::within;
use crate::problem::Problem;
use axum::Json;
use seaway_api::kargo::{Freight, Stage};
use seaway_api::seaway::{GROUP, Plan, PlanStatus, PlannedFile};
use seaway_core::authorize::Resource;
use seaway_core::freight::Labels;
use seaway_verbs::Verbs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use utoipa::ToSchema;

/// A plan may take so long.
pub(super) const PLAN: Duration = Duration::from_secs(120);

/// What is to be planned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stage": "prod-eu", "freight": "1.5.0" }))]
pub(crate) struct PlanAsk {
    /// The stage.
    stage: String,
    /// The freight: name, alias or version.
    freight: String,
}

/// What a promotion would write and do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanView {
    /// The plan in a sentence.
    pub(super) sentence: String,
    /// The stage.
    pub(super) stage: String,
    /// The freight's name.
    pub(super) freight: String,
    /// What the freight is called.
    pub(super) label: String,
    /// What an approval binds to; empty if there is no plan.
    pub(super) digest: String,
    /// Whether anything would change.
    pub(super) changed: bool,
    /// Whether differences were left out because they grew too big; the digest covers them.
    pub(super) truncated: bool,
    /// The files that would change.
    pub(super) files: Vec<FileView>,
    /// What would be done to the world, in order.
    pub(super) effects: Vec<EffectView>,
    /// What it would wait for.
    pub(super) waits: Vec<WaitView>,
    /// Parts that cannot be told beforehand, and why.
    pub(super) unknown: Vec<String>,
    /// Whether it could start now.
    pub(super) can_start: StartView,
    /// Why there is no plan; null if there is one.
    pub(super) failure: Option<FailureView>,
}

/// A file that would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PlannedFile)]
pub(crate) struct FileView {
    /// The repository.
    pub(super) repository: String,
    /// The branch.
    pub(super) branch: String,
    /// The path.
    pub(super) path: String,
    /// The mode, in octal; empty if it goes away.
    pub(super) mode: String,
    /// The id of its content afterwards, as git counts it; empty if it goes away.
    #[serde(rename = "newBlob")]
    pub(super) new_blob: String,
    /// The change, as unified hunks.
    pub(super) diff: String,
    /// Lines that come.
    pub(super) added: usize,
    /// Lines that go.
    pub(super) removed: usize,
    /// Whether it is not text.
    pub(super) binary: bool,
}

impl From<&PlannedFile> for FileView {
    fn from(file: &PlannedFile) -> Self {
        // Before the first hunk there are only headers.
        let begin = |sign: &str| {
            file.diff.lines().skip_while(|line| !line.starts_with("@@")).filter(|line| line.starts_with(sign)).count()
        };
        Self {
            repository: seaway_core::view::shown(&file.repository),
            branch: file.branch.clone(),
            path: file.path.clone(),
            mode: file.mode.clone(),
            new_blob: file.new_blob.clone(),
            added: begin("+"),
            removed: begin("-"),
            diff: file.diff.clone(),
            binary: file.binary,
        }
    }
}

/// Something that would be done to the world.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EffectView {
    /// The step.
    alias: String,
    /// What it is, such as `git-push`.
    kind: String,
    /// What it would do, in a sentence.
    description: String,
}

/// A wait that it would meet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WaitView {
    /// The step; empty for a gate before the first.
    alias: String,
    /// For what.
    r#for: String,
    /// What would release it.
    released_by: String,
}

/// Whether it could start now.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StartView {
    /// Whether it could.
    now: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Why there is no plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureView {
    /// In the catalogue's word, or the plan's phase.
    reason: String,
    /// In a sentence.
    message: String,
}

/// Plans a promotion, and waits for the plan
///
/// A plan that could not be made is an answer too: `failure` says why.
#[utoipa::path(post, path = "/seaway/v1/projects/{project}/plans", tag = "promotions", params(("project" = String, Path)),
    request_body = PlanAsk, responses((status = 200, body = PlanView), Refused, NotDone))]
pub(super) async fn plan(caller: Caller, Place(project): Place<String>, asked: Body<PlanAsk>) -> Result<Json<PlanView>, Problem> {
    let verbs = caller.verbs(&project).await?;
    require(&caller, "create", Resource { group: GROUP, ..within(&project, "plans", "") })?;
    let stage = verbs.stage(named("stage", &asked.value.stage)?).await?;
    let freight = freight(&verbs, &asked.value.freight).await?;
    let plan = verbs.plan_settled(&asked.value.stage, &freight, PLAN).await?;
    let live = caller.state.served.hub.project(&project).await?;
    let labels = live.held.read().ask(caller.state.clock.now(), &|_| false, |world| world.labels());
    Ok(Json(view(&plan, &stage, &freight, &labels)))
}

/// Plans anew, as far as it can be.
pub(super) async fn again(verbs: &Verbs, stage: &str, freight: &Freight) -> Result<PlanStatus, Problem> {
    let plan = verbs.plan_settled(stage, freight, PLAN).await?;
    Ok(plan.status.unwrap_or_default())
}

fn view(plan: &Plan, stage: &Stage, freight: &Freight, labels: &Labels) -> PlanView {
    let status = plan.status.clone().unwrap_or_default();
    let name = stage.metadata.name.clone().unwrap_or_default();
    let reference = freight.reference();
    let inside = stage.status.as_ref().and_then(|status| status.freight_history.first());
    let has = inside.and_then(|current| current.items.get(&freight.origin.key())).map(|has| labels.version_of(has));
    let ready = status.phase == "Ready";
    let changed = status.changed.unwrap_or(false);
    let can_start = match &status.can_start {
        Some(start) => StartView { now: start.allowed, reason: Some(start.reasons.join("; ")).filter(|it| !it.is_empty()) },
        None => StartView::default(),
    };
    let failure = (!ready).then(|| FailureView { reason: reason(&status), message: status.message.clone() });
    PlanView {
        sentence: if ready {
            sentence(&name, has.as_deref(), &labels.version_of(&reference), &status)
        } else {
            status.message.clone()
        },
        stage: name,
        freight: reference.name.clone(),
        label: labels.of(&reference),
        digest: status.digest.clone(),
        changed,
        truncated: status.truncated,
        files: status.files.iter().map(FileView::from).collect(),
        effects: status
            .effects
            .iter()
            .map(|it| EffectView { alias: it.alias.clone(), kind: it.kind.clone(), description: it.description.clone() })
            .collect(),
        waits: status
            .waits
            .iter()
            .map(|it| WaitView { alias: it.alias.clone(), r#for: it.for_.clone(), released_by: it.released_by.clone() })
            .collect(),
        unknown: status.segments.iter().filter(|it| it.kind != "exact").map(|it| it.condition.clone()).collect(),
        can_start,
        failure,
    }
}

fn reason(status: &PlanStatus) -> String {
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready" && !condition.reason.is_empty());
    ready.map_or_else(|| status.phase.clone(), |condition| condition.reason.clone())
}

/// `prod-eu goes from 1.4.8 to 1.5.0: 1 file, 1 commit on main, then push.`
fn sentence(stage: &str, from: Option<&str>, to: &str, status: &PlanStatus) -> String {
    let moves = match from {
        Some(from) if from == to => format!("{stage} has {to} already"),
        Some(from) => format!("{stage} goes from {from} to {to}"),
        None => format!("{stage} gets {to}"),
    };
    if status.changed == Some(false) {
        return format!("{moves}: nothing would be written.");
    }
    let branches: BTreeSet<&str> = status.files.iter().map(|file| file.branch.as_str()).collect();
    let n_files = status.files.len();
    let mut does = Vec::new();
    if n_files > 0 {
        does.push(format!("{n_files} {}", if n_files == 1 { "file" } else { "files" }));
        let on = branches.iter().map(|branch| format!("`{branch}`")).collect::<Vec<_>>().join(" and ");
        does.push(if branches.len() == 1 { format!("1 commit on {on}") } else { format!("commits on {on}") });
    }
    let kinds: Vec<&str> = status.effects.iter().map(|it| it.kind.as_str()).collect();
    let pushes = kinds.contains(&"git-push");
    let others = kinds.iter().filter(|kind| **kind != "git-push").count();
    if pushes {
        does.push("then push".to_owned());
    }
    if others > 0 {
        does.push(format!("and {others} more {}", if others == 1 { "effect" } else { "effects" }));
    }
    if does.is_empty() { format!("{moves}.") } else { format!("{moves}: {}.", does.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::seaway::PlannedEffect;

    #[test]
    fn a_plan_is_told_in_a_sentence() {
        let file = |branch: &str| PlannedFile { branch: branch.to_owned(), ..PlannedFile::default() };
        let effect = |kind: &str| PlannedEffect { kind: kind.to_owned(), ..PlannedEffect::default() };
        let check = |from: Option<&str>, files: Vec<PlannedFile>, effects: Vec<PlannedEffect>, wanted: &str| {
            let changed = Some(!effects.is_empty());
            let status = PlanStatus { files, effects, changed, ..PlanStatus::default() };
            assert_eq!(sentence("prod-eu", from, "1.5.0", &status), wanted);
        };
        let push = || vec![effect("git-push")];
        check(
            Some("1.4.8"),
            vec![file("main")],
            push(),
            "prod-eu goes from 1.4.8 to 1.5.0: 1 file, 1 commit on `main`, then push.",
        );
        check(None, vec![file("main"), file("x")], push(), "prod-eu gets 1.5.0: 2 files, commits on `main` and `x`, then push.");
        check(Some("1.5.0"), vec![], vec![], "prod-eu has 1.5.0 already: nothing would be written.");
        check(None, vec![], vec![effect("http")], "prod-eu gets 1.5.0: and 1 more effect.");
    }

    #[test]
    fn lines_are_counted_without_headers() {
        let diff = "--- a\n+++ b\n@@ -1 +1,2 @@\n--- x\n+y\n+z\n".to_owned();
        let view = FileView::from(&PlannedFile { diff, ..PlannedFile::default() });
        assert_eq!((view.added, view.removed), (2, 1));
    }
}
