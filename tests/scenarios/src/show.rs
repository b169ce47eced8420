//! What `show` prints in a script: stages, git, promotions, freight, and why nothing moves.

use crate::bank::{PROJECT, tag_of};
use crate::world::World;
use anyhow::{Result, bail};
use kube::ResourceExt as _;
use seaway_api::kargo::{FreightReference, GitCommit, Image, Stage};
use seaway_core::view::in_order;
use seaway_core::why;

pub(crate) async fn show(world: &World, what: &str) -> Result<String> {
    let lines = match what {
        "stages" => stages(world).await?,
        "git" => git(world).await?,
        "log" => world.git(&["log", "--reverse", "--format=%s", "main"]).await?.lines().map(str::to_owned).collect(),
        "promotions" => promotions(world).await?,
        "freight" => freight(world).await?,
        "why" => world
            .stuck(PROJECT)
            .await?
            .into_iter()
            .map(|it| format!("{} {} {}: {}", it.kind, it.name, it.state, it.cause))
            .collect(),
        "heard" => world.ear().heard().into_iter().map(|it| format!("{} {} {}", it.method, it.path, it.body)).collect(),
        other => bail!("nobody can show `{other}`"),
    };
    Ok(lines.join("\n"))
}

/// What freight is called for people: its versions, or the subjects of its commits.
pub(crate) fn called(images: &[Image], commits: &[GitCommit]) -> String {
    let service = |image: &Image| image.repo_url.rsplit('/').next().unwrap_or_default().to_owned();
    let mut parts: Vec<String> = images.iter().map(|image| format!("{} {}", service(image), image.tag)).collect();
    parts.extend(commits.iter().map(|commit| commit.message.lines().next().unwrap_or_default().to_owned()));
    parts.sort();
    parts.join(", ")
}

fn good(stage: &Stage) -> String {
    let current = stage.status.as_ref().and_then(|status| status.freight_history.first());
    let items = current.map(|collection| collection.items.values().collect::<Vec<&FreightReference>>()).unwrap_or_default();
    let parts: Vec<String> = items.iter().map(|freight| called(&freight.images, &freight.commits)).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" + ") }
}

async fn stages(world: &World) -> Result<Vec<String>> {
    let read = world.read(PROJECT).await?;
    let mut lines = Vec::new();
    for stage in in_order(&read.stages) {
        let answer = read.ask(|project| why::stage(project, stage));
        let mut line = format!("{}: {}; {}", stage.name_any(), good(stage), answer.state);
        if answer.does_not_move() {
            line.push_str(&format!(": {}; released by {}", answer.cause, answer.releases));
        }
        lines.push(line);
    }
    Ok(lines)
}

async fn git(world: &World) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for path in world.git(&["ls-tree", "-r", "--name-only", "main", "overlays"]).await?.lines() {
        let text = world.git(&["show", &format!("main:{path}")]).await?;
        let tags: Vec<String> = ["account-info", "fund-transfer"]
            .iter()
            .filter_map(|service| Some(format!("{service} {}", tag_of(&text, service)?)))
            .collect();
        let stage = path.trim_start_matches("overlays/").trim_end_matches("/kustomization.yaml");
        lines.push(format!("{stage}: {}", if tags.is_empty() { "nothing".to_owned() } else { tags.join(", ") }));
    }
    Ok(lines)
}

async fn promotions(world: &World) -> Result<Vec<String>> {
    let freight = world.verbs().all_freight().await?;
    let mut lines = Vec::new();
    for promotion in world.promotions().await? {
        let found = freight.iter().find(|it| it.name_any() == promotion.spec.freight);
        let what = found.map(|it| called(&it.images, &it.commits)).unwrap_or_default();
        let status = promotion.status.clone().unwrap_or_default();
        lines.push(format!("{} {what}: {} {}", promotion.spec.stage, status.phase, status.message));
    }
    Ok(lines)
}

async fn freight(world: &World) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for freight in world.verbs().all_freight().await? {
        let status = freight.status.clone().unwrap_or_default();
        let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(" ");
        let what = called(&freight.images, &freight.commits);
        let (here, was) = (names(status.currently_in.keys().collect()), names(status.verified_in.keys().collect()));
        lines.push(format!("{what}: in [{here}] verified [{was}] approved [{}]", names(status.approved_for.keys().collect())));
    }
    lines.sort();
    Ok(lines)
}
