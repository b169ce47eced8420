//! `http`: asks or tells an HTTP server, and decides by its answer.

mod answer;

use crate::config::Text;
use crate::error::Error;
use crate::typed::TypedStep;
use answer::{Criteria, Output, Verdict};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use seaway_api::GoDuration;
use seaway_base::http::{HttpError, read_bounded};
use seaway_base::{Next, RelPath};
use seaway_runs::{Answer, Class, Contract, Description, Done, StepContext, StepError};
use serde::Deserialize;
use serde_json::Map;
use std::time::Duration;
use url::Url;

/// A body that is sent or read may be this large.
const BODY_BYTES_MAX: usize = 2 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_secs(30);

const PAGE: &str = "\
Sends one request and decides by the answer. `failureExpression` true fails the promotion; else `successExpression` true succeeds;
with one of them set and neither true the step asks again after `pollInterval`. With neither, 2xx succeeds. Expressions are raw (no
`${{ }}`) and see `response.status`, `response.headers`, `response.header(name)` and `response.body` (JSON, YAML or text).

GET, HEAD and OPTIONS may be repeated after an interruption, PUT and DELETE carry an `Idempotency-Key`. POST and PATCH without an
`Idempotency-Key` header of yours are sent once: interrupted between start and answer, the run stops as *uncertain*.

Redirects are followed, ten at most: after 301, 302 and 303 with a GET, after 307 and 308 with the same request. To another scheme, host
or port goes a GET without your headers; a body is never sent on to one, and the redirect is the answer.

```yaml
- uses: http
  as: smoke
  config:
    url: https://fund-transfer.qa.bank.example/healthz
    successExpression: response.status == 200
    failureExpression: response.status >= 500
    timeout: 5s
    pollInterval: 10s
```
";

/// What to send, and how to read the answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The method.
    #[serde(default)]
    method: Method,
    /// Where to: http or https.
    url: Text,
    /// Headers to send; a name may stand more than once.
    #[serde(default)]
    headers: Vec<Pair>,
    /// Added to the URL's query.
    #[serde(default)]
    query_params: Vec<Pair>,
    /// The body, at most 2 MiB.
    #[serde(default)]
    body: Option<String>,
    /// A file of the work folder to send as the body, at most 2 MiB; not with `body`.
    #[serde(default)]
    body_from_file: Option<RelPath>,
    /// Take any certificate.
    #[serde(default, rename = "insecureSkipTLSVerify")]
    insecure_skip_tls_verify: bool,
    /// A proxy for this request alone; not built yet.
    #[serde(default)]
    proxy: Option<String>,
    /// How long the request may take; 10 s.
    #[serde(default)]
    timeout: Option<LooseDuration>,
    /// When to ask again; 30 s.
    #[serde(default)]
    poll_interval: Option<LooseDuration>,
    /// How to read the body, whatever the server calls it.
    #[serde(default)]
    response_content_type: Option<ContentType>,
    /// What later steps see.
    #[serde(default)]
    outputs: Vec<Output>,
    /// True: succeeded.
    #[serde(default)]
    success_expression: Option<String>,
    /// True: failed, whatever `successExpression` says.
    #[serde(default)]
    failure_expression: Option<String>,
    /// The message of a failure, from the answer.
    #[serde(default)]
    error_expression: Option<String>,
}

/// A request method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Delete,
    #[default]
    Get,
    Head,
    Patch,
    Post,
    Put,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Delete => Self::DELETE,
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Patch => Self::PATCH,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
        }
    }
}

/// A name and its value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pair {
    name: Text,
    value: Text,
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum ContentType {
    #[serde(rename = "application/json")]
    Json,
    #[serde(rename = "application/yaml")]
    Yaml,
    #[serde(rename = "text/plain")]
    Text,
}

/// A duration as Kargo's schema lets it through: some number with a unit stands in it. What is no duration all the same fails when used.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"(?:\d+(ns|us|µs|ms|s|m|h))+"))]
struct LooseDuration(String);

impl TryFrom<String> for LooseDuration {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let mut digits = false;
        for (at, c) in text.char_indices() {
            if digits && ["ns", "us", "µs", "ms", "s", "m", "h"].iter().any(|unit| text[at..].starts_with(unit)) {
                return Ok(Self(text));
            }
            digits = c.is_ascii_digit();
        }
        Err(format!("`{text}` is no duration such as 30s or 1m30s"))
    }
}

impl LooseDuration {
    fn get(this: Option<&Self>, otherwise: Duration, field: &str) -> Result<Duration, Error> {
        let Some(Self(text)) = this else { return Ok(otherwise) };
        GoDuration::from(text.as_str()).get().ok_or_else(|| {
            let message = format!("`{field}`: `{text}` is no duration such as 30s or 1m30s");
            Error::errored("InvalidConfig", Next::Blocked, message).terminal()
        })
    }
}

/// The step `http`.
pub(crate) struct Http;

impl TypedStep for Http {
    const NAME: &'static str = "http";
    const PAGE: &'static str = PAGE;
    const CLASS: Class = Class::Effect(Contract::Unknowable);
    type Config = Config;

    fn check(config: &Config) -> Result<(), Error> {
        if config.body.is_some() && config.body_from_file.is_some() {
            return Err(Error::config("`body` and `bodyFromFile` exclude each other"));
        }
        if let Some(proxy) = &config.proxy {
            let message = format!("`proxy: {proxy}` is not built; set HTTPS_PROXY for the control plane");
            return Err(Error::not_built(message));
        }
        url_of(config)?;
        headers_of(config, "")?;
        // `pollInterval` is read only where it comes to waiting.
        LooseDuration::get(config.timeout.as_ref(), TIMEOUT, "timeout").map(drop)
    }

    fn class(config: &Config) -> Class {
        let polls = config.success_expression.is_some() || config.failure_expression.is_some();
        match config.method {
            Method::Get | Method::Head if polls => Class::Wait,
            Method::Get | Method::Head | Method::Put | Method::Delete => Class::Effect(Contract::Keyed),
            Method::Post | Method::Patch if config.own_key() => Class::Effect(Contract::Keyed),
            Method::Post | Method::Patch => Class::Effect(Contract::Unknowable),
        }
    }

    async fn run(cx: &mut StepContext<'_>, config: Config) -> Result<Answer, Error> {
        let timeout = LooseDuration::get(config.timeout.as_ref(), TIMEOUT, "timeout")?;
        let url = url_of(&config)?;
        cx.ports.http.check(&url).map_err(|err| unreachable(&HttpError::Refused(err)))?;
        let headers = headers_of(&config, &cx.idempotency_key)?;
        let mut request = cx
            .ports
            .http
            .get(config.insecure_skip_tls_verify)
            .request(config.method.into(), url.clone())
            .timeout(timeout)
            .headers(headers);
        if let Some(body) = body_of(&config, cx)? {
            request = request.body(body);
        }
        // A receiver that cannot tell a repetition may have acted on what was sent, whether or not we read its answer.
        let sent_once = Self::class(&config) == Class::Effect(Contract::Unknowable);
        let lost = |err: &HttpError| if sent_once && !err.never_sent() { answer_lost(err) } else { unreachable(err) };
        let response = cx.ports.http.send(request).await.map_err(|err| lost(&err))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_bounded(response, BODY_BYTES_MAX).await.map_err(|err| lost(&err))?;
        let seen = answer::read(status, &headers, &body, config.response_content_type)?;
        let criteria = Criteria {
            success: config.success_expression.as_deref(),
            failure: config.failure_expression.as_deref(),
            error: config.error_expression.as_deref(),
        };
        let answered = format!("{} answered {status}", url.origin().ascii_serialization());
        match answer::judge(&seen, &criteria)? {
            Verdict::Succeeded => Ok(Answer::Done(Done::with(answer::outputs(&seen, &config.outputs)?))),
            // What the user's own expression says is what people read everywhere: nothing goes before it.
            Verdict::Failed(message) => Err(Error::Alone(StepError::failed("HttpCriteria", message))),
            Verdict::NotOk => Err(Error::Own(StepError { terminal: false, ..StepError::failed("HttpStatus", answered) })),
            Verdict::NotYet => {
                let retry_after = LooseDuration::get(config.poll_interval.as_ref(), POLL, "pollInterval")?;
                let message = format!("{answered}, neither success nor failure");
                Ok(Answer::Waiting { output: Map::new(), retry_after, message })
            }
        }
    }

    async fn describe(_: &mut StepContext<'_>, config: Config) -> Result<Description, Error> {
        let method = reqwest::Method::from(config.method);
        Ok(Description {
            summary: format!("{method} {}", config.url),
            unknown_outputs: config.outputs.iter().map(|output| output.name().to_owned()).collect(),
            ..Description::default()
        })
    }
}

impl Config {
    /// Does the user send a key of their own?
    fn own_key(&self) -> bool {
        self.headers.iter().any(|pair| pair.name.eq_ignore_ascii_case("idempotency-key"))
    }
}

/// What kept an answer from coming.
fn unreachable(err: &HttpError) -> Error {
    let reason = match err {
        HttpError::Refused(_) => "EgressRefused",
        HttpError::TooLarge { .. } => "TooLarge",
        _ => "HttpUnreachable",
    };
    Error::errored(reason, err.next(), seaway_base::chain(err))
}

/// It was sent and its answer never came: a person decides.
fn answer_lost(err: &HttpError) -> Error {
    Error::errored(seaway_runs::ANSWER_LOST, Next::Failed, seaway_base::chain(err))
}

/// The URL with its query: names in order, as Go writes them.
fn url_of(config: &Config) -> Result<Url, Error> {
    let bad = |why: String| Error::errored("InvalidConfig", Next::Blocked, format!("url `{}`: {why}", config.url));
    let mut url = Url::parse(&config.url).map_err(|err| match err {
        url::ParseError::RelativeUrlWithoutBase => bad("needs http:// or https:// in front".into()),
        err => bad(err.to_string()).terminal(),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("scheme `{}` is not http or https", url.scheme())));
    }
    url.set_fragment(None);
    if !config.query_params.is_empty() {
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        pairs.extend(config.query_params.iter().map(|pair| (pair.name.to_string(), pair.value.to_string())));
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    Ok(url)
}

fn headers_of(config: &Config, key: &str) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for pair in &config.headers {
        let bad = || Error::errored("InvalidConfig", Next::Blocked, format!("header `{}` cannot be sent", pair.name));
        let name = HeaderName::try_from(&*pair.name).map_err(|_| bad())?;
        headers.append(name, HeaderValue::try_from(&*pair.value).map_err(|_| bad())?);
    }
    if matches!(config.method, Method::Put | Method::Delete)
        && !config.own_key()
        && let Ok(value) = HeaderValue::try_from(key)
    {
        headers.insert("idempotency-key", value);
    }
    Ok(headers)
}

fn body_of(config: &Config, cx: &StepContext<'_>) -> Result<Option<Vec<u8>>, Error> {
    let body = match (&config.body, &config.body_from_file) {
        (Some(body), _) => body.clone().into_bytes(),
        (None, Some(path)) => cx.work.read(path)?.to_vec(),
        (None, None) => return Ok(None),
    };
    if body.len() > BODY_BYTES_MAX {
        return Err(Error::failed("TooLarge", format!("the body is larger than {} MiB", BODY_BYTES_MAX >> 20)));
    }
    Ok(Some(body))
}
