//! Cases of git steps: a promotion of their setup and the step, carried out by the engine against repositories served over HTTP.

use super::Verdict;
use super::entries::{self, Entry, Tree};
use super::remotes::Remotes;
use super::same::{self, Labels};
use super::steps::{self, Ours};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use seaway_base::{Next, Random, RelPath};
use seaway_git::{
    HttpTransport, Limits, MirrorOptions, Mirrors, MountInfo, MountSpec, ObjectId, Provider, Request, Response, Transport,
};
use seaway_git::{TransportError, WorkFolder};
use seaway_neighbours::git::{Fault, Service};
use seaway_runs::{
    Answer, BranchQueues, Class, Description, Done, Engine, Facts, JournalError, JournalSink, Lookup, Milestone, NoData,
    NoFaults, Outcome, Run, RunSpec, RunState, Step, StepContext, StepError, StepSpec, StepTable,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::sync::Arc;

/// The alias of the step that a case is about.
const THE_STEP: &str = "the-step";
/// How many pushes of a case meet its hook.
const HOOKED_PUSHES: u32 = 100;
/// Does what a case's setup does beside the steps.
const HELPER: &str = "case-helper";

/// The URL of a commit on its host's pages.
pub(crate) fn commit_url(case: &Value) -> Verdict {
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let provider: Option<Provider> = match serde_json::from_value(case["provider"].clone()) {
        Ok(provider) => provider,
        Err(err) => return Verdict::Failed(err.to_string()),
    };
    let ours = seaway_git::commit_url(text("repoURL"), provider, text("commit"));
    if ours.as_deref() == case["url"].as_str() {
        return Verdict::Met;
    }
    // Kargo asks the server for its version and calls it Gitea if it answers; we go by name and setting alone.
    if text("repoURL").contains("{{giteaHost}}") || provider == Some(Provider::Gitea) {
        return Verdict::Differs("A Gitea host");
    }
    Verdict::Failed(format!("{ours:?}, wanted {}", case["url"]))
}

/// By remote: every ref and where it stands.
type Tips = BTreeMap<String, BTreeMap<String, String>>;

/// The folder after the step: what is in it, its checkouts, and how many changes are open in each.
type Afterwards = (Tree, Vec<MountInfo>, BTreeMap<String, usize>);

/// What helpers saw and may do.
struct Helper {
    case: Value,
    remotes: Arc<Remotes>,
    labels: Arc<Mutex<Labels>>,
    done: Mutex<BTreeSet<u64>>,
    before: Mutex<Option<(Tree, Tips)>>,
    after: Mutex<Option<Afterwards>>,
}

fn fault(err: &anyhow::Error) -> StepError {
    StepError::errored("Case", Next::Bug, format!("{err:#}"))
}

impl Helper {
    async fn act(&self, work: &mut WorkFolder, config: &Value) -> Result<()> {
        match config["act"].as_str().unwrap_or_default() {
            "before" => {
                let mut tips = BTreeMap::new();
                for (name, _) in self.case["before"]["remotes"].as_object().into_iter().flatten() {
                    tips.insert(name.clone(), self.remotes.tips(name).await?);
                }
                let tree = entries::snapshot(work)?;
                self.before.lock().get_or_insert((tree, tips));
                return Ok(());
            }
            "after" => {
                let mut open = BTreeMap::new();
                for mount in work.mounts() {
                    open.insert(mount.path.to_string(), work.status(&mount.path)?.len());
                }
                *self.after.lock() = Some((entries::snapshot(work)?, work.mounts(), open));
                return Ok(());
            }
            _ => {}
        }
        let index = config["setup"].as_u64().context("an index")?;
        let setup = &self.case["before"]["setup"][usize::try_from(index)?];
        if let Some(files) = setup["write"].as_object() {
            entries::put(work, files)?;
        }
        for path in setup["remove"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            work.remove(&RelPath::parse(path)?)?;
        }
        // The world outside moves once, however often the steps run.
        if !self.done.lock().insert(index) {
            return Ok(());
        }
        if let Some(remote) = setup["remote"].as_str() {
            let mut labels = self.labels.lock().clone();
            self.remotes.play(remote, &setup["script"], &mut labels).await?;
            *self.labels.lock() = labels;
        }
        if let (Some(_), Some(name), Some(text)) = (setup["hook"].as_str(), setup["name"].as_str(), setup["text"].as_str()) {
            let hook = self.remotes.server.dir().join(".neighbour/hooks").join(name);
            std::fs::write(&hook, text)?;
            std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
            // The server runs hooks only where one is to refuse: a reference that nobody pushes keeps its own out of the way.
            let fault = Fault::RefuseRef { name: "refs/heads/nobody-pushes-this".to_owned() };
            self.remotes.server.fail(Service::Receive, fault, HOOKED_PUSHES);
        }
        Ok(())
    }
}

#[async_trait]
impl Step for Helper {
    fn name(&self) -> &'static str {
        HELPER
    }
    fn page(&self) -> &'static str {
        ""
    }
    fn schema(&self) -> schemars::Schema {
        schemars::Schema::default()
    }
    fn check(&self, _: &Value) -> Result<(), StepError> {
        Ok(())
    }
    fn class(&self, _: &Value) -> Class {
        Class::Local
    }
    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        self.act(cx.work, config).await.map_err(|err| fault(&err))?;
        Ok(Answer::Done(Done::default()))
    }
    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}

/// The real table with the helper in it.
struct Table(Arc<Helper>);

impl StepTable for Table {
    fn get(&self, name: &str) -> Lookup {
        if name == HELPER { Lookup::Step(self.0.clone()) } else { seaway_steps::Table.get(name) }
    }
}

/// Keeps no journal.
struct Nowhere;

#[async_trait]
impl JournalSink for Nowhere {
    async fn save(&self, _: &Facts, _: &RunState, _: Milestone) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Sends what is meant for an alias of a remote to the remote.
struct Aliased {
    inner: HttpTransport,
    aliases: Vec<(String, String)>,
}

#[async_trait]
impl Transport for Aliased {
    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        let asked = request.url.to_string();
        for (alias, url) in &self.aliases {
            if let Some(rest) = asked.strip_prefix(alias.as_str()).filter(|rest| rest.starts_with(['/', '?']))
                && let Ok(url) = url::Url::parse(&format!("{url}{rest}"))
            {
                request.url = url;
            }
        }
        self.inner.send(request).await
    }
}

/// Checks a case.
pub(crate) async fn check(case: &Value) -> Result<Verdict> {
    let mut labels = Labels::default();
    let remotes = Arc::new(Remotes::build(case, &mut labels).await?);
    // Commits of scripts that are played later have their ids in the case.
    let labels = Arc::new(Mutex::new(labels));
    let (mut specs, mut ours) = (Vec::new(), Ours::default());
    let step = case["step"].as_str().unwrap_or_default();
    let config = {
        let labels = labels.lock();
        let fill = |text: &str| remotes.fill(case, &labels, text);
        for (index, setup) in case["before"]["setup"].as_array().into_iter().flatten().enumerate() {
            if setup.get("git").is_some() {
                // A program that changes the folder behind our back.
                ours.status = "Unwritable".to_owned();
                return steps::judge(case, &ours, &mut Labels::default(), &Value::Null, Vec::new());
            }
            specs.push(match setup["step"].as_str() {
                Some(step) if seaway_steps::find(step).is_none() => return Ok(Verdict::NotBuilt(step.to_owned())),
                Some(step) => StepSpec::new(&format!("setup-{index}"), step, same::replaced(&setup["config"], &fill)),
                None => StepSpec::new(&format!("setup-{index}"), HELPER, json!({ "setup": index })),
            });
        }
        same::replaced(&case["config"], &fill)
    };
    if let Err(err) = seaway_steps::find(step).context("the step is built")?.check(&config) {
        steps::failed(&mut ours, err);
        return steps::judge(case, &ours, &mut Labels::default(), &Value::Null, Vec::new());
    }
    specs.push(StepSpec::new("look", HELPER, json!({ "act": "before" })));
    specs.push(StepSpec::new(THE_STEP, step, config));
    specs.push(StepSpec::new("look-again", HELPER, json!({ "act": "after" })));
    let helper = Arc::new(Helper {
        case: case.clone(),
        remotes: remotes.clone(),
        labels: labels.clone(),
        done: Mutex::default(),
        before: Mutex::default(),
        after: Mutex::default(),
    });
    // Objects are read from disk until the comparison is over.
    let dir = tempfile::tempdir()?;
    carry_out(dir.path(), case, &remotes, &helper, specs, &mut ours).await?;
    ours.nothing_lost = nothing_lost(&remotes, &helper).await?;
    let created = created(case);
    let plain = without(case, &created);
    let verdict = compared(&plain, &remotes, &labels, &helper, ours).await?;
    Ok(if verdict == Verdict::Met && !created.is_empty() { Verdict::Differs("`git-clone` with `create: true`") } else { verdict })
}

/// Compares what a case says of folder, checkouts, commits and remotes.
async fn compared(case: &Value, remotes: &Remotes, labels: &Mutex<Labels>, helper: &Helper, mut ours: Ours) -> Result<Verdict> {
    let mut labels = labels.lock().clone();
    let after = helper.after.lock().take();
    let mut wrong = Vec::new();
    if matches!(ours.status.as_str(), "Succeeded" | "Skipped") && ours.status == case["status"] {
        let (tree, mounts, open) = after.context("the folder afterwards")?;
        ours.before = helper.before.lock().take().map(|(tree, _)| tree).unwrap_or_default();
        ours.after = Some(tree);
        labels.same(&ours.output, &case["output"]);
        wrong.extend(worktrees(&case["after"]["worktrees"], &mounts, &open, &mut labels));
        wrong.extend(branches(case, remotes, &mut labels).await?);
        wrong.extend(commits(&case["after"]["commits"], &mounts, &mut labels)?);
    } else {
        wrong.extend(branches(case, remotes, &mut labels).await?);
    }
    steps::judge(case, &ours, &mut labels, &case["after"]["files"], wrong)
}

/// Runs the promotion.
async fn carry_out(
    dir: &std::path::Path,
    case: &Value,
    remotes: &Arc<Remotes>,
    helper: &Arc<Helper>,
    steps: Vec<StepSpec>,
    ours: &mut Ours,
) -> Result<()> {
    let http = steps::http().await?;
    let mut aliases = Vec::new();
    for (alias, remote) in case["before"]["urlAliases"].as_object().into_iter().flatten() {
        let alias = url::Url::parse(alias).map_or_else(|_| alias.clone(), |url| url.to_string());
        aliases.push((alias, remotes.url(remote.as_str().unwrap_or_default())));
    }
    let transport = HttpTransport::over(http.clone(), Limits::default());
    let mirrors =
        Mirrors::with_transport(dir.join("mirrors"), Arc::new(Aliased { inner: transport, aliases }), MirrorOptions::default());
    let engine = Engine {
        ports: steps::ports(dir, http, mirrors),
        steps: Arc::new(Table(helper.clone())),
        data: Arc::new(NoData),
        journal: Arc::new(Nowhere),
        random: Random::seeded(1),
        faults: Arc::new(NoFaults),
        queues: Arc::new(BranchQueues::default()),
    };
    let mut run = Run::new(Arc::new(steps::facts(case)?), Arc::new(RunSpec { vars: Vec::new(), steps }), None);
    run.identity = steps::identity(case);
    let outcome = engine.advance(&mut run).await?;
    let ended = |state: &&seaway_runs::StepState| state.status.is_some_and(seaway_runs::StepStatus::is_bad);
    if let Some(state) = run.state.steps.iter().take_while(|state| state.alias != THE_STEP).find(ended) {
        ours.status = "SetupFailed".to_owned();
        (ours.reason, ours.message) = (state.reason.clone(), format!("{}: {}", state.uses, state.message));
        return Ok(());
    }
    let state = run.state.steps.iter().find(|state| state.alias == THE_STEP).context("the step's state")?;
    ours.status = state.status.map_or("Pending", |status| status.as_str()).to_owned();
    (ours.reason, ours.message) = (state.reason.clone(), state.message.clone());
    ours.output = state.output.clone().map_or(Value::Null, Value::Object);
    match outcome {
        Outcome::Blocked { reason, why } => (ours.status, ours.reason, ours.message) = ("Blocked".to_owned(), reason, why),
        Outcome::Retry { why, .. } => (ours.status, ours.message) = ("Retried".to_owned(), why),
        _ if ours.status == "Pending" => ours.message = format!("{outcome:?} {}", run.state.message),
        _ => {}
    }
    Ok(())
}

/// Does every branch of the remotes still hold what it held before the step?
async fn nothing_lost(remotes: &Remotes, helper: &Helper) -> Result<bool> {
    let before = helper.before.lock().as_ref().map(|(_, tips)| tips.clone()).unwrap_or_default();
    for (name, tips) in before {
        let now = remotes.tips(&name).await?;
        for (full, old) in tips {
            let Some(new) = now.get(&full) else { return Ok(false) };
            if *new != old && remotes.server.git(&name, &["merge-base", "--is-ancestor", &old, new]).await.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Labels of the empty commits with which Kargo starts a branch (`create: true`); with us the branch comes with its first push.
fn created(case: &Value) -> BTreeSet<String> {
    let commits = case["after"]["commits"].as_object().into_iter().flatten();
    let empty = |commit: &Value| {
        commit["tree"].as_object().is_some_and(serde_json::Map::is_empty)
            && commit["parents"].as_array().is_some_and(Vec::is_empty)
    };
    commits.filter(|(_, commit)| empty(commit)).map(|(label, _)| label.clone()).collect()
}

/// The case as if those commits had never been.
fn without(case: &Value, created: &BTreeSet<String>) -> Value {
    let mut case = case.clone();
    if created.is_empty() {
        return case;
    }
    let is_created = |label: &Value| label.as_str().is_some_and(|label| created.contains(label));
    let marks: Vec<String> = created.iter().map(|label| format!("{{{{commit:{label}}}}}")).collect();
    if let Some(commits) = case["after"]["commits"].as_object_mut() {
        commits.retain(|label, _| !created.contains(label));
        for commit in commits.values_mut() {
            if let Some(parents) = commit["parents"].as_array_mut() {
                parents.retain(|label| !is_created(label));
            }
        }
    }
    for remote in case["after"]["remotes"].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
        if let Some(branches) = remote["branches"].as_object_mut() {
            branches.retain(|_, label| !is_created(label));
        }
    }
    for tree in case["after"]["worktrees"].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
        if is_created(&tree["head"]) {
            tree["head"] = Value::Null;
        }
    }
    drop_marked(&mut case["output"], &marks);
    case
}

fn drop_marked(output: &mut Value, marks: &[String]) {
    let Some(map) = output.as_object_mut() else { return };
    map.retain(|_, value| !value.as_str().is_some_and(|text| marks.iter().any(|mark| mark == text)));
    map.values_mut().for_each(|value| drop_marked(value, marks));
}

/// How the checkouts differ.
fn worktrees(wanted: &Value, mounts: &[MountInfo], open: &BTreeMap<String, usize>, labels: &mut Labels) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, tree) in wanted.as_object().into_iter().flatten() {
        let Some(mount) = mounts.iter().find(|mount| mount.path.as_str() == path) else {
            wrong.push(format!("`{path}` is no checkout"));
            continue;
        };
        let head = mount.head.commit.map(|id| id.to_string());
        let same = match (tree["head"].as_str(), &head) {
            (Some(label), Some(id)) => labels.is(label, id),
            (None, None) => true,
            _ => false,
        };
        if !same {
            wrong.push(format!("`{path}` stands on {head:?}, wanted {}", tree["head"]));
        }
        if mount.head.branch.as_deref() != tree["branch"].as_str() {
            wrong.push(format!("`{path}` is on branch {:?}, wanted {}", mount.head.branch, tree["branch"]));
        }
        let n_open = open.get(path).copied().unwrap_or_default();
        if (n_open == 0) != tree["status"].as_array().is_none_or(Vec::is_empty) {
            wrong.push(format!("`{path}` has {n_open} changes, wanted {}", tree["status"]));
        }
    }
    wrong
}

/// How the branches and tags of the remotes differ.
async fn branches(case: &Value, remotes: &Remotes, labels: &mut Labels) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (name, remote) in case["after"]["remotes"].as_object().into_iter().flatten() {
        let tips = remotes.tips(name).await?;
        let mut wanted: BTreeMap<String, String> = BTreeMap::new();
        for (branch, label) in remote["branches"].as_object().into_iter().flatten() {
            wanted.insert(format!("refs/heads/{branch}"), label.as_str().unwrap_or_default().to_owned());
        }
        for (tag, at) in remote["tags"].as_object().into_iter().flatten() {
            wanted.insert(format!("refs/tags/{tag}"), at["at"].as_str().unwrap_or_default().to_owned());
        }
        for (full, label) in &wanted {
            match tips.get(full) {
                Some(id) if labels.is(label, id) => {}
                other => wrong.push(format!("{name} {full} is {other:?}, wanted {label} {:?}", labels.0.get(label))),
            }
        }
        wrong.extend(tips.keys().filter(|full| !wanted.contains_key(*full)).map(|full| format!("{name} {full} is too much")));
    }
    Ok(wrong)
}

/// What we add under a message; stripped before it is compared.
const TRAILERS: &[&str] = &["Promotion-Id: ", "Promotion-Step: ", "Promoted-By: "];

/// How the commits made by the setup and the step differ.
fn commits(wanted: &Value, mounts: &[MountInfo], labels: &mut Labels) -> Result<Vec<String>> {
    let Some(wanted) = wanted.as_object() else { return Ok(Vec::new()) };
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    // Parents are bound on the way: look until nothing new turns up.
    while let Some((label, row)) = wanted.iter().find(|(label, _)| !seen.contains(*label) && labels.0.contains_key(*label)) {
        seen.insert(label.clone());
        let id = ObjectId::from_str(&labels.0[label])?;
        let Some(mount) = mounts.iter().find(|mount| mount.objects.has(id).unwrap_or(false)) else {
            wrong.push(format!("commit {label} ({id}) is in no checkout"));
            continue;
        };
        let commit = mount.objects.commit(id)?;
        for (what, ours) in [("author", commit.author.person()), ("committer", commit.committer.person())] {
            if row[what].as_str() != Some(ours.as_str()) {
                wrong.push(format!("{label}'s {what} is {ours}, wanted {}", row[what]));
            }
        }
        let lines = commit.message.lines().filter(|line| !TRAILERS.iter().any(|trailer| line.starts_with(trailer)));
        let message = lines.collect::<Vec<_>>().join("\n");
        let theirs = row["message"].as_str().unwrap_or_default().replace("\r\n", "\n");
        if message.trim_end() != theirs.trim_end() {
            wrong.push(format!("{label}'s message is {message:?}, wanted {}", row["message"]));
        }
        let parents: Vec<&str> = row["parents"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let same = parents.len() == commit.parents.len()
            && parents.iter().zip(&commit.parents).all(|(label, id)| labels.is(label, &id.to_string()));
        if !same {
            wrong.push(format!("{label}'s parents are {:?}, wanted {parents:?}", commit.parents));
        }
        let mut work = WorkFolder::new();
        let spec = MountSpec { objects: mount.objects.clone(), commit: Some(id), branch: None, sparse: Vec::new() };
        work.mount(&RelPath::root(), spec)?;
        let tree: Tree = entries::snapshot(&work)?.into_iter().filter(|(_, entry)| *entry != Entry::Folder).collect();
        let mut theirs = Tree::new();
        for (path, entry) in row["tree"].as_object().into_iter().flatten() {
            theirs.insert(path.clone(), Entry::read(entry)?);
        }
        wrong.extend(entries::differences(label, &tree, &theirs));
    }
    Ok(wrong)
}
