//! The examples of `examples/`, each played as its header says: what is there, what a person does, and what is seen of it afterwards.
//!
//! ```text
//! # Production opens after the freight has been verified in uat for an hour.
//! #
//! # Play:
//! #   push demo/app:1.0.0
//! #   apply
//! #   promote uat
//! #   promote prod refused: may not have freight
//! #   wait 1h
//! #   promote prod
//! #   has demo.git stage/prod:deployment-app.yaml: registry.example.com/demo/app:1.0.0
//! ```
//!
//! `examples/INDEX.md` says what the words mean. Addresses are those at hand, by the one rule of [`Place`]; nothing else is changed.

mod looks;
mod place;
mod play;

pub use place::Place;
pub use play::{Later, Played, is_blocked, play};

use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of a play, at most.
const N_LINES_MAX: usize = 60;
/// What a play opens with.
const PLAY: &str = "# Play:";

/// One example: a document, or the documents of a folder that has a repository of its own.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The path below `examples/` without its ending: `patterns/soak-time`, `bank`.
    pub name: String,
    /// Its files and their texts.
    pub documents: Vec<(String, String)>,
    /// The files of each repository that it names.
    pub repository: Vec<(String, Vec<u8>)>,
    /// The lines of its play.
    pub play: Vec<String>,
}

impl Example {
    /// Does it wait for hours? Then it needs a world, and a clock, of its own.
    pub fn waits(&self) -> bool {
        self.play.iter().any(|line| line.starts_with("wait "))
    }

    /// All of it in one text, as `seaway apply -f` of the file or the folder reads it.
    pub fn text(&self) -> String {
        self.documents.iter().map(|(_, text)| format!("{}\n---\n", text.trim_end())).collect()
    }
}

/// What `examples/INDEX.md` says: path to `runs` or `needs …`.
///
/// # Errors
/// If it cannot be read.
pub fn index(root: &Path) -> Result<BTreeMap<String, String>> {
    let path = root.join("INDEX.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| [")?.split(" | ");
        let path = cells.next()?.split_once(']')?.0.to_owned();
        Some((path, cells.next()?.trim().to_owned()))
    };
    Ok(text.lines().filter_map(row).collect())
}

/// Every example that the index says runs.
///
/// # Errors
/// A file that is not there, or a play that is missing.
pub fn that_run(root: &Path) -> Result<Vec<Example>> {
    let examples = examples(root, |state| state == "runs")?;
    for example in &examples {
        if example.play.is_empty() {
            bail!("examples/{}: INDEX.md says that it runs, and it has no `{PLAY}`", example.name);
        }
        if example.play.len() > N_LINES_MAX {
            bail!("examples/{}: its play is longer than {N_LINES_MAX} lines", example.name);
        }
    }
    Ok(examples)
}

/// Every example that the index says needs a part that is not built, or a kind that is not served, if `kinds`.
///
/// # Errors
/// A file that is not there.
pub fn that_need(root: &Path, kinds: bool) -> Result<Vec<Example>> {
    examples(root, |state| state.starts_with("needs") && state.starts_with("needs the kind") == kinds)
}

fn examples(root: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<Example>> {
    let mut found: BTreeMap<String, Example> = BTreeMap::new();
    for (path, _) in index(root)?.into_iter().filter(|(_, state)| wanted(state)) {
        let text = std::fs::read_to_string(root.join(&path)).with_context(|| format!("read examples/{path}"))?;
        let folder = path.split_once('/').map_or("", |(folder, _)| folder);
        let own = root.join(folder).join("repository");
        let is_whole = !folder.is_empty() && own.is_dir();
        let name = if is_whole { folder } else { path.strip_suffix(".yaml").unwrap_or(&path) };
        let repository = if is_whole { own } else { root.join("repository") };
        let example = found.entry(name.to_owned()).or_default();
        example.name = name.to_owned();
        example.play.extend(lines(&text));
        if example.repository.is_empty() {
            example.repository = files(&repository)?;
        }
        example.documents.push((format!("examples/{path}"), text));
    }
    Ok(found.into_values().collect())
}

/// The lines of a document's play.
fn lines(text: &str) -> Vec<String> {
    let rest = text.lines().skip_while(|line| *line != PLAY).skip(1);
    let lines = rest.map_while(|line| line.strip_prefix("#   "));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The files of a folder, by their paths in it.
fn files(root: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            found.push((below(root, &path), content));
        }
    }
    found.sort();
    Ok(found)
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).map(PathBuf::from).unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_play_is_the_indented_comment_after_its_heading() {
        let text = "# What it shows.\n#\n# Play:\n#   push demo/app:1.0.0\n#   apply\napiVersion: v1\n#   not this\n";
        assert_eq!(lines(text), ["push demo/app:1.0.0", "apply"]);
        assert!(lines("# no play\nkind: Stage\n").is_empty());
    }

    #[test]
    fn what_is_said_to_run_must_be_there_and_say_how() {
        let check = |document: Option<&str>, wrong: Option<&str>| {
            let root = tempfile::tempdir().unwrap();
            std::fs::write(
                root.path().join("INDEX.md"),
                "| [a.yaml](a.yaml) | runs | a |\n| [b.yaml](b.yaml) | needs it | b |\n",
            )
            .unwrap();
            std::fs::create_dir(root.path().join("repository")).unwrap();
            if let Some(text) = document {
                std::fs::write(root.path().join("a.yaml"), text).unwrap();
            }
            let said = that_run(root.path()).map(|found| found.len());
            match wrong {
                None => assert_eq!(said.unwrap(), 1),
                Some(wrong) => assert!(said.unwrap_err().to_string().contains(wrong), "{wrong}"),
            }
        };
        check(None, Some("read examples/a.yaml"));
        check(Some("# What it shows.\nkind: Project\n"), Some("it has no `# Play:`"));
        check(Some("# What it shows.\n#\n# Play:\n#   apply\nkind: Project\n"), None);
    }
}
