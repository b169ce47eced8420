//! Redirects, followed one hop at a time: what was meant for one server is never handed to another.

use super::{HttpClient, HttpError, MAX_REDIRECTS, Refused, server, shown};
use crate::awaited::waits_for;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION, TRANSFER_ENCODING};
use reqwest::{Method, Request, RequestBuilder, Response};
use std::time::Instant;

/// Headers that say how to answer and hold nothing of anybody's: these alone go along to another origin.
const GO_ALONG: [&str; 8] =
    ["accept", "accept-encoding", "accept-language", "cache-control", "git-protocol", "pragma", "range", "user-agent"];

impl HttpClient {
    /// Sends a request and follows redirects, ten at most; each hop is judged by the policy.
    ///
    /// After 301, 302 and 303 the next request is a GET without a body. After 307 and 308 it is the same once more, with its body only
    /// to the same origin. To another origin (scheme, host, port) go no credential, no header of the caller's own, and nothing that
    /// could change something there. A redirect that is not followed is the answer.
    ///
    /// # Errors
    /// [`HttpError`]; the time limit of the request covers all hops and the body.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, HttpError> {
        let (client, request) = request.build_split();
        let mut request = request?;
        let deadline = Instant::now() + request.timeout().copied().unwrap_or(self.total);
        for _ in 0..=MAX_REDIRECTS {
            let left = deadline.saturating_duration_since(Instant::now());
            *request.timeout_mut() = Some(left);
            let again = request.try_clone();
            let _waiting = waits_for(&server(request.url()), left.min(self.idle));
            let response = client.execute(request).await?;
            request = match again {
                Some(sent) => match self.next(sent, &response)? {
                    Some(next) => next,
                    None => return Ok(response),
                },
                // A body that comes as a stream is gone once it is sent.
                None => return Ok(response),
            };
        }
        Err(HttpError::Redirects { url: shown(request.url()) })
    }

    /// The request that an answer to `sent` asks for, if it is one that we make.
    fn next(&self, sent: Request, answer: &Response) -> Result<Option<Request>, Refused> {
        let repeats = match answer.status().as_u16() {
            301..=303 => false,
            307 | 308 => true,
            _ => return Ok(None),
        };
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(mut url) = location.and_then(|text| sent.url().join(text).ok()) else { return Ok(None) };
        // Nobody but the caller says who we are.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let stays = url.origin() == sent.url().origin();
        let only_asks = matches!(*sent.method(), Method::GET | Method::HEAD | Method::OPTIONS) && sent.body().is_none();
        if repeats && !stays && !only_asks {
            return Ok(None);
        }
        self.check(&url)?;
        if sent.url().scheme() == "https" && url.scheme() == "http" && self.may_send_credentials(&url).is_err() {
            return Err(Refused::Downgrade { from: shown(sent.url()), to: shown(&url) });
        }
        let mut next = sent;
        *next.url_mut() = url;
        if !repeats {
            if *next.method() != Method::HEAD {
                *next.method_mut() = Method::GET;
            }
            *next.body_mut() = None;
            for name in [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING] {
                next.headers_mut().remove(name);
            }
        }
        if !stays {
            let kept = next.headers().iter().filter(|(name, _)| GO_ALONG.contains(&name.as_str()));
            let kept: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            *next.headers_mut() = kept;
        }
        Ok(Some(next))
    }
}
