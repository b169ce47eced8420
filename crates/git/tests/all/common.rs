//! A git server for tests: `git http-backend` behind a small HTTP bridge that can refuse, hang, cut and redirect.

use seaway_base::http::{Egress, HttpClient};
use seaway_git::{Credential, HttpTransport, Limits, MirrorOptions, Mirrors, Remote, Signature};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does beside serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Takes requests and never answers.
    Hang,
    /// Serves a push and closes the connection without the answer.
    CutAfterPush,
    /// Closes the connection when a push comes, before it is served.
    CutBeforePush,
    /// Cuts a fetch's answer in the middle.
    CutFetch,
    /// Answers 404 to everything.
    NotFound,
    /// Answers info/refs with an HTML page.
    Html,
    /// Redirects the first request to another path.
    Redirect,
    /// Redirects a push (307) to another path, where it would be taken.
    RedirectPush,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) fault: Mutex<Fault>,
    pub(crate) password: Mutex<Option<String>>,
    pub(crate) v0: std::sync::atomic::AtomicBool,
    pub(crate) n_requests: AtomicUsize,
    pub(crate) n_pushes: AtomicUsize,
    pub(crate) n_fetches: AtomicUsize,
    /// Bytes of the last push's body.
    pub(crate) push_bytes: AtomicUsize,
}

pub(crate) struct Server {
    pub(crate) root: tempfile::TempDir,
    pub(crate) port: u16,
    pub(crate) state: Arc<State>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let (folder, shared) = (root.path().to_owned(), state.clone());
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { break };
                tokio::spawn(serve(stream, folder.clone(), shared.clone()));
            }
        });
        Self { root, port, state }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}.git", self.port)
    }

    pub(crate) fn fault(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = fault;
    }

    pub(crate) fn bare(&self, name: &str) -> PathBuf {
        self.root.path().join(format!("{name}.git"))
    }

    /// Makes a bare repository with a branch `main` that holds these files.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let bare = self.bare(name);
        git(self.root.path(), &["init", "-q", "--bare", "--initial-branch=main", bare.to_str().unwrap()]);
        git(&bare, &["config", "http.receivepack", "true"]);
        if !files.is_empty() {
            self.commit(name, "main", files, "first");
        }
        bare
    }

    /// Commits files on a branch as an outsider does; returns the commit.
    pub(crate) fn commit(&self, name: &str, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        let bare = self.bare(name);
        let work = tempfile::tempdir().unwrap();
        let at = work.path();
        git(at, &["init", "-q", "--initial-branch=work", "."]);
        git(at, &["remote", "add", "origin", bare.to_str().unwrap()]);
        if try_git(&bare, &["rev-parse", "--verify", "-q", &format!("refs/heads/{branch}")]).is_some() {
            git(at, &["fetch", "-q", "origin", branch]);
            git(at, &["checkout", "-q", "-B", "work", "FETCH_HEAD"]);
        }
        for (path, text) in files {
            let path = at.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        git(at, &["add", "-f", "."]);
        git(at, &["commit", "-q", "--allow-empty", "-m", message]);
        git(at, &["push", "-q", "origin", &format!("work:refs/heads/{branch}")]);
        git(&bare, &["rev-parse", &format!("refs/heads/{branch}")])
    }

    pub(crate) fn tip(&self, name: &str, branch: &str) -> Option<String> {
        try_git(&self.bare(name), &["rev-parse", "--verify", "-q", &format!("refs/heads/{branch}")])
    }
}

/// Runs git as somebody, and returns what it prints.
#[track_caller]
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let output = command(dir, args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

pub(crate) fn try_git(dir: &Path, args: &[&str]) -> Option<String> {
    let output = command(dir, args).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
    for (key, value) in [("GIT_AUTHOR_NAME", "Dev"), ("GIT_AUTHOR_EMAIL", "dev@example.com"), ("GIT_COMMITTER_NAME", "Dev")] {
        command.env(key, value);
    }
    command.env("GIT_COMMITTER_EMAIL", "dev@example.com").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_AUTHOR_DATE", "2024-01-01T10:00:00Z").env("GIT_COMMITTER_DATE", "2024-01-01T10:00:00Z");
    command
}

/// Mirrors in a folder, over plain HTTP to loopback.
pub(crate) fn mirrors(dir: &Path, limits: Limits) -> Mirrors {
    let transport = HttpTransport::over(HttpClient::new(Egress::local()).unwrap(), limits);
    Mirrors::with_transport(dir.join("mirrors"), Arc::new(transport), MirrorOptions::default())
}

pub(crate) fn with_password(url: String, key: &str, password: &str) -> Remote {
    let password = seaway_base::Secret::new(password.to_owned());
    Remote { credential: Some(Credential { key: key.into(), username: "me".into(), password }), ..Remote::open(url) }
}

pub(crate) fn quick() -> Limits {
    Limits { idle: Duration::from_millis(400), total: Duration::from_secs(20), ..Limits::default() }
}

pub(crate) fn me(seconds: i64) -> Signature {
    Signature::new("Seaway", "seaway@example.com", jiff::Timestamp::from_second(1_700_000_000 + seconds).unwrap())
}

async fn serve(stream: TcpStream, root: PathBuf, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    loop {
        if one(&mut stream, &root, &state).await.is_none() {
            return;
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one request from top to bottom reads best in one piece")]
async fn one(stream: &mut BufReader<TcpStream>, root: &Path, state: &State) -> Option<()> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization, mut content_type, mut protocol) = (0, String::new(), String::new(), String::new());
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = value.to_owned(),
            "content-type" => content_type = value.to_owned(),
            "git-protocol" => protocol = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    state.n_requests.fetch_add(1, Ordering::SeqCst);
    let fault = *state.fault.lock().unwrap();
    let is_push = method == "POST" && target.ends_with("git-receive-pack");
    let is_fetch = method == "POST" && body.windows(5).any(|it| it == b"want ");
    if fault == Fault::Hang {
        std::future::pending::<()>().await;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if fault == Fault::NotFound {
        return plain(stream, "404 Not Found", "").await;
    }
    if fault == Fault::Html {
        return plain(stream, "200 OK", "").await;
    }
    if fault == Fault::Redirect && method == "GET" && !path.starts_with("/moved/") {
        return plain(stream, "302 Found", &format!("Location: /moved{target}\r\n")).await;
    }
    let path = path.strip_prefix("/moved").unwrap_or(path);
    let password = state.password.lock().unwrap().clone();
    if let Some(password) = password {
        use base64::Engine as _;
        let wanted = base64::engine::general_purpose::STANDARD.encode(format!("me:{password}"));
        if authorization != format!("Basic {wanted}") {
            return plain(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"git\"\r\n").await;
        }
    }
    if is_push && fault == Fault::RedirectPush && target == path {
        return plain(stream, "307 Temporary Redirect", &format!("Location: /moved{target}\r\n")).await;
    }
    if is_push && fault == Fault::CutBeforePush {
        return None;
    }
    if state.v0.load(Ordering::SeqCst) {
        protocol.clear();
    }
    if is_push {
        state.push_bytes.store(body.len(), Ordering::SeqCst);
    }
    let output = backend(root, &method, path, query, &content_type, &protocol, body).await;
    if is_push {
        state.n_pushes.fetch_add(1, Ordering::SeqCst);
    }
    if is_fetch {
        state.n_fetches.fetch_add(1, Ordering::SeqCst);
    }
    if is_push && fault == Fault::CutAfterPush {
        return None;
    }
    let end = output.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let body = &output[end + 4..];
    let status = head.lines().find_map(|it| it.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    let headers: Vec<_> = head.lines().filter(|it| !it.starts_with("Status: ")).collect();
    let head = format!("HTTP/1.1 {status}\r\n{}\r\nContent-Length: {}\r\n\r\n", headers.join("\r\n"), body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    if is_fetch && fault == Fault::CutFetch {
        stream.write_all(&body[..body.len() / 2]).await.ok()?;
        stream.flush().await.ok()?;
        return None;
    }
    stream.write_all(body).await.ok()?;
    stream.flush().await.ok()
}

async fn plain(stream: &mut BufReader<TcpStream>, status: &str, headers: &str) -> Option<()> {
    let text = format!("HTTP/1.1 {status}\r\n{headers}Content-Type: text/html\r\nContent-Length: 5\r\n\r\nhello");
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn backend(
    root: &Path,
    method: &str,
    path: &str,
    query: &str,
    content_type: &str,
    protocol: &str,
    body: Vec<u8>,
) -> Vec<u8> {
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("REQUEST_METHOD", method).env("PATH_INFO", path);
    command.env("QUERY_STRING", query).env("CONTENT_TYPE", content_type).env("CONTENT_LENGTH", body.len().to_string());
    command.env("REMOTE_ADDR", "127.0.0.1").env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1");
    if !protocol.is_empty() {
        command.env("GIT_PROTOCOL", protocol);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = async move {
        let _ = stdin.write_all(&body).await;
        drop(stdin);
    };
    let (_, output) = tokio::join!(feed, child.wait_with_output());
    output.unwrap().stdout
}
