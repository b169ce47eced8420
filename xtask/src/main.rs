//! The project's own commands: `cargo xtask check|layers|tidy|gen|bench|parts|vectors|setup`.

mod deny;
mod layers;
mod parts;
mod run;
mod setup;
mod tidy;

use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;

const USAGE: &str = "usage: cargo xtask COMMAND

  check            everything to run before a commit: fmt, clippy, layers, tidy, generated files fresh
  layers [--write] refuses an edge between rooms that goes up or sideways; --write puts the graph into ARCHITECTURE.md
  deny             bans, licences and sources of deny.toml against the locked dependencies
  tidy             house rules that no compiler checks
  gen [--check]    writes the generated files (CRDs, step pages, catalogue); --check only compares
  bench [NAME]     benchmarks, as ratios in one run
  parts [--env]    builds kubectl and kustomize for the tests; --env prints where they are
  setup            installs what is missing or prints the command that would; the only one that uses the network
  vectors [DIR]    what Kargo's own code answers, against ours";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let root = root();
    match args.first().map(String::as_str) {
        Some("check") => check(),
        Some("layers") => layers::run(&root, rest.contains(&"--write")),
        Some("deny") => deny::run(&root),
        Some("tidy") => tidy::run(&root),
        Some("gen") => run::cargo(&[&["run", "-q", "-p", "seaway-tests", "--bin", "gen", "--"], rest.as_slice()].concat()),
        Some("bench") => {
            run::cargo(&["build", "-q", "--release", "-p", "seaway"])?;
            let mut bench =
                run::cargo_command(&[&["run", "-q", "--release", "-p", "seaway-bench", "--"], rest.as_slice()].concat());
            run::status(bench.envs(parts::variables(&root)?))
        }
        Some("vectors") => {
            run::cargo(&[&["run", "-q", "-p", "seaway-tests", "--bin", "vectors", "--"], rest.as_slice()].concat())
        }
        Some("parts") => parts::run(&root, rest.contains(&"--env")),
        Some("setup") => setup::run(&root),
        Some(other) => bail!("no command `{other}`\n{USAGE}"),
        None => bail!("{USAGE}"),
    }
}

/// Everything that must hold before a commit, cheapest first.
fn check() -> Result<()> {
    let root = root();
    run::cargo(&["fmt", "--all", "--check"]).context("run `cargo fmt --all`")?;
    tidy::run(&root)?;
    deny::run(&root)?;
    layers::run(&root, false)?;
    run::cargo(&["clippy", "-q", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    run::cargo(&["run", "-q", "-p", "seaway-tests", "--bin", "gen", "--", "--check"])
}

/// The workspace's root: the folder above xtask.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}
