//! Git's smart HTTP, as a client: what references there are, and the pack of what is missing (gitprotocol-http, -v2, -pack).

use crate::error::{GitError, TransportError};
use crate::pktline::{self, Packet, ReadError, Reader};
use crate::refs::RemoteRefs;
use crate::remote::Remote;
use crate::transport::{Method, Request, Response, Transport};
use bytes::Bytes;
use futures::StreamExt as _;
use gix::ObjectId;
use parking_lot::Mutex;
use seaway_base::Secret;
use seaway_base::http::server;
use std::sync::Arc;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use url::Url;

const AGENT: &str = concat!("agent=seaway/", env!("CARGO_PKG_VERSION"));
/// So much of an error page is shown.
const MESSAGE_BYTES_MAX: usize = 300;
/// More references than this and we refuse to hold them.
const REFS_MAX: usize = 500_000;

/// The two services of smart HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    UploadPack,
    ReceivePack,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// Where requests go after redirects, and what the server said it can.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    base: Url,
    credential: Option<(String, Secret<String>)>,
    v2: bool,
    pub(crate) capabilities: String,
}

impl Endpoint {
    pub(crate) fn can(&self, capability: &str) -> bool {
        self.capabilities.split(' ').any(|it| it == capability || it.split('=').next() == Some(capability))
    }
}

/// A server spoken to for one remote.
pub(crate) struct Wire {
    transport: Arc<dyn Transport>,
    remote: Remote,
    pub(crate) repo: String,
    /// Kept so that a poll is one request. Forgotten on any error.
    upload: Mutex<Option<Endpoint>>,
    /// Kept so that a push is one request, where nothing else moved. Forgotten when one is not taken.
    receive: Mutex<Option<Endpoint>>,
}

impl Wire {
    pub(crate) fn new(transport: Arc<dyn Transport>, remote: Remote) -> Self {
        Self { transport, repo: remote.shown(), remote, upload: Mutex::new(None), receive: Mutex::new(None) }
    }

    /// Where the last push went.
    pub(crate) fn receiver(&self) -> Option<Endpoint> {
        self.receive.lock().clone()
    }

    pub(crate) fn keep_receiver(&self, endpoint: Option<Endpoint>) {
        *self.receive.lock() = endpoint;
    }

    /// Takes the password out of a text that the server wrote, and control characters with it.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text: String = text.chars().map(|it| if it.is_control() && it != '\n' { ' ' } else { it }).collect();
        let secret = self.remote.parts().ok().and_then(|parts| parts.1).map(|it| it.1.reveal().clone());
        if let Some(secret) = secret.filter(|it| !it.is_empty()) {
            text = text.replace(&secret, "***");
        }
        text.trim().to_owned()
    }

    fn transport_error(&self, doing: &'static str, err: TransportError) -> GitError {
        GitError::Transport { doing, repo: self.repo.clone(), err }
    }

    pub(crate) fn protocol_error(&self, doing: &'static str, why: impl Into<String>) -> GitError {
        GitError::Protocol { doing, repo: self.repo.clone(), why: self.clean(&why.into()) }
    }

    pub(crate) fn read_error(&self, doing: &'static str, err: ReadError) -> GitError {
        match err {
            ReadError::Transport(err) => self.transport_error(doing, err),
            ReadError::Malformed(why) => self.protocol_error(doing, why),
            ReadError::Ended => {
                let host = self.remote.parts().map(|it| server(&it.0)).unwrap_or_default();
                self.transport_error(doing, TransportError::Cut { host, why: "the answer ends too early".into() })
            }
        }
    }

    async fn answer(&self, doing: &'static str, had_credential: bool, response: Response) -> Result<Response, GitError> {
        let repo = || self.repo.clone();
        let status = response.status;
        match status {
            200 => Ok(response),
            401 | 403 => Err(GitError::Unauthorized { doing, repo: repo(), status, had_credential }),
            404 | 410 => Err(GitError::NotFound { doing, repo: repo() }),
            _ => {
                let mut body = response.body;
                let mut text = Vec::new();
                while let (true, Some(Ok(piece))) = (text.len() < MESSAGE_BYTES_MAX, body.next().await) {
                    text.extend_from_slice(&piece);
                }
                text.truncate(MESSAGE_BYTES_MAX);
                let text = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
                Err(GitError::Status { doing, repo: repo(), status, message: self.clean(&text) })
            }
        }
    }

    /// Asks `info/refs`, the one request whose redirects are followed; the reader stands after the capabilities of version 2, or at
    /// the first reference.
    pub(crate) async fn discover(
        &self,
        doing: &'static str,
        service: Service,
    ) -> Result<(Endpoint, Reader, Option<Bytes>), GitError> {
        let (base, credential) = self.remote.parts()?;
        let mut url = base.clone();
        url.set_path(&format!("{}/info/refs", base.path().trim_end_matches('/')));
        url.set_query(Some(&format!("service={}", service.name())));
        let mut headers = vec![("Accept", "*/*".to_owned()), ("Pragma", "no-cache".to_owned())];
        if service == Service::UploadPack {
            headers.push(("Git-Protocol", "version=2".to_owned()));
        }
        let request = Request {
            method: Method::Get,
            url,
            headers,
            body: Bytes::new(),
            credential: credential.clone(),
            skip_tls_verify: self.remote.skip_tls_verify,
        };
        let response = self.transport.send(request).await.map_err(|err| self.transport_error(doing, err))?;
        let response = self.answer(doing, credential.is_some(), response).await?;
        let expected = format!("application/x-{}-advertisement", service.name());
        if response.content_type != expected {
            let why = format!("info/refs is `{}`; is the URL that of a git repository?", response.content_type);
            return Err(self.protocol_error(doing, why));
        }
        let mut endpoint = self.endpoint(doing, &base, &response.url, credential)?;
        let mut reader = Reader::new(response.body);
        let first = self.advertised(doing, service, &mut endpoint, &mut reader).await?;
        Ok((endpoint, reader, first))
    }

    /// Where POSTs go: the redirected base, with the credential only if it is the same origin or the same host made safer.
    fn endpoint(
        &self,
        doing: &'static str,
        asked: &Url,
        found: &Url,
        credential: Option<(String, Secret<String>)>,
    ) -> Result<Endpoint, GitError> {
        let mut base = found.clone();
        let path = found.path().strip_suffix("/info/refs");
        let path =
            path.ok_or_else(|| self.protocol_error(doing, "info/refs is redirected to something that is not info/refs"))?;
        base.set_path(path);
        base.set_query(None);
        let same = asked.origin() == base.origin()
            || (asked.host_str() == base.host_str() && asked.scheme() == "http" && base.scheme() == "https");
        let credential = credential.filter(|_| same);
        Ok(Endpoint { base, credential, v2: false, capabilities: String::new() })
    }

    async fn advertised(
        &self,
        doing: &'static str,
        service: Service,
        endpoint: &mut Endpoint,
        reader: &mut Reader,
    ) -> Result<Option<Bytes>, GitError> {
        let bad = |err| self.read_error(doing, err);
        let mut packet = reader.expect().await.map_err(bad)?;
        if matches!(&packet, Packet::Data(line) if pktline::text(line) == format!("# service={}", service.name())) {
            packet = reader.expect().await.map_err(bad)?;
            if packet == Packet::Flush {
                packet = reader.expect().await.map_err(bad)?;
            }
        }
        loop {
            let Packet::Data(line) = packet else { return Ok(None) };
            let text = pktline::text(&line);
            if let Some(message) = text.strip_prefix("ERR ") {
                return Err(GitError::Remote { doing, repo: self.repo.clone(), message: self.clean(message) });
            }
            if text == "version 2" {
                endpoint.v2 = true;
                while let Packet::Data(line) = reader.expect().await.map_err(bad)? {
                    endpoint.capabilities.push_str(&pktline::text(&line));
                    endpoint.capabilities.push('\n');
                }
                endpoint.capabilities = endpoint.capabilities.trim_end().replace('\n', " ");
                return Ok(None);
            }
            if text != "version 1" {
                if let Some(nul) = line.iter().position(|it| *it == 0) {
                    endpoint.capabilities = pktline::text(&line[nul + 1..]);
                    return Ok(Some(line.slice(..nul)));
                }
                return Ok(Some(line));
            }
            packet = reader.expect().await.map_err(bad)?;
        }
    }

    /// Sends a POST to a service; the caller maps its transport errors, because what they mean depends on what was sent.
    pub(crate) async fn post(&self, endpoint: &Endpoint, service: Service, body: Bytes) -> Result<Response, TransportError> {
        let mut url = endpoint.base.clone();
        url.set_path(&format!("{}/{}", endpoint.base.path().trim_end_matches('/'), service.name()));
        let mut headers = vec![
            ("Content-Type", format!("application/x-{}-request", service.name())),
            ("Accept", format!("application/x-{}-result", service.name())),
        ];
        if endpoint.v2 {
            headers.push(("Git-Protocol", "version=2".to_owned()));
        }
        let credential = endpoint.credential.clone();
        let skip_tls_verify = self.remote.skip_tls_verify;
        self.transport.send(Request { method: Method::Post, url, headers, body, credential, skip_tls_verify }).await
    }

    /// Checks the status and type of a POST's answer.
    pub(crate) async fn accepted(
        &self,
        doing: &'static str,
        endpoint: &Endpoint,
        service: Service,
        response: Response,
    ) -> Result<Reader, GitError> {
        let response = self.answer(doing, endpoint.credential.is_some(), response).await?;
        if response.content_type != format!("application/x-{}-result", service.name()) {
            return Err(self.protocol_error(doing, format!("the answer is `{}`", response.content_type)));
        }
        Ok(Reader::new(response.body))
    }

    /// Branches and tags as this credential sees them.
    pub(crate) async fn ls_refs(&self, doing: &'static str) -> Result<(Endpoint, RemoteRefs), GitError> {
        let known = self.upload.lock().clone();
        if let Some(endpoint) = known {
            match self.ls_refs_v2(doing, &endpoint).await {
                Ok(refs) => return Ok((endpoint, refs)),
                // A server may have moved or been replaced since: ask it anew, once.
                Err(_) => *self.upload.lock() = None,
            }
        }
        let (endpoint, mut reader, first) = self.discover(doing, Service::UploadPack).await?;
        if endpoint.v2 {
            // What it can do is known: nobody waits for the rest of that answer.
            drop(reader);
            let refs = self.ls_refs_v2(doing, &endpoint).await?;
            *self.upload.lock() = Some(endpoint.clone());
            return Ok((endpoint, refs));
        }
        let refs = self.refs_v0(doing, &endpoint, &mut reader, first).await?;
        Ok((endpoint, refs))
    }

    async fn ls_refs_v2(&self, doing: &'static str, endpoint: &Endpoint) -> Result<RemoteRefs, GitError> {
        let mut body = Vec::new();
        pktline::push(&mut body, "command=ls-refs\n");
        pktline::push(&mut body, AGENT);
        pktline::push(&mut body, "object-format=sha1");
        pktline::delimiter(&mut body);
        for line in
            ["peel\n", "symrefs\n", "unborn\n", "ref-prefix HEAD\n", "ref-prefix refs/heads/\n", "ref-prefix refs/tags/\n"]
        {
            if line != "unborn\n" || endpoint.capabilities.contains("ls-refs=unborn") {
                pktline::push(&mut body, line);
            }
        }
        pktline::flush(&mut body);
        let response = self.post(endpoint, Service::UploadPack, body.into()).await;
        let response = response.map_err(|err| self.transport_error(doing, err))?;
        let mut reader = self.accepted(doing, endpoint, Service::UploadPack, response).await?;
        let mut refs = RemoteRefs::default();
        let mut n = 0;
        while let Packet::Data(line) = reader.expect().await.map_err(|err| self.read_error(doing, err))? {
            let text = pktline::text(&line);
            self.one_ref(doing, &mut refs, &text)?;
            n += 1;
            if n > REFS_MAX {
                return Err(self.protocol_error(doing, format!("more than {REFS_MAX} references")));
            }
        }
        Ok(refs)
    }

    fn one_ref(&self, doing: &'static str, refs: &mut RemoteRefs, line: &str) -> Result<(), GitError> {
        if let Some(message) = line.strip_prefix("ERR ") {
            return Err(GitError::Remote { doing, repo: self.repo.clone(), message: self.clean(message) });
        }
        let mut words = line.split(' ');
        let (hex, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (mut peeled, mut symref) = (None, None);
        for word in words {
            if let Some(hex) = word.strip_prefix("peeled:") {
                peeled = ObjectId::from_hex(hex.as_bytes()).ok();
            } else if let Some(target) = word.strip_prefix("symref-target:") {
                symref = Some(target);
            }
        }
        if hex == "unborn" {
            refs.head = symref.and_then(|it| it.strip_prefix("refs/heads/")).map(str::to_owned);
            return Ok(());
        }
        let id =
            sha1_id(hex).ok_or_else(|| self.protocol_error(doing, format!("`{line}` is no reference of a SHA-1 repository")))?;
        refs.add(name, id, peeled, symref);
        Ok(())
    }

    /// Reads an advertisement of protocol 0 or 1 to its end.
    pub(crate) async fn refs_v0(
        &self,
        doing: &'static str,
        endpoint: &Endpoint,
        reader: &mut Reader,
        first: Option<Bytes>,
    ) -> Result<RemoteRefs, GitError> {
        let mut refs = RemoteRefs::default();
        let head = endpoint.capabilities.split(' ').find_map(|it| it.strip_prefix("symref=HEAD:")).map(str::to_owned);
        let mut line = first;
        let mut n = 0;
        while let Some(data) = line {
            let text = pktline::text(&data);
            let name = text.split(' ').nth(1).unwrap_or_default();
            if name != "capabilities^{}" && !text.starts_with("shallow ") {
                let text = head
                    .as_ref()
                    .filter(|_| name == "HEAD")
                    .map_or_else(|| text.clone(), |it| format!("{text} symref-target:{it}"));
                self.one_ref(doing, &mut refs, &text)?;
            }
            n += 1;
            if n > REFS_MAX {
                return Err(self.protocol_error(doing, format!("more than {REFS_MAX} references")));
            }
            line = match reader.next().await.map_err(|err| self.read_error(doing, err))? {
                Some(Packet::Data(data)) => Some(data),
                _ => None,
            };
        }
        Ok(refs)
    }

    /// Fetches a pack of what `wants` reach and `haves` do not, in one round, and writes it to `sink` as it arrives.
    pub(crate) async fn fetch_pack<W: AsyncWrite + Unpin>(
        &self,
        endpoint: &Endpoint,
        wants: &[ObjectId],
        haves: &[ObjectId],
        sink: &mut W,
    ) -> Result<(), GitError> {
        const DOING: &str = "fetch from";
        let body = if endpoint.v2 { fetch_v2(wants, haves) } else { fetch_v0(endpoint, wants, haves) };
        let response = self.post(endpoint, Service::UploadPack, body.into()).await;
        let response = response.map_err(|err| self.transport_error(DOING, err))?;
        let mut reader = self.accepted(DOING, endpoint, Service::UploadPack, response).await?;
        let mut in_pack = !endpoint.v2;
        loop {
            let packet = reader.next().await.map_err(|err| self.read_error(DOING, err))?;
            let Some(Packet::Data(line)) = packet else {
                // A section may end in a delimiter before the pack; anything else is the end.
                if packet == Some(Packet::Delimiter) && !in_pack {
                    continue;
                }
                if !in_pack {
                    return Err(self.protocol_error(DOING, "it ends without a pack"));
                }
                return Ok(());
            };
            if let Some(message) = line.strip_prefix(b"ERR ") {
                return Err(GitError::Remote {
                    doing: DOING,
                    repo: self.repo.clone(),
                    message: self.clean(&pktline::text(message)),
                });
            }
            if !in_pack {
                in_pack = line.starts_with(b"packfile");
                continue;
            }
            match line.first() {
                // A failed write means that index-pack has ended; its own message says why, so the caller reports that.
                Some(1) if sink.write_all(&line[1..]).await.is_err() => return Ok(()),
                Some(3) => {
                    let message = self.clean(&pktline::text(&line[1..]));
                    return Err(GitError::Remote { doing: DOING, repo: self.repo.clone(), message });
                }
                // What was written, progress, or the ACK and NAK of protocol 0.
                _ => {}
            }
        }
    }
}

fn sha1_id(hex: &str) -> Option<ObjectId> {
    (hex.len() == 40).then(|| ObjectId::from_hex(hex.as_bytes()).ok()).flatten()
}

fn fetch_v2(wants: &[ObjectId], haves: &[ObjectId]) -> Vec<u8> {
    let mut body = Vec::new();
    pktline::push(&mut body, "command=fetch");
    pktline::push(&mut body, AGENT);
    pktline::push(&mut body, "object-format=sha1");
    pktline::delimiter(&mut body);
    for option in ["thin-pack", "no-progress", "ofs-delta"] {
        pktline::push(&mut body, option);
    }
    for id in wants {
        pktline::push(&mut body, format!("want {id}\n"));
    }
    for id in haves {
        pktline::push(&mut body, format!("have {id}\n"));
    }
    pktline::push(&mut body, "done\n");
    pktline::flush(&mut body);
    body
}

fn fetch_v0(endpoint: &Endpoint, wants: &[ObjectId], haves: &[ObjectId]) -> Vec<u8> {
    let known = ["side-band-64k", "thin-pack", "no-progress", "ofs-delta"];
    let options: Vec<_> = known.into_iter().filter(|it| endpoint.can(it)).chain([AGENT]).collect();
    let mut body = Vec::new();
    for (i, id) in wants.iter().enumerate() {
        let options = if i == 0 { format!(" {}", options.join(" ")) } else { String::new() };
        pktline::push(&mut body, format!("want {id}{options}\n"));
    }
    pktline::flush(&mut body);
    for id in haves {
        pktline::push(&mut body, format!("have {id}\n"));
    }
    pktline::push(&mut body, "done\n");
    body
}
