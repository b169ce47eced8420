//! How `demo push` and `demo crash` find the demo that runs: a file with its addresses, and a socket that only its owner reaches.

use super::supervisor::Supervisor;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Where the parts of a running demo are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Up {
    pub(super) pid: u32,
    /// `127.0.0.1:7480`.
    pub(super) git: String,
    /// `127.0.0.1:7450`.
    pub(super) registry: String,
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("demo.sock")
}

/// The demo that runs on this folder.
pub(super) fn read(folder: &Path) -> Result<Up> {
    let text = std::fs::read(folder.join("demo.json")).ok().filter(|_| is_up(folder));
    let Some(text) = text else { bail!(super::Hinted::no_demo(folder)) };
    serde_json::from_slice(&text).context("read demo.json")
}

/// Does a demo answer on this folder?
pub(super) fn is_up(folder: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket(folder)).is_ok()
}

/// Asks the running demo for something and prints what it says.
pub(super) async fn ask(folder: &Path, what: &str) -> Result<()> {
    let Ok(stream) = UnixStream::connect(socket(folder)).await else { bail!(super::Hinted::no_demo(folder)) };
    let (read, mut write) = stream.into_split();
    write.write_all(format!("{what}\n").as_bytes()).await?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        match line.strip_prefix("error: ") {
            Some(err) => bail!("{err}"),
            None => say!("{line}"),
        }
    }
    Ok(())
}

/// Announces the demo and answers on its socket until dropped.
pub(super) fn serve(folder: &Path, up: &Up, supervisor: Arc<Supervisor>) -> Result<tokio::task::JoinHandle<()>> {
    seaway_base::files::write_whole(&folder.join("demo.json"), &serde_json::to_vec_pretty(up)?).context("write demo.json")?;
    let path = socket(folder);
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("listen on {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).context("close the socket to others")?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let supervisor = Arc::clone(&supervisor);
            tokio::spawn(async move {
                if let Err(err) = answer(stream, &supervisor).await {
                    tracing::debug!(error = %err, "demo socket");
                }
            });
        }
    }))
}

async fn answer(stream: UnixStream, supervisor: &Supervisor) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let asked = lines.next_line().await?.unwrap_or_default();
    let (tell, mut told) = tokio::sync::mpsc::channel::<String>(64);
    let act = async {
        let result = match asked.as_str() {
            "crash" => super::crash::act(supervisor, &tell).await,
            "" => Ok(()),
            other => Err(anyhow::anyhow!("the demo does not know `{other}`")),
        };
        if let Err(err) = result {
            let _ = tell.send(format!("error: {err:#}")).await;
        }
        drop(tell);
    };
    let print = async {
        while let Some(line) = told.recv().await {
            write.write_all(format!("{line}\n").as_bytes()).await?;
        }
        Ok::<(), std::io::Error>(())
    };
    let (printed, ()) = tokio::join!(print, act);
    printed?;
    Ok(())
}
