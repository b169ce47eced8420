//! The HTTP side of the git server: paths, headers, and bytes between the client and git's own programs.

use super::faults::{Fault, Service};
use super::{GitEvent, Inner, repositories};
use crate::auth::challenge;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use flate2::write::GzDecoder;
use futures::{Stream, StreamExt as _};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::mpsc;

/// Chunks of an answer that wait for a slow client.
const MAX_WAITING_CHUNKS: usize = 8;
/// What is logged of one git's complaints.
const MAX_LOG_BYTES: u64 = 64 << 10;

impl Service {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::Upload),
            "git-receive-pack" => Some(Self::Receive),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload-pack",
            Self::Receive => "receive-pack",
        }
    }
}

/// What a request is about.
struct Call {
    repository: String,
    path: PathBuf,
    service: Service,
    advertisement: bool,
    /// The value of `Git-Protocol`, if it is a plain one.
    protocol: Option<String>,
}

impl Call {
    fn read(inner: &Inner, request: &Request) -> Option<Self> {
        let path = request.uri().path();
        let (name, service, advertisement) = if let Some(name) = path.strip_suffix("/info/refs") {
            let query = request.uri().query().unwrap_or_default();
            let service = query.split('&').find_map(|pair| pair.strip_prefix("service="))?;
            (name, Service::parse(service)?, true)
        } else {
            let (name, service) = path.rsplit_once('/')?;
            (name, Service::parse(service)?, false)
        };
        if request.method() != if advertisement { Method::GET } else { Method::POST } {
            return None;
        }
        let repository = repositories::bare_name(name).ok()?;
        let path = repositories::path(&inner.dir, &repository).ok()?;
        let protocol = request.headers().get("git-protocol").and_then(|value| value.to_str().ok());
        let plain = |value: &&str| value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '=' | ':' | '.' | '-'));
        let protocol = protocol.filter(plain).map(str::to_owned);
        path.join("HEAD").exists().then_some(Self { repository, path, service, advertisement, protocol })
    }

    fn is_version_2(&self) -> bool {
        self.protocol.as_deref().is_some_and(|value| value.split(':').any(|part| part == "version=2"))
    }

    fn spawn(&self, inner: &Inner, refuse: Option<&str>) -> io::Result<Child> {
        let mut command = Command::new("git");
        // The hook is there to refuse; without that a push is spared a shell.
        let hooks = if refuse.is_some() { repositories::own_dir(&inner.dir).join("hooks") } else { "/dev/null".into() };
        command.arg("-c").arg(format!("core.hooksPath={}", hooks.display()));
        command.args([self.service.name(), "--stateless-rpc"]);
        if self.advertisement {
            command.arg("--advertise-refs");
        }
        command.arg(&self.path).env_clear().envs(repositories::environment(&inner.dir)).kill_on_drop(true);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
        if let Some(protocol) = &self.protocol {
            command.env("GIT_PROTOCOL", protocol);
        }
        if let Some(name) = refuse {
            command.env("NEIGHBOUR_REFUSE", name);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log(stderr, self.repository.clone()));
        }
        Ok(child)
    }
}

/// Passes on to our log what git complains about.
async fn log(stderr: ChildStderr, repository: String) {
    let mut lines = BufReader::new(stderr.take(MAX_LOG_BYTES)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(repository, "git: {line}");
    }
    // What git says beyond that is read and forgotten, so that it does not wait for us.
    let mut rest = lines.into_inner().into_inner().into_inner();
    let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
}

/// Answers one request.
pub(super) async fn answer(inner: &Arc<Inner>, request: Request) -> Response<Body> {
    inner.n_requests.fetch_add(1, Ordering::SeqCst);
    if inner.options.login.as_ref().is_some_and(|login| !login.is_in(request.headers())) {
        return challenge("Basic realm=\"git\"", Body::empty());
    }
    let Some(call) = Call::read(inner, &request) else {
        return plain(StatusCode::NOT_FOUND, "no such repository or service");
    };
    let fault = inner.faults.take(call.service, call.advertisement);
    if let Some(Fault::Status(status)) = fault {
        return plain(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "as you asked");
    }
    if fault == Some(Fault::Hang) {
        return std::future::pending().await;
    }
    let result = if call.advertisement { advertise(inner, &call).await } else { exchange(inner, call, request, fault).await };
    result.unwrap_or_else(|err| {
        tracing::warn!("git server: {err}");
        plain(StatusCode::INTERNAL_SERVER_ERROR, "git could not be run")
    })
}

async fn advertise(inner: &Inner, call: &Call) -> io::Result<Response<Body>> {
    let output = call.spawn(inner, None)?.wait_with_output().await?;
    let mut body = Vec::new();
    if !(call.service == Service::Upload && call.is_version_2()) {
        let line = format!("# service=git-{}\n", call.service.name());
        write!(body, "{:04x}{line}0000", line.len() + 4)?;
    }
    body.extend_from_slice(&output.stdout);
    Ok(typed(&format!("application/x-git-{}-advertisement", call.service.name()), Body::from(body)))
}

async fn exchange(inner: &Arc<Inner>, call: Call, request: Request, fault: Option<Fault>) -> io::Result<Response<Body>> {
    let refuse = match &fault {
        Some(Fault::RefuseRef { name }) => Some(name.as_str()),
        _ => None,
    };
    // Before a push over several requests git sends an empty one to see whether it may: that is no push yet.
    let probe = request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length == "4");
    let push = if call.service == Service::Receive && !probe { Some(Push::begin(inner, &call).await) } else { None };
    let mut child = call.spawn(inner, refuse)?;
    let gzip = is_gzip(request.headers());
    let mime = format!("application/x-git-{}-result", call.service.name());
    let stdin = child.stdin.take();
    let (chunks, waiting) = mpsc::channel(MAX_WAITING_CHUNKS);
    let body = request.into_body();
    // A push goes on to its end even where the client has gone away, as it would behind a web server.
    tokio::spawn(talk(Arc::clone(inner), child, push, chunks));
    tokio::spawn(async move {
        if let Some(stdin) = stdin
            && let Err(err) = feed(body, stdin, gzip).await
        {
            tracing::debug!("git server: the request broke off: {err}");
        }
    });
    let answer = futures::stream::unfold(waiting, |mut waiting| async move { Some((waiting.recv().await?, waiting)) });
    let body = match fault {
        Some(Fault::HangAnswer) => {
            let mut answer = Box::pin(answer);
            while answer.next().await.is_some() {}
            return std::future::pending().await;
        }
        Some(Fault::CutAnswer { after_bytes }) => Body::from_stream(cut(answer, after_bytes)),
        _ => Body::from_stream(answer.map(io::Result::Ok)),
    };
    Ok(typed(&mime, body))
}

/// A push that is under way.
struct Push {
    repository: String,
    path: PathBuf,
    before: BTreeMap<String, String>,
}

impl Push {
    async fn begin(inner: &Inner, call: &Call) -> Self {
        inner.n_receives.fetch_add(1, Ordering::SeqCst);
        let before = repositories::refs(&call.path).await;
        inner.tell(&GitEvent::ReceiveBegan { repository: call.repository.clone() });
        Self { repository: call.repository.clone(), path: call.path.clone(), before }
    }

    async fn end(self, inner: &Inner) {
        let changes = repositories::changes(&self.before, &repositories::refs(&self.path).await);
        inner.tell(&GitEvent::ReceiveEnded { repository: self.repository, changes });
    }
}

/// Passes on what git answers; the answer of a push is short and held back until the listeners know.
async fn talk(inner: Arc<Inner>, mut child: Child, push: Option<Push>, chunks: mpsc::Sender<Bytes>) {
    let Some(mut stdout) = child.stdout.take() else { return };
    let mut held = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n) = stdout.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        if push.is_some() {
            held.extend_from_slice(&buffer[..n]);
        } else if chunks.send(Bytes::copy_from_slice(&buffer[..n])).await.is_err() {
            // The client is gone; git goes with `child`.
            return;
        }
    }
    drop(stdout);
    let _ = child.wait().await;
    if let Some(push) = push {
        push.end(&inner).await;
        let _ = chunks.send(Bytes::from(held)).await;
    }
}

/// Streams the request to git, unpacked.
async fn feed(body: Body, mut stdin: ChildStdin, gzip: bool) -> io::Result<()> {
    let mut stream = body.into_data_stream();
    let mut unpacker = gzip.then(|| GzDecoder::new(Vec::new()));
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(io::Error::other)?;
        match &mut unpacker {
            None => stdin.write_all(&chunk).await?,
            Some(unpacker) => {
                unpacker.write_all(&chunk)?;
                let unpacked = std::mem::take(unpacker.get_mut());
                stdin.write_all(&unpacked).await?;
            }
        }
    }
    if let Some(unpacker) = unpacker {
        stdin.write_all(&unpacker.finish()?).await?;
    }
    stdin.shutdown().await
}

/// The stream until it has given `after_bytes`, and then an error that breaks the connection.
fn cut(stream: impl Stream<Item = Bytes> + Send + 'static, after_bytes: usize) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let state = (Box::pin(stream), after_bytes, false);
    futures::stream::unfold(state, |(mut stream, left, broken)| async move {
        if broken {
            return None;
        }
        let error = || Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut as asked"));
        match stream.next().await {
            Some(chunk) if chunk.len() < left => {
                let left = left - chunk.len();
                Some((Ok(chunk), (stream, left, false)))
            }
            Some(chunk) if left > 0 => Some((Ok(chunk.slice(..left)), (stream, 0, false))),
            _ => Some((error(), (stream, 0, true))),
        }
    })
}

fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    matches!(encoding.trim(), "gzip" | "x-gzip")
}

fn typed(mime: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    if let Ok(value) = HeaderValue::from_str(mime) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = typed("text/plain", Body::from(text));
    *response.status_mut() = status;
    response
}
