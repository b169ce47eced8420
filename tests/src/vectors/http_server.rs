//! The server of `http` cases: answers what a case says, and remembers what it was asked.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request's head may be this large.
const HEAD_BYTES_MAX: usize = 256 << 10;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answers: Value) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One at a time: the next answer of a sequence belongs to the next request.
                // A client that goes away early is what some cases are about.
                let _ = answer(stream, &answers, &kept).await;
            }
        });
        Ok(Self { addr, seen, task })
    }

    /// The requests so far, in the form of the cases.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.seen.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, answers: &Value, seen: &Mutex<Vec<Value>>) -> Result<()> {
    let request = read(&mut stream).await?;
    let is_head = request["method"] == "HEAD";
    let n = {
        let mut seen = seen.lock();
        seen.push(request);
        seen.len() - 1
    };
    let answer = match answers["sequence"].as_array() {
        Some(sequence) => sequence.get(n).or_else(|| sequence.last()).context("an empty sequence")?,
        None => answers,
    };
    if let Some(delay) = answer["delayMs"].as_u64() {
        // The case is about a slow server: the delay is the condition itself.
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    if answer["close"] == true {
        return Ok(());
    }
    let status = answer["status"].as_u64().unwrap_or(200);
    let body = body(&answer["body"])?;
    let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n").into_bytes();
    for header in answer["headers"].as_array().into_iter().flatten() {
        head.extend(
            format!("{}: {}\r\n", header[0].as_str().unwrap_or_default(), header[1].as_str().unwrap_or_default()).bytes(),
        );
    }
    let chunked = answer["chunked"] == true;
    head.extend(
        if chunked { "Transfer-Encoding: chunked\r\n\r\n".to_owned() } else { format!("Content-Length: {}\r\n\r\n", body.len()) }
            .bytes(),
    );
    stream.write_all(&head).await?;
    if !is_head && !matches!(status, 204 | 304) {
        if chunked {
            for piece in body.chunks(body.len().div_ceil(2).max(1)) {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                stream.write_all(piece).await?;
                stream.write_all(b"\r\n").await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        } else {
            stream.write_all(&body).await?;
        }
    }
    stream.shutdown().await?;
    Ok(())
}

fn body(body: &Value) -> Result<Vec<u8>> {
    if let Some(text) = body.as_str() {
        return Ok(text.as_bytes().to_vec());
    }
    if let Some(text) = body["base64"].as_str() {
        return Ok(base64::engine::general_purpose::STANDARD.decode(text)?);
    }
    if let (Some(text), Some(times)) = (body["repeat"].as_str(), body["times"].as_u64()) {
        return Ok(text.repeat(usize::try_from(times)?).into_bytes());
    }
    Ok(Vec::new())
}

async fn read(stream: &mut TcpStream) -> Result<Value> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await?;
        anyhow::ensure!(n > 0 && bytes.len() < HEAD_BYTES_MAX, "no request");
        bytes.extend_from_slice(&piece[..n]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default().to_owned());
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let header =
        |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str());
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while body.len() < length {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await?;
        anyhow::ensure!(n > 0, "half a body");
        body.extend_from_slice(&piece[..n]);
    }
    Ok(json!({ "method": method, "target": target, "headers": headers, "body": String::from_utf8_lossy(&body) }))
}
