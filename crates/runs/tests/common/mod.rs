//! A world for runs: steps whose effects are counted, a journal in memory, a clock that stands still, and a fault plan.
#![expect(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod git;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use seaway_base::http::{Egress, HttpClient};
use seaway_base::{ManualClock, Next, Random};
use seaway_git::{Credential, MirrorOptions, Mirrors};
use seaway_runs::{
    AdvanceError, Answer, BranchQueues, Class, Contract, Credentials, DataAsk, DataError, DataSource, Datum, Description, Done,
    Engine, Facts, FailureStatus, Faults, JournalError, JournalSink, Lookup, Milestone, Outcome, Phase, Point, Ports, RepoKind,
    Run, RunSpec, RunState, Step, StepContext, StepError, StepSpec, StepTable, Stop, Variable,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What steps did to the world outside.
#[derive(Default)]
pub struct World {
    /// Effects, in order.
    pub sent: Mutex<Vec<String>>,
    /// Keyed effects: key to how often.
    pub keyed: Mutex<HashMap<String, u32>>,
    /// How often a step was run.
    pub n_runs: Mutex<HashMap<String, u32>>,
    /// Journals as saved, by milestone.
    pub saves: Mutex<Vec<(Milestone, RunState)>>,
    /// Data functions: key to answer.
    pub data: Mutex<HashMap<String, Datum>>,
    /// Calls of data functions.
    pub n_fetches: Mutex<u32>,
    /// Refuse the next so many saves.
    pub refuse_saves: Mutex<u32>,
}

#[async_trait]
impl JournalSink for World {
    async fn save(&self, _: &Facts, state: &RunState, milestone: Milestone) -> Result<(), JournalError> {
        let mut refuse = self.refuse_saves.lock();
        if *refuse > 0 {
            *refuse -= 1;
            return Err(JournalError::Unavailable("it is down".into()));
        }
        // Through JSON, as the object would.
        let state = RunState::from_json(&state.to_json()).map_err(|err| JournalError::Unavailable(seaway_base::chain(&err)))?;
        self.saves.lock().push((milestone, state));
        Ok(())
    }
}

#[async_trait]
impl DataSource for World {
    async fn fetch(&self, _: &str, ask: &DataAsk) -> Result<Datum, DataError> {
        *self.n_fetches.lock() += 1;
        match self.data.lock().get(&ask.key()) {
            Some(datum) => Ok(datum.clone()),
            None => Err(DataError { next: Next::Retry, message: "the control plane does not answer".into() }),
        }
    }
}

pub struct NoCredentials;

#[async_trait]
impl Credentials for NoCredentials {
    async fn find(&self, _: &str, _: RepoKind, _: &str) -> Result<Option<Credential>, StepError> {
        Ok(None)
    }
}

/// A table of steps by name.
#[derive(Default)]
pub struct Table(pub HashMap<&'static str, Arc<dyn Step>>);

impl StepTable for Table {
    fn get(&self, name: &str) -> Lookup {
        match (self.0.get(name), name) {
            (Some(step), _) => Lookup::Step(step.clone()),
            (None, "argocd-update") => Lookup::NotBuilt,
            (None, _) => Lookup::Unknown,
        }
    }
}

/// What a fake step does when it is run for the n-th time (from 1).
type Act = Box<dyn Fn(&World, &StepContext<'_>, &Value, u32) -> Result<Answer, StepError> + Send + Sync>;

/// A step made of a class and an act.
pub struct Fake {
    pub name: &'static str,
    pub class: Class,
    pub world: Arc<World>,
    pub act: Act,
}

#[async_trait]
impl Step for Fake {
    fn name(&self) -> &'static str {
        self.name
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
        self.class
    }
    fn publishes_task_output(&self) -> bool {
        self.name == "compose"
    }
    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        let n = {
            let mut runs = self.world.n_runs.lock();
            let n = runs.entry(cx.alias.to_owned()).or_default();
            *n += 1;
            *n
        };
        (self.act)(&self.world, cx, config, n)
    }
    async fn describe(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Description, StepError> {
        let summary = format!("{} {config} for {}", self.name, cx.facts.promotion);
        Ok(Description { summary, arguments: object(config), unknown_outputs: vec!["id".into()], ..Description::default() })
    }
}

pub fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub fn done(output: Value) -> Result<Answer, StepError> {
    Ok(Answer::Done(Done::with(object(&output))))
}

/// The fake steps of every test.
pub fn fakes(world: &Arc<World>) -> Table {
    let mut table = Table::default();
    let mut add = |name: &'static str, class: Class, act: Act| {
        table.0.insert(name, Arc::new(Fake { name, class, world: world.clone(), act }));
    };
    add("say", Class::Local, Box::new(|_, _, config, _| done(config.clone())));
    add("compose", Class::Local, Box::new(|_, _, config, _| done(config.clone())));
    add("nothing", Class::Local, Box::new(|_, _, _, _| Ok(Answer::Done(Done { skipped: true, ..Done::default() }))));
    add("fail", Class::Local, Box::new(|_, _, _, _| Err(StepError::failed("Fail", "it says no"))));
    add("error", Class::Local, Box::new(|_, _, _, _| Err(StepError::errored("Error", Next::Retry, "it could not"))));
    add("boom", Class::Local, Box::new(|_, _, _, _| panic!("kaboom")));
    add(
        "flaky",
        Class::Local,
        Box::new(|_, _, config, n| {
            let times = config.get("times").and_then(Value::as_u64).unwrap_or(0);
            if u64::from(n) <= times {
                Err(StepError::errored("Flaky", Next::Retry, format!("error {n}")))
            } else {
                done(json!({ "n": n }))
            }
        }),
    );
    add(
        "dice",
        Class::Recorded,
        Box::new(|_, cx, _, n| {
            let value = cx.record.cloned().unwrap_or_else(|| json!(n));
            Ok(Answer::Done(Done { output: object(&json!({ "value": value })), record: Some(value), ..Done::default() }))
        }),
    );
    add(
        "notify",
        Class::Effect(Contract::Unknowable),
        Box::new(|world, cx, config, _| {
            world.sent.lock().push(format!("{} {config}", cx.alias));
            done(json!({ "id": world.sent.lock().len() }))
        }),
    );
    add(
        "put",
        Class::Effect(Contract::Keyed),
        Box::new(|world, cx, _, _| {
            *world.keyed.lock().entry(cx.idempotency_key.clone()).or_default() += 1;
            done(json!({ "ok": true }))
        }),
    );
    add(
        "poll",
        Class::Wait,
        Box::new(|_, _, config, n| {
            let times = config.get("times").and_then(Value::as_u64).unwrap_or(0);
            if u64::from(n) <= times {
                let output = object(&json!({ "open": true }));
                return Ok(Answer::Waiting { output, retry_after: Duration::from_secs(30), message: "not yet".into() });
            }
            done(json!({ "open": false }))
        }),
    );
    table
}

/// Stops at the n-th point (from 1), and remembers all it has seen.
#[derive(Default)]
pub struct StopAt {
    pub seen: Mutex<Vec<Point>>,
    pub at: Mutex<Option<usize>>,
}

impl Faults for StopAt {
    fn at(&self, point: &Point) -> Option<Stop> {
        let mut seen = self.seen.lock();
        seen.push(point.clone());
        let mut at = self.at.lock();
        if *at == Some(seen.len()) {
            *at = None;
            return Some(Stop);
        }
        None
    }
}

pub fn start() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

pub fn facts() -> Facts {
    Facts {
        project: "bank".into(),
        stage: "qa".into(),
        promotion: "qa.01kdyqz3k0aaaaaaaaaaaaaaaa.0123abc".into(),
        promotion_uid: "11111111-2222-4333-8444-555555555555".into(),
        actor: "user:ann".into(),
        started_at: start(),
        target_freight: "0123abcdef0123abcdef0123abcdef0123abcdef".into(),
        target_freight_alias: "brave-otter".into(),
        target_freight_origin: "fund-transfer".into(),
        freight: Vec::new(),
        requested: Vec::new(),
        warehouses: Vec::new(),
        ui_base_url: "https://127.0.0.1:7443".into(),
    }
}

/// An engine over a world, with real mirrors in a temporary folder.
pub struct House {
    pub world: Arc<World>,
    pub clock: Arc<ManualClock>,
    pub faults: Arc<StopAt>,
    pub engine: Engine,
    pub dir: tempfile::TempDir,
}

impl House {
    pub fn new() -> Self {
        let world = Arc::new(World::default());
        let table = fakes(&world);
        Self::with(world, table)
    }

    pub fn with(world: Arc<World>, table: Table) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(start());
        let faults = Arc::new(StopAt::default());
        let http = HttpClient::new(Egress { loopback: true, ..Egress::default() }).unwrap();
        let engine = Engine {
            ports: Ports {
                git: Arc::new(mirrors(dir.path(), &http)),
                credentials: Arc::new(NoCredentials),
                http,
                clock: clock.clone(),
                scratch: dir.path().join("scratch"),
            },
            steps: Arc::new(table),
            data: world.clone(),
            journal: world.clone(),
            random: Random::seeded(1),
            faults: faults.clone(),
            queues: Arc::new(BranchQueues::default()),
        };
        Self { world, clock, faults, engine, dir }
    }

    /// The run as a controller would make it: from the journal that was saved last.
    pub fn run(&self, spec: &RunSpec) -> Run {
        let state = self.world.saves.lock().last().map(|(_, state)| state.clone());
        Run::new(Arc::new(facts()), Arc::new(spec.clone()), state)
    }

    /// One pass, from the journal.
    pub async fn pass(&self, spec: &RunSpec) -> Result<Outcome, AdvanceError> {
        let mut run = self.run(spec);
        self.engine.advance(&mut run).await
    }

    /// Passes until the run is over or needs a person; crashes are survived.
    pub async fn settle(&self, spec: &RunSpec) -> Outcome {
        for _ in 0..50 {
            match self.pass(spec).await {
                Ok(Outcome::Retry { .. } | Outcome::Waiting { .. } | Outcome::Stopped) => self.clock.advance_seconds(600),
                Ok(outcome) => return outcome,
                Err(AdvanceError::Crashed | AdvanceError::Journal(_)) => {}
                Err(err) => panic!("{err}"),
            }
        }
        panic!("does not settle: {:?}", self.last())
    }

    pub fn last(&self) -> RunState {
        self.world.saves.lock().last().map(|(_, state)| state.clone()).unwrap_or_default()
    }

    /// `alias status message` a step.
    pub fn steps(&self) -> String {
        let line = |step: &seaway_runs::StepState| {
            let status = step.status.map_or("-", |status| status.as_str());
            format!("{} {status} {}", step.alias, step.message).trim_end().to_owned()
        };
        self.last().steps.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

pub fn mirrors(dir: &Path, http: &HttpClient) -> Mirrors {
    Mirrors::new(dir.join("mirrors"), http.clone(), MirrorOptions::default())
}

/// `alias=uses` with a configuration and changes.
pub fn step(alias: &str, uses: &str, config: Value) -> StepSpec {
    StepSpec::new(alias, uses, config)
}

pub fn when(spec: StepSpec, condition: &str) -> StepSpec {
    StepSpec { condition: Some(condition.into()), ..spec }
}

pub fn spec(steps: impl IntoIterator<Item = StepSpec>) -> RunSpec {
    RunSpec { vars: vec![Variable { name: "who".into(), value: "world".into() }], steps: steps.into_iter().collect() }
}

pub fn phase(state: &RunState) -> (Phase, &str) {
    (state.phase, &state.message)
}

pub fn soft(err: StepError) -> StepError {
    StepError { terminal: false, status: FailureStatus::Failed, ..err }
}
