//! The real provider: npm's `oidc-provider`, started by `tests/oidc/provider.mjs`, and somebody who signs in there.

use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::{Url, form_urlencoded};

/// Node has started by then, or it does not.
const PATIENCE: Duration = Duration::from_secs(60);
/// No sign-in has more pages than this.
const PAGES_MAX: usize = 30;

/// A line for `tests/run`, which counts them.
pub(crate) fn told(line: &str) {
    println!("{line}");
    if let Some(log) = std::env::var_os("SEAWAY_REAL_PARTS_LOG") {
        writeln!(std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap(), "{line}").unwrap();
    }
}

/// A running provider; it ends with the test, for its standard input ends then.
pub(crate) struct Node {
    pub(crate) issuer: String,
    client: Client,
    _child: Child,
    /// Read no more, but open: whoever writes into a closed one dies of it.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Node {
    /// Starts it; `None`, told as skipped, where it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oidc");
        let node = std::env::var_os("SEAWAY_NODE").map_or_else(|| PathBuf::from("node"), PathBuf::from);
        if !folder.join("node_modules/oidc-provider").is_dir() {
            told("skipped oidc-provider not installed; run `make parts`");
            return None;
        }
        let mut command = Command::new(node);
        command
            .arg(folder.join("provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("node, or SEAWAY_NODE, starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts in time").unwrap().unwrap();
        let issuer = line.strip_prefix("ready ").expect(&line).to_owned();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Some(Self { issuer, client, _child: child, _lines: lines })
    }

    /// Changes it; see `provider.mjs`.
    pub(crate) async fn change(&self, what: Value) {
        let answer = self.client.post(format!("{}/test", self.issuer)).body(what.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }

    /// A browser of somebody.
    pub(crate) fn browser(&self) -> Browser {
        Browser { client: self.client.clone(), cookies: Vec::new() }
    }
}

/// A browser that knows forms, redirects and cookies.
pub(crate) struct Browser {
    client: Client,
    cookies: Vec<Cookie>,
}

struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Browser {
    /// Goes through the provider's pages as `login`; ends where it is sent to `until`, or at a page that asks nothing more.
    pub(crate) async fn sign_in(&mut self, from: &str, login: &str, until: &str) -> Url {
        let mut at = Url::parse(from).unwrap();
        let mut answer = self.get(&at).await;
        for _ in 0..PAGES_MAX {
            if answer.status().is_redirection() {
                at = at.join(answer.headers()[LOCATION].to_str().unwrap()).unwrap();
                if at.as_str().starts_with(until) {
                    return at;
                }
                answer = self.get(&at).await;
                continue;
            }
            let status = answer.status();
            let page = answer.text().await.unwrap();
            assert!(status.is_success(), "{at}: {status}: {page}");
            let Some((action, mut fields)) = form(&page) else { return at };
            for (name, value) in [("login", login), ("password", "any")] {
                if let Some(field) = fields.get_mut(name) {
                    value.clone_into(field);
                }
            }
            at = at.join(&action).unwrap();
            answer = self.post(&at, &fields).await;
        }
        panic!("no end of pages at {at}");
    }

    async fn get(&mut self, url: &Url) -> Response {
        let answer = self.client.get(url.clone()).header(COOKIE, self.cookies(url)).send().await.unwrap();
        self.keep(url, answer)
    }

    async fn post(&mut self, url: &Url, fields: &BTreeMap<String, String>) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(url.clone()).header(COOKIE, self.cookies(url));
        let answer = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body).send().await.unwrap();
        self.keep(url, answer)
    }

    fn cookies(&self, url: &Url) -> String {
        let sent = self.cookies.iter().filter(|cookie| url.path().starts_with(&cookie.path));
        sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, url: &Url, answer: Response) -> Response {
        for header in answer.headers().get_all(SET_COOKIE) {
            let mut parts = header.to_str().unwrap().split(';').map(str::trim);
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let path = parts.find_map(|part| part.to_lowercase().strip_prefix("path=").map(|_| part[5..].to_owned()));
            let path = path.unwrap_or_else(|| url.path().to_owned());
            self.cookies.retain(|known| known.name != name || known.path != path);
            if !value.is_empty() {
                self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), path });
            }
        }
        answer
    }
}

/// The page's form: where it goes, and its fields.
fn form(page: &str) -> Option<(String, BTreeMap<String, String>)> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next()?.replace("&amp;", "&"))
    };
    let (_, rest) = page.split_once("<form")?;
    let action = attribute(rest.split('>').next()?, "action")?;
    let inputs = rest.split("<input").skip(1).filter_map(|input| {
        let tag = input.split('>').next()?;
        Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
    });
    Some((action, inputs.collect()))
}
