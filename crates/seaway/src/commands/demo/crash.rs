//! `seaway demo crash`: kills the control plane once a push has begun, starts it again, and shows that git has each commit once.

use super::bank::STAGES;
use super::supervisor::{PATIENCE, Supervisor};
use anyhow::{Context as _, Result, bail};
use seaway_neighbours::GitEvent;
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
    supervisor.kill().await?;
    supervisor.restart().await?;
    say("it is up again, on the same folder".to_owned()).await;
    let automatic = &STAGES[..3];
    for stage in automatic {
        supervisor.has(stage, &version).await?;
    }
    for stage in automatic {
        let log = supervisor.log(&format!("overlays/{stage}")).await?;
        let commits = log.iter().filter(|line| line.contains(&format!("fund-transfer {version},"))).count();
        if commits != 1 {
            bail!("{stage}: git log has {commits} commits for fund-transfer {version}, and should have one");
        }
        say(format!("  {}", log.first().cloned().unwrap_or_default())).await;
    }
    let receives = supervisor.git.n_receives() - before;
    say(format!("git log has each commit once; the git server received {receives} pushes for {} stages", automatic.len())).await;
    Ok(())
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
