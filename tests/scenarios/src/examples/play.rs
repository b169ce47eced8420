//! Plays an example in a world: what stands around it is made, its documents are applied, and its lines are done one after the other.

use super::{Example, Place};
use crate::question::list;
use crate::world::{PATIENCE, World};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use parking_lot::Mutex;
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, Stage, Warehouse};
use seaway_base::Clock;
use seaway_core::freight::{find, newest_first};
use seaway_core::stage::is_control_flow;
use seaway_verbs::{Ended, Refreshable, Verbs};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How often a play looks whether what it waits for has come.
const LOOK: Duration = Duration::from_millis(100);

/// The system's time, and as much more as was waited for.
#[derive(Debug, Default)]
pub struct Later(AtomicI64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        let more = SignedDuration::from_secs(self.0.load(Ordering::SeqCst));
        Timestamp::now().saturating_add(more).unwrap_or(Timestamp::MAX)
    }
}

/// What came of a play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// Promotions that were carried out.
    pub n_promotions: usize,
    /// Looks at what came of them.
    pub n_looks: usize,
}

/// What a line says must come of it.
enum Must<'l> {
    Succeed,
    Fail(&'l str),
    BeRefused(&'l str),
}

/// How an image is made.
enum Make {
    /// One manifest.
    Usual,
    /// One that the smoke test of the bank fails.
    Bad,
    /// An index, which says what platforms its images are for.
    Index,
}

pub(super) struct Play<'w> {
    pub(super) world: &'w World,
    pub(super) place: Place,
    pub(super) verbs: Verbs,
    example: &'w Example,
    /// All documents, with the addresses at hand.
    text: String,
    clock: Option<&'w Later>,
    is_applied: bool,
    /// Promotions that a line was about.
    seen: Mutex<BTreeSet<String>>,
}

/// Plays an example; one that waits needs the clock of its world.
///
/// # Errors
/// The line that did not come true, and how things stand.
pub async fn play(world: &World, example: &Example, clock: Option<&Later>) -> Result<Played> {
    let place = Place::of(world, &example.name);
    let text = place.here(&example.text());
    let project = project(&text).with_context(|| format!("examples/{} names no project", example.name))?;
    let verbs = world.verbs_in(&project);
    let mut play = Play { world, place, verbs, example, text, clock, is_applied: false, seen: Mutex::default() };
    play.make_repositories().await?;
    let mut n_looks = 0;
    for line in &example.play {
        let here = play.place.here(line);
        match play.line(&here).await {
            Ok(is_look) => n_looks += usize::from(is_look),
            Err(err) => bail!("examples/{}: {line}: {err:#}\n{}", example.name, play.stand().await),
        }
    }
    ensure!(n_looks > 0, "examples/{}: its play looks at nothing", example.name);
    let n_promotions = play.nothing_is_left().await.with_context(|| format!("examples/{}", example.name))?;
    Ok(Played { n_promotions, n_looks })
}

/// Applies an example that needs a part that is not built, and waits until one of its objects says so; answers what it says.
///
/// # Errors
/// What was refused, or that nothing is blocked.
pub async fn is_blocked(world: &World, example: &Example) -> Result<String> {
    let text = Place::of(world, &example.name).here(&example.text());
    world.apply(&example.name, &text).await?;
    let verbs = world.verbs_in(&project(&text).with_context(|| format!("examples/{} names no project", example.name))?);
    let told = || async {
        let stages = list::<Stage>(&verbs).await?.into_iter().filter_map(|it| Some(it.status?.conditions));
        let warehouses = list::<Warehouse>(&verbs).await?.into_iter().filter_map(|it| Some(it.status?.conditions));
        let configs = list::<ProjectConfig>(&verbs).await?.into_iter().filter_map(|it| Some(it.status?.conditions));
        let mut all = stages.chain(warehouses).chain(configs).flatten();
        anyhow::Ok(all.find(|it| it.type_ == "Blocked" && it.reason == "NotBuilt").map(|it| it.message))
    };
    world.until_every(LOOK, &format!("examples/{} is blocked", example.name), || async { Ok(told().await?.is_some()) }).await?;
    told().await?.context("it is not blocked any more")
}

/// The project of the documents.
fn project(text: &str) -> Option<String> {
    let documents = seaway_render::yaml::read_all(text).ok()?;
    let project = documents.into_iter().find(|document| document["kind"] == "Project")?;
    project["metadata"]["name"].as_str().map(str::to_owned)
}

impl Play<'_> {
    /// Each repository that the documents name, with a folder for each of their stages: the one for `test` serves as pattern.
    async fn make_repositories(&self) -> Result<()> {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for (path, content) in &self.example.repository {
            let content = self.place.here(&String::from_utf8_lossy(content)).into_bytes();
            if let Some(rest) = path.strip_prefix("stages/test/") {
                let documents = seaway_render::yaml::read_all(&self.text).context("read the documents")?;
                let stages = documents.iter().filter(|document| document["kind"] == "Stage");
                let names = stages.filter_map(|stage| stage["metadata"]["name"].as_str());
                files.extend(names.filter(|name| *name != "test").map(|name| (format!("stages/{name}/{rest}"), content.clone())));
            }
            files.push((path.clone(), content));
        }
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
        for name in self.place.repositories(&self.text) {
            self.world.git_server().create_repo(&name, &files).await.with_context(|| format!("make {name}.git"))?;
        }
        Ok(())
    }

    /// Waits until `holds`.
    pub(super) async fn until<F: Future<Output = Result<bool>>>(&self, what: &str, holds: impl Fn() -> F) -> Result<()> {
        self.world.until_every(LOOK, what, holds).await
    }

    /// Does what a line says; answers whether it only looked.
    async fn line(&mut self, line: &str) -> Result<bool> {
        let (head, text) = match line.split_once(": ") {
            Some((head, text)) => (head, text.trim()),
            None => (line.trim_end_matches(':'), ""),
        };
        let words: Vec<&str> = head.split_whitespace().collect();
        match *words {
            ["apply"] => self.apply().await?,
            ["push", image] => self.push(image, Make::Usual).await?,
            ["push", image, "--bad"] => self.push(image, Make::Bad).await?,
            ["push", image, "--index"] => self.push(image, Make::Index).await?,
            ["commit", repository, path] => self.commit(repository, path, text).await?,
            ["tag", repository, name] => self.tag(repository, name, text).await?,
            ["branch", repository, name] => {
                self.git(repository, &["branch", name, "main"]).await?;
            }
            ["answer", url, status] => {
                let path = self.place.path(url).with_context(|| format!("nobody answers at {url}"))?;
                self.world.ear().answer(path, status.parse().context("a status is a number")?, text);
            }
            ["wait", span] => self.wait(span).await?,
            ["assemble", warehouse] => self.assemble(warehouse).await?,
            ["approve", freight, stage] => {
                let freight = self.freight(stage, Some(freight)).await?;
                self.verbs.approve(&freight, stage, Timestamp::now()).await?;
            }
            ["resume", stage] => self.verbs.resume(stage, Timestamp::now()).await?,
            ["promote", stage, ref rest @ ..] => {
                let (freight, must) = must(rest, text)?;
                self.promote(stage, freight, &must).await?;
            }
            ["starts", stage] => {
                let freight = self.freight(stage, None).await?;
                self.verbs.promote(stage, &freight, None).await?;
            }
            ["flows", stage, ref rest @ ..] | ["ends", stage, ref rest @ ..] => {
                let (freight, must) = must(rest, text)?;
                self.flows(stage, freight, &must).await?;
            }
            ref words => return self.look(words, text).await.map(|()| true),
        }
        Ok(false)
    }

    async fn apply(&mut self) -> Result<()> {
        self.world.apply(&self.example.name, &self.text).await?;
        self.is_applied = true;
        Ok(())
    }

    /// Pushes an image, and tells the warehouses, as a webhook would.
    async fn push(&self, image: &str, make: Make) -> Result<()> {
        let (name, tag) = image.rsplit_once(':').context("an image has a tag")?;
        let all = self.place.images(&self.text);
        let name = all.iter().find(|it| *it == name || it.ends_with(&format!("/{name}")));
        let name = name.with_context(|| format!("the documents name no image `{image}`; they name {}", all.join(", ")))?;
        self.next_second().await?;
        let image = format!("{name}:{tag}");
        match make {
            Make::Usual => self.world.push_quietly(&image, false).await?,
            Make::Bad => self.world.push_quietly(&image, true).await?,
            Make::Index => self.world.push_index(&image).await?,
        };
        self.tell().await
    }

    /// Somebody commits a file to main; the text is what it holds and what the commit says.
    async fn commit(&self, repository: &str, path: &str, text: &str) -> Result<()> {
        let name = self.repository(repository)?;
        self.next_second().await?;
        let content = format!("{text}\n");
        self.world.git_server().commit(&name, "main", text, &[(path, Some(content.as_bytes()))]).await?;
        self.tell().await
    }

    /// Somebody tags main; with a text, the tag is annotated.
    async fn tag(&self, repository: &str, tag: &str, text: &str) -> Result<()> {
        if text.is_empty() {
            self.git(repository, &["tag", tag, "main"]).await?;
        } else {
            let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
            self.git(repository, &[who.as_slice(), &["tag", "--annotate", "--message", text, tag, "main"]].concat()).await?;
        }
        self.tell().await
    }

    /// Freight is ordered by whole seconds: what comes now is newer than what there is.
    async fn next_second(&self) -> Result<()> {
        if !self.is_applied {
            return Ok(());
        }
        let all = self.verbs.all_freight().await?;
        let newest = all.iter().filter_map(|it| it.discovered_at.as_ref()).map(|time| time.0).max();
        let newest = newest.unwrap_or(Timestamp::MIN);
        let now = || self.clock.map_or_else(Timestamp::now, Clock::now);
        self.until("the next second comes", || async { Ok(now().as_second() > newest.as_second()) }).await
    }

    /// Asks every warehouse to look, and waits until it has.
    async fn tell(&self) -> Result<()> {
        if !self.is_applied {
            return Ok(());
        }
        for warehouse in list::<Warehouse>(&self.verbs).await? {
            self.verbs.refresh(Refreshable::Warehouse, &warehouse.name_any(), Timestamp::now(), Some(PATIENCE)).await?;
        }
        Ok(())
    }

    /// The control plane is away for as long as that, and comes back.
    async fn wait(&self, span: &str) -> Result<()> {
        let span: SignedDuration = span.parse().with_context(|| format!("`{span}` is no span of time"))?;
        let clock = self.clock.context("this world's clock cannot be moved")?;
        self.world.stop().await;
        clock.0.fetch_add(span.as_secs(), Ordering::SeqCst);
        self.world.restart().await
    }

    /// Makes freight of the newest that a warehouse has discovered, as a person does with a document.
    async fn assemble(&self, warehouse: &str) -> Result<()> {
        let found = || async {
            let warehouse: Warehouse = self.verbs.api().get(warehouse).await?;
            let found = warehouse.status.and_then(|status| status.discovered_artifacts).context("nothing is discovered yet")?;
            let images = found.images.iter().filter_map(|it| Some((it, it.references.first()?)));
            let images = images
                .map(|(it, newest)| serde_json::json!({ "repoURL": it.repo_url, "tag": newest.tag, "digest": newest.digest }));
            let commits = found.git.iter().filter_map(|it| Some((it, it.commits.first()?)));
            let commits = commits
                .map(|(it, newest)| serde_json::json!({ "repoURL": it.repo_url, "id": newest.id, "branch": newest.branch }));
            anyhow::Ok((images.collect::<Vec<_>>(), commits.collect::<Vec<_>>()))
        };
        self.until("the warehouse has looked", || async { Ok(found().await.is_ok()) }).await?;
        let (images, commits) = found().await?;
        let freight = serde_json::json!({
            "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Freight", "metadata": { "namespace": self.verbs.project() },
            "origin": { "kind": "Warehouse", "name": warehouse }, "images": images, "commits": commits,
        });
        self.world.apply("freight.json", &freight.to_string()).await.map(drop)
    }

    /// The freight that a stage may ask for and that `what` means: a version, a warehouse's newest, or simply the newest.
    async fn freight(&self, stage: &str, what: Option<&str>) -> Result<Freight> {
        self.until("there is such freight", || async { self.freight_now(stage, what).await.map(|_| true) }).await?;
        self.freight_now(stage, what).await
    }

    async fn freight_now(&self, stage: &str, what: Option<&str>) -> Result<Freight> {
        let stage = self.verbs.stage(stage).await?;
        let asks = |freight: &Freight| stage.spec.requested_freight.iter().any(|request| request.origin == freight.origin);
        let mut all = self.verbs.all_freight().await?;
        all.retain(|freight| asks(freight) && what.is_none_or(|what| !self.is_warehouse(what) || freight.origin.name == what));
        match what.filter(|what| !self.is_warehouse(what)) {
            Some(query) => Ok(find(query, &all)?.clone()),
            None => newest_first(all.iter().collect()).first().map(|it| (*it).clone()).context("there is no freight yet"),
        }
    }

    fn is_warehouse(&self, name: &str) -> bool {
        let documents = seaway_render::yaml::read_all(&self.text).unwrap_or_default();
        documents.iter().any(|document| document["kind"] == "Warehouse" && document["metadata"]["name"] == name)
    }

    /// A person promotes, and waits for the end.
    async fn promote(&self, stage: &str, freight: Option<&str>, must: &Must<'_>) -> Result<()> {
        let freight = self.freight(stage, freight).await?;
        let asked = self.verbs.promote(stage, &freight, None).await;
        if let Must::BeRefused(text) = must {
            let said = asked.map_or_else(|err| seaway_base::error::chain(&err), |_| "it was taken".to_owned());
            ensure!(said.contains(text), "it said: {said}");
            return Ok(());
        }
        let name = asked?.name_any();
        self.seen.lock().insert(name.clone());
        let (phase, message) = match self.verbs.wait_for(&name, PATIENCE).await? {
            Ended::Succeeded { message } => ("Succeeded".to_owned(), message),
            Ended::Failed { phase, message } => (phase, message),
            other => bail!("it ended {other:?}"),
        };
        self.ended(stage, &freight.name_any(), &phase, &message, must).await
    }

    /// The control plane promotes by itself.
    async fn flows(&self, stage: &str, freight: Option<&str>, must: &Must<'_>) -> Result<()> {
        let freight = self.freight(stage, freight).await?.name_any();
        let over = || async {
            let all: Vec<Promotion> = list(&self.verbs).await?;
            let own = all.into_iter().filter(|it| it.spec.stage == stage && it.spec.freight == freight);
            let over = own.filter(|it| it.status.as_ref().is_some_and(|status| status.phase.is_terminal()));
            anyhow::Ok(over.filter(|it| !self.seen.lock().contains(&it.name_any())).max_by_key(Promotion::name_any))
        };
        self.until(&format!("`{stage}` has promoted it"), || async { Ok(over().await?.is_some()) }).await?;
        let promotion = over().await?.ok_or_else(|| anyhow!("it is gone again"))?;
        self.seen.lock().insert(promotion.name_any());
        let status = promotion.status.unwrap_or_default();
        self.ended(stage, &freight, &status.phase.to_string(), &status.message, must).await
    }

    async fn ended(&self, stage: &str, freight: &str, phase: &str, message: &str, must: &Must<'_>) -> Result<()> {
        let said = format!("{phase} {message}");
        match must {
            Must::Fail(text) => ensure!(phase != "Succeeded" && said.contains(text), "it ended {said}"),
            Must::Succeed => {
                ensure!(phase == "Succeeded", "it ended {said}");
                let passed = || async {
                    let freight: Freight = self.verbs.api().get(freight).await?;
                    Ok(freight.status.is_some_and(|status| status.verified_in.contains_key(stage)))
                };
                self.until(&format!("`{stage}` passes its freight on"), passed).await?;
            }
            Must::BeRefused(_) => bail!("nobody asked for it"),
        }
        Ok(())
    }

    /// The last promotion of a stage.
    pub(super) async fn last(&self, stage: &str) -> Result<Option<Promotion>> {
        let all: Vec<Promotion> = list(&self.verbs).await?;
        Ok(all.into_iter().filter(|it| it.spec.stage == stage).max_by_key(Promotion::name_any))
    }

    /// The repository at the git server that the documents mean by `demo.git`.
    pub(super) fn repository(&self, name: &str) -> Result<String> {
        let bare = name.strip_suffix(".git").unwrap_or(name);
        let all = self.place.repositories(&self.text);
        let found = all.iter().find(|it| *it == bare || it.ends_with(&format!("/{bare}")));
        found.cloned().with_context(|| format!("the documents name no repository `{name}`; they name {}", all.join(", ")))
    }

    pub(super) async fn git(&self, repository: &str, args: &[&str]) -> Result<String> {
        let name = self.repository(repository)?;
        self.world.git_server().git(&name, args).await.with_context(|| format!("git {}", args.join(" ")))
    }

    /// Each stage was promoted to, and each warehouse has made freight; answers how many promotions are over.
    async fn nothing_is_left(&self) -> Result<usize> {
        let promotions: Vec<Promotion> = list(&self.verbs).await?;
        let is_over = |it: &&Promotion| it.status.as_ref().is_some_and(|status| status.phase.is_terminal());
        let freight = self.verbs.all_freight().await?;
        for stage in list::<Stage>(&self.verbs).await? {
            let name = stage.name_any();
            let passed = freight.iter().any(|it| it.status.as_ref().is_some_and(|status| status.verified_in.contains_key(&name)));
            let promoted = promotions.iter().filter(is_over).any(|it| it.spec.stage == name);
            ensure!(promoted || is_control_flow(&stage) && passed, "its play leaves stage `{name}` out");
        }
        for warehouse in list::<Warehouse>(&self.verbs).await? {
            let name = warehouse.name_any();
            ensure!(freight.iter().any(|it| it.origin.name == name), "its play leaves warehouse `{name}` out");
        }
        Ok(promotions.iter().filter(is_over).count())
    }

    /// What does not move, for what a play says when it fails.
    async fn stand(&self) -> String {
        let mut lines = match self.world.stuck(self.verbs.project()).await {
            Ok(stuck) => stuck.iter().map(|it| format!("  {} {} {}: {}", it.kind, it.name, it.state, it.cause)).collect(),
            Err(err) => vec![format!("  {err:#}")],
        };
        for promotion in list::<Promotion>(&self.verbs).await.unwrap_or_default() {
            let status = promotion.status.clone().unwrap_or_default();
            lines.push(format!("  {} {} {}", promotion.name_any(), status.phase, status.message));
        }
        lines.join("\n")
    }
}

/// `[FREIGHT] [fails|refused]`, and the text after it.
fn must<'l>(rest: &[&'l str], text: &'l str) -> Result<(Option<&'l str>, Must<'l>)> {
    match *rest {
        [] => Ok((None, Must::Succeed)),
        ["fails"] => Ok((None, Must::Fail(text))),
        ["refused"] => Ok((None, Must::BeRefused(text))),
        [freight] => Ok((Some(freight), Must::Succeed)),
        [freight, "fails"] => Ok((Some(freight), Must::Fail(text))),
        [freight, "refused"] => Ok((Some(freight), Must::BeRefused(text))),
        _ => bail!("nobody understands `{}`", rest.join(" ")),
    }
}
