//! Looking at what a mirror has on its disk, without asking the server for anything.

use crate::error::GitError;
use crate::history::{self, CommitInfo};
use crate::mirror::{Mirror, blocking};
use crate::objects::{Kind, Objects};
use gix::ObjectId;

/// A walk from one commit to another looks at no more.
const WALK_MAX: usize = 20_000;
/// So many more are looked at where clocks may have differed; git's own number.
const MORE: usize = 5;
/// Subjects and names of people longer than this are cut.
const TEXT_MAX: usize = 200;

/// Commits between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitsBetween {
    /// The newest first, with subjects and names cut where they are very long.
    pub commits: Vec<CommitInfo>,
    /// Their history was looked at to its end.
    pub is_whole: bool,
}

impl Mirror {
    /// Are these commits on the disk already? What is damaged counts as not there: the next fetch mends it.
    ///
    /// # Errors
    /// Where the disk cannot be read.
    pub async fn holds(&self, commits: &[ObjectId]) -> Result<bool, GitError> {
        let (commits, folder) = (commits.to_vec(), self.dir().join("objects"));
        let held = self.look(move |objects| {
            if !folder.is_dir() {
                return Ok(false);
            }
            for id in commits {
                if !matches!(objects.header(id)?, Some((Kind::Commit, _))) {
                    return Ok(false);
                }
            }
            Ok(true)
        });
        match held.await {
            Err(err) if err.is_disk_gone() => Ok(false),
            held => held,
        }
    }

    /// Looks at the objects that are on the disk, on a thread that may block.
    ///
    /// # Errors
    /// Those of `act`.
    pub async fn look<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Objects) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let objects = self.objects();
        blocking(move || act(&objects)).await
    }
}

impl Objects {
    /// Commits that `to` reaches and `from` does not, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`GitError::DiskGone`] where a commit is missing.
    pub fn between(&self, from: ObjectId, to: ObjectId, limit: usize) -> Result<CommitsBetween, GitError> {
        let walked = history::walk(self, &[to], &[from], WALK_MAX, MORE)?;
        let commits = walked.ids.into_iter().take(limit).map(|id| Ok(brief(CommitInfo::from(&self.commit(id)?))));
        Ok(CommitsBetween { commits: commits.collect::<Result<_, GitError>>()?, is_whole: walked.is_whole })
    }
}

fn brief(mut commit: CommitInfo) -> CommitInfo {
    for text in [&mut commit.subject, &mut commit.author, &mut commit.committer] {
        if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
            *text = format!("{}…", &text[..end]);
        }
    }
    commit
}
