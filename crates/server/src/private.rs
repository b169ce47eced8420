//! Files with secrets in the data folder: whoever may read more than their owner loses that by a start.

use std::fs::{File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What a file with a secret grants at the most.
const OWNER_ALONE: u32 = 0o600;

/// A file with a secret stands open, and stays so.
#[derive(Debug, thiserror::Error)]
#[error("others may read it (mode {mode:04o}), and it cannot be closed to them; run `chmod 600 {path}` as its owner")]
struct Open {
    mode: u32,
    path: String,
    #[source]
    err: io::Error,
}

/// Reads a file with a secret. Where others than its owner might read or change it, it is closed to them first, and the log says so.
///
/// # Errors
/// Whatever the file system says; and that the file stands open where it cannot be closed.
pub fn read(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let open = |err: io::Error| {
            let kind = err.kind();
            io::Error::new(kind, Open { mode, path: path.display().to_string(), err })
        };
        file.set_permissions(Permissions::from_mode(mode & OWNER_ALONE)).map_err(open)?;
        tracing::warn!(
            file = %path.display(),
            mode = format!("{mode:04o}"),
            "others could read this file; now its owner alone can. If somebody may have, what it holds is known to them"
        );
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_read_is_closed_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "secret").unwrap();
        let check = |before: u32, after: u32| {
            std::fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            assert_eq!(read(&path).unwrap(), "secret");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, after, "{before:o}");
        };
        check(0o644, 0o600);
        check(0o640, 0o600);
        check(0o622, 0o600);
        check(0o444, 0o400);
        check(0o600, 0o600);
        check(0o400, 0o400);
    }

    #[test]
    fn a_file_that_cannot_be_closed_is_refused_naming_the_command() {
        // The kernel's own files have modes that nobody changes.
        let err = read(Path::new("/proc/self/status")).unwrap_err().to_string();
        assert!(err.starts_with("others may read it (mode 0444)") && err.contains("chmod 600 /proc/self/status"), "{err}");
    }
}
