//! The page: `/`, `/p/…` and its files, built into the program; who is signed in, the page asks.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_embed::RustEmbed;
use seaway_base::ids::secret_bytes;
use std::borrow::Cow;

/// What `make setup` built; a program that was built before it knows none.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Built;

/// What stands in `index.html` where each answer has its own nonce.
const PLACEHOLDER: &str = "__NONCE__";
/// A file under `/assets/` bears a digest of its content in its name.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// How files lie there beside the plain one: the encoding's name, and the ending. The better one first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
const NOT_BUILT: &str = "\
The page was not built into this program.

In a checkout of Seaway, `make setup` builds it (into ui/dist) and `make build` the program with it.
Everything else works: `seaway get stages`, `seaway why`, kubectl.
";

/// The page's routes; they need no session.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(index))
        .route("/p", get(index))
        .route("/p/", get(index))
        .route("/p/{*path}", get(index))
        .route("/seaway.svg", get(|headers: HeaderMap| async move { file("seaway.svg", &headers, "no-cache") }))
        .route("/assets/{name}", get(asset))
}

/// What proves that a script or style is of this answer.
pub(crate) fn nonce() -> String {
    STANDARD.encode(secret_bytes::<16>())
}

async fn index() -> Response {
    let nonce = nonce();
    let html = Built::get("index.html").and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    let Some(html) = html else {
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        return guarded((StatusCode::SERVICE_UNAVAILABLE, plain, NOT_BUILT).into_response(), &policy(&nonce));
    };
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    guarded((kind, html.replace(PLACEHOLDER, &nonce)).into_response(), &policy(&nonce))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&format!("assets/{name}"), &headers, FOREVER)
}

/// What the page may do: run its own scripts, and speak to where it came from.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; \
connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// A built file in the smallest form that the client takes.
fn file(path: &str, asked: &HeaderMap, keep: &'static str) -> Response {
    let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let packed = ENCODINGS
        .iter()
        .filter(|(name, _)| accepts(accepted, name))
        .find_map(|(name, ending)| Some((*name, Built::get(&format!("{path}{ending}"))?)));
    let (encoding, found) = match packed {
        Some((name, found)) => (Some(name), Some(found)),
        None => (None, Built::get(path)),
    };
    let (Some(found), Some(kind)) = (found, kind(path)) else {
        return guarded(
            (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "no such file\n").into_response(),
            NOTHING,
        );
    };
    let body = match found.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep), (header::VARY, "Accept-Encoding")];
    let mut response = guarded((headers, body).into_response(), NOTHING);
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// A file that is opened by itself may do nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Does the client take this encoding? `br;q=0` says no.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        named && !parts.any(|part| matches!(part.strip_prefix("q=").map(str::parse::<f32>), Some(Ok(weight)) if weight <= 0.0))
    })
}

/// The media type of what a build may hold.
fn kind(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => return None,
    })
}

/// The headers that every answer of the page bears.
pub(crate) fn guarded(mut response: Response, policy: &str) -> Response {
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn ask(path: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::builder().uri(path).header("accept-encoding", accept).body(Body::empty()).unwrap();
        let response = router::<()>().with_state(()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    fn nonce_of(headers: &HeaderMap) -> String {
        let policy = headers["content-security-policy"].to_str().unwrap();
        policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
    }

    /// The page as `make setup` built it.
    fn asset_of(html: &str, ending: &str) -> String {
        let all = html.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(ending));
        all.expect("`make setup` builds the page").to_owned()
    }

    #[tokio::test]
    async fn each_answer_has_a_nonce_of_its_own_and_is_not_kept() {
        let (status, headers, html) = ask("/p/bank?stage=qa", "br").await;
        assert_eq!((status, &headers["cache-control"]), (StatusCode::OK, &HeaderValue::from_static("no-store")), "{html}");
        let nonce = nonce_of(&headers);
        assert!(html.contains(&format!("nonce=\"{nonce}\"")) && !html.contains(PLACEHOLDER));
        assert_ne!(nonce, nonce_of(&ask("/", "").await.1));
        for name in ["x-content-type-options", "referrer-policy", "cross-origin-opener-policy"] {
            assert!(headers.contains_key(name), "{name}");
        }
        assert!(!headers["content-security-policy"].to_str().unwrap().contains("unsafe"));
    }

    #[tokio::test]
    async fn a_file_comes_packed_as_the_client_takes_it_and_may_be_kept_for_ever() {
        let script = asset_of(&ask("/", "").await.2, ".js");
        let encoding = |accept: &'static str| {
            let script = script.clone();
            async move {
                let (status, headers, _) = ask(&script, accept).await;
                assert_eq!((status, &headers["cache-control"]), (StatusCode::OK, &HeaderValue::from_static(FOREVER)));
                assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
                headers.get("content-encoding").map(|value| value.to_str().unwrap().to_owned())
            }
        };
        assert_eq!(encoding("gzip, deflate, br, zstd").await.as_deref(), Some("br"));
        assert_eq!(encoding("gzip;q=0.5, br;q=0").await.as_deref(), Some("gzip"));
        assert_eq!(encoding("identity").await, None);
    }

    #[tokio::test]
    async fn only_what_was_built_is_there() {
        for path in ["/assets/nope.js", "/assets/..%2Findex.html", "/assets/..%2F..%2Fpackage.json", "/index.html", "/assets/"] {
            assert_eq!(ask(path, "br").await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask("/seaway.svg", "br").await.0, StatusCode::OK);
    }
}
