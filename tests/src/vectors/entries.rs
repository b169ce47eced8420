//! Entries of a work folder as cases write them, put into a folder and compared with one.

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use seaway_base::RelPath;
use seaway_git::{FileKind, WorkFolder};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What stands at a path. Of modes only the executable bit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File { executable: bool, bytes: Vec<u8> },
    Link(String),
    Folder,
    Submodule,
}

/// A folder by path.
pub(crate) type Tree = BTreeMap<String, Entry>;

impl Entry {
    /// Reads an entry of a case.
    pub(crate) fn read(entry: &Value) -> Result<Self> {
        if let Some(target) = entry["link"].as_str() {
            return Ok(Self::Link(target.to_owned()));
        }
        if entry["dir"].is_string() {
            return Ok(Self::Folder);
        }
        let mode = u32::from_str_radix(entry["mode"].as_str().unwrap_or("644"), 8).context("a mode is octal")?;
        Ok(Self::File { executable: mode & 0o100 != 0, bytes: bytes(entry)? })
    }

    /// A short text for people.
    fn shown(&self) -> String {
        match self {
            Self::File { executable, bytes } => {
                let text: String = String::from_utf8_lossy(bytes).chars().take(1500).collect();
                format!("{}{text:?}", if *executable { "executable " } else { "" })
            }
            Self::Link(target) => format!("link {target}"),
            Self::Folder => "folder".to_owned(),
            Self::Submodule => "submodule".to_owned(),
        }
    }
}

fn bytes(entry: &Value) -> Result<Vec<u8>> {
    if let Some(text) = entry["text"].as_str() {
        return Ok(text.as_bytes().to_vec());
    }
    if let Some(text) = entry["base64"].as_str() {
        return Ok(base64::engine::general_purpose::STANDARD.decode(text)?);
    }
    let Some(parts) = entry["parts"].as_array() else { bail!("an entry without content: {entry}") };
    let mut bytes = Vec::new();
    for part in parts {
        let (text, times) = (part[0].as_str().context("a part's text")?, part[1].as_u64().context("a part's count")?);
        bytes.extend(text.repeat(usize::try_from(times)?).into_bytes());
    }
    Ok(bytes)
}

/// Puts entries into a folder; an error says which could not be written.
pub(crate) fn put(work: &mut WorkFolder, files: &Map<String, Value>) -> Result<()> {
    for (name, entry) in files {
        let path = RelPath::parse(name)?;
        match Entry::read(entry)? {
            Entry::Link(target) => {
                work.remove(&path)?;
                work.link(&path, &target)?;
            }
            Entry::Folder | Entry::Submodule => work.make_folder(&path)?,
            Entry::File { executable, bytes } => work.write(&path, bytes, Some(executable))?,
        }
    }
    Ok(())
}

/// Everything in a folder.
pub(crate) fn snapshot(work: &WorkFolder) -> Result<Tree> {
    let mut tree = Tree::new();
    for (path, info) in work.walk(&RelPath::root())? {
        let entry = match info.kind {
            FileKind::Folder => Entry::Folder,
            FileKind::Link => Entry::Link(work.link_target(&path)?.unwrap_or_default()),
            FileKind::Submodule => Entry::Submodule,
            kind => Entry::File { executable: kind == FileKind::Executable, bytes: work.read(&path)?.to_vec() },
        };
        tree.insert(path.to_string(), entry);
    }
    Ok(tree)
}

/// The tree that a case says there is afterwards.
pub(crate) fn expected(before: &Tree, after: &Value) -> Result<Tree> {
    let mut tree = before.clone();
    for path in after["removed"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        tree.remove(path);
    }
    for key in ["added", "changed"] {
        for (path, entry) in after[key].as_object().into_iter().flatten() {
            tree.insert(path.clone(), Entry::read(entry)?);
        }
    }
    Ok(tree)
}

/// How two trees differ; nothing if they do not.
pub(crate) fn differences(what: &str, ours: &Tree, theirs: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, entry) in theirs {
        match ours.get(path) {
            None => wrong.push(format!("{what} `{path}` is missing, wanted {}", entry.shown())),
            Some(mine) if mine != entry => wrong.push(format!("{what} `{path}` is {}, wanted {}", mine.shown(), entry.shown())),
            Some(_) => {}
        }
    }
    for (path, entry) in ours.iter().filter(|(path, _)| !theirs.contains_key(*path)) {
        wrong.push(format!("{what} `{path}` is too much: {}", entry.shown()));
    }
    wrong
}
