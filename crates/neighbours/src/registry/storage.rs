//! The registry's folder: blobs by digest, and per repository which blobs, manifests and tags it has.

use sha2::{Digest as _, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncReadExt as _;

/// The folder. Blobs are shared; `repositories/<name>/_blobs|_manifests|_tags` say what a repository has.
#[derive(Debug)]
pub(super) struct Storage {
    dir: PathBuf,
}

/// A digest of the one kind we keep: `sha256:` and 64 lower-case hex digits.
pub(super) fn is_digest(text: &str) -> bool {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    text.strip_prefix("sha256:").is_some_and(|rest| rest.len() == 64 && rest.chars().all(hex))
}

/// A tag as the specification has it.
pub(super) fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

/// A repository's name as the specification has it.
pub(super) fn is_name(text: &str) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part =
        |part: &str| part.starts_with(end) && part.ends_with(end) && part.chars().all(|c| end(c) || matches!(c, '.' | '_' | '-'));
    text.len() <= 255 && text.split('/').all(part)
}

/// The digest of bytes.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn hex_of(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

impl Storage {
    pub(super) async fn open(dir: PathBuf) -> io::Result<Self> {
        for name in ["blobs", "repositories", "uploads"] {
            fs::create_dir_all(dir.join(name)).await?;
        }
        Ok(Self { dir })
    }

    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        self.dir.join("blobs").join(hex_of(digest))
    }

    pub(super) fn upload(&self, id: &str) -> PathBuf {
        self.dir.join("uploads").join(id)
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.dir.join("repositories").join(name)
    }

    fn link(&self, name: &str, kind: &str, digest: &str) -> PathBuf {
        self.repository(name).join(kind).join(hex_of(digest))
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.repository(name).join("_manifests").is_dir()
    }

    pub(super) async fn has_blob(&self, name: &str, digest: &str) -> bool {
        fs::try_exists(self.link(name, "_blobs", digest)).await.unwrap_or(false)
    }

    pub(super) async fn link_blob(&self, name: &str, digest: &str) -> io::Result<()> {
        write(&self.link(name, "_blobs", digest), b"").await
    }

    pub(super) async fn unlink_blob(&self, name: &str, digest: &str) -> io::Result<()> {
        fs::remove_file(self.link(name, "_blobs", digest)).await
    }

    /// Takes a finished upload in if its content has this digest.
    pub(super) async fn finish_upload(&self, name: &str, id: &str, digest: &str) -> io::Result<bool> {
        let path = self.upload(id);
        let mut file = fs::File::open(&path).await?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer).await? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        if format!("sha256:{}", hex::encode(hash.finalize())) != digest {
            fs::remove_file(&path).await?;
            return Ok(false);
        }
        fs::rename(&path, self.blob(digest)).await?;
        self.link_blob(name, digest).await?;
        Ok(true)
    }

    /// Stores a manifest and returns its digest.
    pub(super) async fn put_manifest(&self, name: &str, media_type: &str, bytes: &[u8]) -> io::Result<String> {
        let digest = digest_of(bytes);
        write(&self.blob(&digest), bytes).await?;
        write(&self.link(name, "_manifests", &digest), media_type.as_bytes()).await?;
        Ok(digest)
    }

    /// A manifest's media type and content.
    pub(super) async fn manifest(&self, name: &str, digest: &str) -> Option<(String, Vec<u8>)> {
        let media_type = fs::read_to_string(self.link(name, "_manifests", digest)).await.ok()?;
        Some((media_type, fs::read(self.blob(digest)).await.ok()?))
    }

    pub(super) async fn has_manifest(&self, name: &str, digest: &str) -> bool {
        fs::try_exists(self.link(name, "_manifests", digest)).await.unwrap_or(false)
    }

    pub(super) async fn delete_manifest(&self, name: &str, digest: &str) -> io::Result<()> {
        fs::remove_file(self.link(name, "_manifests", digest)).await
    }

    /// The digests of all manifests of a repository.
    pub(super) async fn manifests(&self, name: &str) -> Vec<String> {
        list(&self.repository(name).join("_manifests")).await.into_iter().map(|hex| format!("sha256:{hex}")).collect()
    }

    pub(super) async fn set_tag(&self, name: &str, tag: &str, digest: &str) -> io::Result<()> {
        write(&self.repository(name).join("_tags").join(tag), digest.as_bytes()).await
    }

    pub(super) async fn tag(&self, name: &str, tag: &str) -> Option<String> {
        fs::read_to_string(self.repository(name).join("_tags").join(tag)).await.ok()
    }

    pub(super) async fn delete_tag(&self, name: &str, tag: &str) -> io::Result<()> {
        fs::remove_file(self.repository(name).join("_tags").join(tag)).await
    }

    /// All tags, in lexical order.
    pub(super) async fn tags(&self, name: &str) -> Vec<String> {
        list(&self.repository(name).join("_tags")).await
    }
}

/// Writes a file so that a reader sees the old content or the new, and a crash leaves one of them.
async fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).await?;
    }
    let fresh = hex::encode(seaway_base::ids::secret_bytes::<8>());
    let temporary = path.with_file_name(format!(".new-{fresh}"));
    fs::write(&temporary, bytes).await?;
    fs::rename(&temporary, path).await
}

async fn list(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(mut entries) = fs::read_dir(dir).await {
        while let Ok(Some(entry)) = entries.next_entry().await {
            names.extend(entry.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
        }
    }
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_specification() {
        assert!(is_name("a") && is_name("team/app-1_x.y"));
        assert!(!is_name("") && !is_name("A") && !is_name("a//b") && !is_name("../a") && !is_name("_tags"));
        assert!(is_tag("v1.0_x-2") && !is_tag("") && !is_tag(".x") && !is_tag("a/b") && !is_tag(&"a".repeat(129)));
        assert!(is_digest(&digest_of(b"")) && !is_digest("sha256:xyz"));
    }
}
