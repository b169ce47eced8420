//! What a commit changes, told for people: its files, each as a unified diff that is cut where it is very long.

use crate::error::GitError;
use crate::objects::Objects;
use crate::tree::{self, Change, Mode};
use gix::ObjectId;
use std::time::{Duration, Instant};

/// A diff of a file longer than this is cut.
const DIFF_BYTES_MAX: usize = 64 * 1024;
/// A file larger than this is not compared line by line.
const DIFF_FILE_MAX: u64 = 1 << 20;

impl Objects {
    /// The files in which a commit differs from another, sorted by path, at most `limit`; from `None`, all of its files are new.
    ///
    /// # Errors
    /// [`GitError::DiskGone`] where an object is missing.
    pub fn changes(&self, from: Option<ObjectId>, to: ObjectId, limit: usize) -> Result<Vec<Change>, GitError> {
        let from = from.map(|id| self.commit(id)).transpose()?.map(|it| it.tree);
        let changes = tree::diff(self, from, Some(self.commit(to)?.tree), limit)?;
        Ok(changes.iter().map(tree::RawChange::public).collect())
    }

    /// A change as a unified diff, cut where it is very long; binary and large files only say that they differ, and so do those that
    /// take longer than `max` to compare.
    ///
    /// # Errors
    /// As [`Objects::changes`].
    pub fn unified(&self, change: &Change, max: Duration) -> Result<String, GitError> {
        let name = |prefix: &str, id: Option<ObjectId>| {
            id.map_or_else(|| "/dev/null".to_owned(), |_| format!("{prefix}/{}", change.path))
        };
        let (old_name, new_name) = (name("a", change.old), name("b", change.new));
        let (Some(old), Some(new)) = (self.text(change, change.old)?, self.text(change, change.new)?) else {
            return Ok(format!("Binary files {old_name} and {new_name} differ\n"));
        };
        let until = Instant::now() + max;
        let diff = similar::TextDiff::configure().deadline(until).diff_lines(&old, &new);
        if Instant::now() > until {
            return Ok(format!("--- {old_name}\n+++ {new_name}\n… too different to be compared line by line\n"));
        }
        let mut text = diff.unified_diff().context_radius(3).header(&old_name, &new_name).to_string();
        if text.len() > DIFF_BYTES_MAX {
            let end = (0..=DIFF_BYTES_MAX).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
            text.truncate(end);
            text.push_str("\n… cut\n");
        }
        Ok(text)
    }

    /// One side of a change; `None` where it is not text, or too large.
    fn text(&self, change: &Change, id: Option<ObjectId>) -> Result<Option<String>, GitError> {
        let Some(id) = id.filter(|_| change.mode != Mode::Gitlink) else { return Ok(Some(String::new())) };
        if self.header(id)?.is_some_and(|it| it.1 > DIFF_FILE_MAX) {
            return Ok(None);
        }
        let data = self.blob(id)?;
        Ok(if data.contains(&0) { None } else { String::from_utf8(data.to_vec()).ok() })
    }
}
