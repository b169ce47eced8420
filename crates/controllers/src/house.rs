//! What all reconcilers share: caches, clients by identity, the engine of runs, settings.

use crate::caches::Caches;
use crate::credentials::SecretCredentials;
use crate::data::ClusterData;
use crate::settings::Settings;
use async_trait::async_trait;
use jiff::Timestamp;
use kube::Client;
use kube::api::Api;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use seaway_api::kargo::{PromotionPolicy, PromotionWindow, Stage};
use seaway_base::Random;
use seaway_core::stage::{deciding_policy, selects};
use seaway_core::unbuilt::{self, Unbuilt};
use seaway_runs::{
    BranchQueues, Engine, Facts, Faults, GitIdentity, JournalError, JournalSink, Lookup, Milestone, Ports, RunState, StepTable,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Makes the client of a controller's identity, `system:serviceaccount:seaway:<name>`.
pub type ClientFor = Arc<dyn Fn(&str) -> Client + Send + Sync>;

/// What the controllers are started with.
pub struct Context {
    /// One client a controller identity.
    pub client_for: ClientFor,
    /// The world outside; its clock is the controllers' too.
    pub ports: Ports,
    /// The logins of the control plane's Secrets, of which there is one; fed from the start on. Warehouses look with them, and so
    /// do runs where `ports` names them too.
    pub credentials: Arc<SecretCredentials>,
    /// The table of steps.
    pub steps: Arc<dyn StepTable>,
    /// What an operator chose.
    pub settings: Settings,
    /// For names, ids and backoff.
    pub random: Random,
    /// Where figures are registered.
    pub registry: Arc<Mutex<Registry>>,
    /// The crash seam.
    pub faults: Arc<dyn Faults>,
}

/// The house the reconcilers live in.
pub(crate) struct House {
    pub(crate) caches: Caches,
    pub(crate) client_for: ClientFor,
    pub(crate) settings: Settings,
    pub(crate) random: Random,
    pub(crate) engine: Engine,
}

impl House {
    pub(crate) fn new(context: &Context) -> Self {
        let client_for = remembered(Arc::clone(&context.client_for));
        let data = ClusterData { client: client_for("promotions"), shared: context.settings.shared_namespace.clone() };
        let engine = Engine {
            ports: context.ports.clone(),
            steps: Arc::clone(&context.steps),
            data: Arc::new(data),
            journal: Arc::new(Unwritten),
            random: context.random.clone(),
            faults: Arc::clone(&context.faults),
            queues: Arc::new(BranchQueues::default()),
        };
        Self { caches: Caches::default(), client_for, settings: context.settings.clone(), random: context.random.clone(), engine }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.ports.clock.now()
    }

    /// How long until an instant; at least a little, so that a clock that lags never makes a busy loop.
    pub(crate) fn wait_until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now())).unwrap_or_default().max(Duration::from_millis(20))
    }

    pub(crate) fn api<K>(&self, controller: &str, project: &str) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced((self.client_for)(controller), project)
    }

    pub(crate) fn is_built(&self, step: &str) -> bool {
        matches!(self.engine.steps.get(step), Lookup::Step(_))
    }

    /// Who commits by default.
    pub(crate) fn identity(&self) -> GitIdentity {
        let configs = self.caches.cluster_configs.all();
        let named = configs.iter().find_map(|config| config.spec.git_client.as_ref());
        named.map_or_else(
            || self.settings.identity.clone(),
            |client| GitIdentity { name: client.name.clone(), email: client.email.clone() },
        )
    }

    pub(crate) fn policies(&self, project: &str) -> Vec<PromotionPolicy> {
        let config = self.caches.project_configs.get(&crate::frame::Key::new(project, project));
        config.map(|config| config.spec.promotion_policies.clone()).unwrap_or_default()
    }

    /// The parts of a stage, and of what governs it, that are known and not built.
    pub(crate) fn unbuilt(&self, project: &str, stage: &Stage) -> Vec<Unbuilt> {
        let mut found = unbuilt::stage(&stage.spec, &|step| self.is_built(step));
        let name = stage.metadata.name.as_deref().unwrap_or_default();
        let labels = stage.metadata.labels.clone().unwrap_or_default();
        let part = |path: String, part: &str| Unbuilt { path, part: part.to_owned() };
        let policies = self.policies(project);
        if deciding_policy(stage, &policies).is_some_and(|policy| policy.auto_rollback.is_some()) {
            found.push(part("ProjectConfig.spec.promotionPolicies".into(), "rollback by itself"));
        }
        let windows = |windows: &[PromotionWindow]| {
            windows
                .iter()
                .filter(|it| self.window_applies(it, project, name, &labels))
                .map(|it| it.name.clone())
                .collect::<Vec<_>>()
        };
        let config = self.caches.project_configs.get(&crate::frame::Key::new(project, project));
        for window in config.map(|config| windows(&config.spec.promotion_windows)).unwrap_or_default() {
            found.push(part(format!("ProjectConfig.spec.promotionWindows[{window}]"), "a promotion window"));
        }
        for config in self.caches.cluster_configs.all() {
            for window in windows(&config.spec.promotion_windows) {
                found.push(part(format!("ClusterConfig.spec.promotionWindows[{window}]"), "a promotion window"));
            }
            if config.spec.git_client.as_ref().is_some_and(|client| client.signing_key_secret.is_some()) {
                found.push(part("ClusterConfig.spec.gitClient.signingKeySecret".into(), "signing of commits"));
            }
        }
        found
    }

    fn window_applies(&self, window: &PromotionWindow, project: &str, stage: &str, labels: &BTreeMap<String, String>) -> bool {
        let of_project = self.caches.projects.get(&crate::frame::Key::new("", project));
        let project_labels = of_project.and_then(|it| it.metadata.labels.clone()).unwrap_or_default();
        // A selector that cannot be read may mean this stage: nothing is promoted past it.
        let fits = |selector: &Option<_>, name: &str, labels: &BTreeMap<String, String>| {
            selector.as_ref().is_none_or(|selector| selects(selector, name, labels).unwrap_or(true))
        };
        fits(&window.project_selector, project, &project_labels) && fits(&window.stage_selector, stage, labels)
    }
}

/// Makes each client once: a client is a task of its own.
fn remembered(make: ClientFor) -> ClientFor {
    let made: Mutex<HashMap<String, Client>> = Mutex::default();
    Arc::new(move |name| made.lock().entry(name.to_owned()).or_insert_with(|| make(name)).clone())
}

/// The journal of an engine that only plans: nothing is ever saved through it.
struct Unwritten;

#[async_trait]
impl JournalSink for Unwritten {
    async fn save(&self, facts: &Facts, _: &RunState, _: Milestone) -> Result<(), JournalError> {
        Err(JournalError::Unavailable(format!("a plan of `{}` asked for a journal: this is a bug of Seaway", facts.stage)))
    }
}
