//! The control plane under measurement: the real binary as a child, reached through the kubeconfig it writes.

use anyhow::{Context as _, Result, bail};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// It must be ready by then, whatever the goal is.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// It must have stopped by then.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Linux tells CPU time in hundredths of a second, whatever the kernel ticks in.
const TICKS_PER_SECOND: f64 = 100.0;

/// `$SEAWAY_BIN`, else the binary beside this one.
pub(crate) fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SEAWAY_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe().context("find this program")?;
    let beside = own.with_file_name("seaway");
    if !beside.exists() {
        bail!("no `{}`: run `cargo xtask bench`, which builds it, or set SEAWAY_BIN", beside.display());
    }
    Ok(beside)
}

/// `$SEAWAY_KUSTOMIZE`, else the one on the path.
pub(crate) fn kustomize() -> PathBuf {
    std::env::var_os("SEAWAY_KUSTOMIZE").map_or_else(|| PathBuf::from("kustomize"), PathBuf::from)
}

/// The search path, with kustomize on it.
pub(crate) fn search_path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    match kustomize().parent().filter(|folder| folder.is_absolute()) {
        Some(folder) => format!("{}:{path}", folder.display()),
        None => path,
    }
}

/// A running `seaway serve`; killed if dropped.
pub(crate) struct Plane {
    child: Child,
    pid: u32,
    /// A client as the owner of the data folder.
    pub(crate) client: Client,
    /// From the start of the process to its `ready`.
    pub(crate) ready_after: Duration,
}

impl Plane {
    /// Starts it on a data folder and a free port, and waits until it is ready.
    pub(crate) async fn start(data: &Path) -> Result<Self> {
        std::fs::create_dir_all(data).context("make the data folder")?;
        let log = data.with_extension("log");
        let errors = std::fs::File::options().create(true).append(true).open(&log).context("open the log")?;
        let begun = Instant::now();
        let mut child = Command::new(binary()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("SEAWAY_LOG_LEVEL", std::env::var("SEAWAY_LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned()))
            .env("PATH", search_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .context("start seaway serve")?;
        let mut lines = BufReader::new(child.stdout.take().context("the child's output is piped")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if line.starts_with("ready") {
                    return Ok(());
                }
            }
            bail!("seaway serve ended: {}", tail(&log))
        };
        tokio::time::timeout(READY_WITHIN, ready).await.with_context(|| format!("not ready: {}", tail(&log)))??;
        let ready_after = begun.elapsed();
        // What it may still say must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let pid = child.id().context("the child has ended")?;
        Ok(Self { pid, client: client(&data.join("kubeconfig")).await?, child, ready_after })
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw).context("a process has an id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("stop seaway serve")?;
        tokio::time::timeout(STOPPED_WITHIN, self.child.wait()).await.context("seaway serve does not stop")??;
        Ok(())
    }

    /// Memory of the process that is in RAM.
    #[expect(clippy::cast_precision_loss, reason = "kibibytes of one process are far below 2^52")]
    pub(crate) fn rss_bytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).context("read the process' status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("read VmRSS")?;
        Ok((kib * 1024) as f64)
    }

    /// CPU time of the process so far, its own and the kernel's for it, in seconds; children do not count.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).context("read the process' figures")?;
        // The name may hold spaces; after its `)` the fields are counted from the third.
        let after = stat.rsplit_once(')').context("no name in stat")?.1;
        let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(ticks / TICKS_PER_SECOND)
    }

    /// One figure of `/metrics`.
    pub(crate) async fn figure(&self, name: &str) -> Result<f64> {
        let request = http::Request::get("/metrics").body(Vec::new()).context("ask for /metrics")?;
        let text = self.client.request_text(request).await.context("read /metrics")?;
        let value = text.lines().filter_map(|line| line.split_once(' ')).find(|(found, _)| *found == name);
        value.and_then(|(_, value)| value.trim().parse().ok()).with_context(|| format!("/metrics has no {name}"))
    }
}

async fn client(path: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(path).context("read the kubeconfig")?;
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.context("use the kubeconfig")?;
    Client::try_from(config).context("make a client")
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}
