//! What the demo shows: the first minute, the state of a kept folder, and the four acts that check themselves against git.

use super::bank::STAGES;
use super::people::FIRST;
use super::supervisor::{Ports, Supervisor};
use crate::data;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use seaway_server::fingerprint;
use std::time::{Duration, Instant};

/// The soak of prod-us where nobody waits a minute.
pub(super) const SHORT_SOAK: Duration = Duration::from_secs(3);

/// What is running, and where.
pub(super) fn banner(supervisor: &Supervisor, keeps: &str) {
    say!(
        "Seaway {} · control plane embedded (no cluster, no pods: what is deployed here is git) · {}",
        env!("CARGO_PKG_VERSION"),
        supervisor.url()
    );
    say!(
        "  git http://{}/bank.git    registry {}    data {} ({keeps})",
        supervisor.git_address(),
        supervisor.registry_address(),
        data::shown(supervisor.folder())
    );
}

/// From nothing to the bank at rest: 1.4.8 everywhere, then 1.5.0 up to staging.
pub(super) async fn first_minute(supervisor: &Supervisor) -> Result<()> {
    at_rest(supervisor).await?;
    supervisor.push("fund-transfer:1.5.0", false).await?;
    for stage in &STAGES[..3] {
        supervisor.has(stage, "1.5.0").await?;
    }
    supervisor.passed("staging", "1.5.0").await?;
    state(supervisor).await
}

/// 1.4.8 in every stage; prod-eu by a promotion, prod-us by an approval, so that nobody waits for its soak.
pub(super) async fn at_rest(supervisor: &Supervisor) -> Result<()> {
    supervisor.push("account-info:2.3.0", false).await?;
    supervisor.push("fund-transfer:1.4.8", false).await?;
    for stage in &STAGES[..3] {
        supervisor.has(stage, "1.4.8").await?;
    }
    let verbs = supervisor.verbs().await?;
    supervisor.passed("staging", "1.4.8").await?;
    let freight = verbs.freight("1.4.8").await?;
    verbs.promote("prod-eu", &freight, None).await?;
    supervisor.has("prod-eu", "1.4.8").await?;
    verbs.approve(&freight, "prod-us", Timestamp::now()).await?;
    supervisor.has("prod-us", "1.4.8").await
}

/// One line: what is where, and what waits for whom.
pub(super) async fn state(supervisor: &Supervisor) -> Result<()> {
    let mut parts = Vec::new();
    let staging = supervisor.good("staging").await?;
    let newest = supervisor.good("qa").await?.unwrap_or_else(|| "nothing".to_owned());
    for stage in &STAGES[..4] {
        let (git, good) = (supervisor.in_git(stage).await?, supervisor.good(stage).await?);
        let log = supervisor.log(&format!("overlays/{stage}")).await?;
        let commit = log.first().and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned();
        parts.push(match (git, good) {
            (Some(git), Some(good)) if git != good => format!("{stage} failed with {git} (in git), good is {good}"),
            (_, Some(good)) if good == newest && *stage == "qa" => format!("{stage} unchecked ({commit})"),
            (_, Some(good)) if good == newest => format!("{stage} unchecked"),
            (_, Some(good)) if *stage == "prod-eu" && staging.as_ref() != Some(&good) => {
                format!("{stage} has {good}, waits: you")
            }
            (_, Some(good)) => format!("{stage} has {good}"),
            (_, None) => format!("{stage} is empty"),
        });
    }
    say!("  fund-transfer {newest} → {}", parts.join(" → "));
    Ok(())
}

/// The page's one-time link, what the browser will say of the certificate, and who there is.
pub(super) async fn door(supervisor: &Supervisor) -> Result<()> {
    let link = supervisor.people.link(supervisor.folder(), FIRST).await?;
    let ca = std::fs::read(supervisor.folder().join("tls/ca.pem")).context("read the CA")?;
    let address = supervisor.url();
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(443);
    let fingerprint = fingerprint::presented("127.0.0.1", port, &ca).await.context("look at the certificate")?;
    let (me, of) = (me(), of(supervisor));
    say!("\n  open  {link}");
    say!("        signs you in as {FIRST}, once, within ten minutes; `{me} open{of}` makes another, for the admin");
    say!(
        "        the browser will warn that it does not know who vouches for the certificate; it is ours if its SHA-256 fingerprint is"
    );
    say!("        {fingerprint}");
    say!("        `{me} trust{of}` tells how to have it trusted");
    say!("");
    for (index, (name, password, may)) in supervisor.people.rows().enumerate() {
        let lead = if index == 0 { "people" } else { "" };
        say!("  {lead:<6}  {name:<5}  {password}  {may}");
    }
    Ok(())
}

/// This program, as it is typed.
fn me() -> String {
    std::env::current_exe().map_or_else(|_| "seaway".to_owned(), |path| data::shown(&path))
}

/// A folder that is not looked at by itself is named, so that each line works as it stands.
fn of(supervisor: &Supervisor) -> String {
    let usual = data::home().is_ok_and(|home| home.join("demo") == supervisor.folder());
    if usual { String::new() } else { format!(" --data {}", data::shown(supervisor.folder())) }
}

/// The commands worth trying.
pub(super) fn commands(supervisor: &Supervisor) {
    let (me, of) = (me(), of(supervisor));
    let kubeconfig = data::shown(&supervisor.folder().join("kubeconfig"));
    let tries = [
        (format!("export KUBECONFIG={kubeconfig}"), "then kubectl get stages works too"),
        (format!("{me} demo push fund-transfer:1.5.1{of}"), "a new image, no docker needed"),
        (format!("{me} demo push fund-transfer:1.5.2 --bad{of}"), "one whose smoke test fails in e2e"),
        (format!("{me} plan prod-eu --freight 1.5.0{of}"), "what would be written"),
        (format!("{me} promote prod-eu --freight 1.5.0 --wait{of}"), ""),
        (format!("{me} why{of}"), "everything that does not move, and what would release it"),
        (format!("{me} demo crash{of}"), "kill -9 in the middle of a push, restart, look at git log"),
    ];
    let width = tries.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    say!("");
    for (index, (command, what)) in tries.iter().enumerate() {
        let lead = if index == 0 { "try" } else { "" };
        say!("{}", format!("  {lead:<3}  {command:<width$}  {what}").trim_end());
    }
    say!("\n  Ctrl-C stops it; the folder is kept");
}

/// All four acts in a temporary folder on free ports.
///
/// # Errors
/// The first thing that did not hold.
pub(super) async fn once(kills: Option<u32>) -> Result<()> {
    let began = Instant::now();
    let folder = tempfile::Builder::new().prefix("seaway-demo-").tempdir().context("make a temporary folder")?;
    let supervisor = Supervisor::start(folder.path(), Ports::FREE, Some(SHORT_SOAK)).await?;
    banner(&supervisor, "removed at the end");
    say!("  prod-us soaks {} s here instead of one minute", SHORT_SOAK.as_secs());
    let acts = match kills {
        Some(n) => super::crash::storm(&supervisor, n).await,
        None => play(&supervisor).await,
    };
    if acts.is_err() {
        let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        eprintln!("the control plane's log ends:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
    }
    supervisor.stop().await?;
    acts?;
    let what = kills.map_or_else(|| "4 acts played".to_owned(), |n| format!("{n} kills survived"));
    say!("{what}, all checked against git, in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

async fn play(supervisor: &Supervisor) -> Result<()> {
    say!("\nact 1: a good version flows");
    a_good_version_flows(supervisor).await?;
    say!("\nact 2: a plan is shown and promoted");
    a_plan_is_shown_and_promoted(supervisor).await?;
    say!("\nact 3: a bad version stops in e2e");
    a_bad_version_stops(supervisor).await?;
    say!("\nact 4: a crash is survived");
    a_crash_is_survived(supervisor).await
}

async fn a_good_version_flows(supervisor: &Supervisor) -> Result<()> {
    first_minute(supervisor).await?;
    holds(
        supervisor,
        "1.5.0 in qa, e2e and staging; production still has 1.4.8",
        &[("qa", "1.5.0"), ("e2e", "1.5.0"), ("staging", "1.5.0"), ("prod-eu", "1.4.8"), ("prod-us", "1.4.8")],
    )
    .await
}

async fn a_plan_is_shown_and_promoted(supervisor: &Supervisor) -> Result<()> {
    let verbs = supervisor.verbs().await?;
    let freight = verbs.freight("fund-transfer:1.5.0").await?;
    let plan = verbs.plan("prod-eu", &freight, Duration::from_secs(30)).await?;
    let status = plan.status.context("a plan has a status")?;
    let files: Vec<&str> = status.files.iter().map(|file| file.path.as_str()).collect();
    if status.changed != Some(true) || files != ["overlays/prod-eu/kustomization.yaml"] {
        bail!("the plan should change overlays/prod-eu/kustomization.yaml alone, and changes {files:?}");
    }
    for line in status
        .files
        .iter()
        .flat_map(|file| file.diff.lines())
        .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"))
    {
        say!("  {line}");
    }
    let promotion = verbs.promote("prod-eu", &freight, Some(&status.digest)).await?;
    let name = promotion.metadata.name.unwrap_or_default();
    let ended = verbs.wait_for(&name, Duration::from_secs(60)).await?;
    if !matches!(ended, seaway_verbs::Ended::Succeeded { .. }) {
        bail!("promotion {name} ended as {ended:?}");
    }
    supervisor.has("prod-eu", "1.5.0").await?;
    supervisor.has("prod-us", "1.5.0").await?;
    holds(
        supervisor,
        "prod-eu has what was planned; prod-us followed after its soak",
        &[("prod-eu", "1.5.0"), ("prod-us", "1.5.0")],
    )
    .await
}

async fn a_bad_version_stops(supervisor: &Supervisor) -> Result<()> {
    supervisor.push("fund-transfer:1.5.1", false).await?;
    supervisor.has("staging", "1.5.1").await?;
    supervisor.push("fund-transfer:1.5.2", true).await?;
    supervisor.has("qa", "1.5.2").await?;
    supervisor
        .until("e2e fails its smoke test with 1.5.2", || async {
            let stage = supervisor.verbs().await?.stage("e2e").await?;
            let last = stage.status.as_ref().and_then(|status| status.last_promotion.as_ref());
            let status = last.and_then(|last| last.status.as_ref());
            Ok(status
                .is_some_and(|status| status.phase.to_string() == "Failed" && status.message.contains("smoke test answered 500")))
        })
        .await?;
    let (git, good) = (supervisor.in_git("e2e").await?, supervisor.good("e2e").await?);
    if (git.as_deref(), good.as_deref()) != (Some("1.5.2"), Some("1.5.1")) {
        bail!("e2e: git should have 1.5.2 and the good freight be 1.5.1; they are {git:?} and {good:?}");
    }
    say!("  e2e: git has 1.5.2, the smoke test answered 500, the stage's good freight is 1.5.1");
    holds(supervisor, "staging keeps 1.5.1", &[("qa", "1.5.2"), ("staging", "1.5.1"), ("prod-eu", "1.5.0")]).await
}

async fn a_crash_is_survived(supervisor: &Supervisor) -> Result<()> {
    let (tell, mut told) = tokio::sync::mpsc::channel(64);
    let act = async {
        let result = super::crash::act(supervisor, &tell).await;
        drop(tell);
        result
    };
    let print = async {
        while let Some(line) = told.recv().await {
            say!("  {line}");
        }
    };
    let (result, ()) = tokio::join!(act, print);
    result?;
    let fsck = supervisor.git.git("bank", &["fsck", "--strict"]).await;
    fsck.context("git fsck of bank.git")?;
    say!("  ✓ git fsck --strict finds nothing");
    Ok(())
}

/// Checks versions against git and control plane, and says what holds.
async fn holds(supervisor: &Supervisor, what: &str, expected: &[(&str, &str)]) -> Result<()> {
    for (stage, version) in expected {
        let git = supervisor.in_git(stage).await?;
        if git.as_deref() != Some(*version) {
            bail!("{what}: git has {git:?} in {stage}, not {version}");
        }
    }
    say!("  ✓ {what}");
    Ok(())
}
