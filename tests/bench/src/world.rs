//! One world to measure in: git server, registry, control plane, a project with a warehouse and stages.

use crate::news::News;
use crate::plane::Plane;
use crate::repository;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt as _;
use kube::api::{Api, PostParams};
use kube::runtime::wait::await_condition;
use seaway_api::kargo::{Freight, FreightOrigin, Image, Promotion, PromotionSpec};
use seaway_api::seaway::PromotionRun;
use seaway_base::http::{Egress, HttpClient};
use seaway_neighbours::{GitOptions, GitServer, Registry, Serving};
use seaway_oci::{Registries, Repository, TinyImage};
use seaway_verbs::{Document, Verbs};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The project everything is in.
pub(crate) const PROJECT: &str = "bench";
/// The branch that stages write to.
const BRANCH: &str = "main";
/// A project's namespace is there by then.
const NAMESPACE_WITHIN: Duration = Duration::from_secs(20);

/// Everything that is measured against, in one folder that goes with it.
pub(crate) struct World {
    pub(crate) plane: Plane,
    pub(crate) git: GitServer,
    pub(crate) registry: Registry,
    git_serving: Serving,
    registry_serving: Serving,
    registries: Registries,
    pub(crate) folder: TempDir,
}

/// What a stage's promotion does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `yaml-update`.
    YamlUpdate,
    /// `kustomize-set-image` and `kustomize-build`.
    Kustomize,
}

impl World {
    /// Starts it all; nothing is in it yet but the project.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("seaway-bench-").tempdir().context("make a folder")?;
        let git = GitServer::open(folder.path().join("git"), GitOptions::default()).await.context("open the git server")?;
        let git_serving = git.serve(0).await.context("serve git")?;
        let registry = Registry::open(folder.path().join("registry"), Default::default()).await.context("open the registry")?;
        let registry_serving = registry.serve(0).await.context("serve the registry")?;
        let http = HttpClient::new(Egress::local()).context("make an HTTP client")?;
        let registries = Registries::new(http, Default::default());
        let plane = Plane::start(&folder.path().join("data")).await?;
        let world = Self { plane, git, registry, git_serving, registry_serving, registries, folder };
        world.apply(json!({ "kind": "Project", "metadata": { "name": PROJECT } })).await?;
        let namespaces: Api<Namespace> = Api::all(world.plane.client.clone());
        let there = await_condition(namespaces, PROJECT, |namespace: Option<&Namespace>| namespace.is_some());
        tokio::time::timeout(NAMESPACE_WITHIN, there).await.context("the project gets no namespace")??;
        Ok(world)
    }

    /// `http://127.0.0.1:41234/REPOSITORY.git`.
    pub(crate) fn url(&self, repository: &str) -> String {
        format!("{}/{repository}.git", self.git_serving.url())
    }

    /// `127.0.0.1:41235/NAME`.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.registry_serving.url().trim_start_matches("http://"))
    }

    pub(crate) fn verbs(&self) -> Verbs {
        Verbs::new(self.plane.client.clone(), PROJECT)
    }

    /// Applies a document, as `seaway apply` does; Kargo's `apiVersion` is added.
    pub(crate) async fn apply(&self, mut document: Value) -> Result<()> {
        document["apiVersion"] = json!("kargo.akuity.io/v1alpha1");
        let documents = Document::read("bench", &document.to_string()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        seaway_verbs::apply(&self.plane.client, &documents, Some(PROJECT), false)
            .await
            .with_context(|| document["kind"].to_string())?;
        Ok(())
    }

    /// A warehouse of one image that looks that often; `automatic` makes freight of what it finds.
    pub(crate) async fn warehouse(&self, name: &str, image: &str, interval: &str, automatic: bool) -> Result<()> {
        let policy = if automatic { "Automatic" } else { "Manual" };
        let subscription = json!({ "image": { "repoURL": image, "constraint": "^1.0.0" } });
        let spec = json!({ "interval": interval, "freightCreationPolicy": policy, "subscriptions": [subscription] });
        self.apply(json!({ "kind": "Warehouse", "metadata": { "name": name, "namespace": PROJECT }, "spec": spec })).await
    }

    /// Lets a stage promote by itself.
    pub(crate) async fn automate(&self, stage: &str) -> Result<()> {
        let policy = json!({ "stageSelector": { "name": stage }, "autoPromotionEnabled": true });
        let spec = json!({ "promotionPolicies": [policy] });
        self.apply(json!({ "kind": "ProjectConfig", "metadata": { "name": PROJECT, "namespace": PROJECT }, "spec": spec })).await
    }

    /// A stage that takes a warehouse's freight and writes its own files of the repository.
    pub(crate) async fn stage(&self, name: &str, warehouse: &str, image: &str, repository: &str, way: Way) -> Result<()> {
        let request = json!({ "origin": { "kind": "Warehouse", "name": warehouse }, "sources": { "direct": true } });
        let tag = format!("${{{{ imageFrom('{image}').Tag }}}}");
        let mut steps = vec![
            json!({ "uses": "git-clone", "config": { "repoURL": self.url(repository), "checkout": [{ "branch": BRANCH, "path": "./src" }] } }),
        ];
        match way {
            Way::YamlUpdate => {
                let config = json!({ "path": "./src/stages/${{ ctx.stage }}/values.yaml", "updates": [{ "key": "image.tag", "value": tag }] });
                steps.push(json!({ "uses": "yaml-update", "config": config }));
            }
            Way::Kustomize => {
                let overlay = "./src/overlays/${{ ctx.stage }}";
                let set = json!({ "path": overlay, "images": [{ "image": image, "tag": tag }] });
                steps.push(json!({ "uses": "kustomize-set-image", "config": set }));
                let build = json!({ "path": overlay, "outPath": "./src/rendered/${{ ctx.stage }}/all.yaml" });
                steps.push(json!({ "uses": "kustomize-build", "config": build }));
            }
        }
        let message = format!("${{{{ ctx.stage }}}}: {tag}");
        steps.push(json!({ "uses": "git-commit", "config": { "path": "./src", "message": message } }));
        steps.push(json!({ "uses": "git-push", "config": { "path": "./src" } }));
        let spec = json!({ "requestedFreight": [request], "promotionTemplate": { "spec": { "steps": steps } } });
        self.apply(json!({ "kind": "Stage", "metadata": { "name": name, "namespace": PROJECT }, "spec": spec })).await
    }

    /// Pushes an image and answers when its tag stood.
    pub(crate) async fn push(&self, image: &str, tag: &str) -> Result<Instant> {
        let repository = Repository::parse(image).context("name the repository")?;
        let tiny = TinyImage::new(format!("{image} {tag}"), Timestamp::now());
        self.registries.remote(&repository, None, false).push_image(tag, &tiny).await.context("push an image")?;
        Ok(Instant::now())
    }

    /// Makes freight by hand and answers its name.
    pub(crate) async fn freight(&self, warehouse: &str, image: &str, number: usize) -> Result<String> {
        let digest = format!("sha256:{:064x}", number + 1);
        let image = Image { repo_url: image.to_owned(), tag: tag(number), digest, ..Image::default() };
        let mut freight = Freight { origin: FreightOrigin::warehouse(warehouse), images: vec![image], ..Freight::default() };
        freight.metadata.generate_name = Some("freight-".to_owned());
        freight.metadata.namespace = Some(PROJECT.to_owned());
        let api: Api<Freight> = self.verbs().api();
        let made = api.create(&PostParams::default(), &freight).await.context("make freight")?;
        Ok(made.name_any())
    }

    /// Asks for a promotion and answers its name.
    pub(crate) async fn promote(&self, stage: &str, freight: &str) -> Result<String> {
        let spec = PromotionSpec { stage: stage.to_owned(), freight: freight.to_owned(), ..PromotionSpec::default() };
        let mut promotion = Promotion { spec, ..Promotion::default() };
        promotion.metadata.generate_name = Some(format!("{stage}."));
        promotion.metadata.namespace = Some(PROJECT.to_owned());
        let api: Api<Promotion> = self.verbs().api();
        let made = api.create(&PostParams::default(), &promotion).await.with_context(|| format!("promote to {stage}"))?;
        Ok(made.name_any())
    }

    /// Listens to promotions and their runs.
    pub(crate) async fn promotions(&self) -> Result<News> {
        let mut news = News::new();
        let verbs = self.verbs();
        news.listen(verbs.api::<Promotion>(), |promotion| {
            let status = promotion.status.as_ref();
            (status.map(|it| it.phase.to_string()).unwrap_or_default(), status.map(|it| it.message.clone()).unwrap_or_default())
        })
        .await?;
        news.listen(verbs.api::<PromotionRun>(), |run| {
            let status = run.status.as_ref();
            (status.map(|it| it.phase.clone()).unwrap_or_default(), status.map(|it| it.message.clone()).unwrap_or_default())
        })
        .await?;
        Ok(news)
    }

    /// Waits until nothing is written any more.
    pub(crate) async fn quiet(&self) -> Result<()> {
        let mut n_same = 0;
        let mut last = f64::NAN;
        for _ in 0..600 {
            let now = self.plane.figure("seaway_store_revision").await?;
            // Exactly: it is a whole number.
            n_same = if now.to_bits() == last.to_bits() { n_same + 1 } else { 0 };
            if n_same == 5 {
                return Ok(());
            }
            last = now;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the store is written to without end")
    }

    /// Makes a repository with that many files.
    pub(crate) async fn repository(&self, name: &str, image: &str, size: repository::Size) -> Result<()> {
        repository::make(&self.git, name, image, size).await
    }
}

/// The tag of that number.
pub(crate) fn tag(number: usize) -> String {
    format!("1.0.{number}")
}

/// Waits until a promotion has succeeded, and answers when that was told.
pub(crate) async fn succeeded(news: &News, name: &str) -> Result<Instant> {
    let what = format!("promotion {name}");
    let ended = news.until(&what, |seen| {
        let mut of_it = seen.iter().filter(|it| it.plural == "promotions" && it.name == name);
        of_it.rfind(|it| matches!(it.state.as_str(), "Succeeded" | "Failed" | "Errored" | "Aborted")).cloned()
    });
    let ended = match ended.await {
        Ok(ended) => ended,
        Err(err) => {
            let last = news.with(|seen| {
                seen.iter().rev().find(|it| it.name == name).map(|it| format!("{} {}: {}", it.plural, it.state, it.message))
            });
            return Err(err.context(last.unwrap_or_else(|| "nothing was told of it".to_owned())));
        }
    };
    if ended.state != "Succeeded" {
        bail!("promotion {name}: {}: {}", ended.state, ended.message);
    }
    Ok(ended.at)
}
