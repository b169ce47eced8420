//! Real programs instead of our neighbours: Debian's registry with skopeo, and `git http-backend` behind nginx, over TLS with a password.
//!
//! A program that is not installed is told as `skipped`; `cargo xtask setup` installs them.

use seaway_base::http::{Egress, HttpClient};
use seaway_base::{RelPath, Secret};
use seaway_git::{
    Checkout, CommitDetails, Committed, Credential, MirrorOptions, Mirrors, MountSpec, PushRequest, RefUpdate, Remote, Signature,
    WorkFolder,
};
use seaway_oci::{Reference, Registries, RegistryOptions, Repository};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What must never be seen where it does not belong.
const CANARY: &str = "canary-5f1c9e";
/// The registry's password, another one: skopeo takes it as an argument, and both tests are children of one process.
const REGISTRY_PASSWORD: &str = "registry-7d20aa";
/// The same, as bcrypt.
const REGISTRY_BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuu6tIWV9vANId5R9dSN4Hc0/MJ6rc0THa";

/// A line for `tests/run`, which counts them.
fn told(line: &str) {
    println!("{line}");
    if let Some(log) = std::env::var_os("SEAWAY_REAL_PARTS_LOG") {
        let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        writeln!(log, "{line}").unwrap();
    }
}

/// Are all these programs there? Else says which is not.
fn have(name: &str, programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs.iter().filter(|program| !Path::new(program).exists()).copied().collect();
    if !missing.is_empty() {
        told(&format!("skipped {name} {} not installed; run `make parts`", missing.join(", ")));
    }
    missing.is_empty()
}

/// Nothing takes longer to come up.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// How often a server is given another port if somebody was quicker.
const PORTS_MAX: u32 = 10;

/// A child that ends with the test.
struct Running(Child);

impl Running {
    /// Starts a program; what it says goes into a file.
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
        Self(child.unwrap())
    }

    /// Waits until the program is up, with growing pauses; `None` if it ended instead.
    fn up<T>(&mut self, what: &str, look: impl Fn() -> Option<T>) -> Option<T> {
        let (begun, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            let ended = self.0.try_wait().unwrap().is_some();
            if let Some(found) = look() {
                return Some(found);
            }
            if ended {
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come up");
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(dir).args(["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]).args(args);
    run(command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null"))
}

/// An image layout with one tiny image in it, as a tool would write it.
fn layout(dir: &Path) {
    use sha2::{Digest as _, Sha256};
    let blobs = dir.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| {
        let digest = hex::encode(Sha256::digest(bytes));
        std::fs::write(blobs.join(&digest), bytes).unwrap();
        format!(r#""digest":"sha256:{digest}","size":{}"#, bytes.len())
    };
    // An empty tar.
    let layer = put(&[0; 1024]);
    let diff = layer.split('"').nth(3).unwrap().to_owned();
    let config = put(
        format!(
            r#"{{"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05Z","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{diff}"]}}}}"#
        )
        .as_bytes(),
    );
    let manifest = put(
        format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json",{config}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar",{layer}}}]}}"#
        )
        .as_bytes(),
    );
    std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json",{manifest},"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}]}}"#
    );
    std::fs::write(dir.join("index.json"), index).unwrap();
}

#[tokio::test]
async fn an_image_that_skopeo_pushed_is_found_in_debians_registry() {
    if !have("docker-registry", &["/usr/bin/docker-registry", "/usr/bin/skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("htpasswd"), format!("ann:{REGISTRY_BCRYPT}\n")).unwrap();
    let config = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {0}/data\n  delete:\n    enabled: true\nauth:\n  htpasswd:\n    realm: test\n    path: {0}/htpasswd\nhttp:\n  addr: 127.0.0.1:0\n",
        dir.path().display()
    );
    std::fs::write(dir.path().join("config.yml"), config).unwrap();
    let log = dir.path().join("registry.log");
    let mut registry =
        Running::start(Command::new("/usr/bin/docker-registry").arg("serve").arg(dir.path().join("config.yml")), &log);
    // It takes a free port and says which.
    let port = registry.up("the registry", || {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let (_, rest) = said.split_once("listening on 127.0.0.1:")?;
        let (port, _) = rest.split_once(|c: char| !c.is_ascii_digit())?;
        port.parse::<u16>().ok()
    });
    let port = port.unwrap_or_else(|| panic!("the registry ended: {}", std::fs::read_to_string(&log).unwrap_or_default()));
    layout(&dir.path().join("layout"));
    for tag in ["1.0.0", "1.1.0", "latest"] {
        let to = format!("docker://127.0.0.1:{port}/bank/app:{tag}");
        let from = format!("oci:{}:v1", dir.path().join("layout").display());
        let login = format!("ann:{REGISTRY_PASSWORD}");
        run(Command::new("/usr/bin/skopeo").args([
            "--insecure-policy",
            "copy",
            "--dest-tls-verify=false",
            "--dest-creds",
            &login,
            &from,
            &to,
        ]));
    }
    told("real skopeo pushes to docker-registry");
    let http = HttpClient::new(Egress { allow_credentials_over_http: true, ..Egress::local() }).unwrap();
    let registries = Registries::new(http, RegistryOptions::default());
    let repository = Repository::parse(&format!("127.0.0.1:{port}/bank/app")).unwrap();
    let credential = |password: &str| seaway_oci::Credential {
        key: password.to_owned(),
        username: "ann".into(),
        password: Secret::new(password.to_owned()),
    };
    let remote = registries.remote(&repository, Some(&credential(REGISTRY_PASSWORD)), false);
    let mut tags = remote.tags().await.unwrap().as_ref().clone();
    tags.sort();
    assert_eq!(tags, ["1.0.0", "1.1.0", "latest"]);
    let image = remote.image(&Reference::Tag("1.1.0".into()), None, false).await.unwrap();
    assert_eq!(image.created_at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    told("real docker-registry is read with a password");
    for wrong in [Some(credential("wrong")), None] {
        let err = registries.remote(&repository, wrong.as_ref(), false).tags().await.unwrap_err();
        let text = seaway_base::chain(&err);
        assert!(text.contains("401") || text.to_lowercase().contains("credential"), "{text}");
        assert!(!text.contains(REGISTRY_PASSWORD) && !text.contains("wrong"), "{text}");
    }
    told("real docker-registry refuses a wrong password");
}

/// Certificates of a CA of our own, as PEM: the CA's, the server's, the server's key.
fn certificates() -> (String, String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (ca_certificate.pem(), certificate.pem(), key.serialize_pem())
}

/// Looks at the arguments and environments of our children until told to stop; says whether the canary was seen.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<(usize, Vec<String>)>,
}

impl Watch {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let own = std::process::id();
        let thread = std::thread::spawn(move || {
            let (mut n, mut seen) = (0, Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                    let path = entry.path();
                    let Ok(stat) = std::fs::read_to_string(path.join("stat")) else { continue };
                    let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
                    if parent != Some(own) {
                        continue;
                    }
                    n += 1;
                    for file in ["cmdline", "environ"] {
                        let bytes = std::fs::read(path.join(file)).unwrap_or_default();
                        if bytes.windows(CANARY.len()).any(|it| it == CANARY.as_bytes()) {
                            seen.push(format!("{} {file}: {}", path.display(), String::from_utf8_lossy(&bytes)));
                        }
                    }
                }
            }
            seen.dedup();
            (n, seen)
        });
        Self { stop, thread }
    }

    fn end(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn files_with_canary(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with_canary(&path));
        } else if std::fs::read(&path).unwrap_or_default().windows(CANARY.len()).any(|it| it == CANARY.as_bytes()) {
            found.push(path);
        }
    }
    found
}

/// nginx with a password and TLS in front of `git http-backend`; ends with the value.
struct Host {
    url: String,
    _nginx: Running,
    _wrap: Running,
}

fn host(dir: &Path, certificate: &str, key: &str) -> Host {
    for (name, text) in [("cert.pem", certificate), ("key.pem", key), ("htpasswd", &format!("ann:{{PLAIN}}{CANARY}\n"))] {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let socket = dir.join("fcgi.sock");
    let backend = Path::new(&git(dir, &["--exec-path"])).join("git-http-backend");
    let d = dir.display();
    let user = if run(Command::new("id").arg("-u")) == "0" { "user root;\n" } else { "" };
    let config = |port: u16| {
        format!(
            "{user}daemon off;\nmaster_process off;\npid {d}/nginx.pid;\nerror_log {d}/error.log;\nevents {{}}\nhttp {{\n\
         access_log off;\nclient_max_body_size 0;\nclient_body_temp_path {d}/body;\nproxy_temp_path {d}/proxy;\n\
         fastcgi_temp_path {d}/fastcgi;\nuwsgi_temp_path {d}/uwsgi;\nscgi_temp_path {d}/scgi;\n\
         server {{\nlisten 127.0.0.1:{port} ssl;\nssl_certificate {d}/cert.pem;\nssl_certificate_key {d}/key.pem;\n\
         auth_basic git;\nauth_basic_user_file {d}/htpasswd;\n\
         location / {{\nfastcgi_pass unix:{};\nfastcgi_param SCRIPT_FILENAME {};\nfastcgi_param PATH_INFO $uri;\n\
         fastcgi_param GIT_PROJECT_ROOT {d}/repositories;\nfastcgi_param GIT_HTTP_EXPORT_ALL 1;\n\
         fastcgi_param GIT_CONFIG_GLOBAL /dev/null;\nfastcgi_param GIT_PROTOCOL $http_git_protocol;\n\
         fastcgi_param REMOTE_USER $remote_user;\nfastcgi_param QUERY_STRING $query_string;\n\
         fastcgi_param REQUEST_METHOD $request_method;\nfastcgi_param CONTENT_TYPE $content_type;\n\
         fastcgi_param CONTENT_LENGTH $content_length;\nfastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;\n\
         }}\n}}\n}}\n",
            socket.display(),
            backend.display()
        )
    };
    let fcgiwrap = ["-s".to_owned(), format!("unix:{}", socket.display())];
    let mut wrap = Running::start(Command::new("/usr/sbin/fcgiwrap").args(fcgiwrap), &dir.join("fcgiwrap.log"));
    wrap.up("fcgiwrap", || socket.exists().then_some(())).expect("fcgiwrap ended");
    // nginx takes no port 0. It is offered one that was free a moment ago, binds it itself, writes its pid only then, and ends if
    // somebody was quicker: then it is offered another.
    for _ in 0..PORTS_MAX {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        std::fs::write(dir.join("nginx.conf"), config(port)).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        let mut nginx = Running::start(command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf")), &dir.join("nginx.log"));
        if nginx.up("nginx", || dir.join("nginx.pid").exists().then_some(())).is_some() {
            return Host { url: format!("https://127.0.0.1:{port}"), _nginx: nginx, _wrap: wrap };
        }
    }
    panic!("nginx ended {PORTS_MAX} times: {}", std::fs::read_to_string(dir.join("error.log")).unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn gits_own_server_behind_nginx_is_cloned_and_pushed_to_with_a_password() {
    if !have("git-http-backend", &["/usr/sbin/nginx", "/usr/sbin/fcgiwrap"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let bare = dir.path().join("repositories/app.git");
    std::fs::create_dir_all(&bare).unwrap();
    git(&bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
    git(&bare, &["config", "http.receivepack", "true"]);
    let script = "commit refs/heads/main\ncommitter Dev <dev@example.com> 1704103200 +0000\ndata 6\nfirst\n\nM 100644 inline values.yaml\ndata 8\ntag: v1\n\n";
    let mut import =
        Command::new("git").current_dir(&bare).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    let (ca, certificate, key) = certificates();
    let host = host(dir.path(), &certificate, &key);
    let url = format!("{}/app.git", host.url);

    let egress = Egress { ca_bundle: Some(ca.into_bytes()), ..Egress::local() };
    let home = dir.path().join("mirrors");
    let mirrors = Mirrors::new(home.clone(), HttpClient::new(egress).unwrap(), MirrorOptions::default());
    let remote = |password: &str| Remote {
        url: url.clone(),
        credential: Some(Credential {
            key: password.to_owned(),
            username: "ann".into(),
            password: Secret::new(password.to_owned()),
        }),
        skip_tls_verify: false,
    };
    let watch = Watch::start();
    let mirror = mirrors.mirror(&remote(CANARY));
    mirror.fetch().await.unwrap();
    told("real git-http-backend behind nginx is cloned over TLS with a password");
    let found = mirror.resolve(&Checkout::Branch { name: "main".into(), create: false }).await.unwrap();
    let mut work = WorkFolder::new();
    let objects = work.objects_of(&mirror);
    let src = RelPath::parse("src").unwrap();
    work.mount(&src, MountSpec { objects, commit: found.commit, branch: found.branch, sparse: Vec::new() }).unwrap();
    work.write(&RelPath::parse("src/values.yaml").unwrap(), "tag: v2\n", None).unwrap();
    let who = Signature::new("Seaway", "no-reply@seaway.dev", jiff::Timestamp::now());
    let details = CommitDetails { message: "v2".into(), trailers: Vec::new(), author: who.clone(), committer: who };
    let Committed::New(id) = work.commit(&src, &details).unwrap() else { panic!("nothing to commit") };
    let mount = work.mount_of(&src).unwrap();
    let push = PushRequest { updates: vec![RefUpdate::branch("main", mount.base, id)], objects: Some(mount.objects) };
    mirror.push(&push).await.unwrap();
    assert_eq!(git(&bare, &["rev-parse", "main"]), id.to_string());
    assert_eq!(git(&bare, &["show", "main:values.yaml"]), "tag: v2");
    git(&bare, &["fsck", "--strict"]);
    told("real git-http-backend behind nginx takes a push");

    let err = mirrors.mirror(&remote("wrong")).fetch().await.unwrap_err();
    let text = seaway_base::chain(&err);
    assert!(text.contains("credential") || text.contains("401") || text.contains("password"), "{text}");
    assert!(!text.contains("wrong") && !text.contains(CANARY), "{text}");
    told("real nginx refuses a wrong password, and the message says so");
    let plain = Mirrors::new(dir.path().join("other"), HttpClient::new(Egress::local()).unwrap(), MirrorOptions::default());
    let err = plain.mirror(&remote(CANARY)).fetch().await.unwrap_err();
    assert!(!seaway_base::chain(&err).contains(CANARY));
    told("real nginx with an unknown CA is not trusted");

    let (n, seen) = watch.end();
    assert!(n > 0, "no child was looked at");
    assert_eq!(seen, Vec::<String>::new(), "the password was seen at a child");
    assert_eq!(files_with_canary(&home), Vec::<PathBuf>::new(), "the password was written to a mirror");
    told("real git children and mirrors never see the password");
}
