//! What stands around the control plane: the git server with the smoke test, the registry, and the ear.

use crate::bank::{REPOSITORY, STAGES, tag_of};
use crate::ear::Ear;
use crate::options::Options;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use seaway_base::http::{Egress, HttpClient};
use seaway_neighbours::{GitServer, Registry, RegistryOptions, Serving, answers, serve};
use seaway_oci::{Platform, Reference, Registries, Repository, TinyImage, TinyPart};
use std::collections::BTreeMap;
use std::path::Path;

/// The label by which the smoke test knows a bad image.
const BAD: &str = "dev.seaway.demo.bad";

/// The neighbours; they stop when this is dropped.
pub(crate) struct Neighbours {
    pub(crate) git: GitServer,
    pub(crate) git_serving: Serving,
    pub(crate) registry: Registry,
    pub(crate) registry_serving: Serving,
    pub(crate) ear: Ear,
}

impl Neighbours {
    pub(crate) async fn start(folder: &Path, options: &Options) -> Result<Self> {
        let git = GitServer::open(folder.join("git"), options.git.clone()).await.context("open the git server")?;
        git.create_repo("bank", REPOSITORY).await.context("create bank.git")?;
        let access = RegistryOptions { access: options.registry.clone(), ..RegistryOptions::default() };
        let registry = Registry::open(folder.join("registry"), access).await.context("open the registry")?;
        let registry_serving = registry.serve(0).await.context("serve the registry")?;
        let (smoked, address) = (git.clone(), registry_serving.addr().to_string());
        let smoke = answers("/smoke", move |stage| smoke_test(smoked.clone(), address.clone(), stage));
        let git_serving = serve(0, smoke.merge(git.router())).await.context("serve git")?;
        Ok(Self { git, git_serving, registry, registry_serving, ear: Ear::open().await? })
    }
}

/// Pushes a tiny image, `fund-transfer:1.5.1`, an index where it has parts; answers its digest.
pub(crate) async fn push(registry: &str, image: &str, bad: bool, parts: Vec<TinyPart>) -> Result<String> {
    let Some((service, version)) = image.split_once(':').filter(|(_, version)| !version.is_empty()) else {
        bail!("`{image}` names no version; write it as fund-transfer:1.5.1");
    };
    let mut labels = BTreeMap::from([("org.opencontainers.image.version".to_owned(), version.to_owned())]);
    if bad {
        labels.insert(BAD.to_owned(), "true".to_owned());
    }
    let build = format!("{service} {version}");
    let tiny = TinyImage { build, created: Some(Timestamp::now()), annotations: labels.clone(), labels, parts };
    let repository = Repository::parse(&format!("{registry}/{service}")).context("name the repository")?;
    registries()?.remote(&repository, None, false).push_image(version, &tiny).await.with_context(|| format!("push {image}"))
}

fn registries() -> Result<Registries> {
    let http = HttpClient::new(Egress::local()).context("make an HTTP client")?;
    Ok(Registries::new(http, seaway_oci::RegistryOptions::default()))
}

/// What git says runs in a stage either works or does not.
async fn smoke_test(git: GitServer, registry: String, stage: String) -> (u16, String) {
    if !STAGES.contains(&stage.as_str()) {
        return (404, format!("no stage `{stage}`\n"));
    }
    let text = git.git("bank", &["show", &format!("main:overlays/{stage}/kustomization.yaml")]).await.unwrap_or_default();
    let Some(version) = tag_of(&text, "fund-transfer") else { return (503, "nothing is deployed\n".to_owned()) };
    match is_bad(&registry, &version).await {
        Ok(false) => (200, format!("fund-transfer {version} works\n")),
        Ok(true) => (500, format!("fund-transfer {version} does not work\n")),
        Err(err) => (502, format!("{err:#}\n")),
    }
}

async fn is_bad(registry: &str, version: &str) -> Result<bool> {
    let repository = Repository::parse(&format!("{registry}/fund-transfer")).context("name the repository")?;
    let none: Option<&Platform> = None;
    let registries = registries()?;
    let remote = registries.remote(&repository, None, false);
    let info = remote.image(&Reference::Tag(version.to_owned()), none, false).await.context("read the image")?;
    Ok(info.annotations.get(BAD).is_some_and(|bad| bad == "true"))
}
