//! A credential's content is nowhere but in its Secret, and what came by a credential is reached by that credential alone.

#[expect(dead_code, reason = "each test file uses its part")]
mod trouble;

use anyhow::{Context as _, Result, bail, ensure};
use kube::ResourceExt as _;
use parking_lot::Mutex;
use seaway_api::kargo::{Promotion, PromotionPhase};
use seaway_base::Secret;
use seaway_base::http::{Egress, HttpClient};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::GitOptions;
use seaway_neighbours::registry::Access;
use seaway_neighbours::{GitServer, Serving};
use seaway_oci::{Registries, Repository, TinyImage};
use seaway_scenarios::{Options, World};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::fmt::MakeWriter;
use trouble::*;

const PROJECT_YAML: &str = "\
apiVersion: kargo.akuity.io/v1alpha1
kind: Project
metadata: { name: bank }
---
apiVersion: kargo.akuity.io/v1alpha1
kind: ProjectConfig
metadata: { name: bank, namespace: bank }
spec:
  promotionPolicies:
  - stageSelector: { name: 'glob:*' }
    autoPromotionEnabled: true
";

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

/// Files below a folder that hold one of the canaries.
fn files_with(folder: &Path, canaries: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            found.extend(canaries.iter().filter(|canary| contains(&bytes, canary)).map(|_| path.display().to_string()));
        }
    }
    found
}

const LISTS: [&str; 13] = [
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/events",
    "/apis/events.k8s.io/v1/events",
    "/apis/kargo.akuity.io/v1alpha1/projects",
    "/apis/kargo.akuity.io/v1alpha1/projectconfigs",
    "/apis/kargo.akuity.io/v1alpha1/warehouses",
    "/apis/kargo.akuity.io/v1alpha1/freights",
    "/apis/kargo.akuity.io/v1alpha1/stages",
    "/apis/kargo.akuity.io/v1alpha1/promotions",
    "/apis/kargo.akuity.io/v1alpha1/promotiontasks",
    "/apis/seaway.dev/v1alpha1/promotionruns",
    "/apis/seaway.dev/v1alpha1/plans",
];

/// Lists that hold one of the canaries.
async fn objects_with(world: &World, canaries: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in LISTS {
        let request = http::Request::get(path).body(Vec::new())?;
        let text = world.client("admin").request_text(request).await.with_context(|| path.to_owned())?;
        for canary in canaries {
            if let Some(at) = text.find(canary.as_str()) {
                let from = (0..=at.saturating_sub(200)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
                found.push(format!("{path}: {}", &text[from..at]));
            }
        }
    }
    Ok(found)
}

/// The last promotion of a stage, once it is over.
async fn ended(world: &World, stage: &str) -> Result<(PromotionPhase, String)> {
    let last = async || -> Result<Option<Promotion>> {
        let all = world.promotions().await?;
        let last = all.into_iter().filter(|it| it.spec.stage == stage).max_by_key(|it| it.name_any());
        Ok(last.filter(|it| it.status.as_ref().is_some_and(|status| status.phase.is_terminal())))
    };
    world.until(&format!("a promotion to {stage} is over"), || async { Ok(last().await?.is_some()) }).await?;
    let status = last().await?.and_then(|it| it.status).unwrap_or_default();
    Ok((status.phase, status.message))
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

/// Two views of one address: whoever comes as `alice` is served by one git server, whoever comes as `bob` by another.
struct TwoFaced {
    address: String,
    _servers: [(GitServer, Serving); 2],
}

impl TwoFaced {
    async fn start(folder: &Path) -> Result<(Self, String)> {
        let file: &[(&str, &[u8])] = &[("app.yaml", b"tag: old\n")];
        let server = async |name: &str| -> Result<(GitServer, Serving)> {
            let server =
                GitServer::open(folder.join(name), GitOptions { login: Some(Login::new(name, format!("of-{name}"))) }).await?;
            server.create_repo("shared", file).await?;
            let serving = server.serve(0).await?;
            Ok((server, serving))
        };
        let servers = [server("alice").await?, server("bob").await?];
        let hidden = servers[0].0.commit("shared", "hidden", "for alice alone", &[("plan.md", Some(b"secret"))]).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let backends = [servers[0].1.addr().to_string(), servers[1].1.addr().to_string()];
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let backends = backends.clone();
                tokio::spawn(async move { pass(stream, &backends).await });
            }
        });
        Ok((Self { address, _servers: servers }, hidden))
    }
}

/// Passes one request on to the server that its login belongs to, and closes.
async fn pass(mut stream: TcpStream, backends: &[String; 2]) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        if head.len() > 1 << 16 {
            bail!("a head without end");
        }
    }
    let text = String::from_utf8(head)?;
    let bob = forms("of-bob")[0].clone();
    let login =
        text.lines().find_map(|line| line.split_once(' ').filter(|(name, _)| name.eq_ignore_ascii_case("authorization:")));
    let is_bob = login.is_some_and(|(_, value)| value.ends_with(&base64_of(&format!("bob:{bob}"))));
    let mut backend = TcpStream::connect(&backends[usize::from(is_bob)]).await?;
    let (line, rest) = text.split_once("\r\n").context("no request line")?;
    backend.write_all(format!("{line}\r\nconnection: close\r\n{rest}").as_bytes()).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut backend).await?;
    Ok(())
}

fn base64_of(text: &str) -> String {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_reached_only_by_a_credential_that_sees_it() -> Result<()> {
    let world =
        World::start(Options::documents("project.yaml", PROJECT_YAML).and("other.yaml", &PROJECT_YAML.replace("bank", "other")))
            .await?;
    let (shared, hidden) = TwoFaced::start(world.folder()).await?;
    world.push_quietly("fund-transfer:1.5.0", false).await?;
    let url = format!("http://{}/shared.git", shared.address);
    let images = warehouse("images", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^1.0.0 }");
    let of = |who: &str, name: &str| {
        let clone = clone(&url, &format!(", commit: {hidden}"));
        login("git", "git", &url, &format!("of-{who}")).replace("username: me", &format!("username: {who}"))
            + &stage(name, DIRECT, &[&clone])
    };
    world.apply("alice.yaml", &(images.clone() + &of("alice", "sees"))).await?;
    let (phase, message) = ended(&world, "sees").await?;
    ensure!(phase == PromotionPhase::Succeeded, "alice's own commit: {phase} {message}");

    // Another project, the same address, a login that does not see the commit: though the commit is on our disk.
    let other = (images + &of("bob", "looks")).replace("namespace: bank", "namespace: other");
    world.apply("bob.yaml", &other).await?;
    let verbs = world.verbs_in("other");
    let ends = async || -> Result<Option<(PromotionPhase, String)>> {
        let all = verbs.api::<Promotion>().list(&kube::api::ListParams::default()).await?;
        let status = all.items.into_iter().find_map(|it| it.status).filter(|it| it.phase.is_terminal());
        Ok(status.map(|it| (it.phase, it.message)))
    };
    world.until("bob's promotion is over", || async { Ok(ends().await?.is_some()) }).await?;
    let (phase, message) = ends().await?.context("it was over")?;
    ensure!(phase == PromotionPhase::Errored, "bob reached alice's commit: {phase} {message}");
    insta::assert_snapshot!(masked(&message.replace(&shared.address, "SHARED")), @"step `clone` met error threshold of 1: git-clone: commit `HEX` is not in `http://SHARED/shared.git`: no branch or tag that the credential sees reaches it");

    // The same project with another login has to ask anew.
    world.apply("rotated.yaml", &of("bob", "sees-no-more")).await?;
    let (phase, message) = ended(&world, "sees-no-more").await?;
    ensure!(
        phase == PromotionPhase::Errored && message.contains("no branch or tag that the credential sees"),
        "{phase} {message}"
    );
    Ok(())
}
