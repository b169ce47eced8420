//! What a play looks at: files and messages in git, freight, outputs, objects, what does not move, and who was sent a request.

use super::play::Play;
use crate::question::list;
use crate::show::called;
use anyhow::{Context as _, Result, bail, ensure};
use kube::ResourceExt as _;
use seaway_api::conditions;
use seaway_api::kargo::{Freight, Warehouse};
use seaway_core::freight::newest_first;
use serde_json::Value;

impl Play<'_> {
    /// Looks; what time alone brings is waited for.
    pub(super) async fn look(&self, words: &[&str], text: &str) -> Result<()> {
        match *words {
            ["has", repository, place] => {
                let found = self.git(repository, &["show", place]).await?;
                ensure!(found.contains(text), "it is there, without that:\n{found}");
                Ok(())
            }
            ["lacks", repository, place] => match self.git(repository, &["show", place]).await {
                Ok(found) if text.is_empty() || found.contains(text) => bail!("it is there:\n{found}"),
                Ok(_) | Err(_) => {
                    // That the file is not there must not be because its branch is not.
                    let branch = place.split(':').next().unwrap_or_default();
                    self.git(repository, &["rev-parse", "--verify", branch]).await.map(drop)
                }
            },
            ["log", repository, branch] => {
                let found = self.git(repository, &["log", "-1", "--format=%an <%ae>: %B", branch]).await?;
                ensure!(found.contains(text), "it says:\n{found}");
                Ok(())
            }
            ["finds", warehouse, "nothing"] => self.finds_nothing(warehouse).await,
            ["finds", warehouse] => {
                let newest = || async { Ok(self.newest_of(warehouse).await?.is_some_and(|it| it.contains(text))) };
                self.until(&format!("`{warehouse}` finds {text}"), newest).await
            }
            ["output", stage, path] => {
                let promotion = self.last(stage).await?.with_context(|| format!("`{stage}` has no promotion"))?;
                let state = promotion.status.and_then(|status| status.state).unwrap_or_default();
                let found = state.pointer(&format!("/{}", path.replace('.', "/"))).map(plain).unwrap_or_default();
                ensure!(!found.is_empty() && found.contains(text), "outputs are {state}");
                Ok(())
            }
            ["shows", object, pointer] => {
                let shown = || async {
                    let found = self.object(object).await?;
                    let found = found.pointer(pointer).map(plain);
                    found.filter(|it| it.contains(text)).map(|_| true).context("it does not show that")
                };
                self.until(&format!("{object} shows {text} at {pointer}"), shown).await
            }
            ["passes", stage] => {
                let passed = || async {
                    let all = self.verbs.all_freight().await?;
                    Ok(all.iter().any(|it| it.status.as_ref().is_some_and(|status| status.verified_in.contains_key(stage))))
                };
                self.until(&format!("`{stage}` passes freight on"), passed).await
            }
            ["waits", stage] => {
                let waits = || async {
                    let stuck = self.world.stuck(self.verbs.project()).await?;
                    Ok(stuck.iter().any(|it| it.kind == "Stage" && it.name == stage && it.cause.contains(text)))
                };
                self.until(&format!("`{stage}` waits: {text}"), waits).await
            }
            ["heard", method, url] => {
                let path = self.place.path(url).with_context(|| format!("nobody listens at {url}"))?;
                let heard = || async {
                    let heard = self.world.ear().heard();
                    let found = heard.iter().any(|it| it.method == method && it.path == path && it.body.contains(text));
                    ensure!(found, "it was sent {:?}", heard.iter().filter(|it| it.path == path).collect::<Vec<_>>());
                    Ok(true)
                };
                self.until(&format!("{method} {url} is sent"), heard).await
            }
            _ => bail!("nobody understands this line"),
        }
    }

    /// What a warehouse's newest freight is called.
    async fn newest_of(&self, warehouse: &str) -> Result<Option<String>> {
        let mut all = self.verbs.all_freight().await?;
        all.retain(|freight| freight.origin.name == warehouse);
        let spoken = |it: &&Freight| {
            let tags = it.commits.iter().map(|commit| format!(" {} {}", commit.tag, commit.branch)).collect::<String>();
            format!("{}{tags}", called(&it.images, &it.commits))
        };
        Ok(newest_first(all.iter().collect()).first().map(spoken))
    }

    /// It has looked, and there was nothing to make freight of.
    async fn finds_nothing(&self, warehouse: &str) -> Result<()> {
        let looked = || async {
            let warehouses: Vec<Warehouse> = list(&self.verbs).await?;
            let found = warehouses.into_iter().find(|it| it.name_any() == warehouse).and_then(|it| it.status);
            let ready = found.as_ref().and_then(|status| conditions::get(&status.conditions, "Ready"));
            Ok(ready.is_some_and(|it| it.reason != "DiscoveryInProgress"))
        };
        self.until(&format!("`{warehouse}` has looked"), looked).await?;
        match self.newest_of(warehouse).await? {
            Some(found) => bail!("it found {found}"),
            None => Ok(()),
        }
    }

    /// `stages/test` of the project, or a `namespaces/…`, `projects/…` of the cluster.
    async fn object(&self, path: &str) -> Result<Value> {
        let group = "/apis/kargo.akuity.io/v1alpha1";
        let path = match path.split_once('/') {
            Some(("namespaces", name)) => format!("/api/v1/namespaces/{name}"),
            Some(("projects", _)) => format!("{group}/{path}"),
            _ => format!("{group}/namespaces/{}/{path}", self.verbs.project()),
        };
        let request = http::Request::get(&path).body(Vec::new()).context("name the object")?;
        self.verbs.client().request(request).await.with_context(|| format!("GET {path}"))
    }
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
