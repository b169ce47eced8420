//! Objects of a repository: read from a mirror's disk or from memory, written to memory until somebody wants them kept.

use crate::error::GitError;
use bytes::Bytes;
use gix::ObjectId;
use gix::objs::{Find as _, FindHeader as _};
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use gix::objs::Kind;

/// Deltas of packs that were taken apart are kept up to this size, a handle.
const PACK_CACHE_BYTES: usize = 32 << 20;
/// Packs and indices that the object store can hold open; a mirror is repacked long before it has so many.
const SLOTS: u16 = 1024;
/// An object larger than this is never read into memory.
pub(crate) const OBJECT_BYTES_MAX: u64 = 1 << 30;
/// Folders may be nested so deep.
const DEPTH_MAX: usize = 200;
/// Above so many objects, keeping them writes one pack rather than a file each.
pub(crate) const LOOSE_MAX: usize = 200;
/// Loose files that are written at once.
const SYNCS_AT_ONCE: usize = 16;

/// The id of an object of this kind and content.
pub(crate) fn hash(kind: Kind, data: &[u8]) -> ObjectId {
    use sha1::Digest as _;
    let mut hash = sha1::Sha1::new();
    hash.update(format!("{kind} {}\0", data.len()));
    hash.update(data);
    ObjectId::from_bytes_or_panic(&hash.finalize())
}

/// The disk of one mirror, shared by all who read it.
pub(crate) struct Disk {
    /// The repository, as it may be shown.
    pub(crate) repo: String,
    /// The bare repository.
    pub(crate) dir: PathBuf,
    /// Set once an object was missing; cleared when the mirror has been rebuilt.
    pub(crate) gone: AtomicBool,
    /// Counts rebuilds and repacks: a handle of an older generation is opened anew.
    generation: std::sync::atomic::AtomicU64,
}

impl Disk {
    pub(crate) fn new(repo: String, dir: PathBuf) -> Arc<Self> {
        Arc::new(Self { repo, dir, gone: AtomicBool::new(false), generation: 0.into() })
    }

    /// Everybody opens the store anew before the next read.
    pub(crate) fn reopen(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn open(&self) -> Result<gix::odb::Handle, GitError> {
        let path = self.dir.join("objects");
        let options = gix::odb::store::init::Options {
            slots: gix::odb::store::init::Slots::Given(SLOTS),
            alloc_limit_bytes: Some(OBJECT_BYTES_MAX as usize),
            ..Default::default()
        };
        let mut handle = gix::odb::at_opts(&path, gix::hash::Kind::Sha1, [], options)
            .map_err(|err| GitError::io("open objects", &path, err))?;
        handle.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE_BYTES)));
        Ok(handle)
    }

    fn lost(&self, id: ObjectId, why: impl Into<String>) -> GitError {
        self.gone.store(true, Ordering::SeqCst);
        GitError::DiskGone { repo: self.repo.clone(), id, why: why.into() }
    }
}

/// Author or committer: who and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Instant, to the second.
    pub time: Timestamp,
    /// Offset from UTC as git writes it: `+0000`.
    pub offset: String,
}

impl Signature {
    /// A signature in UTC. Characters that git cannot hold are left out.
    pub fn new(name: &str, email: &str, time: Timestamp) -> Self {
        let clean = |text: &str| {
            let text: String = text.chars().filter(|it| !matches!(it, '<' | '>' | '\n' | '\0')).collect();
            text.trim_matches(|it: char| it.is_whitespace() || matches!(it, '.' | ',' | ':' | ';' | '"' | '\'' | '\\')).to_owned()
        };
        Self { name: clean(name), email: clean(email), time, offset: "+0000".into() }
    }

    /// `Name <mail> seconds offset`, as in a commit.
    pub(crate) fn line(&self) -> String {
        format!("{} <{}> {} {}", self.name, self.email, self.time.as_second(), self.offset)
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let open = line.find('<')?;
        let close = line.rfind('>')?;
        let mut rest = line.get(close + 1..)?.split_whitespace();
        let seconds = rest.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        Some(Self {
            name: line[..open].trim().to_owned(),
            email: line.get(open + 1..close)?.trim().to_owned(),
            time: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
            offset: rest.next().unwrap_or("+0000").to_owned(),
        })
    }

    /// `Name <mail>`.
    pub fn person(&self) -> String {
        format!("{} <{}>", self.name, self.email)
    }
}

/// A commit, read.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents, the first first.
    pub parents: Vec<ObjectId>,
    /// Who wrote it.
    pub author: Signature,
    /// Who committed it.
    pub committer: Signature,
    /// The whole message.
    pub message: String,
}

impl Commit {
    fn parse(id: ObjectId, data: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(data);
        let (head, message) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
        let (mut tree, mut parents, mut author, mut committer) = (None, Vec::new(), None, None);
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("tree", hex)) => tree = ObjectId::from_hex(hex.as_bytes()).ok(),
                Some(("parent", hex)) => parents.push(ObjectId::from_hex(hex.as_bytes()).ok()?),
                Some(("author", line)) if author.is_none() => author = Signature::parse(line),
                Some(("committer", line)) if committer.is_none() => committer = Signature::parse(line),
                _ => {}
            }
        }
        let unknown = || Signature::new("", "", Timestamp::UNIX_EPOCH);
        let author = author.unwrap_or_else(unknown);
        Some(Self { id, tree: tree?, parents, committer: committer.unwrap_or_else(unknown), author, message: message.to_owned() })
    }

    /// The bytes of a commit object.
    pub(crate) fn encode(
        tree: ObjectId,
        parents: &[ObjectId],
        author: &Signature,
        committer: &Signature,
        message: &str,
    ) -> Vec<u8> {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        text.push_str(&format!("author {}\ncommitter {}\n\n{message}", author.line(), committer.line()));
        text.into_bytes()
    }

    /// The message up to the first blank line, on one line (git's `%s`).
    pub fn subject(&self) -> String {
        subject(&self.message)
    }

    /// Does the last paragraph of its message hold the trailer `key: value`?
    pub fn has_trailer(&self, key: &str, value: &str) -> bool {
        crate::history::has_trailer(&self.message, key, value)
    }
}

/// The first paragraph of a message, on one line.
pub(crate) fn subject(message: &str) -> String {
    let lines = message.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| !line.trim().is_empty());
    lines.map(str::trim_end).collect::<Vec<_>>().join(" ")
}

/// An annotated tag, read.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) target: ObjectId,
    pub(crate) tagger: Option<Signature>,
    pub(crate) message: String,
}

type Fresh = HashMap<ObjectId, (Kind, Bytes)>;

/// Reads objects of one repository, and holds those that were made and are not kept yet.
pub struct Objects {
    disk: Option<Arc<Disk>>,
    handle: Mutex<Option<(u64, gix::odb::Handle)>>,
    fresh: RwLock<Fresh>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("repo", &self.repo()).field("fresh", &self.fresh.read().len()).finish()
    }
}

impl Objects {
    pub(crate) fn over(disk: Arc<Disk>) -> Arc<Self> {
        Arc::new(Self { disk: Some(disk), handle: Mutex::new(None), fresh: RwLock::default() })
    }

    /// Objects that live in memory alone: for what lies outside of mounts, and for tests.
    pub fn in_memory() -> Arc<Self> {
        Arc::new(Self { disk: None, handle: Mutex::new(None), fresh: RwLock::default() })
    }

    pub(crate) fn disk(&self) -> Option<&Arc<Disk>> {
        self.disk.as_ref()
    }

    pub(crate) fn repo(&self) -> &str {
        self.disk.as_ref().map_or("memory", |disk| &disk.repo)
    }

    fn with_handle<T>(&self, act: impl FnOnce(&Disk, &gix::odb::Handle) -> Result<T, GitError>) -> Result<Option<T>, GitError> {
        let Some(disk) = &self.disk else { return Ok(None) };
        let now = disk.generation.load(Ordering::SeqCst);
        let mut slot = self.handle.lock();
        if slot.as_ref().is_none_or(|(generation, _)| *generation != now) {
            *slot = Some((now, disk.open()?));
        }
        slot.as_ref().map(|(_, handle)| act(disk, handle)).transpose()
    }

    fn missing(&self, id: ObjectId, why: &str) -> GitError {
        self.disk.as_ref().map_or_else(|| GitError::Bug(format!("object {id} is not in memory")), |disk| disk.lost(id, why))
    }

    /// Kind and size of an object, without reading it; `None` if it is not there.
    ///
    /// # Errors
    /// [`GitError::DiskGone`] where it is damaged.
    pub fn header(&self, id: ObjectId) -> Result<Option<(Kind, u64)>, GitError> {
        if let Some((kind, data)) = self.fresh.read().get(&id) {
            return Ok(Some((*kind, data.len() as u64)));
        }
        let found = self.with_handle(|disk, handle| {
            let header = handle.try_header(&id).map_err(|err| disk.lost(id, err.to_string()))?;
            Ok(header.map(|it| (it.kind, it.size)))
        })?;
        Ok(found.flatten())
    }

    /// Is the object there?
    ///
    /// # Errors
    /// As [`Objects::header`].
    pub fn has(&self, id: ObjectId) -> Result<bool, GitError> {
        Ok(id == ObjectId::empty_tree(gix::hash::Kind::Sha1) || self.header(id)?.is_some())
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`GitError::DiskGone`] where it is missing or damaged.
    pub fn read(&self, id: ObjectId) -> Result<(Kind, Bytes), GitError> {
        if let Some((kind, data)) = self.fresh.read().get(&id) {
            return Ok((*kind, data.clone()));
        }
        if id == ObjectId::empty_tree(gix::hash::Kind::Sha1) {
            return Ok((Kind::Tree, Bytes::new()));
        }
        let found = self.with_handle(|disk, handle| {
            let mut buffer = Vec::new();
            let kind = match handle.try_find(&id, &mut buffer) {
                Ok(Some(data)) => data.kind,
                Ok(None) => return Ok(None),
                Err(err) => return Err(disk.lost(id, err.to_string())),
            };
            Ok(Some((kind, Bytes::from(buffer))))
        })?;
        found.flatten().ok_or_else(|| self.missing(id, "not there"))
    }

    fn read_kind(&self, id: ObjectId, wanted: Kind) -> Result<Bytes, GitError> {
        let (kind, data) = self.read(id)?;
        if kind == wanted { Ok(data) } else { Err(self.missing(id, &format!("a {kind}, not a {wanted}"))) }
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// As [`Objects::read`].
    pub fn blob(&self, id: ObjectId) -> Result<Bytes, GitError> {
        self.read_kind(id, Kind::Blob)
    }

    /// Refuses folders so deep that walking them would exhaust a thread's stack.
    pub(crate) fn check_depth(&self, depth: usize) -> Result<(), GitError> {
        let limit = DEPTH_MAX;
        if depth <= limit { Ok(()) } else { Err(GitError::TooDeep { repo: self.repo().to_owned(), limit }) }
    }

    /// Reads a tree's entries.
    pub(crate) fn tree(&self, id: ObjectId) -> Result<Vec<crate::tree::Entry>, GitError> {
        let data = self.read_kind(id, Kind::Tree)?;
        crate::tree::parse(&data).ok_or_else(|| self.missing(id, "a damaged tree"))
    }

    /// Reads a commit.
    ///
    /// # Errors
    /// As [`Objects::read`].
    pub fn commit(&self, id: ObjectId) -> Result<Commit, GitError> {
        let data = self.read_kind(id, Kind::Commit)?;
        Commit::parse(id, &data).ok_or_else(|| self.missing(id, "a damaged commit"))
    }

    pub(crate) fn tag(&self, id: ObjectId) -> Result<Tag, GitError> {
        let data = self.read_kind(id, Kind::Tag)?;
        let text = String::from_utf8_lossy(&data);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let target = field("object").and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok());
        let target = target.ok_or_else(|| self.missing(id, "a damaged tag"))?;
        Ok(Tag { target, tagger: field("tagger").and_then(Signature::parse), message: message.to_owned() })
    }

    /// Follows annotated tags to what they point at.
    pub(crate) fn peel(&self, mut id: ObjectId) -> Result<(Kind, ObjectId), GitError> {
        for _ in 0..10 {
            match self.header(id)? {
                Some((Kind::Tag, _)) => id = self.tag(id)?.target,
                Some((kind, _)) => return Ok((kind, id)),
                None => return Err(self.missing(id, "not there")),
            }
        }
        Err(self.missing(id, "a chain of tags without end"))
    }

    /// Makes an object in memory.
    pub fn put(&self, kind: Kind, data: impl Into<Bytes>) -> ObjectId {
        let data = data.into();
        let id = hash(kind, &data);
        self.fresh.write().entry(id).or_insert((kind, data));
        id
    }

    /// The objects in memory.
    pub(crate) fn fresh(&self) -> Vec<(ObjectId, Kind, Bytes)> {
        self.fresh.read().iter().map(|(id, (kind, data))| (*id, *kind, data.clone())).collect()
    }

    /// Forgets the objects in memory; they must have been kept before.
    pub(crate) fn forget(&self, ids: &[ObjectId]) {
        let mut fresh = self.fresh.write();
        for id in ids {
            fresh.remove(id);
        }
    }

    /// Bytes held in memory by objects that are not kept yet.
    pub fn fresh_bytes(&self) -> u64 {
        self.fresh.read().values().map(|(_, data)| data.len() as u64).sum()
    }
}

/// Writes an object as a loose file and syncs it, unless it is there.
pub(crate) fn write_loose(dir: &Path, id: ObjectId, kind: Kind, data: &[u8]) -> std::io::Result<()> {
    let hex = id.to_string();
    let folder = dir.join("objects").join(&hex[..2]);
    let path = folder.join(&hex[2..]);
    if path.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        // A repack takes empty ones away.
        std::fs::create_dir_all(&folder)?;
        sync_folder(&dir.join("objects"))?;
    }
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    let mut zlib = flate2::write::ZlibEncoder::new(&mut file, flate2::Compression::fast());
    zlib.write_all(format!("{kind} {}\0", data.len()).as_bytes())?;
    zlib.write_all(data)?;
    zlib.finish()?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|err| err.error)?;
    sync_folder(&folder)
}

/// Writes objects as loose files, a few at a time: the disk makes those durable together that ask at once.
pub(crate) fn write_all_loose(dir: &Path, all: &[(ObjectId, Kind, Bytes)]) -> std::io::Result<()> {
    let share = all.len().div_ceil(SYNCS_AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let write = |(id, kind, data): &(ObjectId, Kind, Bytes)| write_loose(dir, *id, *kind, data);
        let shares: Vec<_> = all.chunks(share).map(|some| scope.spawn(move || some.iter().try_for_each(write))).collect();
        let gone = |_| Err(std::io::Error::other("a thread that writes objects panicked"));
        shares.into_iter().try_for_each(|it| it.join().unwrap_or_else(gone))
    })
}

/// Makes a rename in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_gits() {
        assert_eq!(hash(Kind::Blob, b"hello\n").to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(hash(Kind::Tree, b""), ObjectId::empty_tree(gix::hash::Kind::Sha1));
    }

    #[test]
    fn a_signature_reads_as_written() {
        let line = "J. Ü <j@example.com> 1704103200 +0100";
        assert_eq!(Signature::parse(line).unwrap().line(), line);
        assert_eq!(Signature::new("a<b>\n", "x", Timestamp::UNIX_EPOCH).line(), "ab <x> 0 +0000");
    }

    #[test]
    fn a_subject_is_the_first_paragraph() {
        assert_eq!(subject("\n\na\nb\n\nc"), "a b");
    }
}
