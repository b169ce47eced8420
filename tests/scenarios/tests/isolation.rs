//! One project's trouble is its own: a second one promotes undisturbed while the first has everything wrong at once.

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use kube::api::ListParams;
use seaway_api::conditions;
use seaway_api::kargo::{Promotion, Stage, Warehouse};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::GitOptions;
use seaway_neighbours::registry::Access;
use seaway_neighbours::{GitServer, Registry, RegistryOptions};
use seaway_scenarios::trouble::*;
use seaway_scenarios::{Options, World};
use seaway_verbs::{Refreshable, Verbs};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a push to the second project may take until it is in its last stage, however ill the first is.
const UNDISTURBED: Duration = Duration::from_secs(20);
/// One file of that size is more than a work folder takes.
const HUGE_BYTES: usize = 200 << 20;
/// Stages of the first project that wait for a git server that says nothing: more than there are places for runs.
const N_HANGING: usize = 20;

/// A registry that says nothing is asked for longer than this test takes.
const SLOWEST: &str = "w-hanging-registry";

/// A project that promotes all of its stages by itself.
fn project(name: &str) -> String {
    format!(
        "apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata: {{ name: {name} }}\n---\n\
         apiVersion: kargo.akuity.io/v1alpha1\nkind: ProjectConfig\nmetadata: {{ name: {name}, namespace: {name} }}\nspec:\n  \
         promotionPolicies:\n  - stageSelector: {{ name: 'glob:*' }}\n    autoPromotionEnabled: true\n"
    )
}

fn images() -> String {
    warehouse("images", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^1.0.0 }")
}

/// The second project: three stages, each a commit.
fn second() -> String {
    let write = "{ uses: yaml-update, as: write, config: { path: ./src/app.yaml, updates: [{ key: '${{ ctx.stage }}', value: '${{ imageFrom(\"127.0.0.1:7450/fund-transfer\").Tag }}' }] } }";
    let clone = clone("http://127.0.0.1:7480/second.git", ", branch: main");
    let steps = [clone.as_str(), write, COMMIT, PUSH];
    let stages = stage("one", DIRECT, &steps) + &stage("two", "stages: [one]", &steps) + &stage("three", "stages: [two]", &steps);
    (images() + &stages).replace("namespace: bank", "namespace: second")
}

/// Pushes an image, tells the second project, and waits until it is in its last stage.
async fn flows(world: &World, version: &str) -> Result<Duration> {
    let began = Instant::now();
    world.push_quietly(&format!("fund-transfer:{version}"), false).await?;
    let verbs = world.verbs_in("second");
    let kind = Refreshable::Warehouse;
    verbs.refresh(kind, "images", jiff::Timestamp::now(), None).await?;
    let written = || async {
        Ok(world.git_server().git("second", &["show", "main:app.yaml"]).await?.contains(&format!("three: {version}")))
    };
    world.until(&format!("the second project's last stage has {version}"), written).await?;
    Ok(began.elapsed())
}

/// Deletes a tag, as a registry's retention does.
async fn delete_tag(registry: &str, repository: &str, tag: &str) -> Result<()> {
    let mut stream = TcpStream::connect(registry).await?;
    let head = format!("DELETE /v2/{repository}/manifests/{tag} HTTP/1.1\r\nhost: {registry}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 202"), "delete {repository}:{tag}: {answer}");
    Ok(())
}

/// How each of the first project's promotions and warehouses ended, without what changes from run to run.
async fn errors(world: &World, names: &[(&str, String)]) -> Result<String> {
    let verbs = world.verbs_in("first");
    let all = ListParams::default();
    let mut lines = Vec::new();
    for warehouse in verbs.api::<Warehouse>().list(&all).await? {
        let status = warehouse.status.clone().unwrap_or_default();
        let ill = conditions::get(&status.conditions, "Ready").filter(|it| !it.is_true() && warehouse.name_any() != SLOWEST);
        lines.extend(ill.map(|it| format!("{}: {}", warehouse.name_any(), it.message)));
    }
    let promotions = verbs.api::<Promotion>().list(&all).await?;
    for stage in verbs.api::<Stage>().list(&all).await?.items.iter().filter(|it| !it.name_any().starts_with("hangs-")) {
        let last = promotions.items.iter().filter(|it| it.spec.stage == stage.name_any()).max_by_key(|it| it.name_any());
        let status = last.and_then(|it| it.status.clone()).unwrap_or_default();
        lines.push(format!("{}: {} {}", stage.name_any(), status.phase, status.message));
    }
    let named =
        |line: &String| masked(&names.iter().fold(line.clone(), |line, (name, address)| line.replace(address.as_str(), name)));
    lines.sort();
    Ok(lines.iter().map(named).collect::<Vec<_>>().join("\n"))
}

/// What the first project has: everything that can be wrong.
fn first_documents() -> String {
    // One version for all of it: what hangs takes its time.
    let mut all = images().replace("^1.0.0", "1.0.1") + &login("locked", "git", "http://LOCKED/bank.git", "wrong");
    all.push_str(&login("locked-image", "image", "LOCKED-REGISTRY/bank", "wrong"));
    let mut look = |name: &str, more: &str, subscription: &str| all.push_str(&warehouse(name, more, subscription));
    look("w-missing-registry", "", "image: { repoURL: '127.0.0.1:9/bank', constraint: ^1.0.0 }");
    look("w-wrong-password", "", "image: { repoURL: 'LOCKED-REGISTRY/bank', constraint: ^1.0.0 }");
    look("w-deleted-tag", "", "image: { repoURL: '127.0.0.1:7450/short-lived', constraint: ^1.0.0 }");
    look(
        "w-endless",
        "  freightCreationCriteria: { expression: 'len(filter(1..100000000, # > 0)) > 0' }\n",
        "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^1.0.0 }",
    );
    look("w-hanging-registry", "", "image: { repoURL: 'SILENT/bank', constraint: ^1.0.0 }");
    look("w-hanging-git", "", "git: { repoURL: 'http://SILENT/bank.git', branch: main }");
    look("w-egress", "", "image: { repoURL: '169.254.169.254/bank', constraint: ^1.0.0 }");
    look("w-egress-git", "", "git: { repoURL: 'http://169.254.169.254/bank.git', branch: main }");
    let mut add = |name: &str, steps: &[&str]| all.push_str(&stage(name, DIRECT, steps));
    let ill = |branch: &str| clone("http://127.0.0.1:7480/ill.git", &format!(", branch: {branch}"));
    add("wrong-password", &[&clone("http://LOCKED/bank.git", ", branch: main")]);
    add("deleted-tag", &[&clone("http://127.0.0.1:7480/ill.git", ", tag: v1.0.0")]);
    add("unknown-step", &["{ uses: fly-to-the-moon, as: fly, config: {} }"]);
    add("endless", &["{ uses: fail, as: say, config: { message: '${{ len(filter(1..100000000, # > 0)) }}' } }"]);
    add("path-out", &[&ill("main"), "{ uses: copy, as: copy, config: { inPath: ../../etc/passwd, outPath: ./src/x } }"]);
    add("link-out", &[&ill("links"), "{ uses: copy, as: copy, config: { inPath: ./src/out/passwd, outPath: ./src/x } }"]);
    add(
        "huge",
        &[&ill("huge"), "{ uses: yaml-update, as: write, config: { path: ./src/huge.yaml, updates: [{ key: a, value: b }] } }"],
    );
    add("egress-http", &["{ uses: http, as: ask, config: { url: 'http://169.254.169.254/latest' } }"]);
    add("egress-git", &[&clone("http://169.254.169.254/bank.git", ", branch: main")]);
    for n in 0..N_HANGING {
        add(&format!("hangs-{n}"), &[&clone(&format!("http://SILENT/{n}.git"), ", branch: main")]);
    }
    all
}

/// Have all of the first project's troubles come to their ends?
async fn is_told(first: &Verbs) -> Result<bool> {
    let promotions = first.api::<Promotion>().list(&ListParams::default()).await?;
    let is_over = |stage: &&str| {
        let mut of = promotions.items.iter().filter(|it| it.spec.stage == **stage).peekable();
        of.peek().is_some() && of.all(|it| it.status.as_ref().is_some_and(|status| status.phase.is_terminal()))
    };
    let stages =
        ["wrong-password", "deleted-tag", "unknown-step", "endless", "path-out", "link-out", "huge", "egress-http", "egress-git"];
    let warehouses = first.api::<Warehouse>().list(&ListParams::default()).await?;
    let looked = |it: &Warehouse| {
        it.status.as_ref().is_some_and(|status| {
            conditions::get(&status.conditions, "Ready").is_some_and(|it| it.reason != "DiscoveryInProgress")
        })
    };
    Ok(stages.iter().all(is_over) && warehouses.iter().filter(|it| it.name_any() != SLOWEST).all(looked))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_project_promotes_undisturbed() -> Result<()> {
    let world = World::start(Options::documents("first.yaml", &project("first")).and("second.yaml", &project("second"))).await?;
    let files: &[(&str, &[u8])] = &[("app.yaml", b"one: none\ntwo: none\nthree: none\n")];
    world.git_server().create_repo("second", files).await?;
    world.apply("second.yaml", &second()).await?;
    let alone = flows(&world, "1.0.1").await?;

    // Everything that can be wrong with what the first project reads.
    let login_of = || Login::new("me", "right");
    let locked = GitServer::open(world.folder().join("locked"), GitOptions { login: Some(login_of()) }).await?;
    locked.create_repo("bank", files).await?;
    let locked_serving = locked.serve(0).await?;
    let access = RegistryOptions { access: Access::Basic(login_of()), ..RegistryOptions::default() };
    let registry = Registry::open(world.folder().join("locked-registry"), access).await?;
    let registry_serving = registry.serve(0).await?;
    let silent = listen(false).await?;
    let ill = world.git_server().create_repo("ill", files).await?;
    import(&ill, b"commit refs/heads/links\ncommitter A <a@bank.example> 1767225600 +0000\ndata 1\nl\nM 120000 inline out\ndata 12\n../../../etc\n");
    let mut huge = format!("commit refs/heads/huge\ncommitter A <a@bank.example> 1767225600 +0000\ndata 1\nh\nM 100644 inline huge.yaml\ndata {HUGE_BYTES}\n").into_bytes();
    huge.resize(huge.len() + HUGE_BYTES, b'#');
    import(&ill, &huge);
    drop(huge);
    world.push_quietly("short-lived:1.0.0", false).await?;
    let names = [
        ("LOCKED-REGISTRY", registry_serving.addr().to_string()),
        ("LOCKED", locked_serving.addr().to_string()),
        ("SILENT", silent.clone()),
        ("GIT", world.git_address()),
        ("REGISTRY", world.registry_address()),
    ];
    let here = |text: &str| {
        names[..3]
            .iter()
            .fold(text.replace("namespace: bank", "namespace: first"), |text, (name, address)| text.replace(name, address))
    };

    world.apply("first.yaml", &here(&first_documents())).await?;
    delete_tag(&world.registry_address(), "short-lived", "1.0.0").await?;

    // The second flows on, while the first meets all of it and again and again.
    let first = world.verbs_in("first");
    let mut slowest = Duration::ZERO;
    for version in ["1.0.2", "1.0.3", "1.0.4"] {
        let now = jiff::Timestamp::now();
        for warehouse in first.api::<Warehouse>().list(&ListParams::default()).await? {
            first.refresh(Refreshable::Warehouse, &warehouse.name_any(), now, None).await?;
        }
        let took = flows(&world, version).await.with_context(|| world_of(&alone))?;
        slowest = slowest.max(took);
    }
    ensure!(slowest < UNDISTURBED, "the second project took {slowest:?}; alone it took {alone:?}");

    // Each trouble says what, where, what to do.
    world.until("all of the first project's troubles are told", || is_told(&first)).await?;
    insta::assert_snapshot!(errors(&world, &names).await?, @r"
deleted-tag: Errored step `clone` met error threshold of 1: git-clone: tag `v1.0.0` of `http://GIT/ill.git` does not exist: push it, or name another
egress-git: Errored step `clone` met error threshold of 1: git-clone: fetch from `http://169.254.169.254/bank.git`: `169.254.169.254` is a link-local address, which is never reached: use another address
egress-http: Errored step `ask` met error threshold of 1: http: `169.254.169.254` is a link-local address, which is never reached: use another address
endless: Errored configuration of step `say`: evaluate expression: memory budget exceeded; make the expression smaller
huge: Errored step `write` met error threshold of 1: yaml-update: `src/huge.yaml` has 209715200 bytes; a file in a work folder may have 104857600: leave it out of the steps, or make it smaller
link-out: Errored step `copy` met error threshold of 1: copy: `src/out/passwd` leads out of its checkout by the link `src/out` to `../../../etc`: change the link or the path
path-out: Errored step `copy` met error threshold of 1: copy: path `../../etc/passwd` leaves the work folder; paths are relative to the promotion's work folder
unknown-step: Errored there is no step `fly-to-the-moon`: docs/steps tells of those there are
w-deleted-tag: no tag of REGISTRY/short-lived matches what the subscription asks for: push one that does, or widen the subscription
w-egress-git: spec.subscriptions[0]: fetch from `http://169.254.169.254/bank.git`: `169.254.169.254` is a link-local address, which is never reached: use another address
w-egress: spec.subscriptions[0]: `169.254.169.254/bank` cannot be read: `169.254.169.254` is a link-local address, which is never reached: use another address
w-endless: freightCreationCriteria `len(filter(1..100000000, # > 0)) > 0`: evaluate expression: memory budget exceeded; make the expression smaller
w-hanging-git: spec.subscriptions[0]: fetch from `http://SILENT/bank.git`: the server at `SILENT` sent nothing within 30s: it hangs or is overloaded
w-missing-registry: spec.subscriptions[0]: `127.0.0.1:9/bank` cannot be read: cannot connect to `http://127.0.0.1:9/v2/`: Connection refused (os error 111); check the address, and that its server runs
w-wrong-password: spec.subscriptions[0]: `LOCKED-REGISTRY/bank`: the registry refused the credential: check its user and password
wrong-password: Errored step `clone` met error threshold of 1: git-clone: fetch from `http://LOCKED/bank.git`: the server answers 401: it refuses the credential; check user name, password and their rights
");
    Ok(())
}

fn world_of(alone: &Duration) -> String {
    format!("alone, the second project took {alone:?}")
}
