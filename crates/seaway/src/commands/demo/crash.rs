//! `seaway demo crash`: kills the control plane once a push has begun, starts it again, and shows that git has each commit once.

use super::bank::STAGES;
use super::supervisor::{PATIENCE, Supervisor};
use anyhow::{Context as _, Result, bail};
use seaway_neighbours::GitEvent;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Plays it; what people should read is sent line by line.
pub(super) async fn act(supervisor: &Supervisor, tell: &Sender<String>) -> Result<()> {
    let say = async |line: String| drop(tell.send(line).await);
    let version = next_version(supervisor).await?;
    let mut events = supervisor.git.events();
    let before = supervisor.git.n_receives();
    say(format!("push fund-transfer:{version}, and wait until the git server receives a push")).await;
    supervisor.push(&format!("fund-transfer:{version}"), false).await?;
    let began = async {
        loop {
            match events.recv().await {
                Ok(GitEvent::ReceiveBegan { .. }) => return Ok(()),
                Ok(_) => {}
                Err(err) => bail!("listen to the git server: {err}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, began).await.context("no push came")??;
    say("receive-pack has begun: kill -9 of the control plane".to_owned()).await;
    supervisor.kill_and_restart().await?;
    say("it is up again, on the same folder".to_owned()).await;
    let automatic = &STAGES[..3];
    for stage in automatic {
        supervisor.has(stage, &version).await?;
    }
    for stage in automatic {
        say(format!("  {}", once_in_log(supervisor, stage, &version).await?)).await;
    }
    let receives = supervisor.git.n_receives() - before;
    say(format!("git log has each commit once; the git server received {receives} pushes for {} stages", automatic.len())).await;
    Ok(())
}

/// Kills the control plane `n` times, at instants spread over the flow of versions through three stages, and checks git after each.
pub(super) async fn storm(supervisor: &Supervisor, n: u32) -> Result<()> {
    super::acts::at_rest(supervisor).await?;
    let random = seaway_base::Random::seeded(u64::from(n));
    let automatic = &STAGES[..3];
    for kill in 1..=n {
        let version = format!("1.6.{kill}");
        supervisor.push(&format!("fund-transfer:{version}"), false).await?;
        // A flow through three stages takes about a second: somewhere in it, never at the same place twice.
        let instant = Duration::from_millis(random.next_u64() % 1200);
        tokio::time::sleep(instant).await;
        supervisor.kill_and_restart().await?;
        for stage in automatic {
            supervisor.has(stage, &version).await.with_context(|| format!("after kill {kill}, {instant:?} after the push"))?;
            once_in_log(supervisor, stage, &version).await?;
        }
        say!("  ✓ kill {kill} of {n}, {} ms after the push", instant.as_millis());
    }
    supervisor.git.git("bank", &["fsck", "--strict"]).await.context("git fsck of bank.git")?;
    Ok(())
}

/// Each version has one commit in a stage's overlay; answers it.
async fn once_in_log(supervisor: &Supervisor, stage: &str, version: &str) -> Result<String> {
    let log = supervisor.log(&format!("overlays/{stage}")).await?;
    let commits: Vec<&String> = log.iter().filter(|line| line.contains(&format!("fund-transfer {version},"))).collect();
    match commits[..] {
        [one] => Ok(one.clone()),
        _ => bail!("{stage}: git log has {} commits for fund-transfer {version}, and should have one", commits.len()),
    }
}

/// The version after the newest in qa.
async fn next_version(supervisor: &Supervisor) -> Result<String> {
    let newest = supervisor.in_git("qa").await?.context("qa has nothing yet")?;
    let mut parts: Vec<u64> = newest.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    if let Some(last) = parts.last_mut() {
        // Beyond what the acts push, so that a crash can be played at any time.
        *last = (*last + 1).max(10);
    }
    Ok(parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("."))
}
