//! Stages of one's own, promoted by hand, and a run that pauses at a moment until the test lets it go on.

use anyhow::{Context as _, Result};
use kube::ResourceExt as _;
use parking_lot::Mutex;
use seaway_api::kargo::Promotion;
use seaway_runs::{Point, Side};
use seaway_scenarios::{Death, Moment, Options, World};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::watch;

const FOUNDATION: &str = include_str!("foundation.yaml");
const FREIGHT: &str = include_str!("../sweep/freight.yaml");
/// A paused run goes on by itself after this, so that a test that fails ends.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The usual steps: clone main, set the image in an overlay, commit, push.
pub(crate) fn usual(overlay: &str) -> String {
    format!(
        r#"
      - uses: git-clone
        as: clone
        config:
          repoURL: http://127.0.0.1:7480/bank.git
          checkout: [{{ path: ./src, branch: main }}]
      - uses: kustomize-set-image
        as: update
        config:
          path: ./src/overlays/{overlay}
          images: [{{ image: bank/fund-transfer, tag: "${{{{ imageFrom('127.0.0.1:7450/fund-transfer').Tag }}}}" }}]
      - uses: git-commit
        as: commit
        config: {{ path: ./src, message: "${{{{ ctx.stage }}}}: fund-transfer" }}
      - uses: git-push
        as: push
        config: {{ path: ./src }}"#
    )
}

/// A world with these stages (name and steps) and freight 1.5.0; nothing promotes by itself.
pub(crate) async fn world(stages: &[(&str, &str)], death: Option<Death>) -> Result<World> {
    let world = World::start(Options { death, ..Options::default().without_bank() }).await?;
    world.push_quietly("fund-transfer:1.5.0", false).await?;
    let mut text = FOUNDATION.to_owned();
    for (name, steps) in stages {
        text.push_str(&format!(
            r"---
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: {{ name: {name}, namespace: bank }}
spec:
  requestedFreight:
  - origin: {{ kind: Warehouse, name: images }}
    sources: {{ direct: true }}
  promotionTemplate:
    spec:
      steps: {steps}
"
        ));
    }
    world.apply("stages.yaml", &text).await?;
    world.apply("freight.yaml", FREIGHT).await?;
    world.settle().await?;
    Ok(world)
}

/// Asks for a promotion of the freight; answers its name.
pub(crate) async fn promote(world: &World, stage: &str, digest: Option<&str>) -> Result<String> {
    let freight = world.freight("1.5.0").await?;
    Ok(world.verbs().promote(stage, &freight, digest).await?.name_any())
}

/// `Succeeded`, or phase and message.
pub(crate) async fn ended(world: &World, promotion: &str) -> Result<String> {
    let promotion: Promotion = world.verbs().promotion(promotion).await?;
    let status = promotion.status.context("a promotion has a status")?;
    Ok(format!("{} {}", status.phase, status.message).trim_end().to_owned())
}

/// The digest of a plan.
pub(crate) async fn planned(world: &World, stage: &str) -> Result<String> {
    let freight = world.freight("1.5.0").await?;
    let plan = world.verbs().plan(stage, &freight, Duration::from_secs(30)).await?;
    Ok(plan.status.context("a plan has a status")?.digest)
}

/// A run that stands still at its first push.
pub(crate) struct Pause {
    reached: watch::Receiver<bool>,
    go: mpsc::Sender<()>,
}

impl Pause {
    /// The first push of a world pauses right before it is sent.
    pub(crate) fn before_the_push() -> (Self, Death) {
        let (tell, reached) = watch::channel(false);
        let (go, wait) = mpsc::channel();
        let wait = Mutex::new(Some(wait));
        let death: Death = Arc::new(move |moment| {
            if let Moment::Run(Point::Push { side: Side::Before, .. }) = moment
                && let Some(wait) = wait.lock().take()
            {
                tell.send_replace(true);
                // Whether it was let go or has waited long enough: it goes on.
                let _ = wait.recv_timeout(PAUSE_MAX);
            }
            false
        });
        (Self { reached, go }, death)
    }

    /// Returns once the run stands there.
    pub(crate) async fn reached(&mut self) -> Result<()> {
        tokio::time::timeout(PAUSE_MAX, self.reached.wait_for(|reached| *reached)).await.context("no push came")??;
        Ok(())
    }

    /// Lets it go on.
    pub(crate) fn go(self) {
        // It may have gone on by itself.
        let _ = self.go.send(());
    }
}
