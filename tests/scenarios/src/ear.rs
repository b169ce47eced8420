//! Somebody to send requests to: an HTTP server that remembers what it was sent and answers as it was told.

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request must be there by then.
const PATIENCE: Duration = Duration::from_secs(10);
/// A longer body is cut.
const BODY_MAX: usize = 1 << 20;
/// A request with more headers is not read.
const N_HEADERS_MAX: usize = 100;

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard {
    /// `POST`.
    pub method: String,
    /// `/chat`.
    pub path: String,
    /// The header `Idempotency-Key`, empty if it has none.
    pub key: String,
    /// The body.
    pub body: String,
}

#[derive(Default)]
struct Inner {
    heard: Mutex<Vec<Heard>>,
    answers: Mutex<BTreeMap<String, VecDeque<(u16, String)>>>,
}

/// The server; it stops when this is dropped.
pub struct Ear {
    address: SocketAddr,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    /// Listens on a free port of loopback. Whatever it was not told about is answered `200` with `{}`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listen for requests")?;
        let address = listener.local_addr().context("read the port")?;
        let inner = Arc::new(Inner::default());
        let server = Arc::clone(&inner);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&server);
                tokio::spawn(async move { tokio::time::timeout(PATIENCE, answer(stream, &server)).await });
            }
        });
        Ok(Self { address, inner, task })
    }

    /// `127.0.0.1:41234`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on answers a path like this.
    pub fn answer(&self, path: &str, status: u16, body: &str) {
        self.answer_in_turn(path, &[(status, body)]);
    }

    /// From now on answers a path with these, one after the other; the last one stays.
    pub fn answer_in_turn(&self, path: &str, answers: &[(u16, &str)]) {
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        self.inner.answers.lock().insert(path.to_owned(), answers);
    }

    /// Forgets every request so far.
    pub fn forget(&self) {
        self.inner.heard.lock().clear();
    }

    /// Every request so far, in order of arrival.
    pub fn heard(&self) -> Vec<Heard> {
        self.inner.heard.lock().clone()
    }
}

async fn answer(stream: TcpStream, inner: &Inner) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        // Whoever connected died before asking anything.
        return Ok(());
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let (mut length, mut key) = (0, String::new());
    for _ in 0..N_HEADERS_MAX {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<usize>().unwrap_or(0).min(BODY_MAX),
            "idempotency-key" => value.trim().clone_into(&mut key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = String::from_utf8_lossy(&body).into_owned();
    inner.heard.lock().push(Heard { method, path: path.clone(), key, body });
    let (status, text) = next(inner, &path);
    let head = format!(
        "HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

fn next(inner: &Inner, path: &str) -> (u16, String) {
    let mut answers = inner.answers.lock();
    let planned = answers.get_mut(path);
    let next = planned.and_then(|planned| if planned.len() > 1 { planned.pop_front() } else { planned.front().cloned() });
    next.unwrap_or((200, "{}".to_owned()))
}
