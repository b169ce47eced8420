//! The registry's protocol, request by request, as the distribution specification 1.1 has it.

use reqwest::{Client, Method, RequestBuilder, Response};
use seaway_base::process::{Job, run, which};
use seaway_neighbours::auth::Login;
use seaway_neighbours::registry::Access;
use seaway_neighbours::{Registry, RegistryEvent, RegistryOptions, Serving};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Scene {
    _dir: TempDir,
    registry: Registry,
    serving: Serving,
    client: Client,
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

impl Scene {
    async fn new(access: Access) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(dir.path(), RegistryOptions { access, ..RegistryOptions::default() }).await.unwrap();
        let serving = registry.serve(0).await.unwrap();
        Self { _dir: dir, registry, serving, client: Client::new() }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.serving.url()))
    }

    async fn status(&self, method: Method, path: &str) -> u16 {
        self.ask(method, path).send().await.unwrap().status().as_u16()
    }

    /// Sends and expects a status.
    async fn expect(&self, request: RequestBuilder, status: u16) -> Response {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{:?}", response.url());
        response
    }

    async fn push_blob(&self, name: &str, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        let post = self.ask(Method::POST, &format!("/v2/{name}/blobs/uploads/?digest={digest}")).body(bytes.to_vec());
        self.expect(post, 201).await;
        digest
    }

    async fn push_manifest(&self, name: &str, reference: &str, manifest: &Value) -> Response {
        let path = format!("/v2/{name}/manifests/{reference}");
        self.ask(Method::PUT, &path).header("content-type", MANIFEST).body(manifest.to_string()).send().await.unwrap()
    }
}

async fn code(response: Response) -> String {
    let json: Value = response.json().await.unwrap();
    json["errors"][0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn blobs_come_in_chunks_and_go_in_ranges() {
    let scene = Scene::new(Access::Open).await;
    let begun = scene.expect(scene.ask(Method::POST, "/v2/a/blobs/uploads/"), 202).await;
    let location = header(&begun, "location");
    let patch =
        |range: &str, body: &str| scene.ask(Method::PATCH, &location).header("content-range", range).body(body.to_owned());
    assert_eq!(header(&scene.expect(patch("0-4", "01234"), 202).await, "range"), "0-4");
    scene.expect(patch("7-9", "789"), 416).await;
    assert_eq!(header(&scene.expect(scene.ask(Method::GET, &location), 204).await, "range"), "0-4");
    let digest = digest_of(b"0123456789");
    let put = scene.ask(Method::PUT, &format!("{location}?digest={digest}")).header("content-range", "5-9").body("56789");
    assert_eq!(header(&scene.expect(put, 201).await, "docker-content-digest"), digest);

    let blob = format!("/v2/a/blobs/{digest}");
    let whole = scene.expect(scene.ask(Method::GET, &blob), 200).await;
    assert_eq!((header(&whole, "content-length").as_str(), whole.text().await.unwrap().as_str()), ("10", "0123456789"));
    let part = scene.expect(scene.ask(Method::GET, &blob).header("range", "bytes=2-4"), 206).await;
    assert_eq!((header(&part, "content-range").as_str(), part.text().await.unwrap().as_str()), ("bytes 2-4/10", "234"));
    scene.expect(scene.ask(Method::GET, &blob).header("range", "bytes=10-"), 416).await;
    let head = scene.expect(scene.ask(Method::HEAD, &blob), 200).await;
    assert_eq!(header(&head, "content-length"), "10");

    assert_eq!(scene.status(Method::GET, &format!("/v2/b/blobs/{digest}")).await, 404, "another repository has it not");
    let mount = format!("/v2/b/blobs/uploads/?mount={digest}&from=a");
    assert_eq!(scene.status(Method::POST, &mount).await, 201);
    assert_eq!(scene.status(Method::GET, &format!("/v2/b/blobs/{digest}")).await, 200);
    assert_eq!(scene.status(Method::DELETE, &blob).await, 202);
    assert_eq!(scene.status(Method::GET, &blob).await, 404);

    let wrong = scene.ask(Method::POST, &format!("/v2/a/blobs/uploads/?digest={digest}")).body("other");
    assert_eq!(code(scene.expect(wrong, 400).await).await, "DIGEST_INVALID");
    assert_eq!(scene.status(Method::PATCH, "/v2/a/blobs/uploads/..%2f..%2fx").await, 404);
}

#[tokio::test]
async fn manifests_live_by_tag_and_digest() {
    let scene = Scene::new(Access::Open).await;
    let mut events = scene.registry.events();
    let config = scene.push_blob("a", b"{}").await;
    let part = |digest: &str| json!({ "mediaType": "application/json", "digest": digest, "size": 2 });
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": part(&config), "layers": [] });
    let digest = digest_of(manifest.to_string().as_bytes());

    assert_eq!(code(scene.ask(Method::GET, "/v2/a/tags/list").send().await.unwrap()).await, "NAME_UNKNOWN");
    let orphan = json!({ "schemaVersion": 2, "config": part(&digest_of(b"none")), "layers": [] });
    assert_eq!(code(scene.push_manifest("a", "v1", &orphan).await).await, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(scene.push_manifest("a", "v1", &manifest).await.status(), 201);
    assert_eq!(scene.push_manifest("a", &digest, &manifest).await.status(), 201);
    assert_eq!(code(scene.push_manifest("a", &config, &manifest).await).await, "DIGEST_INVALID");
    let name = || ("a".to_owned(), "v1".to_owned());
    let (repository, tag) = name();
    assert_eq!(events.try_recv().unwrap(), RegistryEvent::Pushed { repository, tag, digest: digest.clone() });
    assert!(events.try_recv().is_err(), "a push by digest moves no tag");

    let by_tag = scene.expect(scene.ask(Method::GET, "/v2/a/manifests/v1"), 200).await;
    assert_eq!((header(&by_tag, "content-type").as_str(), header(&by_tag, "docker-content-digest")), (MANIFEST, digest.clone()));
    assert_eq!(by_tag.text().await.unwrap(), manifest.to_string());
    let etag = format!("\"{digest}\"");
    scene.expect(scene.ask(Method::GET, "/v2/a/manifests/v1").header("if-none-match", &etag), 304).await;
    let tags: Value = scene.ask(Method::GET, "/v2/a/tags/list").send().await.unwrap().json().await.unwrap();
    assert_eq!(tags, json!({ "name": "a", "tags": ["v1"] }));

    let signature = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "x/sig", "config": part(&config),
        "layers": [], "subject": { "mediaType": MANIFEST, "digest": digest, "size": 2 }, "annotations": { "k": "v" } });
    let pushed = scene.push_manifest("a", "sig", &signature).await;
    assert_eq!(header(&pushed, "oci-subject"), digest);
    let referrers = async |query: &str| {
        let path = format!("/v2/a/referrers/{digest}{query}");
        let json: Value = scene.ask(Method::GET, &path).send().await.unwrap().json().await.unwrap();
        json["manifests"].as_array().unwrap().clone()
    };
    assert_eq!(referrers("").await[0]["artifactType"], "x/sig");
    assert_eq!(referrers("?artifactType=x/other").await, Vec::<Value>::new());

    assert_eq!(scene.status(Method::DELETE, "/v2/a/manifests/sig").await, 202);
    assert_eq!(scene.status(Method::GET, "/v2/a/manifests/sig").await, 404);
    assert_eq!(scene.status(Method::DELETE, &format!("/v2/a/manifests/{digest}")).await, 202);
    assert_eq!(scene.status(Method::GET, "/v2/a/manifests/v1").await, 404);
}

#[tokio::test]
async fn logins_are_asked_for() {
    let scene = Scene::new(Access::Basic(Login::new("me", "pw"))).await;
    let refused = scene.expect(scene.ask(Method::GET, "/v2/"), 401).await;
    assert_eq!(header(&refused, "www-authenticate"), "Basic realm=\"registry\"");
    scene.expect(scene.ask(Method::GET, "/v2/").basic_auth("me", Some("pw")), 200).await;

    let scene = Scene::new(Access::Token(Login::new("me", "pw"))).await;
    let refused = scene.expect(scene.ask(Method::GET, "/v2/a/tags/list"), 401).await;
    assert!(header(&refused, "www-authenticate").contains("scope=\"repository:a:pull,push\""));
    let token = scene.ask(Method::GET, "/v2/token?service=neighbour").basic_auth("me", Some("pw"));
    let token: Value = scene.expect(token, 200).await.json().await.unwrap();
    scene.expect(scene.ask(Method::GET, "/v2/").bearer_auth(token["token"].as_str().unwrap()), 200).await;
}

/// An image layout in a folder, as `skopeo copy oci:…` reads it.
fn layout(dir: &std::path::Path) {
    let blobs = dir.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| {
        let digest = digest_of(bytes);
        std::fs::write(blobs.join(&digest[7..]), bytes).unwrap();
        json!({ "digest": digest, "size": bytes.len() })
    };
    let typed = |mut part: Value, media_type: &str| {
        part["mediaType"] = json!(media_type);
        part
    };
    let layer = put(&[0; 1024]);
    let diff_ids = [layer["digest"].clone()];
    let config = json!({ "os": "linux", "architecture": "amd64", "rootfs": { "type": "layers", "diff_ids": diff_ids } });
    let config = typed(put(config.to_string().as_bytes()), "application/vnd.oci.image.config.v1+json");
    let layers = [typed(layer, "application/vnd.oci.image.layer.v1.tar")];
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
    let manifest = typed(put(manifest.to_string().as_bytes()), MANIFEST);
    std::fs::write(dir.join("index.json"), json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string()).unwrap();
    std::fs::write(dir.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
}

#[tokio::test]
async fn skopeo_copies_there_and_back() {
    if which("skopeo").is_none() {
        eprintln!("not run: skopeo is not on PATH");
        return;
    }
    let scene = Scene::new(Access::Open).await;
    let dir = tempfile::tempdir().unwrap();
    layout(dir.path());
    let target = format!("docker://{}/team/app:v1", scene.serving.addr());
    let skopeo = |args: &[&str]| Job::new("skopeo").args(["--insecure-policy"]).args(args.iter().copied());
    let source = format!("oci:{}", dir.path().display());
    run(skopeo(&["copy", "--dest-tls-verify=false", &source, &target])).await.unwrap();
    let back = format!("oci:{}", dir.path().join("back").display());
    run(skopeo(&["copy", "--src-tls-verify=false", &target, &back])).await.unwrap();
    assert!(dir.path().join("back/index.json").exists());
}

#[tokio::test]
async fn what_a_foreign_page_makes_a_browser_send_is_refused() {
    let scene = Scene::new(Access::Open).await;
    let own = scene.serving.url();
    let port = scene.serving.addr().port();
    let check = async |headers: &[(&str, &str)], status: u16| {
        let mut request = scene.ask(Method::POST, "/v2/app/blobs/uploads/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{headers:?}");
    };
    check(&[], 202).await;
    check(&[("origin", &own)], 202).await;
    let by_name = format!("localhost:{port}");
    check(&[("host", &by_name)], 202).await;
    check(&[("host", "[::1]:5000")], 202).await;
    check(&[("host", "localhost")], 202).await;
    for host in
        ["evil.example", "evil.example:5000", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]:80", "10.0.0.1"]
    {
        check(&[("host", host)], 421).await;
        check(&[("host", host), ("origin", &format!("http://{host}"))], 421).await;
    }
    for origin in ["https://evil.example", "http://127.0.0.1:1", "http://localhost", "null", ""] {
        check(&[("origin", origin)], 403).await;
    }
}
