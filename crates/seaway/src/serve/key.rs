//! The key that Secrets are sealed with: 32 bytes, hexadecimal, in a file that only its owner may read.

use crate::exit::Failure;
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use std::path::Path;

/// Reads the key, or makes it where there is no store yet that would need another.
///
/// # Errors
/// The file holds no key, cannot be read or written, or is gone while the store is there.
pub(crate) fn open(path: &Path, store: &Path) -> Result<Secret<[u8; 32]>, Failure> {
    let failed =
        |what: &'static str| move |err: std::io::Error| Failure::io(format!("{what} the key `{}`", path.display()), &err);
    if !path.exists() {
        if store.exists() {
            let message = format!("`{}` is there, and its key `{}` is not", store.display(), path.display());
            return Err(Failure::new(
                message,
                "put the key back that belongs to this store (a backup needs the `key` of the folder it was taken from)",
            ));
        }
        let bytes = secret_bytes::<32>();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        seaway_base::files::write_private(path, text.as_bytes()).map_err(failed("write"))?;
        return Ok(Secret::new(bytes));
    }
    // A file elsewhere is the user's own, and may be shared on purpose: a Secret that is mounted is.
    let is_ours = path.parent() == store.parent();
    let text = if is_ours { seaway_server::private::read(path) } else { std::fs::read_to_string(path) };
    let text = text.map_err(failed("read"))?;
    let text = text.trim();
    let mut bytes = [0_u8; 32];
    let fits = text.len() == 64 && text.is_ascii();
    for (index, byte) in bytes.iter_mut().enumerate().filter(|_| fits) {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| unusable(path))?;
    }
    if fits { Ok(Secret::new(bytes)) } else { Err(unusable(path)) }
}

fn unusable(path: &Path) -> Failure {
    Failure::new(
        format!("`{}` holds no key: 64 hexadecimal digits are wanted", path.display()),
        "put the key back that belongs to this store",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_for_a_store_that_has_another() {
        let dir = tempfile::tempdir().unwrap();
        let (key, store) = (dir.path().join("key"), dir.path().join("state.db"));
        let first = open(&key, &store).unwrap();
        std::fs::write(&store, "").unwrap();
        assert_eq!(open(&key, &store).unwrap(), first);
        std::fs::write(&key, "short").unwrap();
        assert!(open(&key, &store).unwrap_err().message.contains("holds no key"));
        std::fs::remove_file(&key).unwrap();
        assert!(open(&key, &store).unwrap_err().message.contains("is not"));
    }
}
