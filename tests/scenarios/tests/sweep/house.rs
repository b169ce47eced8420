//! The second course: freight, a promotion and a plan are made, a project is deleted, and what is old goes.

use super::{Course, Sweep};
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, PostParams};
use seaway_api::kargo::Project;
use seaway_api::seaway::{Plan, PlanSpec};
use seaway_controllers::Settings;
use seaway_core::retention::Keep;
use seaway_scenarios::{Options, World, lists};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const HOUSE: &str = include_str!("house.yaml");
/// The project that goes.
const OLD: &str = "old";

/// A world with two projects, a promotion in each.
pub(crate) struct House {
    world: World,
    sweep: Arc<Sweep>,
    /// Commits of the store before it began to count.
    n_before: AtomicUsize,
}

impl Course for House {
    const N_LANES: usize = 2;

    async fn set_up(sweep: Sweep) -> Result<Self> {
        let sweep = Arc::new(sweep);
        // Freight that is made while the machine is busy is not old before it is promoted.
        let keep = |n, seconds| Keep { n, min_age: Duration::from_secs(seconds) };
        let settings = Settings {
            keep_promotions: keep(1, 0),
            keep_freight: keep(0, 5),
            retention_interval: Duration::from_millis(250),
            ..Settings::default()
        };
        let options = Options { death: Some(sweep.death()), n_threads: 1, settings, ..Options::default().without_bank() };
        let world = World::start(options).await?;
        world.push_quietly("fund-transfer:1.5.0", false).await?;
        world.apply("house.yaml", HOUSE).await?;
        world.apply("old.yaml", &HOUSE.replace("bank", OLD)).await?;
        world.settle_in(&["bank", OLD]).await?;
        let n_promoted = world.stage("qa").await?.status.map_or(0, |status| status.freight_history.len());
        ensure!(n_promoted == 1, "{n_promoted} collections are in qa, and should be one");
        Ok(Self { world, sweep, n_before: AtomicUsize::default() })
    }

    fn begin(&self) {}

    async fn flow(&self) -> Result<()> {
        // Nobody looks for it before it is asked to: the look after the start has been.
        self.world.push_quietly("fund-transfer:1.5.1", false).await?;
        self.n_before.store(self.world.n_written(), Ordering::SeqCst);
        self.sweep.arm();
        tokio::select! {
            () = self.world.dies() => Ok(()),
            passed = self.pass() => if self.world.is_dead().await { Ok(()) } else { passed },
        }
    }

    async fn come_back(&self) -> Result<()> {
        self.world.crash().await;
        self.world.restart().await?;
        self.pass().await
    }

    async fn resolve(&self) -> Result<bool> {
        Ok(false)
    }

    async fn end_state(&self) -> Result<String> {
        let world = &self.world;
        let mut lines = Vec::new();
        for path in lists(&world.client("admin")).await? {
            // What is told of others is told at least once.
            if path.ends_with("/events") {
                continue;
            }
            let list: Value = world.client("admin").request(http::Request::get(&path).body(Vec::new())?).await?;
            let mut count = BTreeMap::<String, usize>::new();
            for item in list["items"].as_array().into_iter().flatten() {
                let name = item["metadata"]["namespace"].as_str().or_else(|| item["metadata"]["name"].as_str());
                *count.entry(name.unwrap_or_default().to_owned()).or_default() += 1;
            }
            lines.push(format!("{path}: {count:?}"));
        }
        let stage = world.stage("qa").await?.status.unwrap_or_default();
        let tags = |freight: &seaway_api::kargo::FreightCollection| -> Vec<String> {
            freight.items.values().flat_map(|it| it.images.iter().map(|image| image.tag.clone())).collect()
        };
        let history: Vec<Vec<String>> = stage.freight_history.iter().map(tags).collect();
        lines.push(format!("qa: {history:?}, now {:?}", stage.current_promotion.map(|it| it.name)));
        for promotion in world.promotions().await? {
            let status = promotion.status.clone().unwrap_or_default();
            let run = world.run(&promotion.name_any()).await?.status.context("a run has a status")?;
            lines.push(format!("promotion: {} {}, run {}", status.phase, status.message, run.phase));
        }
        for freight in world.verbs().all_freight().await? {
            let (status, images) = (freight.status.clone().unwrap_or_default(), &freight.images);
            let tags: Vec<&String> = images.iter().map(|image| &image.tag).collect();
            lines.push(format!("freight {tags:?} in {:?}", status.currently_in.keys().collect::<Vec<_>>()));
        }
        let plan = self.plans().get("look").await?.status.unwrap_or_default();
        lines.push(format!("plan: {} {}, digest of {} digits", plan.phase, plan.message, plan.digest.len()));
        Ok(lines.join("\n"))
    }

    async fn settle(&self) -> Result<()> {
        self.world.settle_in(&["bank", OLD]).await
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    fn met(&self) -> Vec<String> {
        let written = self.world.written().split_off(self.n_before.load(Ordering::SeqCst));
        let mut commits = written.iter().flat_map(|commit| [commit.what(), commit.what()]);
        let told = |label: String| {
            if label.ends_with("commit") { format!("{label}: {}", commits.next().unwrap_or_default()) } else { label }
        };
        self.sweep.seen().into_iter().map(told).collect()
    }
}

impl House {
    fn plans(&self) -> Api<Plan> {
        self.world.verbs().api()
    }

    /// Everything once; what is done already does no harm.
    async fn pass(&self) -> Result<()> {
        let world = &self.world;
        world.refresh("images").await?;
        world.settle().await?;

        let freight = world.freight("1.5.1").await?.name_any();
        let mut plan = Plan::new("look", PlanSpec { stage: "qa".to_owned(), freight, ..PlanSpec::default() });
        plan.metadata.namespace = Some("bank".to_owned());
        there(self.plans().create(&PostParams::default(), &plan).await.map(drop), 409)?;
        let planned = async || -> Result<bool> {
            Ok(self.plans().get("look").await?.status.is_some_and(|it| !matches!(&*it.phase, "" | "Pending" | "Running")))
        };
        world.until("the plan is made", planned).await?;

        let projects: Api<Project> = Api::all(world.client("admin"));
        let namespaces: Api<Namespace> = Api::all(world.client("admin"));
        there(projects.delete(OLD, &DeleteParams::default()).await.map(drop), 404)?;
        let gone =
            async || -> Result<bool> { Ok(projects.get_opt(OLD).await?.is_none() && namespaces.get_opt(OLD).await?.is_none()) };
        world.until("the project is gone", gone).await?;

        let few = async || -> Result<bool> {
            Ok(world.promotions().await?.len() == 1 && world.verbs().all_freight().await?.len() == 1)
        };
        world.until("what is old is gone", few).await?;
        // Whatever hangs on what is gone goes with it.
        let runs = async || -> Result<bool> {
            Ok(world.verbs().api::<seaway_api::seaway::PromotionRun>().list(&Default::default()).await?.items.len() == 1)
        };
        world.until("its runs are gone", runs).await?;
        let roles: Api<ClusterRole> = Api::all(world.client("admin"));
        let without = async || -> Result<bool> { Ok(roles.get_opt(&format!("kargo-project-admin-{OLD}")).await?.is_none()) };
        world.until("its role of the cluster is gone", without).await?;
        world.settle().await
    }
}

/// It is done, or was done before.
fn there(answer: Result<(), kube::Error>, code: u16) -> Result<()> {
    match answer {
        Err(kube::Error::Api(status)) if status.code == code => Ok(()),
        other => Ok(other?),
    }
}
