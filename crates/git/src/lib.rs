//! Git for promotions: mirrors of repositories, work folders in memory, commits and pushes, all smart-HTTP traffic spoken here.
//!
//! A [`Mirror`] is a bare repository per (exact URL, credential) that only ever holds what that credential may read; deleting it
//! costs time, never correctness. A [`WorkFolder`] mounts commits of mirrors, is edited in memory and makes deterministic commits.
//! A push sends only new objects and moves each reference by compare-and-swap.

mod bare;
mod branch;
mod commit_url;
mod error;
mod history;
mod look;
mod merge;
mod mirror;
mod objects;
mod pack;
mod pktline;
mod protocol;
mod push;
mod refs;
mod remote;
mod transport;
mod tree;
mod unified;
mod work_folder;

pub use branch::{Checkout, Resolved};
pub use commit_url::{Provider, commit_url};
pub use error::{GitError, TransportError};
pub use gix::ObjectId;
pub use history::{ChangedPath, CommitInfo, TagInfo, quoted_path};
pub use mirror::{Mirror, MirrorOptions, Mirrors};
pub use objects::{Commit, Kind, Objects, Signature};
pub use push::{PushError, PushRequest, Pushed, RefUpdate, Wanted};
pub use refs::RemoteRefs;
pub use remote::{Credential, Remote};
pub use transport::{HttpTransport, Limits, Method, Request, Response, Transport};
pub use tree::{Change, Mode};
pub use work_folder::{
    CommitDetails, Committed, Copied, EntryInfo, FileKind, FolderError, Head, Merged, MountInfo, MountSpec, WorkFolder,
};
