//! Cases of steps: the real step on a real work folder, its answer compared with Kargo's.

use super::entries::{self, Tree};
use super::http_server::Server;
use super::same::{self, Labels};
use super::{Verdict, decisions, git};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use seaway_api::kargo::{FreightReference, FreightRequest, Warehouse};
use seaway_base::SystemClock;
use seaway_base::http::{Egress, HttpClient};
use seaway_git::{Credential, MirrorOptions, Mirrors, WorkFolder};
use seaway_runs::{
    Answer, Credentials, Facts, FailureStatus, GitIdentity, Ports, Purpose, RepoKind, Step, StepContext, StepError,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What our step did.
#[derive(Debug, Default)]
pub(crate) struct Ours {
    /// In Kargo's words; `InvalidConfig` and `Blocked` besides.
    pub(crate) status: String,
    /// For the catalogue.
    pub(crate) reason: String,
    /// For people.
    pub(crate) message: String,
    /// The output.
    pub(crate) output: Value,
    /// Every branch of the remotes still holds what it held before.
    pub(crate) nothing_lost: bool,
    /// The delay suggested with `Running`, in seconds.
    pub(crate) retry_after: Option<f64>,
    /// The folder before.
    pub(crate) before: Tree,
    /// The folder afterwards; none if the step did not get that far.
    pub(crate) after: Option<Tree>,
}

/// Nobody has credentials here.
#[derive(Debug)]
pub(crate) struct NoCredentials;

#[async_trait]
impl Credentials for NoCredentials {
    async fn find(&self, _: &str, _: RepoKind, _: &str) -> Result<Option<Credential>, StepError> {
        Ok(None)
    }
}

/// The one client of all cases.
pub(crate) async fn http() -> Result<HttpClient> {
    static HTTP: OnceCell<HttpClient> = OnceCell::const_new();
    Ok(HTTP.get_or_try_init(async || HttpClient::new(Egress::local())).await?.clone())
}

/// Ports below a folder.
pub(crate) fn ports(dir: &Path, http: HttpClient, mirrors: Mirrors) -> Ports {
    Ports {
        git: Arc::new(mirrors),
        credentials: Arc::new(NoCredentials),
        http,
        clock: SystemClock::shared(),
        scratch: dir.join("scratch"),
    }
}

/// The promotion of a case.
pub(crate) fn facts(case: &Value) -> Result<Facts> {
    let context = &case["context"];
    let freight: Vec<FreightReference> = read(&context["freight"])?;
    let requested: Vec<FreightRequest> = read(&context["freightRequests"])?;
    let warehouses: Vec<Warehouse> = read(&context["warehouses"])?;
    let target = freight.first();
    Ok(Facts {
        project: "demo".into(),
        stage: "test".into(),
        promotion: context["promotion"].as_str().unwrap_or("test.01jd0000000000000000000000.abc1234").into(),
        promotion_uid: "11111111-2222-4333-8444-555555555555".into(),
        actor: "user:ann".into(),
        started_at: jiff::Timestamp::now(),
        target_freight: target.map(|freight| freight.name.clone()).unwrap_or_default(),
        target_freight_alias: "brave-otter".into(),
        target_freight_origin: requested.first().map(|request| request.origin.name.clone()).unwrap_or_default(),
        freight,
        requested,
        warehouses,
        ui_base_url: String::new(),
    })
}

fn read<T: serde::de::DeserializeOwned>(list: &Value) -> Result<Vec<T>> {
    list.as_array().into_iter().flatten().map(|item| serde_json::from_value(item.clone()).context("read the context")).collect()
}

/// The committer of Kargo, or the one that the case names.
pub(crate) fn identity(case: &Value) -> GitIdentity {
    let user = &case["context"]["gitUser"];
    let field = |key: &str, else_: &str| user[key].as_str().unwrap_or(else_).to_owned();
    GitIdentity { name: field("Name", "Kargo"), email: field("Email", "no-reply@kargo.io") }
}

/// Checks one case.
pub(crate) async fn check(case: &Value) -> Result<Verdict> {
    match case["step"].as_str().context("a case names its step")? {
        "commit-url" => Ok(git::commit_url(case)),
        step if step.starts_with("git-") => git::check(case).await,
        step => plain(case, step).await,
    }
}

/// Compares what can be compared of every step, then asks the decisions.
pub(crate) fn judge(case: &Value, ours: &Ours, labels: &mut Labels, files: &Value, mut wrong: Vec<String>) -> Result<Verdict> {
    if ours.reason == "NotBuilt" {
        return Ok(Verdict::NotBuilt(ours.message.clone()));
    }
    let status = case["status"].as_str().unwrap_or_default();
    if ours.status != status {
        wrong.push(format!("{} ({} {}), wanted {status}", ours.status, ours.reason, ours.message));
    }
    let succeeded = matches!(status, "Succeeded" | "Skipped");
    if !labels.same(&same::output(&ours.output), &same::output(&case["output"])) {
        wrong.push(format!("output {}, wanted {}", ours.output, case["output"]));
    }
    if let (Some(wanted), Some(seconds)) = (case["retryAfter"].as_str(), ours.retry_after) {
        let wanted: Option<std::time::Duration> = seaway_api::GoDuration::from(wanted).get();
        if wanted.map(|it| it.as_secs_f64()) != Some(seconds) {
            wrong.push(format!("asked again after {seconds} s, wanted {wanted:?}"));
        }
    }
    // What a failed step leaves behind is nobody's: the run keeps nothing of it.
    if let (true, Some(after)) = (succeeded, &ours.after) {
        wrong.extend(entries::differences("file", after, &entries::expected(&ours.before, files)?));
    }
    if wrong.is_empty() {
        return Ok(Verdict::Met);
    }
    Ok(match decisions::row(case, ours) {
        Some(row) => Verdict::Differs(row),
        None => Verdict::Failed(wrong.join("; ")),
    })
}

/// A step that needs no repository: files and requests.
async fn plain(case: &Value, name: &str) -> Result<Verdict> {
    let step = seaway_steps::find(name).context("the step is built")?;
    let dir = tempfile::tempdir()?;
    let http = http().await?;
    let ports = ports(dir.path(), http.clone(), Mirrors::new(dir.path().join("mirrors"), http, MirrorOptions::default()));
    let server = match case["before"].get("server") {
        Some(answers) => Some(Server::start(answers.clone()).await?),
        None => None,
    };
    let host = server.as_ref().map(|server| server.addr.to_string()).unwrap_or_default();
    let fill = |text: &str| text.replace("{{server}}", &format!("http://{host}")).replace("{{host}}", &host);
    let mut work = WorkFolder::new();
    let mut ours = Ours::default();
    if server.is_none()
        && let Err(err) = entries::put(&mut work, case["before"].as_object().context("files before")?)
    {
        ours.status = "Unwritable".to_owned();
        ours.message = err.to_string();
        return judge(case, &ours, &mut Labels::default(), &case["after"], Vec::new());
    }
    ours.before = entries::snapshot(&work)?;
    run(step.as_ref(), &mut work, &ports, case, &same::replaced(&case["config"], &fill), &mut ours).await?;
    ours.after = Some(entries::snapshot(&work)?);
    let wanted = same::replaced(case, &fill);
    let mut wrong = Vec::new();
    if let Some(server) = &server {
        wrong = requests(&wanted, &server.seen());
        ours.after = None;
    }
    judge(&wanted, &ours, &mut Labels::default(), &case["after"], wrong)
}

async fn run(step: &dyn Step, work: &mut WorkFolder, ports: &Ports, case: &Value, config: &Value, ours: &mut Ours) -> Result<()> {
    let facts = facts(case)?;
    if let Err(err) = step.check(config) {
        failed(ours, err);
        return Ok(());
    }
    let mut cx = StepContext {
        facts: &facts,
        alias: "step",
        work,
        ports,
        record: None,
        purpose: Purpose::Run,
        identity: identity(case),
        idempotency_key: "key".to_owned(),
        started_at: facts.started_at,
        trailers: &[],
    };
    match step.run(&mut cx, config).await {
        Ok(Answer::Done(done)) => {
            ours.status = if done.skipped { "Skipped" } else { "Succeeded" }.to_owned();
            ours.output = Value::Object(done.output);
        }
        Ok(Answer::Waiting { output, retry_after, message }) => {
            ours.status = "Running".to_owned();
            ours.output = Value::Object(output);
            ours.retry_after = Some(retry_after.as_secs_f64());
            ours.message = message;
        }
        Ok(Answer::Push(_)) => anyhow::bail!("a push outside of a run"),
        Err(err) => failed(ours, err),
    }
    Ok(())
}

/// Enters an error.
pub(crate) fn failed(ours: &mut Ours, err: StepError) {
    let status = match (err.reason, err.status) {
        ("InvalidConfig", _) => "InvalidConfig",
        (_, FailureStatus::Failed) => "Failed",
        (_, FailureStatus::Errored) => "Errored",
    };
    ours.status = status.to_owned();
    ours.reason = err.reason.to_owned();
    ours.message = err.message;
    ours.output = Value::Object(err.output);
}

/// Headers that each client sets its own way; they are compared only if the case sets them.
const FREE: &[&str] = &["user-agent", "accept-encoding", "connection", "content-length", "transfer-encoding", "referer"];

/// How the requests that arrived differ from those Kargo sent.
fn requests(case: &Value, seen: &[Value]) -> Vec<String> {
    let wanted: Vec<Value> = case["after"]["requests"].as_array().cloned().unwrap_or_default();
    if seen.len() != wanted.len() {
        return vec![format!("{} requests arrived, wanted {}: {}", seen.len(), wanted.len(), json!(seen))];
    }
    let set: Vec<String> = case["config"]["headers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["name"].as_str())
        .map(str::to_lowercase)
        .collect();
    let headers = |request: &Value| {
        let mut list: Vec<(String, String)> = Vec::new();
        for header in request["headers"].as_array().into_iter().flatten() {
            list.push((header[0].as_str().unwrap_or_default().to_lowercase(), header[1].as_str().unwrap_or_default().to_owned()));
        }
        list
    };
    let mut wrong = Vec::new();
    for (mine, theirs) in seen.iter().zip(&wanted) {
        for key in ["method", "target", "body"] {
            if mine[key] != theirs[key] {
                wrong.push(format!("{key} {}, wanted {}", mine[key], theirs[key]));
            }
        }
        let (mine, theirs) = (headers(mine), headers(theirs));
        for (name, _) in theirs.iter().filter(|(name, _)| set.contains(name) || !FREE.contains(&name.as_str())) {
            let of = |list: &[(String, String)]| -> Vec<String> {
                list.iter().filter(|it| it.0 == *name).map(|it| it.1.clone()).collect()
            };
            if of(&mine) != of(&theirs) {
                wrong.push(format!("header {name} {:?}, wanted {:?}", of(&mine), of(&theirs)));
            }
        }
    }
    wrong
}
