//! `cargo xtask deny`: what deny.toml says of bans, licences and sources, held against the locked dependencies, without the network.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The parts of deny.toml that are held: the rest is for cargo-deny itself.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
}

/// Checks every crate that a build of the workspace would compile.
pub(crate) fn run(root: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root.join("deny.toml")).context("read deny.toml")?;
    let deny: Deny = toml::from_str(&text).context("read deny.toml")?;
    let out = Command::new("cargo")
        .args([
            "tree",
            "--workspace",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
            "--locked",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .context("start cargo tree")?;
    if !out.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    }
    let tree = String::from_utf8_lossy(&out.stdout);
    let mut wrong = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()).collect::<BTreeSet<_>>() {
        let (package, license) = line.trim_end_matches(" (*)").split_once('|').unwrap_or((line, ""));
        let name = package.split(' ').next().unwrap_or_default();
        if package.contains(&format!("({}", root.display())) {
            continue;
        }
        if deny.bans.deny.iter().any(|banned| banned.name == name) {
            wrong.push(format!("{name} is banned in deny.toml"));
        }
        if package.contains("://") || package.contains("(/") {
            wrong.push(format!("{package}: only the registry is allowed as a source"));
        }
        if !allowed(license, &deny.licenses.allow) {
            wrong.push(format!("{name}: licence `{license}` is not in deny.toml"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("deny:\n  {}", wrong.join("\n  "));
}

/// `A OR B` needs one of them, `A AND B` both.
fn allowed(license: &str, allow: &BTreeSet<String>) -> bool {
    let clean = license.replace(['(', ')'], " ").replace('/', " OR ");
    clean.split(" AND ").all(|part| part.split(" OR ").any(|one| allow.contains(one.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_needs_one_and_a_sum_all() {
        let allow = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
        assert!(allowed("MIT OR GPL-3.0", &allow) && allowed("MIT/Apache-2.0", &allow) && allowed("ISC AND (MIT OR X)", &allow));
        assert!(!allowed("MIT AND GPL-3.0", &allow) && !allowed("", &allow));
    }
}
