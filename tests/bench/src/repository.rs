//! Repositories of a given size, made with `git fast-import`: the same bytes in every run.

use anyhow::{Context as _, Result, bail};
use seaway_neighbours::GitServer;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Files that a commit of the history changes.
const N_FILES_A_COMMIT: usize = 3;

/// How large a repository is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Files on its branch, those of the stages included.
    pub(crate) n_files: usize,
    /// Stages that have an overlay and values in it.
    pub(crate) n_stages: usize,
    /// Commits in its history.
    pub(crate) n_commits: usize,
}

/// The stage of that number.
pub(crate) fn stage(index: usize) -> String {
    format!("s{index:03}")
}

/// Makes the repository `name` at the server, packed as a real server would have it.
pub(crate) async fn make(server: &GitServer, name: &str, image: &str, size: Size) -> Result<()> {
    let path = server.create_repo(name, &[]).await.context("make a repository")?;
    let script = script(image, size)?;
    let folder = path.clone();
    tokio::task::spawn_blocking(move || import(&folder, &script)).await.context("fast-import")??;
    server.git(name, &["repack", "-a", "-d", "-q", "--write-bitmap-index"]).await.context("pack the repository")?;
    Ok(())
}

fn import(path: &Path, script: &[u8]) -> Result<()> {
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("start git fast-import")?;
    child.stdin.take().context("its input is piped")?.write_all(script).context("write to git fast-import")?;
    let status = child.wait().context("wait for git fast-import")?;
    if !status.success() {
        bail!("git fast-import: {status}");
    }
    Ok(())
}

/// The first commit has all files, each later one changes a few that no stage owns.
fn script(image: &str, size: Size) -> Result<Vec<u8>> {
    let mut files = common(image);
    for index in 0..size.n_stages {
        files.extend(of_stage(image, &stage(index)));
    }
    let n_others = size.n_files.saturating_sub(files.len());
    let mut script = Vec::new();
    begin_commit(&mut script, 0)?;
    for (path, content) in &files {
        file(&mut script, path, content)?;
    }
    for index in 0..n_others {
        file(&mut script, &other_path(index), &other(index, 0))?;
    }
    for commit in 1..size.n_commits {
        begin_commit(&mut script, commit)?;
        for nth in 0..N_FILES_A_COMMIT.min(n_others) {
            let index = (commit * 7919 + nth * 104_729) % n_others;
            file(&mut script, &other_path(index), &other(index, commit))?;
        }
    }
    Ok(script)
}

fn begin_commit(script: &mut Vec<u8>, number: usize) -> Result<()> {
    let message = format!("change {number}");
    let at = 1_700_000_000 + number * 60;
    writeln!(
        script,
        "commit refs/heads/main\ncommitter Bench <bench@seaway.invalid> {at} +0000\ndata {}\n{message}",
        message.len()
    )?;
    Ok(())
}

fn file(script: &mut Vec<u8>, path: &str, content: &str) -> Result<()> {
    writeln!(script, "M 100644 inline {path}\ndata {}\n{content}", content.len())?;
    Ok(())
}

fn common(image: &str) -> Vec<(String, String)> {
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  selector:\n    matchLabels: {{ app: app }}\n  template:\n    metadata:\n      labels: {{ app: app }}\n    spec:\n      containers:\n      - name: app\n        image: {image}:0.0.0\n"
    );
    let service =
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: app\nspec:\n  selector: { app: app }\n  ports:\n  - port: 80\n";
    vec![
        ("base/deployment.yaml".into(), deployment),
        ("base/service.yaml".into(), service.into()),
        ("base/kustomization.yaml".into(), "resources:\n- deployment.yaml\n- service.yaml\n".into()),
    ]
}

fn of_stage(image: &str, stage: &str) -> [(String, String); 3] {
    let overlay = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {stage}\nresources:\n- ../../base\nimages:\n- name: {image}\n  newTag: 0.0.0\n"
    );
    [
        (format!("overlays/{stage}/kustomization.yaml"), overlay),
        (format!("rendered/{stage}/all.yaml"), "# written by the promotion\n".into()),
        (format!("stages/{stage}/values.yaml"), format!("# {stage}\nreplicas: 2\nimage:\n  repository: {image}\n  tag: 0.0.0\n")),
    ]
}

fn other_path(index: usize) -> String {
    format!("apps/team{:03}/app{:02}/config-{:02}.yaml", index / 400, index / 20 % 20, index % 20)
}

fn other(index: usize, version: usize) -> String {
    let keys: String = (0..12).map(|key| format!("  key-{key}: value-{}-{key}-{version}\n", index * 31 + key)).collect();
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{index}\ndata:\n{keys}")
}
