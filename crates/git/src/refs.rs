//! The references of a repository as one credential sees them, and how a mirror keeps them.

use crate::error::GitError;
use gix::ObjectId;
use std::collections::BTreeMap;
use std::path::Path;

/// Branches and tags of a repository at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteRefs {
    /// The default branch, even if it does not exist yet; `None` where the server does not say.
    pub head: Option<String>,
    /// What HEAD points at, if it exists.
    pub head_id: Option<ObjectId>,
    /// Branch name (without `refs/heads/`) to commit.
    pub branches: BTreeMap<String, ObjectId>,
    /// Tag name (without `refs/tags/`) to the object it names, which is a tag object if it is annotated.
    pub tags: BTreeMap<String, ObjectId>,
    /// Annotated tags to what they point at in the end.
    pub peeled: BTreeMap<String, ObjectId>,
}

impl RemoteRefs {
    /// The commit that a tag points at.
    pub fn tag_commit(&self, tag: &str) -> Option<ObjectId> {
        self.peeled.get(tag).or_else(|| self.tags.get(tag)).copied()
    }

    /// What a branch or tag, by its full name, points at.
    pub fn get(&self, name: &str) -> Option<ObjectId> {
        match name.strip_prefix("refs/heads/") {
            Some(branch) => self.branches.get(branch).copied(),
            None => self.tags.get(name.strip_prefix("refs/tags/")?).copied(),
        }
    }

    /// Every object that a reference names, once each.
    pub(crate) fn tips(&self) -> Vec<ObjectId> {
        let mut ids: Vec<_> = self.branches.values().chain(self.tags.values()).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Takes up one advertised reference.
    pub(crate) fn add(&mut self, name: &str, id: ObjectId, peeled: Option<ObjectId>, symref: Option<&str>) {
        if name == "HEAD" {
            self.head_id = Some(id);
            if let Some(branch) = symref.and_then(|it| it.strip_prefix("refs/heads/")) {
                self.head = Some(branch.to_owned());
            }
        } else if let Some(branch) = name.strip_prefix("refs/heads/") {
            if is_ref_name(branch) {
                self.branches.insert(branch.to_owned(), id);
            }
        } else if let Some(tag) = name.strip_prefix("refs/tags/") {
            if let Some(tag) = tag.strip_suffix("^{}") {
                self.peeled.insert(tag.to_owned(), id);
            } else if is_ref_name(tag) {
                self.tags.insert(tag.to_owned(), id);
                if let Some(peeled) = peeled {
                    self.peeled.insert(tag.to_owned(), peeled);
                }
            }
        }
    }

    /// Writes them as the mirror's packed references and HEAD, each replaced at once.
    pub(crate) fn save(&self, dir: &Path) -> std::io::Result<()> {
        let mut text = String::from("# pack-refs with: sorted \n");
        for (branch, id) in &self.branches {
            text.push_str(&format!("{id} refs/heads/{branch}\n"));
        }
        for (tag, id) in &self.tags {
            text.push_str(&format!("{id} refs/tags/{tag}\n"));
        }
        write_synced(dir, "packed-refs", text.as_bytes())?;
        let head = self.head.as_deref().filter(|it| is_ref_name(it)).unwrap_or("main");
        write_synced(dir, "HEAD", format!("ref: refs/heads/{head}\n").as_bytes())
    }

    /// Reads what [`RemoteRefs::save`] wrote; peeled ids are not kept and come back empty.
    pub(crate) fn load(dir: &Path) -> std::io::Result<Self> {
        let mut refs = Self::default();
        for line in std::fs::read_to_string(dir.join("packed-refs"))?.lines() {
            if let Some((hex, name)) = line.split_once(' ')
                && let Ok(id) = ObjectId::from_hex(hex.as_bytes())
            {
                refs.add(name, id, None, None);
            }
        }
        let head = std::fs::read_to_string(dir.join("HEAD"))?;
        refs.head = head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned);
        refs.head_id = refs.head.as_ref().and_then(|head| refs.branches.get(head)).copied();
        Ok(refs)
    }
}

/// Replaces a file at once and durably; one that is so already is left.
fn write_synced(dir: &Path, name: &str, data: &[u8]) -> std::io::Result<()> {
    if std::fs::read(dir.join(name)).is_ok_and(|it| it == data) {
        return Ok(());
    }
    write_whole(dir, name, data)?;
    crate::objects::sync_folder(dir)
}

/// Replaces a file by one whose content is durable; its name is once the folder is synced.
fn write_whole(dir: &Path, name: &str, data: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(data)?;
    file.as_file().sync_all()?;
    file.persist(dir.join(name)).map_err(|err| err.error).map(drop)
}

/// May this be the name of a branch or tag (git-check-ref-format)?
pub(crate) fn is_ref_name(name: &str) -> bool {
    let bad = |it: char| it.is_ascii_control() || matches!(it, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    !name.is_empty()
        && name.len() <= 1024
        && !name.starts_with('-')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && name != "@"
        && !name.chars().any(bad)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

/// Folder of the references that keep a run's objects.
fn pin_folder(dir: &Path, run_uid: &str) -> Option<std::path::PathBuf> {
    let good = !run_uid.is_empty() && run_uid.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    good.then(|| dir.join("refs/seaway/runs").join(run_uid))
}

/// Keeps objects for a run: one reference each below `refs/seaway/runs/<uid>`, durable on return.
pub(crate) fn pin(dir: &Path, run_uid: &str, ids: &[ObjectId]) -> Result<(), GitError> {
    let folder = pin_folder(dir, run_uid).ok_or_else(|| GitError::Bug(format!("`{run_uid}` is no run's uid")))?;
    let write = || -> std::io::Result<()> {
        // Folders that were there are durable already.
        let new: Vec<_> = folder.ancestors().take_while(|it| !it.exists()).collect();
        std::fs::create_dir_all(&folder)?;
        std::thread::scope(|threads| {
            let write = |id: &ObjectId| write_whole(&folder, &id.to_string(), format!("{id}\n").as_bytes());
            let written: Vec<_> = ids.iter().map(|id| threads.spawn(move || write(id))).collect();
            written
                .into_iter()
                .try_for_each(|it| it.join().unwrap_or_else(|_| Err(std::io::Error::other("writing a pin panicked"))))
        })?;
        crate::objects::sync_folder(&folder)?;
        new.iter().filter_map(|it| it.parent()).try_for_each(crate::objects::sync_folder)
    };
    write().map_err(|err| GitError::io("pin objects in", &folder, err))
}

/// What a run has pinned.
pub(crate) fn pinned(dir: &Path, run_uid: &str) -> Vec<ObjectId> {
    let Some(folder) = pin_folder(dir, run_uid) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut ids: Vec<_> = entries.filter_map(|it| ObjectId::from_hex(it.ok()?.file_name().as_encoded_bytes()).ok()).collect();
    ids.sort_unstable();
    ids
}

/// Lets a run's objects go.
pub(crate) fn unpin(dir: &Path, run_uid: &str) -> Result<(), GitError> {
    let Some(folder) = pin_folder(dir, run_uid) else { return Ok(()) };
    match std::fs::remove_dir_all(&folder) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(GitError::io("unpin", &folder, err)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_git_does() {
        for good in ["main", "env/prod-eu", "v1.0.0", "kargo/promotion/a.b", "ü", "a@b"] {
            assert!(is_ref_name(good), "{good}");
        }
        for bad in ["", "a b", "../x", "a..b", "-x", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a~1", "a:b", "@", "a@{1", "a\n"]
        {
            assert!(!is_ref_name(bad), "{bad}");
        }
    }
}
