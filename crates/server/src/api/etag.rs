//! ETags: what was read already and has not changed is not sent again.

use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

/// No answer is larger than this, but for boards and streams, which bring tags of their own or none.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Tags JSON answers, and answers 304 where the caller has the same already.
pub(super) async fn tag(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET;
    let has = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    if !reads || response.status() != StatusCode::OK {
        no_store(response.headers_mut());
        return response;
    }
    if !response.headers().contains_key(header::ETAG) {
        let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|it| it == "application/json");
        if !json {
            return response;
        }
        let (parts, body) = response.into_parts();
        let bytes = match to_bytes(body, ANSWER_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(err) => return Problem::bug("make an answer", err).into_response(),
        };
        let digest = Sha256::digest(&bytes);
        let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        response = Response::from_parts(parts, Body::from(bytes));
        if let Ok(value) = HeaderValue::from_str(&format!("\"{tag}\"")) {
            response.headers_mut().insert(header::ETAG, value);
        }
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let same = has.is_some_and(|has| names(&has, response.headers().get(header::ETAG)));
    if same {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

fn no_store(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Whether an `If-None-Match` names the tag; weak ones compare alike (RFC 9110, 8.8.3.2).
fn names(has: &HeaderValue, tag: Option<&HeaderValue>) -> bool {
    let (Ok(has), Some(Ok(tag))) = (has.to_str(), tag.map(HeaderValue::to_str)) else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    has.trim() == "*" || has.split(',').any(|one| bare(one) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_named_alone_among_others_or_by_a_star() {
        let check = |has: &str, same: bool| {
            let tag = HeaderValue::from_static("W/\"a\"");
            assert_eq!(names(&has.parse().unwrap(), Some(&tag)), same, "{has}");
        };
        check("\"a\"", true);
        check("W/\"a\"", true);
        check("\"b\", \"a\"", true);
        check("*", true);
        check("\"b\"", false);
        check("a", false);
    }
}
