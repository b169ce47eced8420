//! The client against the registry in the process.

use jiff::Timestamp;
use seaway_base::http::{Egress, HttpClient};
use seaway_base::{Next, Secret};
use seaway_neighbours::auth::Login;
use seaway_neighbours::registry::Access;
use seaway_neighbours::{Registry, RegistryEvent, RegistryOptions as Options, Serving};
use seaway_oci::{
    Credential, OciError, Platform, Reference, Registries, RegistryOptions, Remote, Repository, TinyImage, TinyPart,
};
use tempfile::TempDir;

struct Scene {
    _dir: TempDir,
    registry: Registry,
    serving: Serving,
    client: Registries,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(dir.path(), options).await.unwrap();
        let serving = registry.serve(0).await.unwrap();
        Self { _dir: dir, registry, serving, client: client() }
    }

    fn remote_as(&self, credential: Option<&Credential>) -> Remote {
        let repository = Repository::parse(&format!("{}/team/app", self.serving.addr())).unwrap();
        self.client.remote(&repository, credential, false)
    }

    fn remote(&self) -> Remote {
        self.remote_as(None)
    }

    async fn push(&self, tag: &str) -> String {
        self.remote().push_image(tag, &image(tag)).await.unwrap()
    }
}

fn client() -> Registries {
    Registries::new(HttpClient::new(Egress::local()).unwrap(), RegistryOptions::default())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn image(build: &str) -> TinyImage {
    TinyImage::new(build, at("2026-01-01T00:00:00Z"))
}

fn tag(text: &str) -> Reference {
    Reference::Tag(text.to_owned())
}

fn login(password: &str) -> Credential {
    Credential { key: password.to_owned(), username: "me".to_owned(), password: Secret::new(password.to_owned()) }
}

#[tokio::test]
async fn what_was_pushed_is_read_back() {
    let scene = Scene::new(Options::default()).await;
    let mut events = scene.registry.events();
    let digest = scene.push("v1").await;
    let pushed = RegistryEvent::Pushed { repository: "team/app".to_owned(), tag: "v1".to_owned(), digest: digest.clone() };
    assert_eq!(events.try_recv().unwrap(), pushed);
    let remote = scene.remote();
    assert_eq!(*remote.tags().await.unwrap(), ["v1"]);
    let info = remote.image(&tag("v1"), None, false).await.unwrap();
    assert_eq!((&info.digest, info.created_at), (&digest, Some(at("2026-01-01T00:00:00Z"))));
    let manifest = remote.manifest(&Reference::Digest(digest.clone())).await.unwrap();
    assert_eq!(seaway_oci::digest_of(&manifest.bytes), digest);
}

#[tokio::test]
async fn lists_of_tags_come_in_pages() {
    let scene = Scene::new(Options { page_tags_max: 3, ..Options::default() }).await;
    let mut expected: Vec<String> = (0..10).map(|n| format!("v{n}")).collect();
    for name in &expected {
        scene.push(name).await;
    }
    expected.sort();
    let before = scene.registry.n_requests();
    assert_eq!(*scene.remote().tags().await.unwrap(), expected);
    assert_eq!(scene.registry.n_requests() - before, 4);
}

#[tokio::test]
async fn only_unseen_tags_are_read() {
    let scene = Scene::new(Options::default()).await;
    let tags: Vec<String> = (0..5).map(|n| format!("v{n}")).collect();
    for name in &tags {
        scene.push(name).await;
    }
    let count = async |remote: &Remote, fixed: bool| {
        let before = scene.registry.n_requests();
        for (name, info) in remote.images(&tags, None, fixed).await {
            info.unwrap_or_else(|err| panic!("{name}: {err}"));
        }
        scene.registry.n_requests() - before
    };
    assert_eq!(count(&scene.remote(), false).await, 15, "HEAD, manifest and configuration of each");
    assert_eq!(count(&scene.remote(), false).await, 5, "content is remembered by digest");
    assert_eq!(count(&scene.remote(), true).await, 5, "and then by tag");
    assert_eq!(count(&scene.remote(), true).await, 0);
    let other = scene.remote_as(Some(&login("x")));
    other.tags().await.unwrap();
    assert_eq!(count(&other, true).await, 15, "nothing is shared between credentials");

    scene.remote().push_image("v0", &image("moved")).await.unwrap();
    let read = async |fixed| scene.remote().image(&tag("v0"), None, fixed).await.unwrap().digest.clone();
    let old = read(true).await;
    let new = read(false).await;
    assert_ne!(old, new, "a moved tag is seen by who does not take it for fixed");
    assert_eq!(read(true).await, new, "and from then on by all");
}

#[tokio::test]
async fn missing_things_are_told_apart() {
    let scene = Scene::new(Options::default()).await;
    let remote = scene.remote();
    let err = remote.tags().await.unwrap_err();
    assert!(matches!(err, OciError::NoRepository { .. }), "{err}");
    let err = remote.image(&tag("v1"), None, false).await.unwrap_err();
    assert!(matches!(err, OciError::NoRepository { .. }), "{err}");
    scene.push("v1").await;
    let err = remote.image(&tag("v2"), None, false).await.unwrap_err();
    let repository = format!("{}/team/app", scene.serving.addr());
    assert_eq!(err.to_string(), format!("`v2` does not exist in `{repository}`: it was deleted or never pushed"));
    let addr = scene.serving.addr();
    scene.serving.shutdown().await;
    let gone = client().remote(&Repository::parse(&format!("{addr}/team/app")).unwrap(), None, false);
    let err = gone.tags().await.unwrap_err();
    assert!(err.next() == Next::Retry && err.to_string().contains("cannot connect"), "{err}");
    let shut = Registries::new(HttpClient::new(Egress::default()).unwrap(), RegistryOptions::default());
    let err = shut.remote(&Repository::parse(&format!("{addr}/team/app")).unwrap(), None, false).tags().await.unwrap_err();
    assert!(err.next() == Next::Blocked && err.to_string().contains("egress.allow"), "{err}");
}

#[tokio::test]
async fn logins_basic_and_by_token() {
    for access in [Access::Basic(Login::new("me", "pw")), Access::Token(Login::new("me", "pw"))] {
        let scene = Scene::new(Options { access: access.clone(), ..Options::default() }).await;
        let good = scene.remote_as(Some(&login("pw")));
        good.push_image("v1", &image("v1")).await.unwrap_or_else(|err| panic!("{access:?}: {err}"));
        assert_eq!(*good.tags().await.unwrap(), ["v1"]);
        let err = scene.remote_as(Some(&login("no"))).tags().await.unwrap_err();
        assert!(matches!(err, OciError::Unauthorized { had_credential: true, .. }), "{err}");
        let err = scene.remote().tags().await.unwrap_err();
        assert!(err.to_string().contains("asks for a login") && err.next() == Next::Blocked, "{err}");
    }
}

#[tokio::test]
async fn a_token_is_shared_by_all_who_wait_and_renewed_when_revoked() {
    let scene = Scene::new(Options { access: Access::Token(Login::new("me", "pw")), ..Options::default() }).await;
    let remote = scene.remote_as(Some(&login("pw")));
    let tags: Vec<String> = (0..8).map(|n| format!("v{n}")).collect();
    for name in &tags {
        remote.push_image(name, &image(name)).await.unwrap();
    }
    assert_eq!(scene.registry.n_tokens(), 1, "one for the scope of pushing");
    assert!(remote.images(&tags, None, false).await.into_iter().all(|(_, info)| info.is_ok()));
    assert_eq!(scene.registry.n_tokens(), 2, "one for the scope of pulling, however many ask");
    scene.registry.revoke_tokens();
    assert!(remote.images(&tags, None, false).await.into_iter().all(|(_, info)| info.is_ok()));
    assert_eq!(scene.registry.n_tokens(), 3);
}

#[tokio::test]
async fn a_registry_that_asks_for_a_pause_gets_it() {
    let scene = Scene::new(Options::default()).await;
    scene.push("v1").await;
    scene.registry.fail(429, Some(60), 1);
    let err = scene.remote().tags().await.unwrap_err();
    assert_eq!((err.next(), err.retry_after().map(|wait| wait.as_secs())), (Next::Retry, Some(60)));
    let before = scene.registry.n_requests();
    assert!(scene.remote().tags().await.unwrap_err().retry_after().is_some());
    assert_eq!(scene.registry.n_requests(), before, "it is left alone");
    let other = Scene::new(Options::default()).await;
    other.push("v1").await;
    other.registry.fail(503, None, 1);
    let err = other.remote().tags().await.unwrap_err();
    assert!(matches!(err, OciError::Status { status: 503, .. }) && err.next() == Next::Retry, "{err}");
}

#[tokio::test]
async fn an_index_is_read_by_platform() {
    let scene = Scene::new(Options::default()).await;
    let part = |platform: Option<&str>, created: &str| TinyPart {
        platform: platform.map(|text| Platform::parse(text).unwrap()),
        created: Some(at(created)),
        annotations: [("p".to_owned(), platform.unwrap_or("none").to_owned())].into(),
    };
    let mut index = image("index");
    index.annotations = [("i".to_owned(), "index".to_owned()), ("p".to_owned(), "index".to_owned())].into();
    index.parts = vec![
        part(Some("linux/amd64"), "2026-01-01T00:00:00Z"),
        part(Some("linux/arm64/v8"), "2026-01-02T00:00:00Z"),
        part(None, "2026-01-03T00:00:00Z"),
    ];
    scene.remote().push_image("v1", &index).await.unwrap();
    let read = async |platform: Option<&str>| {
        let platform = platform.map(|text| Platform::parse(text).unwrap());
        scene.remote().image(&tag("v1"), platform.as_ref(), false).await.unwrap()
    };
    let plain = read(None).await;
    assert_eq!((plain.created_at, plain.annotations["p"].as_str()), (Some(at("2026-01-02T00:00:00Z")), "index"));
    let amd = read(Some("linux/amd64")).await;
    assert_eq!((amd.created_at, amd.annotations["p"].as_str()), (Some(at("2026-01-02T00:00:00Z")), "linux/amd64"));
    assert!(amd.platform_digest.is_some() && amd.annotations["i"] == "index" && amd.digest == plain.digest);
    assert!(!read(Some("linux/arm64")).await.has_platform && !read(Some("unknown/unknown")).await.has_platform);

    let mut attested = image("attested");
    attested.parts = vec![part(None, "2026-01-03T00:00:00Z")];
    scene.remote().push_image("v2", &attested).await.unwrap();
    assert!(matches!(scene.remote().image(&tag("v2"), None, false).await, Err(OciError::Invalid { .. })));
    scene.push("v3").await;
    let linux = Platform::parse("linux/amd64").unwrap();
    assert!(!scene.remote().image(&tag("v3"), Some(&linux), false).await.unwrap().has_platform, "only an index has platforms");
}

#[tokio::test]
async fn content_survives_a_restart() {
    let scene = Scene::new(Options::default()).await;
    let digest = scene.push("v1").await;
    let Scene { _dir: dir, serving, .. } = scene;
    serving.shutdown().await;
    let again = Registry::open(dir.path(), Options::default()).await.unwrap().serve(0).await.unwrap();
    let remote = client().remote(&Repository::parse(&format!("{}/team/app", again.addr())).unwrap(), None, false);
    assert_eq!(remote.image(&tag("v1"), None, false).await.unwrap().digest, digest);
}
