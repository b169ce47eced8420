//! Asks the port in exactly the bytes that a test wants: any path, any host, any header.

use crate::running::{Plane, SOON};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Error, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Each header's name in lower case, and its value.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {} {}", self.status, self.body))
    }

    /// `NAME=VALUE` of the cookie that is set.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.header("set-cookie").and_then(|text| text.split(';').next()).map(str::to_owned)
    }

    /// The word of a problem.
    pub(crate) fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The head and the body, to look for what must not be there.
    pub(crate) fn whole(&self) -> String {
        let head = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        head.chain([self.body.clone()]).collect()
    }
}

/// Where a control plane is reached.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Door {
    pub(crate) fn of(plane: &Plane) -> Self {
        let url = plane.ready.split_whitespace().find_map(|word| word.strip_prefix("https://")).unwrap();
        let ca = std::fs::read(plane.data().join("tls/ca.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let tls = tls.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
        Self { address: url.parse().unwrap(), tls: Arc::new(tls) }
    }

    /// The page's own origin.
    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A connection that is kept for the next question.
    pub(crate) fn line(&self) -> Line {
        Line { door: self.clone(), kept: None }
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.line().ask(method, target, headers, body)
    }

    /// The same of one that may be gone; `None` if no whole answer came.
    pub(crate) fn try_ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let request = written(self, method, target, headers, body);
        self.connect().and_then(|connection| exchange(connection, method, &request)).ok().map(|(answer, _)| answer)
    }

    /// Asks with a token.
    pub(crate) fn as_bearer(&self, token: &str, method: &str, target: &str, body: &str) -> Answer {
        self.ask(method, target, &[("Authorization", &format!("Bearer {token}"))], body)
    }

    /// Asks as the page of a browser that holds this cookie does.
    pub(crate) fn as_page(&self, cookie: &str, method: &str, target: &str, body: &str) -> Answer {
        self.ask(method, target, &[("Cookie", cookie), ("Origin", &self.origin())], body)
    }

    /// Asks for what has no end, and stays.
    pub(crate) fn open(&self, target: &str, headers: &[(&str, &str)]) -> Open {
        let mut connection = self.connect().unwrap();
        let request = written(self, "GET", target, headers, "");
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let answer = head(&mut connection).unwrap();
        assert_eq!(answer.status, 200, "{target}");
        Open(connection)
    }

    fn connect(&self) -> Result<Connection> {
        let name = ServerName::from(self.address.ip());
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).map_err(Error::other)?;
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(SOON))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(StreamOwned::new(connection, stream)))
    }
}

type Connection = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// An answer that goes on.
pub(crate) struct Open(Connection);

impl Open {
    /// What came until its end.
    pub(crate) fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        // An answer that is cut off has ended too.
        let _ = chunks(&mut self.0, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A connection that is made when it is needed, and kept.
pub(crate) struct Line {
    door: Door,
    kept: Option<Connection>,
}

impl Line {
    /// Asks; of an answer that has no end only the head is read.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = written(&self.door, method, target, headers, body);
        let kept = self.kept.take();
        // A connection that was kept may have been closed meanwhile.
        let again = |door: &Door| exchange(door.connect()?, method, &request);
        let exchanged = match kept {
            Some(kept) => exchange(kept, method, &request).or_else(|_| again(&self.door)),
            None => again(&self.door),
        };
        let (answer, kept) = exchanged.unwrap_or_else(|err| panic!("{method} {target}: {err}"));
        self.kept = kept;
        answer
    }
}

fn written(door: &Door, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut request = format!("{method} {target} HTTP/1.1\r\n");
    let is_said = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !is_said("host") {
        request += &format!("Host: {}\r\n", door.address);
    }
    if !body.is_empty() && !is_said("content-type") {
        request += "Content-Type: application/json\r\n";
    }
    request + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The first line and the headers.
fn head(connection: &mut Connection) -> Result<Answer> {
    let line = line(connection)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| Error::other(line.clone()))?;
    let mut answer = Answer { status, headers: Vec::new(), body: String::new() };
    loop {
        let line = self::line(connection)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(answer) };
        answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn exchange(mut connection: Connection, method: &str, request: &str) -> Result<(Answer, Option<Connection>)> {
    connection.get_mut().write_all(request.as_bytes())?;
    connection.get_mut().flush()?;
    let mut answer = head(&mut connection)?;
    let status = answer.status;
    let has_end = answer.header("content-type") != Some("text/event-stream") && !request.contains("watch=true");
    let mut bytes = Vec::new();
    if method == "HEAD" || matches!(status, 204 | 304) {
    } else if let Some(n_bytes) = answer.header("content-length").and_then(|text| text.parse().ok()) {
        bytes.resize(n_bytes, 0);
        connection.read_exact(&mut bytes)?;
    } else if status == 200 && !has_end {
        return Ok((answer, None));
    } else {
        chunks(&mut connection, &mut bytes)?;
    }
    answer.body = String::from_utf8_lossy(&bytes).into_owned();
    let closes = answer.header("connection") == Some("close");
    Ok((answer, (!closes).then_some(connection)))
}

fn line(connection: &mut Connection) -> Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// RFC 9112, section Chunked Transfer Coding.
fn chunks(connection: &mut Connection, bytes: &mut Vec<u8>) -> Result<()> {
    loop {
        let size = line(connection)?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| Error::other(format!("no size of a chunk: {size:?}")))?;
        let start = bytes.len();
        bytes.resize(start + size, 0);
        connection.read_exact(&mut bytes[start..])?;
        line(connection)?;
        if size == 0 {
            return Ok(());
        }
    }
}
