//! `.gitignore` and `.gitattributes`, layered as git layers them: the deeper file wins, then the later line.

use super::error::FolderError;
use super::node::{Content, Folder, Node};
use super::paths::joined;
use crate::tree::Name;
use gix::bstr::{BStr, ByteSlice as _};
use gix::glob::pattern::Case;
use gix::glob::wildmatch::Mode as Wildmatch;
use gix::ignore::{Search, search::Ignore};
use std::path::Path;

/// A file of rules larger than this is not read.
const RULES_BYTES_MAX: u64 = 1 << 20;

/// The ignore rules on the way down to some folder.
#[derive(Default)]
pub(crate) struct Rules {
    search: Search,
}

impl Rules {
    /// Rules from a text, as if it were the root's `.gitignore`.
    pub(crate) fn of(text: &str) -> Result<Self, FolderError> {
        let mut rules = Self::default();
        rules.add(&[], text.as_bytes())?;
        Ok(rules)
    }

    fn add(&mut self, folder: &[Name], text: &[u8]) -> Result<(), FolderError> {
        let base = Path::new("/").join(joined(folder));
        let added = self.search.add_patterns_buffer(text, base.join(".gitignore"), Some(Path::new("/")), Ignore::default());
        added.map_err(|err| FolderError::Pattern { pattern: joined(folder), why: err.to_string() })
    }

    /// Takes up a folder's own `.gitignore`; [`Rules::leave`] takes it back.
    pub(crate) fn enter(&mut self, path: &[Name], entry: Option<&Node>) -> Result<bool, FolderError> {
        let Some(Node::File { content, .. }) = entry else { return Ok(false) };
        if content.size()? > RULES_BYTES_MAX {
            return Ok(false);
        }
        self.add(path, &content.bytes()?)?;
        Ok(true)
    }

    /// Takes back the last [`Rules::enter`] that said `true`.
    pub(crate) fn leave(&mut self) {
        self.search.patterns.pop();
    }

    /// Does a rule ignore this path itself? Rules on folders above it are the caller's.
    pub(crate) fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let found = self.search.pattern_matching_relative_path(BStr::new(path), Some(is_folder), Case::Sensitive);
        found.is_some_and(|it| !it.pattern.is_negative())
    }
}

/// The filter that `.gitattributes` sets for a path, if any.
pub(crate) fn filter_of(root: &Folder, path: &[Name]) -> Result<Option<String>, FolderError> {
    let mut folder = root.clone();
    let mut filter = None;
    for depth in 0..path.len() {
        if let Some(Node::File { content, .. }) = folder.get(b".gitattributes")? {
            let below = path[depth..].join(&b'/');
            if let Some(found) = filter_in(&content, &below)? {
                filter = found;
            }
        }
        match folder.get(&path[depth])? {
            Some(Node::Folder(next)) => folder = next,
            _ => break,
        }
    }
    Ok(filter)
}

/// What one file of attributes says of a path: nothing, no filter, or a filter.
#[expect(clippy::option_option, reason = "nothing said, and said that there is none, are two answers")]
fn filter_in(content: &Content, path: &[u8]) -> Result<Option<Option<String>>, FolderError> {
    if content.size()? > RULES_BYTES_MAX {
        return Ok(None);
    }
    let mut found = None;
    let name = path.rfind_byte(b'/').map(|it| it + 1);
    for line in content.bytes()?.lines() {
        let line = line.trim_start();
        if line.starts_with(b"#") || line.starts_with(b"[attr]") {
            continue;
        }
        let mut words = line.fields();
        let Some(pattern) = words.next().and_then(gix::glob::Pattern::from_bytes_without_negation) else { continue };
        let filters = words.filter_map(|word| match word {
            b"-filter" | b"!filter" => Some(None),
            word => word.strip_prefix(b"filter=").map(|it| Some(String::from_utf8_lossy(it).into_owned())),
        });
        let Some(filter) = filters.last() else { continue };
        let hit = pattern.matches_repo_relative_path(
            BStr::new(path),
            name,
            Some(false),
            Case::Sensitive,
            Wildmatch::NO_MATCH_SLASH_LITERAL,
        );
        if hit {
            found = Some(filter);
        }
    }
    Ok(found)
}
