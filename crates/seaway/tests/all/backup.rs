//! `backup` while running, and a control plane that starts from it.

use crate::running::{BANK, FREIGHT, Plane, SOON};
use seaway_neighbours::{GitEvent, GitOptions, GitServer, Serving};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Stages that push to one branch at the same time.
const N_STAGES: usize = 6;

#[test]
fn a_backup_taken_while_running_is_restored_by_starting_with_it() {
    let plane = Plane::start();
    assert_eq!(plane.apply(BANK, &[]).code, 0);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: git, namespace: bank }\nstringData: { password: canary-7 }\n";
    assert_eq!(plane.apply(secret, &[]).code, 0);
    let file = plane.home().join("copy.db");
    let said = plane.run(&["backup", file.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"canary-7"), "the password is in the clear in the backup");
    assert_eq!(plane.run(&["backup", file.to_str().unwrap()]).code, 1, "an old backup is not overwritten");
    let later = BANK.replace("name: qa,", "name: later,");
    assert_eq!(plane.apply(&later, &[]).code, 0);

    let restored = restore(&file, &plane.data().join("key"));
    assert_eq!(restored.ok(&["get", "stages", "-o", "name"]), "stage.kargo.akuity.io/qa\n");
    assert!(restored.ok(&["get", "secrets", "-o", "name"]).contains("secret/git"));
}

/// A new folder with the backup and its key, served.
fn restore(backup: &Path, key: &Path) -> Plane {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("data")).unwrap();
    fs::copy(backup, home.path().join("data/state.db")).unwrap();
    fs::copy(key, home.path().join("data/key")).unwrap();
    Plane::on(home)
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < SOON, "waited {SOON:?} until {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A git server whose pushes stand still while they are held; each holds a thread of it.
struct Git {
    server: GitServer,
    bare: PathBuf,
    runtime: Runtime,
    serving: Serving,
    held: Arc<AtomicBool>,
    arrived: Arc<AtomicBool>,
    _dir: TempDir,
}

impl Git {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let (server, bare, serving) = runtime.block_on(async {
            let server = GitServer::open(dir.path().join("git"), GitOptions::default()).await.unwrap();
            let files: Vec<(String, &[u8])> = (0..N_STAGES).map(|n| (format!("s{n}.yaml"), b"tag: 1.4.8\n" as &[u8])).collect();
            let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
            let bare = server.create_repo("bank", &files).await.unwrap();
            server.git("bank", &["config", "core.logAllRefUpdates", "always"]).await.unwrap();
            let serving = server.serve(0).await.unwrap();
            (server, bare, serving)
        });
        let (held, arrived) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (hold, came) = (Arc::clone(&held), Arc::clone(&arrived));
        server.on_event(Arc::new(move |event| {
            if matches!(event, GitEvent::ReceiveBegan { .. }) {
                came.store(true, Ordering::SeqCst);
                while hold.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }
        }));
        Self { server, bare, runtime, serving, held, arrived, _dir: dir }
    }

    fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    fn let_go(&self) {
        self.held.store(false, Ordering::SeqCst);
    }

    fn has_arrived(&self) -> bool {
        self.arrived.load(Ordering::SeqCst)
    }

    fn ask(&self, args: &[&str]) -> String {
        self.runtime.block_on(self.server.git("bank", args)).unwrap()
    }

    /// Each stage's change is there, and each was pushed once: by the commits' trailers and by the server's own ref log.
    fn has_each_once(&self) {
        for n in 0..N_STAGES {
            assert_eq!(self.ask(&["show", &format!("main:s{n}.yaml")]), "tag: 1.5.0");
        }
        let ids = self.ask(&["log", "--format=%(trailers:key=Promotion-Id,valueonly,separator=%x20)", "main"]);
        let ids: Vec<&str> = ids.lines().filter(|line| !line.is_empty()).collect();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!((ids.len(), once.len()), (N_STAGES, N_STAGES), "{ids:?}");
        let log = fs::read_to_string(self.bare.join("logs/refs/heads/main")).unwrap();
        let pushes = log.lines().filter(|line| line.contains("push")).count();
        assert_eq!(pushes, N_STAGES, "{log}");
    }

    fn documents(&self) -> String {
        let stage = |n: usize| {
            let repository = format!("{}/bank.git", self.serving.url());
            format!(
                "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{ name: s{n}, namespace: bank }}\nspec:\n  requestedFreight:\n  \
                 - origin: {{ kind: Warehouse, name: bank }}\n    sources: {{ direct: true }}\n  promotionTemplate:\n    spec:\n      steps:\n      \
                 - {{ uses: git-clone, config: {{ repoURL: '{repository}', checkout: [{{ branch: main, path: ./out }}] }} }}\n      \
                 - {{ uses: yaml-update, config: {{ path: ./out/s{n}.yaml, updates: [{{ key: tag, value: '1.5.0' }}] }} }}\n      \
                 - {{ uses: git-commit, config: {{ path: ./out, message: s{n} gets 1.5.0 }} }}\n      \
                 - {{ uses: git-push, config: {{ path: ./out }} }}\n"
            )
        };
        (0..N_STAGES).fold(BANK.to_owned(), |text, n| text + &stage(n))
    }
}

/// A control plane with a promotion in each stage, the first of their pushes on its way; and the promotions' names.
fn promoting(git: &Git) -> (Plane, Vec<String>) {
    git.hold();
    let plane = Plane::start();
    for text in [&git.documents(), FREIGHT] {
        let said = plane.apply(text, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let promote = |n: usize| {
        let said = plane.ok(&["promote", &format!("s{n}"), "--freight", "1.5.0"]);
        said.split_whitespace().nth(1).unwrap().to_owned()
    };
    let names = (0..N_STAGES).map(promote).collect();
    until("a push has arrived", || git.has_arrived());
    (plane, names)
}

fn all_succeed(plane: &Plane, names: &[String]) {
    for name in names {
        let logs = plane.ok(&["logs", "-f", name]);
        assert!(logs.ends_with("Succeeded\n"), "{name}: {logs}");
    }
}

fn back_up(plane: &Plane, n: usize) -> PathBuf {
    let file = plane.home().join(format!("copy-{n}.db"));
    plane.ok(&["backup", file.to_str().unwrap()]);
    file
}

#[test]
fn backups_taken_while_promotions_run_repeat_no_push_that_came_after_them() {
    let git = Git::start();
    let (plane, names) = promoting(&git);
    let mut backups = vec![back_up(&plane, 0)];
    git.let_go();
    // More of them, while one push after the other lands.
    backups.extend((1..4).map(|n| back_up(&plane, n)));
    all_succeed(&plane, &names);
    git.has_each_once();
    let key = plane.data().join("key");
    let _home = plane.kill();
    for backup in backups {
        let restored = restore(&backup, &key);
        all_succeed(&restored, &names);
        git.has_each_once();
    }
}

#[test]
fn a_backup_goes_on_where_the_killed_one_was_in_the_middle_of_a_push() {
    let git = Git::start();
    let (plane, names) = promoting(&git);
    let backup = back_up(&plane, 0);
    let key = plane.data().join("key");
    let home = plane.kill();
    // The killed one's push still stands at the server, and may land at any moment from now on.
    let restored = restore(&backup, &key);
    git.let_go();
    all_succeed(&restored, &names);
    git.has_each_once();
    drop(home);
}
