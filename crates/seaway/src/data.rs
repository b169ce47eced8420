//! The data folder: who holds it, how the one that serves it is found.

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// What `DIR/server.json` says of the process that serves the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Server {
    /// Its process.
    pub(crate) pid: u32,
    /// Where it is reached.
    pub(crate) url: String,
    /// Its version.
    pub(crate) version: String,
    /// Since when, RFC 3339.
    pub(crate) started_at: String,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error("{what} `{}`", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        err: io::Error,
    },
    #[error("`{}` is served by process {pid} already{}; stop that one, or choose another folder with --data", path.display(), url.as_deref().map(|url| format!(" at {url}")).unwrap_or_default())]
    Held { path: PathBuf, pid: String, url: Option<String> },
    #[error("no home folder: set HOME or SEAWAY_DATA")]
    NoHome,
}

/// A data folder that this process holds; the lock goes with it.
#[derive(Debug)]
pub(crate) struct Data {
    path: PathBuf,
    lock: File,
}

impl Data {
    /// Makes the folder (0700) if it is not there, and takes it.
    ///
    /// # Errors
    /// [`DataError::Held`] naming the process that holds it.
    pub(crate) fn take(path: &Path) -> Result<Self, DataError> {
        let file = |what, path: PathBuf| move |err| DataError::File { what, path, err };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(file("make the folder", path.to_owned()))?;
        let name = path.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(file("open", name.clone()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _ = lock.read_to_string(&mut pid);
            let url = read(path).map(|server| server.url);
            return Err(DataError::Held { path: path.to_owned(), pid: pid.trim().to_owned(), url });
        }
        let write = |lock: &mut File| {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        write(&mut lock).map_err(file("write", name))?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// A path in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Tells others where the control plane is.
    ///
    /// # Errors
    /// [`DataError::File`].
    pub(crate) fn announce(&self, server: &Server) -> Result<(), DataError> {
        let path = self.join("server.json");
        let text = serde_json::to_vec_pretty(server).unwrap_or_default();
        seaway_base::files::write_whole(&path, &text).map_err(|err| DataError::File { what: "write", path, err })
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.join("server.json"));
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// What the folder's `server.json` says, true or stale.
fn read(path: &Path) -> Option<Server> {
    serde_json::from_slice(&std::fs::read(path.join("server.json")).ok()?).ok()
}

/// The process that serves the folder now; a `server.json` whose lock is free is stale and counts as none.
pub(crate) fn running(path: &Path) -> Option<Server> {
    let lock = OpenOptions::new().read(true).open(path.join("lock")).ok()?;
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return None;
    }
    read(path)
}

/// `~/.local/state/seaway`, or `$XDG_STATE_HOME/seaway`.
///
/// # Errors
/// [`DataError::NoHome`].
pub(crate) fn home() -> Result<PathBuf, DataError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state"))).ok_or(DataError::NoHome)?;
    Ok(state.join("seaway"))
}

/// The kubeconfig that `seaway login` keeps.
///
/// # Errors
/// [`DataError::NoHome`].
pub(crate) fn login() -> Result<PathBuf, DataError> {
    home().map(|home| home.join("login"))
}

/// A path as people write it: `~` for home.
pub(crate) fn shown(path: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_once_and_a_stale_server_json_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let data = Data::take(dir.path()).unwrap();
        let server =
            Server { pid: std::process::id(), url: "https://127.0.0.1:1".into(), version: "0".into(), started_at: String::new() };
        data.announce(&server).unwrap();
        assert_eq!(running(dir.path()), Some(server.clone()));
        let err = Data::take(dir.path()).unwrap_err().to_string();
        assert!(err.contains(&format!("process {}", std::process::id())) && err.contains("https://127.0.0.1:1"), "{err}");
        drop(data);
        seaway_base::files::write_whole(&dir.path().join("server.json"), &serde_json::to_vec(&server).unwrap()).unwrap();
        assert_eq!(running(dir.path()), None);
    }
}
