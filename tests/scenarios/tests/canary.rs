//! A credential's content is nowhere but in its Secret: canary values, searched for everywhere.

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;
use seaway_api::kargo::PromotionPhase;
use seaway_base::Secret;
use seaway_base::http::{Egress, HttpClient};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::GitOptions;
use seaway_neighbours::registry::Access;
use seaway_oci::{Registries, Repository, TinyImage};
use seaway_scenarios::trouble::*;
use seaway_scenarios::{Options, World, lists};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// All that was logged.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Looks at arguments and environments of all children, again and again, on a thread of its own.
struct Sampler {
    over: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<String>, BTreeSet<String>)>,
}

/// How often they are looked at: the shortest lived run for some milliseconds.
const LOOK: Duration = Duration::from_millis(1);

impl Sampler {
    fn start(canaries: Vec<String>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        let thread = std::thread::spawn(move || {
            let mut found = BTreeSet::new();
            let mut programs = BTreeSet::new();
            while !until.load(Ordering::SeqCst) {
                for process in descendants(std::process::id()) {
                    programs.insert(std::fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned());
                    for file in ["cmdline", "environ"] {
                        let bytes = std::fs::read(process.join(file)).unwrap_or_default();
                        let name = || {
                            format!(
                                "{file} of {}",
                                String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap_or_default())
                            )
                        };
                        found.extend(canaries.iter().filter(|canary| contains(&bytes, canary)).map(|_| name()));
                    }
                }
                std::thread::park_timeout(LOOK);
            }
            (found.into_iter().collect(), programs)
        });
        Self { over, thread }
    }

    /// Where a canary was seen, and which programs were looked at.
    fn end(self) -> (Vec<String>, BTreeSet<String>) {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// The folders in `/proc` of all that `root` has started, directly or not.
fn descendants(root: u32) -> Vec<PathBuf> {
    let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in parentheses may hold spaces; the parent is the second word behind it.
        let parent = text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let is_ours = |mut pid: u32| {
        for _ in 0..parents.len() {
            match parents.get(&pid) {
                Some(parent) if *parent == root => return true,
                Some(parent) => pid = *parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().filter(|pid| is_ours(**pid)).map(|pid| PathBuf::from(format!("/proc/{pid}"))).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Every form in which a secret could be written down.
fn forms(secret: &str) -> Vec<String> {
    use k8s_openapi::ByteString;
    let base64 = |text: &str| serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned();
    vec![secret.to_owned(), base64(secret), base64(&format!("me:{secret}"))]
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Files below a folder that hold one of the canaries.
fn files_with(folder: &Path, canaries: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(folder) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        found.extend(canaries.iter().filter(|canary| contains(&bytes, canary)).map(|_| path.display().to_string()));
    }
    found
}

/// While it runs there are the database, what is not yet folded into it, and the mirrors' configuration: all of them are looked at.
fn looked_through(folder: &Path) -> Result<()> {
    for (name, within) in [("seaway.db", "data"), ("seaway.db-wal", "data"), ("config", "mirrors")] {
        let wanted = |path: &&PathBuf| path.ends_with(name) && path.components().any(|part| part.as_os_str() == within);
        let n_bytes: u64 = files(folder).iter().filter(wanted).filter_map(|path| Some(path.metadata().ok()?.len())).sum();
        ensure!(n_bytes > 0, "there is no `{name}` below {}", folder.display());
    }
    Ok(())
}

/// As `kubectl get` asks.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// What must be among the lists that were looked at: discovery could have forgotten some.
const LISTED: [&str; 8] = [
    "/configmaps",
    "/events",
    "/serviceaccounts",
    "/clusterconfigs",
    "/clusterpromotiontasks",
    "/promotionruns",
    "/plans",
    "/promotions",
];

/// Lists that hold one of the canaries, as objects and as tables; of Secrets all but their data.
async fn objects_with(world: &World, canaries: &[String]) -> Result<Vec<String>> {
    let client = world.client("admin");
    let paths = lists(&client).await?;
    let forgotten: Vec<_> = LISTED.iter().filter(|name| !paths.iter().any(|path| path.ends_with(**name))).collect();
    ensure!(forgotten.is_empty(), "{forgotten:?} are not among {paths:?}");
    let mut found = Vec::new();
    for path in &paths {
        for accept in ["application/json", TABLE] {
            let request = http::Request::get(path).header("accept", accept).body(Vec::new())?;
            let mut text = client.request_text(request).await.with_context(|| path.clone())?;
            if path.ends_with("/secrets") && accept != TABLE {
                text = without_data(&text)?;
            }
            for canary in canaries {
                if let Some(at) = text.find(canary.as_str()) {
                    let from = (0..=at.saturating_sub(200)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
                    found.push(format!("{path} as {accept}: {}", &text[from..at]));
                }
            }
        }
    }
    Ok(found)
}

/// A list of Secrets without what they are for.
fn without_data(text: &str) -> Result<String> {
    let mut list: serde_json::Value = serde_json::from_str(text)?;
    let secrets = list["items"].as_array_mut().context("a list of Secrets")?;
    ensure!(!secrets.is_empty(), "there are no Secrets");
    for secret in secrets {
        let data = secret.as_object_mut().and_then(|secret| secret.remove("data"));
        ensure!(data.is_some_and(|data| data.is_object()), "a Secret without data");
    }
    Ok(list.to_string())
}

/// What is applied: logins, a Secret, and stages that use it rightly and wrongly.
fn documents(in_git: &str, in_image: &str, generic: &str, in_url: &str) -> String {
    let secret = |name: &str, value: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: bank\n  labels: {{ kargo.akuity.io/cred-type: generic }}\n  \
             annotations: {{ kubectl.kubernetes.io/last-applied-configuration: '{{\"stringData\":{{\"value\":\"{value}\"}}}}' }}\nstringData: {{ value: {value} }}\n"
        )
    };
    let mut all = login("git", "git", "http://127.0.0.1:7480/bank.git", in_git)
        + &login("image", "image", "127.0.0.1:7450/fund-transfer", in_image);
    all.push_str(&(secret("token", generic) + &secret("url", in_url)));
    all.push_str(&warehouse("images", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^1.0.0 }"));
    all.push_str(&warehouse("commits", "", "git: { repoURL: 'http://127.0.0.1:7480/bank.git', branch: main }"));
    all + &stages()
}

/// `good` uses the Secret rightly; the others try to write it down.
fn stages() -> String {
    let mut all = String::new();
    let mut add = |name: &str, steps: &[&str]| all.push_str(&stage(name, DIRECT, steps));
    let build = "{ uses: kustomize-build, as: build, config: { path: ./src/overlays/qa, outPath: ./src/rendered.yaml } }";
    let message = "{ uses: git-commit, as: commit, config: { path: ./src, message: 'rendered for ${{ ctx.stage }}' } }";
    let header = "{ uses: http, as: notify, vars: [{ name: token, value: \"${{ secret('token').value }}\" }], config: { method: POST, url: 'http://127.0.0.1:7490/chat', headers: [{ name: Authorization, value: 'Bearer ${{ vars.token }}' }], body: '${{ vars.ofStage }}' } }";
    let say = "{ uses: compose-output, as: say, config: { token: \"${{ secret('token').value }}\", of: '${{ outputs.commit.commit }}' } }";
    let again = "{ uses: http, as: again, config: { url: \"http://127.0.0.1:7490/${{ outputs.say.token }}?t=${{ outputs.say.token }}\" } }";
    add("good", &[CLONE, build, message, PUSH, header, say, again]);
    add("fails", &["{ uses: fail, as: say, config: { message: \"token ${{ secret('token').value }} is wrong\" } }"]);
    add(
        "no-server",
        &[
            "{ uses: http, as: ask, config: { url: \"http://127.0.0.1:9/${{ secret('token').value }}?t=${{ secret('token').value }}\" } }",
        ],
    );
    add(
        "bad-config",
        &["{ uses: http, as: ask, config: { url: 'http://127.0.0.1:7490/', timeout: \"${{ secret('token').value }}\" } }"],
    );
    add("bad-expression", &["{ uses: fail, as: say, config: { message: \"${{ int(secret('token').value) }}\" } }"]);
    add("in-url", &[&clone("http://me:${{ secret(\"url\").value }}@127.0.0.1:7480/bank.git", ", branch: main")]);
    add("in-branch", &[&clone("http://127.0.0.1:7480/bank.git", ", branch: \"${{ secret('token').value }}\"")]);
    let readme = "{ uses: yaml-update, as: write, config: { path: ./src/overlays/qa/kustomization.yaml, updates: [{ key: namespace, value: \"${{ secret('token').value }}\" }] } }";
    add("in-file", &[CLONE, readme, COMMIT, PUSH]);
    let touch = "{ uses: copy, as: copy, config: { inPath: ./src/README.md, outPath: './src/${{ ctx.stage }}.md' } }";
    add(
        "in-message",
        &[
            CLONE,
            touch,
            "{ uses: git-commit, as: commit, config: { path: ./src, message: \"${{ secret('token').value }}\" } }",
            PUSH,
        ],
    );
    let hidden =
        "{ uses: copy, as: copy, config: { inPath: ./src/README.md, outPath: \"./src/${{ secret('token').value }}.md\" } }";
    add("in-name", &[CLONE, hidden, COMMIT, PUSH]);
    let write = "{ uses: copy, as: copy, config: { inPath: ./src/README.md, outPath: './src/${{ ctx.stage }}.md' } }";
    let target = "{ uses: git-push, as: push, config: { path: ./src, targetBranch: \"${{ secret('token').value }}\" } }";
    add("in-target", &[CLONE, write, COMMIT, target]);
    let authored = clone("http://127.0.0.1:7480/bank.git", ", branch: main");
    add(
        "in-author",
        &[&authored.replace("checkout:", "author: { name: \"${{ secret('token').value }}\", email: a@bank.example }, checkout:")],
    );
    let bare = "metadata: { name: good, namespace: bank }\nspec:\n";
    let with_var = format!("{bare}  vars: [{{ name: ofStage, value: \"${{{{ secret('token').value }}}}\" }}]\n");
    all.replace(bare, &with_var)
}

/// Plans that cannot be made say why, and nothing else; what those hold that can is seen with all objects.
async fn plans_hold_none(world: &World, canaries: &[String]) -> Result<()> {
    let freight = world.freight("1.5.0").await?;
    for stage in ["good", "fails", "in-file"] {
        if let Err(err) = world.verbs().plan(stage, &freight, Duration::from_secs(60)).await {
            ensure!(!canaries.iter().any(|canary| err.to_string().contains(canary.as_str())), "plan of {stage}: {err}");
        }
    }
    Ok(())
}

/// Stages whose promotions fail, each with a secret where none may go.
const WRONG: [&str; 11] = [
    "fails",
    "no-server",
    "bad-config",
    "bad-expression",
    "in-url",
    "in-branch",
    "in-file",
    "in-message",
    "in-name",
    "in-target",
    "in-author",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_is_nowhere_but_in_its_secret() -> Result<()> {
    let random = || hex_of(&seaway_base::ids::secret_bytes::<16>());
    let (in_git, in_image, generic, in_url) = (random(), random(), random(), random());
    let canaries: Vec<String> = [&in_git, &in_image, &generic, &in_url].into_iter().flat_map(|it| forms(it)).collect();
    let logs = Logs::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(logs.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).context("take the logs")?;
    let sampler = Sampler::start(canaries.clone());

    let options = Options {
        git: GitOptions { login: Some(Login::new("me", in_git.clone())) },
        registry: Access::Basic(Login::new("me", in_image.clone())),
        ..Options::documents("project.yaml", PROJECT_YAML)
    };
    let world = World::start(options).await?;
    push_image(&world.registry_address(), &in_image).await?;
    world.apply("documents.yaml", &documents(&in_git, &in_image, &generic, &in_url)).await?;
    world.until("there is freight", async || Ok(world.freight("1.5.0").await.is_ok())).await?;

    let (phase, text) = ended(&world, "good").await?;
    ensure!(phase == PromotionPhase::Succeeded, "good is {phase}: {text}");
    let heard = world.ear().heard();
    ensure!(heard.iter().any(|it| it.path == "/chat" && it.body == generic), "the receiver did not get the secret: {heard:?}");
    ensure!(heard.iter().any(|it| it.path.contains(&generic)), "the secret did not reach the later step: {heard:?}");
    let mut lines = Vec::new();
    for stage in WRONG {
        let (phase, message) = ended(&world, stage).await?;
        lines.push(masked(&format!("{stage}: {phase} {message}").replace(&world.git_address(), "GIT")));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
fails: Failed failed: token *** is wrong
no-server: Errored step `ask` met error threshold of 1: http: cannot connect to `http://127.0.0.1:9/***?***`: Connection refused (os error 111); check the address, and that its server runs
bad-config: Failed http: invalid config: `timeout`: `***` is no duration such as 30s or 1m30s; see docs/steps/http.md
bad-expression: Errored configuration of step `say`: evaluate expression: invalid operation: int(***) (at 1)
in-url: Failed `repoURL` of step `clone` holds a value that came from secret() and would be written down: put the login into a Secret labelled `kargo.akuity.io/cred-type: git`, with `repoURL`, `username` and `password`
in-branch: Errored step `clone` met error threshold of 1: git-clone: branch `***` of `http://GIT/bank.git` does not exist: push it, or name another
in-file: Failed file `overlays/qa/kustomization.yaml` of `src` holds a value that came from secret(): it is not committed; keep secrets out of git
in-message: Failed the commit message of `src` holds a value that came from secret(): it is not committed; keep secrets out of git
in-name: Failed file `***.md` of `src` holds a value that came from secret(): it is not committed; keep secrets out of git
in-target: Failed the name of the branch to push to holds a value that came from secret(): it is not pushed; name it otherwise
in-author: Failed `author` of step `clone` holds a value that came from secret() and would be written down: every reader of the repository would see it
");
    let refs = world.git(&["log", "--all", "--format=%B", "-p"]).await?;
    ensure!(!refs.contains(&generic), "the secret is in git");
    plans_hold_none(&world, &canaries).await?;
    nothing(&objects_with(&world, &canaries).await?)?;
    looked_through(&world.data())?;
    nothing(&files_with(&world.data(), &canaries))?;
    let backup = world.data().join("backup.db");
    world.backup(&backup).await?;
    ensure!(backup.metadata()?.len() > 0, "nothing was backed up");
    world.stop().await;
    nothing(&files_with(&world.data(), &canaries))?;
    let (seen, programs) = sampler.end();
    nothing(&seen)?;
    let looked_at = |names: &[&str]| names.iter().any(|name| programs.contains(*name));
    ensure!(looked_at(&["git"]) && looked_at(&["kustomize", "kubectl"]), "only {programs:?} were looked at");
    let logged = logs.0.lock().clone();
    ensure!(logged.len() > 10_000, "only {} bytes were logged", logged.len());
    let logged = String::from_utf8_lossy(&logged).into_owned();
    let lines: Vec<String> =
        logged.lines().filter(|line| canaries.iter().any(|it| line.contains(it.as_str()))).take(5).map(str::to_owned).collect();
    nothing(&lines)
}

/// Nothing was found.
fn nothing(found: &[String]) -> Result<()> {
    ensure!(found.is_empty(), "a canary is in {}", found.join("\n"));
    Ok(())
}

fn hex_of(bytes: &[u8]) -> String {
    // It begins with a letter, so that YAML takes it for text.
    bytes.iter().fold("canary".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Pushes an image with a login.
async fn push_image(registry: &str, password: &str) -> Result<()> {
    let registries = Registries::new(HttpClient::new(Egress::local())?, seaway_oci::RegistryOptions::default());
    let credential =
        seaway_oci::Credential { key: "me".into(), username: "me".into(), password: Secret::new(password.to_owned()) };
    let repository = Repository::parse(&format!("{registry}/fund-transfer"))?;
    let tiny = TinyImage { build: "fund-transfer 1.5.0".into(), ..TinyImage::default() };
    registries.remote(&repository, Some(&credential), false).push_image("1.5.0", &tiny).await?;
    Ok(())
}
