//! `cargo xtask tidy`: house rules that no compiler checks.

use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Command;

/// What must not stand in our Rust code; the second is what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("to", "do!("), "write it, or set `Blocked`/`NotBuilt`"),
    (concat!("unimple", "mented!("), "write it, or set `Blocked`/`NotBuilt`"),
    (concat!("FIX", "ME"), "mend it, or file an issue"),
    (concat!("TO", "DO"), "do it, or file an issue"),
    (concat!("#[al", "low("), "use #[expect(…, reason = \"…\")]"),
    (concat!("#![al", "low("), "use #[expect(…, reason = \"…\")]"),
    (concat!("db", "g!("), "remove it"),
];

/// Reads every tracked file once and lists what breaks a rule.
pub(crate) fn run(root: &Path) -> Result<()> {
    let out =
        Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root).output().context("git ls-files")?;
    let mut wrong = Vec::new();
    for name in String::from_utf8_lossy(&out.stdout).lines() {
        let rust = Path::new(name).extension().is_some_and(|ending| ending == "rs");
        let markdown = Path::new(name).extension().is_some_and(|ending| ending == "md");
        if !(rust || markdown) || name.starts_with("tests/vectors/") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        if rust {
            tidy_rust(name, &text, &mut wrong);
        } else {
            tidy_links(root, name, &text, &mut wrong);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            wrong.push(format!("{name}: ends without a newline"));
        }
        for (number, line) in text.lines().enumerate() {
            if rust && line.ends_with([' ', '\t']) {
                wrong.push(format!("{name}:{}: white space at the end", number + 1));
            }
        }
    }
    tidy_fragments(root, &mut wrong)?;
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("tidy:\n  {}", wrong.join("\n  "));
}

fn tidy_rust(name: &str, text: &str, wrong: &mut Vec<String>) {
    if !text.starts_with("//!") {
        wrong.push(format!("{name}:1: does not open with one sentence of purpose (`//!`)"));
    }
    for (number, line) in text.lines().enumerate() {
        for (word, mend) in FORBIDDEN {
            if line.contains(word) {
                wrong.push(format!("{name}:{}: `{word}`: {mend}", number + 1));
            }
        }
    }
}

/// Relative links of a page must lead somewhere.
fn tidy_links(root: &Path, name: &str, text: &str, wrong: &mut Vec<String>) {
    let folder = Path::new(name).parent().unwrap_or_else(|| Path::new(""));
    for (number, line) in text.lines().enumerate() {
        for link in line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let target = link.split(['#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains('`') {
                continue;
            }
            if !root.join(folder).join(target).exists() {
                wrong.push(format!("{name}:{}: link to `{target}`, which is not there", number + 1));
            }
        }
    }
}

/// A changelog fragment is `<what>.<added|changed|fixed|removed>.md`.
fn tidy_fragments(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(root.join("changelog.d")).context("read changelog.d")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let kind = name.strip_suffix(".md").and_then(|stem| stem.rsplit_once('.')).map(|(_, kind)| kind);
        if name != "README.md" && !matches!(kind, Some("added" | "changed" | "fixed" | "removed")) {
            wrong.push(format!("changelog.d/{name}: name it <what>.<added|changed|fixed|removed>.md"));
        }
    }
    Ok(())
}
