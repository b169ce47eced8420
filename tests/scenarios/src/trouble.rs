//! Documents in few words, servers that are hard to get on with, and texts without what changes from run to run.

use crate::World;
use anyhow::Result;
use kube::ResourceExt as _;
use seaway_api::kargo::{Promotion, PromotionPhase};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// The project `bank`, all of whose stages promote by themselves.
pub const PROJECT_YAML: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Project
metadata: { name: bank }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: ProjectConfig
metadata: { name: bank, namespace: bank }
spec:
  promotionPolicies:
  - stageSelector: { name: 'glob:*' }
    autoPromotionEnabled: true
";

/// Checks the bank's repository out.
pub const CLONE: &str = "{ uses: git-clone, as: clone, config: { repoURL: 'http://127.0.0.1:7480/bank.git', checkout: [{ path: ./src, branch: main }] } }";
/// Writes the stage's name into `app.yaml`.
pub const WRITE: &str =
    "{ uses: yaml-update, as: write, config: { path: ./src/app.yaml, updates: [{ key: tag, value: '${{ ctx.stage }}' }] } }";
/// Commits it.
pub const COMMIT: &str = "{ uses: git-commit, as: commit, config: { path: ./src, message: new } }";
/// Pushes it.
pub const PUSH: &str = "{ uses: git-push, as: push, config: { path: ./src } }";
/// Freight comes straight from the warehouse.
pub const DIRECT: &str = "direct: true";

/// A checkout at `./src`.
pub fn clone(url: &str, what: &str) -> String {
    format!("{{ uses: git-clone, as: clone, config: {{ repoURL: '{url}', checkout: [{{ path: ./src{what} }}] }} }}")
}

/// A stage; each step is a line of YAML.
pub fn stage(name: &str, sources: &str, steps: &[&str]) -> String {
    let steps: String = steps.iter().map(|step| format!("      - {step}\n")).collect();
    format!(
        "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{ name: {name}, namespace: bank }}\nspec:\n  requestedFreight:\n  \
         - origin: {{ kind: Warehouse, name: images }}\n    sources: {{ {sources} }}\n  promotionTemplate:\n    spec:\n      steps:\n{steps}"
    )
}

/// A warehouse; each subscription is a line of YAML.
pub fn warehouse(name: &str, more: &str, subscription: &str) -> String {
    format!(
        "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Warehouse\nmetadata: {{ name: {name}, namespace: bank }}\nspec:\n  interval: 1h0m0s\n{more}  \
         subscriptions:\n  - {subscription}\n"
    )
}

/// A login for a repository.
pub fn login(name: &str, kind: &str, url: &str, password: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: {name}, namespace: bank, labels: {{ kargo.akuity.io/cred-type: {kind} }} }}\n\
         stringData: {{ repoURL: '{url}', username: me, password: {password} }}\n"
    )
}

/// Takes connections for as long as the test lives; hangs up on whoever has said something if `hangs_up`, else never answers.
///
/// # Errors
/// No port is free.
pub async fn listen(hangs_up: bool) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut said = [0; 4096];
                loop {
                    match stream.read(&mut said).await {
                        Ok(0) | Err(_) => return,
                        Ok(_) if hangs_up => return,
                        Ok(_) => {}
                    }
                }
            });
        }
    });
    Ok(address)
}

/// Feeds `git fast-import` in a bare repository.
///
/// # Panics
/// If git refuses the script.
pub fn import(repository: &Path, script: &[u8]) {
    let mut command = Command::new("git");
    command.args(["fast-import", "--quiet"]).current_dir(repository).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script).unwrap();
    assert!(child.wait().unwrap().success());
}

/// A line with `T` for spans, `HEX` for ids and `ULID` for the middle of a promotion's name.
pub fn masked(line: &str) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for c in line.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let is_span = digits > 0 && matches!(&word[digits..], "s" | "m" | "h" | "d") && !word.starts_with("30");
        // A number of seven digits may be an id all the same; a longer one is how much of something there is.
        let is_number = word.len() > 7 && word.len() < 40 && digits == word.len();
        let is_hex = word.len() >= 7 && !is_number && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let is_ulid = word.len() == 26 && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        text.push_str(match (is_span, is_hex, is_ulid) {
            (true, ..) => "T",
            (_, true, _) => "HEX",
            (_, _, true) => "ULID",
            _ => &word,
        });
        word.clear();
        text.push(c);
    }
    text.trim_end().to_owned()
}

/// The last promotion of a stage, once it is over.
///
/// # Errors
/// None came, or none ended in time.
pub async fn ended(world: &World, stage: &str) -> Result<(PromotionPhase, String)> {
    let last = async || -> Result<Option<Promotion>> {
        let all = world.promotions().await?;
        let last = all.into_iter().filter(|it| it.spec.stage == stage).max_by_key(|it| it.name_any());
        Ok(last.filter(|it| it.status.as_ref().is_some_and(|status| status.phase.is_terminal())))
    };
    world.until(&format!("a promotion to {stage} is over"), || async { Ok(last().await?.is_some()) }).await?;
    let status = last().await?.and_then(|it| it.status).unwrap_or_default();
    Ok((status.phase, status.message))
}
