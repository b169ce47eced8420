//! Work folders for tests: checked out, written to, committed, ready to push.

use crate::common::me;
use seaway_base::RelPath;
use seaway_git::{Checkout, CommitDetails, Committed, Mirror, MountSpec, ObjectId, PushRequest, RefUpdate, WorkFolder};

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

pub(crate) fn branch(name: &str) -> Checkout {
    Checkout::Branch { name: name.into(), create: false }
}

pub(crate) fn details(message: &str) -> CommitDetails {
    let trailers = vec![("Promotion-Id".into(), format!("bank/{message}"))];
    CommitDetails { message: message.into(), trailers, author: me(0), committer: me(0) }
}

pub(crate) async fn checked_out(mirror: &Mirror, checkout: &Checkout) -> WorkFolder {
    let resolved = mirror.resolve(checkout).await.unwrap();
    let mut folder = WorkFolder::new();
    let objects = folder.objects_of(mirror);
    let spec = MountSpec { objects, commit: resolved.commit, branch: resolved.branch, sparse: vec![] };
    folder.mount(&path("src"), spec).unwrap();
    folder
}

pub(crate) fn commit(folder: &mut WorkFolder, file: &str, text: &str) -> ObjectId {
    folder.write(&path(&format!("src/{file}")), text.to_owned(), None).unwrap();
    match folder.commit(&path("src"), &details(file)).unwrap() {
        Committed::New(id) => id,
        Committed::Nothing(head) => panic!("nothing to commit on {head:?}"),
    }
}

pub(crate) fn push_of(folder: &WorkFolder, branch: &str) -> PushRequest {
    let mount = folder.mount_of(&path("src")).unwrap();
    let update = RefUpdate::branch(branch, mount.base, mount.head.commit.unwrap());
    PushRequest { updates: vec![update], objects: Some(mount.objects) }
}
