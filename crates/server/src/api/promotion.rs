//! One promotion: its steps with what they put out, its journal, and what was planned beside what was written.

use super::ask::{Caller, Place, Refused, named};
use super::plans::FileView;
use crate::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use seaway_api::kargo::Promotion;
use seaway_api::kargo::names::annotation;
use seaway_api::seaway::{Plan, PromotionRun};
use seaway_core::view::{Lens, PromotionRow, shown};
use seaway_core::why::{Answer, plainly};
use seaway_runs::{RunState, StepState};
use seaway_verbs::World;
use serde::Serialize;
use utoipa::ToSchema;

/// A promotion, whole.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PromotionView {
    /// What the board says of it.
    #[serde(flatten)]
    row: PromotionRow,
    /// Its steps, in order.
    steps: Vec<StepView>,
    /// Why it stands as it does.
    answer: Option<Answer>,
    /// What happened, the oldest first.
    events: Vec<JournalEvent>,
    /// The plan it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    plan_digest: Option<String>,
    /// The step of which nobody knows whether it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uncertain_step: Option<String>,
    /// What its plan said it would write; null if it was asked for without one, or the plan is not kept any more.
    planned: Option<Planned>,
    /// What it wrote; null as long as nothing was pushed.
    written: Option<Written>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepView {
    /// Its alias.
    alias: String,
    /// Which step it is.
    uses: String,
    /// `Pending`, `Running`, `Succeeded`, `Skipped`, `Failed`, `Errored`, `Aborted` or `Uncertain`.
    status: String,
    /// Why.
    message: String,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    finished_at: Option<Timestamp>,
    /// What it put out, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    output: Option<serde_json::Map<String, serde_json::Value>>,
    /// What its tools printed, secrets masked, the oldest cut.
    log: String,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalEvent {
    /// When.
    at: Timestamp,
    /// What: `asked`, `started`, `done`, `failed`, `pushed`, `ended`.
    name: String,
    /// To which step; empty for the promotion itself.
    step: String,
    /// What was said.
    message: String,
}

/// What was planned.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Planned {
    /// The plan's digest.
    digest: String,
    /// The files it would write.
    files: Vec<FileView>,
    /// Whether differences were left out.
    truncated: bool,
}

/// What was written; `…/written` has the files.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// By the same count as the plan's; empty if the run was bound to none.
    digest: String,
    /// The commits that landed.
    commits: Vec<Commit>,
}

/// A commit that landed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Commit {
    /// The repository.
    repository: String,
    /// The branch or tag.
    branch: String,
    /// The commit.
    commit: String,
    /// Where it can be read, if the code host is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<String>,
}

/// A promotion, with its steps and its journal
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/promotions/{name}", tag = "promotions",
    params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = PromotionView), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn promotion(
    caller: Caller,
    Place((project, name)): Place<(String, String)>,
) -> Result<Json<PromotionView>, Problem> {
    let verbs = caller.verbs(&project).await?;
    let promotion = verbs.promotion(named("promotion", &name)?).await?;
    let world = World::read(&verbs, caller.state.info.is_built, caller.state.clock.now()).await?;
    let (mut row, answer) = world.ask(|project| Lens::new(project).promotion(&promotion));
    let run = world.runs.iter().find(|run| run.name_any() == name);
    let state = journal(run);
    // The run knows them to the fraction of a second.
    row.started_at = state.started_at.or(row.started_at);
    row.finished_at = state.finished_at.or(row.finished_at);
    let digest = promotion.annotations().get(annotation::PLAN_DIGEST).cloned();
    let planned = match &digest {
        Some(digest) => planned(&verbs.api(), &promotion, digest).await?,
        None => None,
    };
    let written = written(run, &state);
    let uncertain = state.steps.iter().find(|step| step.effect.as_ref().is_some_and(|effect| effect.uncertain));
    Ok(Json(PromotionView {
        events: events(&promotion, &state),
        steps: steps(&promotion, &state),
        uncertain_step: uncertain.map(|step| step.alias.clone()),
        plan_digest: digest,
        answer: Some(answer),
        planned,
        written,
        row,
    }))
}

/// The journal of a run; one of a later release may say more than this one can read.
pub(super) fn journal(run: Option<&PromotionRun>) -> RunState {
    let journal = run.and_then(|run| run.status.as_ref()?.journal.clone());
    journal.and_then(|journal| serde_json::from_value(journal).ok()).unwrap_or_default()
}

fn steps(promotion: &Promotion, state: &RunState) -> Vec<StepView> {
    if state.steps.is_empty() {
        // It has not begun: its steps are those that admission gave it.
        let pending = promotion.spec.steps.iter().map(|step| StepView {
            alias: step.r#as.clone(),
            uses: step.uses.clone(),
            status: "Pending".to_owned(),
            message: String::new(),
            started_at: None,
            finished_at: None,
            output: None,
            log: String::new(),
        });
        return pending.collect();
    }
    state.steps.iter().map(|step| of_step(step, state)).collect()
}

fn of_step(step: &StepState, state: &RunState) -> StepView {
    let uncertain = step.effect.as_ref().is_some_and(|effect| effect.uncertain);
    let status = if uncertain { "Uncertain" } else { step.status.map_or("Pending", |status| status.as_str()) };
    let own = state.tool_output.iter().filter(|output| output.step == step.alias);
    StepView {
        alias: step.alias.clone(),
        uses: step.uses.clone(),
        status: status.to_owned(),
        message: plainly(&step.message),
        started_at: step.started_at,
        finished_at: step.finished_at,
        output: step.output.clone(),
        log: own.map(|output| output.text.as_str()).collect::<Vec<_>>().join("\n"),
    }
}

fn events(promotion: &Promotion, state: &RunState) -> Vec<JournalEvent> {
    let event =
        |at, name: &str, step: &str, message: String| JournalEvent { at, name: name.to_owned(), step: step.to_owned(), message };
    let mut of_steps = Vec::new();
    for step in &state.steps {
        of_steps.extend(step.started_at.map(|at| event(at, "started", &step.alias, step.uses.clone())));
        let push = step.effect.as_ref().and_then(|effect| effect.push.as_ref());
        if let (Some(push), Some(at)) = (push, step.finished_at)
            && let Some(commit) = &push.landed
        {
            let commit = commit.get(..8).unwrap_or(commit);
            of_steps.push(event(at, "pushed", &step.alias, format!("commit {commit} on {}", push.name)));
        }
        let status = step.status.map(|status| status.as_str()).unwrap_or_default();
        let name = match status {
            "Succeeded" => "done".to_owned(),
            other => other.to_lowercase(),
        };
        of_steps.extend(step.finished_at.map(|at| event(at, &name, &step.alias, plainly(&step.message))));
    }
    of_steps.sort_by_key(|event| event.at);
    // Objects have whole seconds: what begins and ends it all is not put in between by its time.
    let actor = promotion.annotations().get(annotation::CREATE_ACTOR).map_or("", |actor| seaway_core::why::who(actor));
    let asked = promotion.metadata.creation_timestamp.as_ref().map(|at| event(at.0, "asked", "", actor.to_owned()));
    let started = state.started_at.map(|at| event(at, "started", "", String::new()));
    let ended = promotion.status.as_ref().and_then(|status| {
        let at = state.finished_at.or(status.finished_at.as_ref().map(|at| at.0))?;
        Some(event(at, "ended", "", format!("{} {}", status.phase, plainly(&status.message)).trim().to_owned()))
    });
    asked.into_iter().chain(started).chain(of_steps).chain(ended).collect()
}

async fn planned(plans: &Api<Plan>, promotion: &Promotion, digest: &str) -> Result<Option<Planned>, Problem> {
    let all = plans.list(&ListParams::default()).await?.items;
    let own = all.into_iter().filter(|plan| plan.spec.stage == promotion.spec.stage);
    let found = own.filter_map(|plan| plan.status).find(|status| status.digest == digest);
    Ok(found.map(|status| Planned {
        digest: status.digest,
        files: status.files.iter().map(FileView::from).collect(),
        truncated: status.truncated,
    }))
}

fn written(run: Option<&PromotionRun>, state: &RunState) -> Option<Written> {
    let pushed = state.steps.iter().filter_map(|step| Some((step, step.effect.as_ref()?.push.as_ref()?)));
    let commits: Vec<Commit> = pushed
        .filter_map(|(step, push)| {
            let link = step.output.as_ref().and_then(|output| output.get("commitURL")?.as_str().map(str::to_owned));
            let (repository, branch) = (shown(&push.repository.url), push.name.clone());
            Some(Commit { repository, branch, commit: push.landed.clone()?, link })
        })
        .collect();
    if commits.is_empty() {
        return None;
    }
    let of_run = run.and_then(|run| run.status.as_ref()).map(|status| status.plan_digest.clone());
    let digest = state.plan_digest.clone().or(of_run).unwrap_or_default();
    Some(Written { digest, commits })
}
