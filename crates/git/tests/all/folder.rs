//! Work folders: what git would do with the same files, what must be refused, merges, and what tools see.

use crate::common::{git, me};
use seaway_base::RelPath;
use seaway_git::{
    Change, CommitDetails, Committed, FileKind, FolderError, GitError, Kind, Merged, Mode, MountSpec, ObjectId, Objects,
    WorkFolder,
};
use std::sync::Arc;

fn rel(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn details(message: &str) -> CommitDetails {
    CommitDetails { message: message.into(), trailers: vec![], author: me(0), committer: me(0) }
}

fn spec(objects: &Arc<Objects>, commit: Option<ObjectId>) -> MountSpec {
    MountSpec { objects: objects.clone(), commit, branch: Some("main".into()), sparse: vec![] }
}

/// A folder with a checkout `src` whose HEAD holds these files; `->` makes a link.
fn checkout(files: &[(&str, &str)]) -> (WorkFolder, Arc<Objects>, ObjectId) {
    let objects = Objects::in_memory();
    let id = commit(&objects, None, files);
    let mut folder = WorkFolder::new();
    folder.mount(&rel("src"), spec(&objects, Some(id))).unwrap();
    (folder, objects, id)
}

fn commit(objects: &Arc<Objects>, parent: Option<ObjectId>, files: &[(&str, &str)]) -> ObjectId {
    let mut folder = WorkFolder::new();
    folder.mount(&rel(""), spec(objects, parent)).unwrap();
    for (path, text) in files {
        match text.strip_prefix("->") {
            Some(target) => folder.link(&rel(path), target).unwrap(),
            None if *text == "(gone)" => assert!(folder.remove(&rel(path)).unwrap()),
            None => folder.write(&rel(path), (*text).to_owned(), None).unwrap(),
        }
    }
    match folder.commit(&rel(""), &details("made")).unwrap() {
        Committed::New(id) => id,
        Committed::Nothing(_) => panic!("nothing"),
    }
}

fn names(folder: &WorkFolder, at: &str) -> Vec<String> {
    let all = folder.walk(&rel(at)).unwrap().into_iter();
    all.filter(|it| it.1.kind != FileKind::Folder).map(|it| it.0.to_string()).collect()
}

fn tree(objects: &Arc<Objects>, id: ObjectId) -> Vec<String> {
    let mut folder = WorkFolder::new();
    folder.mount(&rel(""), spec(objects, Some(id))).unwrap();
    names(&folder, "")
}

fn committed(folder: &mut WorkFolder, at: &str) -> ObjectId {
    match folder.commit(&rel(at), &details("change")).unwrap() {
        Committed::New(id) => id,
        Committed::Nothing(head) => panic!("nothing on {head:?}"),
    }
}

#[test]
fn the_longest_mount_wins_and_is_invisible_to_its_parent() {
    let (mut folder, objects, id) = checkout(&[("a", "1"), ("inner-too", "1")]);
    let other = commit(&objects, None, &[("b", "2")]);
    folder.mount(&rel("src/inner"), spec(&objects, Some(other))).unwrap();
    folder.write(&rel("src/inner/c"), "3", None).unwrap();
    assert_eq!(folder.commit(&rel("src"), &details("m")).unwrap(), Committed::Nothing(Some(id)));
    assert_eq!(names(&folder, "src"), ["a", "inner/b", "inner/c", "inner-too"]);
    let inner = committed(&mut folder, "src/inner");
    assert_eq!(tree(&objects, inner), ["b", "c"]);
    assert!(matches!(folder.mount(&rel("src/inner"), spec(&objects, None)), Err(FolderError::Occupied(_))));
    assert!(matches!(folder.remove(&rel("src")), Err(FolderError::IsCheckout(_))));
    assert!(matches!(folder.commit(&rel("plain"), &details("m")), Err(FolderError::NoCheckout(_))));
}

#[test]
fn links_are_followed_inside_and_never_out() {
    let links = [
        ("deep/er/a", "1"),
        ("in", "->deep/er/a"),
        ("folder", "->deep"),
        ("abs", "->/etc/passwd"),
        ("up", "->../plain"),
        ("round", "->round"),
        ("deep/er/top", "->../.."),
        ("sly", "->deep/er/top/../plain"),
        ("inner-link", "->inner/b"),
    ];
    let (mut folder, objects, _) = checkout(&links);
    folder.write(&rel("plain"), "outside", None).unwrap();
    assert_eq!(folder.read(&rel("src/in")).unwrap(), "1");
    assert_eq!(folder.read(&rel("src/folder/er/a")).unwrap(), "1");
    folder.write(&rel("src/folder/er/a"), "2", None).unwrap();
    assert_eq!(folder.read(&rel("src/deep/er/a")).unwrap(), "2");
    for path in ["src/abs", "src/up", "src/sly"] {
        assert!(matches!(folder.read(&rel(path)), Err(FolderError::Leaves { .. })), "{path}");
        assert!(matches!(folder.write(&rel(path), "x", None), Err(FolderError::Leaves { .. })), "{path}");
    }
    assert!(matches!(folder.read(&rel("src/round")), Err(FolderError::TooManyLinks(_))));
    let other = commit(&objects, None, &[("b", "2")]);
    folder.mount(&rel("src/inner"), spec(&objects, Some(other))).unwrap();
    assert!(matches!(folder.read(&rel("src/inner-link")), Err(FolderError::Leaves { .. })));
    let err = folder.read(&rel("src/up")).unwrap_err();
    insta::assert_snapshot!(err, @"`src/up` leads out of its checkout by the link `src/up` to `../plain`: change the link or the path");
}

#[test]
fn git_is_hidden_filters_are_refused_and_sizes_are_kept() {
    let attributes = "*.bin filter=lfs diff=lfs\nkeep.bin -filter\n[attr]x filter=y\n";
    let (mut folder, _, _) =
        checkout(&[("a.bin", "pointer"), ("keep.bin", "k"), ("d/x.bin", "p"), (".gitattributes", attributes)]);
    for path in ["src/.git/config", ".git", "src/.GIT/hooks/x"] {
        assert!(matches!(folder.write(&rel(path), "x", None), Err(FolderError::GitFolder(_))), "{path}");
        assert_eq!(folder.metadata(&rel(path)).unwrap(), None);
    }
    assert_eq!(folder.read(&rel("src/a.bin")).unwrap(), "pointer");
    for path in ["src/a.bin", "src/d/x.bin", "src/new.bin"] {
        assert!(matches!(folder.write(&rel(path), "x", None), Err(FolderError::Filtered { .. })), "{path}");
    }
    folder.write(&rel("src/keep.bin"), "x", None).unwrap();
    let mut small = WorkFolder::with_limits(10, 25);
    assert!(matches!(small.write(&rel("a"), "12345678901", None), Err(FolderError::TooLarge { size: 11, limit: 10, .. })));
    for _ in 0..10 {
        small.write(&rel("a"), "1234567890", None).unwrap();
    }
    small.write(&rel("b"), "1234567890", None).unwrap();
    let err = small.write(&rel("c"), "1234567890", None).unwrap_err();
    insta::assert_snapshot!(err, @"writing `c` would make the work folder's new files larger than 25 bytes");
}

#[test]
fn ignored_files_survive_and_are_not_committed() {
    let (mut folder, objects, _) =
        checkout(&[(".gitignore", "*.tgz\n!keep.tgz\n/out/\n"), ("charts/.gitignore", "!b.tgz\n"), ("x", "1")]);
    for path in ["charts/a.tgz", "charts/b.tgz", "keep.tgz", "out/f", "sub/out/f"] {
        folder.write(&rel(&format!("src/{path}")), "z", None).unwrap();
    }
    let id = committed(&mut folder, "src");
    assert_eq!(tree(&objects, id), [".gitignore", "charts/.gitignore", "charts/b.tgz", "keep.tgz", "sub/out/f", "x"]);
    folder.clear(&rel("src")).unwrap();
    assert_eq!(names(&folder, "src"), ["charts/a.tgz", "out/f"]);
    folder.write(&rel("src/only"), "1", None).unwrap();
    let id = committed(&mut folder, "src");
    assert_eq!(tree(&objects, id), ["charts/a.tgz", "only", "out/f"], "the rules are gone with their files");
}

/// The same edits in a real checkout and in a work folder give the same tree.
#[test]
fn staging_agrees_with_git() {
    let ignores = [
        "*.log\nbuild/\n!important.log\n",
        "/a\nb/*\n!b/keep\n",
        "**/tmp\ndoc/*.txt\n\\#x\n",
        "foo/\n!foo/bar\n*.[oa]\n",
        "a/**\n!a/b/\n",
    ];
    let files = [
        "x.log",
        "important.log",
        "build/y",
        "src/build/z",
        "a",
        "b/keep",
        "b/other",
        "d/tmp/q",
        "doc/n.txt",
        "doc/s/n.txt",
        "#x",
        "foo/bar",
        "lib.o",
        "c/.gitignore",
        "c/x.log",
        "a2/b/c",
    ];
    for ignore in ignores {
        let real = tempfile::tempdir().unwrap();
        git(real.path(), &["init", "-q", "."]);
        std::fs::create_dir_all(real.path().join("tracked/build")).unwrap();
        std::fs::write(real.path().join("tracked/build/old.log"), "1").unwrap();
        git(real.path(), &["add", "-f", "."]);
        git(real.path(), &["commit", "-q", "-m", "x"]);
        let (mut folder, objects, _) = checkout(&[("tracked/build/old.log", "1")]);
        let mut all: Vec<(&str, &str)> =
            files.iter().map(|it| (*it, if it.ends_with(".gitignore") { "!x.log\n" } else { "n" })).collect();
        all.extend([(".gitignore", ignore), ("tracked/build/old.log", "2"), ("tracked/build/new.log", "2")]);
        for (path, text) in all {
            let on_disk = real.path().join(path);
            std::fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
            std::fs::write(on_disk, text).unwrap();
            folder.write(&rel(&format!("src/{path}")), text.to_owned(), None).unwrap();
        }
        git(real.path(), &["add", "."]);
        let theirs = git(real.path(), &["write-tree"]);
        let id = committed(&mut folder, "src");
        assert_eq!(objects.commit(id).unwrap().tree.to_string(), theirs, "{ignore}");
        git(real.path(), &["commit", "-q", "-m", "y"]);
        git(real.path(), &["rm", "-rfq", "."]);
        folder.clear(&rel("src")).unwrap();
        let mut left: Vec<String> = Vec::new();
        list(real.path(), real.path(), &mut left);
        left.sort();
        assert_eq!(names(&folder, "src"), left, "{ignore}");
    }
}

fn list(root: &std::path::Path, at: &std::path::Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(".git") {
            list(root, &path, found);
        } else if !path.is_dir() {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn a_sparse_checkout_keeps_what_it_does_not_show() {
    let objects = Objects::in_memory();
    let id = commit(&objects, None, &[("top", "1"), ("app/a", "1"), ("app/deep/b", "1"), ("other/c", "1"), ("app2/d", "1")]);
    let mut folder = WorkFolder::new();
    let sparse = vec!["app/deep".to_owned()];
    folder.mount(&rel("src"), MountSpec { sparse, ..spec(&objects, Some(id)) }).unwrap();
    assert_eq!(names(&folder, "src"), ["app/a", "app/deep/b", "top"]);
    folder.clear(&rel("src")).unwrap();
    folder.write(&rel("src/app/deep/new"), "1", None).unwrap();
    let id = committed(&mut folder, "src");
    assert_eq!(tree(&objects, id), ["app/deep/new", "app2/d", "other/c"]);
    folder.write(&rel("src/other/x"), "1", None).unwrap();
    assert!(matches!(folder.commit(&rel("src"), &details("m")), Err(FolderError::OutsideCone(_))));
    let bad = MountSpec { sparse: vec!["a*".into()], ..spec(&objects, Some(id)) };
    insta::assert_snapshot!(folder.mount(&rel("x"), bad).unwrap_err(), @"sparse path `a*`: must be a folder, not a pattern");
}

#[test]
fn changes_are_listed_and_shown() {
    let (mut folder, _, _) = checkout(&[("a", "1\n2\n3\n"), ("gone", "x\n"), ("run.sh", "#!\n")]);
    folder.write(&rel("src/a"), "1\ntwo\n3\n", None).unwrap();
    folder.write(&rel("src/run.sh"), "#!\n", Some(true)).unwrap();
    folder.remove(&rel("src/gone")).unwrap();
    let ahead = folder.status(&rel("src")).unwrap();
    committed(&mut folder, "src");
    let changes = folder.changes(&rel("src")).unwrap();
    assert_eq!(ahead, changes);
    let shown: Vec<_> = changes.iter().map(|it| (it.path.as_str(), it.mode, it.old.is_some(), it.new.is_some())).collect();
    let expected = [("a", Mode::File, true, true), ("gone", Mode::File, true, false), ("run.sh", Mode::Executable, true, true)];
    assert_eq!(shown, expected);
    insta::assert_snapshot!(folder.mounts()[0].objects.unified(&changes[0], std::time::Duration::from_secs(60)).unwrap(), @r"
    --- a/a
    +++ b/a
    @@ -1,3 +1,3 @@
     1
    -2
    +two
     3
    ");
    let text = serde_json::to_string(&changes).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Change>>(&text).unwrap(), changes);
}

#[test]
fn a_copied_tree_moves_by_its_id() {
    let (mut folder, objects, _) = checkout(&[("base/a", "1"), ("base/d/b", "2")]);
    let other = Objects::in_memory();
    let foreign = commit(&other, None, &[("f/x", "1"), ("f/y/z", "2")]);
    folder.mount(&rel("other"), spec(&other, Some(foreign))).unwrap();
    folder.copy(&rel("src/base"), &rel("src/env/prod"), "").unwrap();
    assert_eq!(folder.tree_id(&rel("src/env/prod")).unwrap(), folder.tree_id(&rel("src/base")).unwrap());
    folder.copy(&rel("other/f"), &rel("src/f"), "").unwrap();
    let id = committed(&mut folder, "src");
    assert_eq!(tree(&objects, id), ["base/a", "base/d/b", "env/prod/a", "env/prod/d/b", "f/x", "f/y/z"]);
    assert!(matches!(folder.copy(&rel("src"), &rel("src/env/all"), ""), Err(FolderError::IntoItself { .. })));
    folder.copy(&rel("src/base"), &rel("src/base"), "").unwrap();
    // A recorded result is put back without being made again.
    folder.write(&rel("src/out/r.yaml"), "r", None).unwrap();
    let recorded = folder.record_tree(&rel("src/out")).unwrap();
    folder.remove(&rel("src/out")).unwrap();
    folder.put_tree(&rel("src/out"), recorded).unwrap();
    assert_eq!(folder.read(&rel("src/out/r.yaml")).unwrap(), "r");
}

#[test]
fn commits_move_onto_another_tip_or_say_why_not() {
    let text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
    let (mut folder, objects, base) = checkout(&[("f", text), ("x", "1"), ("del", "1")]);
    folder.write(&rel("src/f"), text.replace("a: 1", "a: ours"), None).unwrap();
    let first = committed(&mut folder, "src");
    folder.write(&rel("src/new/n"), "1", None).unwrap();
    folder.remove(&rel("src/del")).unwrap();
    let second = committed(&mut folder, "src");
    let theirs = text.replace("e: 5", "e: theirs");
    let tip = commit(&objects, Some(base), &[("f", &theirs), ("y", "2")]);
    let mut other = folder.clone();
    let Merged::Done(moved) = folder.merge_onto(&rel("src"), tip).unwrap() else { panic!("a conflict") };
    assert_eq!(moved.iter().map(|it| it.0).collect::<Vec<_>>(), [first, second]);
    assert_eq!(folder.read(&rel("src/f")).unwrap(), "a: ours\nb: 2\nc: 3\nd: 4\ne: theirs\n");
    assert_eq!(names(&folder, "src"), ["f", "new/n", "x", "y"]);
    let head = objects.commit(folder.mount_of(&rel("src")).unwrap().head.commit.unwrap()).unwrap();
    assert_eq!((head.id, head.parents), (moved[1].1, vec![moved[0].1]));
    assert_eq!(folder.mount_of(&rel("src")).unwrap().base, Some(tip));
    let clash = commit(&objects, Some(base), &[("f", &text.replace("a: 1", "a: theirs")), ("new", "a file")]);
    assert_eq!(other.merge_onto(&rel("src"), clash).unwrap(), Merged::Conflict(vec!["f".into()]));
    let clash = commit(&objects, Some(base), &[("new", "a file")]);
    assert_eq!(other.merge_onto(&rel("src"), clash).unwrap(), Merged::Conflict(vec!["new/n".into()]));
    assert_eq!(other.mount_of(&rel("src")).unwrap().head.commit, Some(second), "nothing was changed");
}

#[test]
fn tools_see_what_they_may_and_their_results_come_back() {
    let links = [("base/a.yaml", "1"), ("run.sh", "x"), ("good", "->base/a.yaml"), ("bad", "->../../../etc/passwd")];
    let (mut folder, _, _) = checkout(&links);
    folder.write(&rel("src/run.sh"), "x", Some(true)).unwrap();
    folder.write(&rel("plain.txt"), "p", None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    folder.export(&[rel("src/base/a.yaml")], dir.path()).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("src/base/a.yaml")).unwrap(), "1");
    assert!(!dir.path().join("plain.txt").exists());
    folder.export(&[RelPath::root()], dir.path()).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("src/good")).unwrap(), "1");
    assert!(std::fs::symlink_metadata(dir.path().join("src/bad")).is_err());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(dir.path().join("src/run.sh")).unwrap());
    assert_eq!(mode & 0o777, 0o755);
    let out = tempfile::tempdir().unwrap();
    std::fs::create_dir(out.path().join("d")).unwrap();
    std::fs::write(out.path().join("d/r.yaml"), "r").unwrap();
    assert_eq!(folder.import(out.path(), &rel("src/rendered")).unwrap(), 1);
    assert_eq!(folder.read(&rel("src/rendered/d/r.yaml")).unwrap(), "r");
    std::os::unix::fs::symlink("/etc/passwd", out.path().join("l")).unwrap();
    assert!(matches!(folder.import(out.path(), &rel("src/rendered")), Err(FolderError::Io { .. })));
}

#[test]
fn a_moved_mount_leaves_the_others_where_they_are() {
    let (mut folder, objects, base) = checkout(&[("a", "1")]);
    folder.mount(&rel("out"), spec(&objects, Some(base))).unwrap();
    folder.write(&rel("out/b"), "kept", None).unwrap();
    folder.write(&rel("src/a"), "dropped", None).unwrap();
    let tip = commit(&objects, Some(base), &[("a", "2")]);
    folder.remount(&rel("src"), Some(tip)).unwrap();
    assert_eq!(folder.read(&rel("src/a")).unwrap(), "2");
    assert_eq!(folder.read(&rel("out/b")).unwrap(), "kept");
}

#[test]
fn folders_without_end_are_refused_not_walked() {
    let objects = Objects::in_memory();
    let mut folder = WorkFolder::new();
    folder.mount(&rel("src"), spec(&objects, None)).unwrap();
    folder.write(&rel("src/f"), "1", None).unwrap();
    let mut tree = folder.record_tree(&rel("src")).unwrap();
    for _ in 0..20_000 {
        let data = [b"40000 d\0".as_slice(), tree.as_slice()].concat();
        tree = objects.put(Kind::Tree, data);
    }
    let text = format!("tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nm\n");
    let id = objects.put(Kind::Commit, text);
    let mut folder = WorkFolder::new();
    folder.mount(&rel("src"), spec(&objects, Some(id))).unwrap();
    let deep = |err: FolderError| matches!(err, FolderError::Git(GitError::TooDeep { .. }));
    assert!(deep(folder.copy(&rel("src/d"), &rel("out"), "").unwrap_err()));
    assert!(deep(folder.copy(&rel("src/d"), &rel("out"), "*.x").unwrap_err()));
    assert!(deep(folder.glob("**").unwrap_err()));
    assert!(deep(folder.walk(&rel("")).unwrap_err()));
    let dir = tempfile::tempdir().unwrap();
    assert!(deep(folder.export(&[rel("src")], dir.path()).unwrap_err()));
    folder.write(&rel("src/d/new"), "1", None).unwrap();
    folder.commit(&rel("src"), &details("fine: what is not touched is not walked")).unwrap();
    folder.remove(&rel("src/d")).unwrap();
    folder.commit(&rel("src"), &details("fine too")).unwrap();
    assert!(deep(folder.changes(&rel("src")).unwrap_err()));
    let path = (0..300).map(|_| "d").collect::<Vec<_>>().join("/");
    folder.write(&rel(&format!("src/{path}/f")), "1", None).unwrap();
    assert!(deep(folder.commit(&rel("src"), &details("too deep")).unwrap_err()));
}
