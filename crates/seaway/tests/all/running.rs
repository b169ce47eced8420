//! A control plane of the real binary, and commands against it.

use parking_lot::Mutex;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// Whatever takes longer has failed.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A project with a stage, for tests that need something to look at.
pub(crate) const BANK: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Project
metadata: { name: bank }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Warehouse
metadata: { name: bank, namespace: bank }
spec:
  freightCreationPolicy: Manual
  interval: 1h
  subscriptions:
  - image: { repoURL: 127.0.0.1:9/fund-transfer, constraint: ^1.0.0 }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: { name: qa, namespace: bank }
spec:
  requestedFreight:
  - origin: { kind: Warehouse, name: bank }
    sources: { direct: true }
  promotionTemplate:
    spec:
      steps:
      - uses: fail
        config: { message: not today }
";

/// Freight for it.
pub(crate) const FREIGHT: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Freight
metadata: { name: any, namespace: bank }
origin: { kind: Warehouse, name: bank }
images:
- { repoURL: 127.0.0.1:9/fund-transfer, tag: 1.5.0 }
";

/// The binary in an empty environment, at home in `home`.
pub(crate) fn seaway(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaway"));
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    command.output().unwrap().into()
}

/// A control plane that serves.
pub(crate) struct Plane {
    child: Child,
    lines: Mutex<Receiver<String>>,
    pub(crate) ready: String,
    home: TempDir,
}

impl Plane {
    /// Starts one on a folder of its own.
    pub(crate) fn start() -> Self {
        Self::on(TempDir::new().unwrap())
    }

    /// Starts one on the folder `data` in this home.
    pub(crate) fn on(home: TempDir) -> Self {
        Self::with(home, |_| {})
    }

    /// The same, with more on the command line.
    pub(crate) fn with(home: TempDir, more: impl FnOnce(&mut Command)) -> Self {
        let mut command = seaway(home.path());
        command.arg("serve").arg("--data").arg(home.path().join("data")).args(["--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        more(&mut command);
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let own = sender.clone();
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).for_each(|line| drop(own.send(line))));
        std::thread::spawn(move || BufReader::new(err).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let mut plane = Self { child, lines: Mutex::new(lines), ready: String::new(), home };
        plane.ready = plane.line(|line| line.starts_with("ready"));
        plane
    }

    /// Waits for a line of its output or log.
    pub(crate) fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let (lines, mut seen) = (self.lines.lock(), Vec::new());
        loop {
            match lines.recv_timeout(SOON) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen.push(line),
                Err(err) => panic!("{err}, after\n{}", seen.join("\n")),
            }
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A command against it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = seaway(self.home.path());
        command.args(args).env("SEAWAY_DATA", self.data());
        command
    }

    /// Runs a command against it.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        run(&mut self.command(args))
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
        said.out
    }

    /// Applies documents.
    pub(crate) fn apply(&self, text: &str, more: &[&str]) -> Said {
        let mut command = self.command(&["apply", "-f", "-"]);
        let mut child = command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> (ExitStatus, TempDir) {
        let status = self.child.wait().unwrap();
        (status, std::mem::replace(&mut self.home, TempDir::new().unwrap()))
    }

    /// Stops it at once.
    pub(crate) fn kill(self) -> TempDir {
        self.signal(rustix::process::Signal::KILL);
        self.end().1
    }

    /// The body of a path of the port, with the code.
    pub(crate) fn get(&self, path: &str) -> (bool, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kubeconfig = kube::config::Kubeconfig::read_from(self.data().join("kubeconfig")).unwrap();
        runtime.block_on(async {
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
            let client = kube::Client::try_from(config).unwrap();
            match client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await {
                Ok(text) => (true, text),
                Err(err) => (false, err.to_string()),
            }
        })
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
