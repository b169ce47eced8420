//! The client against registries that misbehave, each a few routes long.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use seaway_base::Next;
use seaway_base::Secret;
use seaway_base::http::{Egress, HttpClient};
use seaway_neighbours::{Serving, serve};
use seaway_oci::{Credential, OciError, Reference, Registries, RegistryOptions, Remote, Repository, digest_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MANIFEST: &str = "{\"schemaVersion\":2}";

/// The routes served, and the repository `app` there seen with a login.
async fn remote(routes: Router) -> (Serving, Remote) {
    let serving = serve(0, Router::new().route("/v2/", get(async || "{}")).merge(routes)).await.unwrap();
    let client = Registries::new(HttpClient::new(Egress::local()).unwrap(), RegistryOptions::default());
    let repository = Repository::parse(&format!("{}/app", serving.addr())).unwrap();
    let login = Credential { key: "k".to_owned(), username: "me".to_owned(), password: Secret::new("pw".to_owned()) };
    let remote = client.remote(&repository, Some(&login), false);
    (serving, remote)
}

fn wants(challenge: &str) -> axum::response::Response {
    (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge.to_owned())]).into_response()
}

#[tokio::test]
async fn pages_that_do_not_end() {
    let page = get(async || ([("link", "</v2/app/tags/list?n=1000>; rel=\"next\"")], "{\"tags\":[\"a\"]}"));
    let (_serving, remote) = remote(Router::new().route("/v2/app/tags/list", page)).await;
    let err = remote.tags().await.unwrap_err();
    assert!(err.to_string().ends_with("the registry's list of tags cannot be used: its pages do not end"), "{err}");
}

#[tokio::test]
async fn a_list_that_has_not_changed_is_not_sent_again() {
    let n_full = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&n_full);
    let page = get(move |headers: HeaderMap| async move {
        if headers.contains_key("if-none-match") {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        count.fetch_add(1, Ordering::SeqCst);
        ([("etag", "\"1\"")], "{\"tags\":[\"b\",\"a\",\"b\"]}").into_response()
    });
    let (_serving, remote) = remote(Router::new().route("/v2/app/tags/list", page)).await;
    for _ in 0..3 {
        assert_eq!(*remote.tags().await.unwrap(), ["b", "a"]);
    }
    assert_eq!(n_full.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_realm_in_a_forbidden_place() {
    let list = any(async || wants("Bearer realm=\"http://169.254.169.254/token\",service=\"s\""));
    let (_serving, remote) = remote(Router::new().route("/v2/app/tags/list", list)).await;
    let err = remote.tags().await.unwrap_err();
    assert!(err.to_string().contains("never reached") && err.next() == Next::Blocked, "{err}");
}

#[tokio::test]
async fn no_password_to_a_realm_over_plain_http() {
    let list = any(async || wants("Bearer realm=\"http://auth.example/token\",service=\"s\""));
    let (_serving, remote) = remote(Router::new().route("/v2/app/tags/list", list)).await;
    let err = remote.tags().await.unwrap_err();
    assert!(err.to_string().contains("egress.allowCredentialsOverHTTP"), "{err}");
}

#[tokio::test]
async fn a_login_that_is_never_good_enough() {
    let n_asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&n_asked);
    let list = any(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { wants("Basic realm=\"r\"") }
    });
    let (_serving, remote) = remote(Router::new().route("/v2/app/tags/list", list)).await;
    let err = remote.tags().await.unwrap_err();
    assert!(matches!(err, OciError::Unauthorized { had_credential: true, .. }), "{err}");
    assert_eq!(n_asked.load(Ordering::SeqCst), 2, "once without the login and once with it");
}

#[tokio::test]
async fn content_that_is_not_what_it_says() {
    let lie = get(async || ([("docker-content-digest", digest_of(b"other"))], MANIFEST));
    let (_serving, remote) =
        remote(Router::new().route("/v2/app/manifests/{reference}", lie.clone()).route("/v2/app/blobs/{digest}", lie)).await;
    let by_tag = remote.manifest(&Reference::Tag("v1".to_owned())).await.unwrap_err();
    let by_digest = remote.manifest(&Reference::Digest(digest_of(b"mine"))).await.unwrap_err();
    let blob = remote.blob(&digest_of(b"mine"), 100).await.unwrap_err();
    assert!([by_tag, by_digest, blob].iter().all(|err| matches!(err, OciError::Invalid { .. })));
}

#[tokio::test]
async fn no_head_and_no_digest_header() {
    let manifest = any(async |method: axum::http::Method| match method {
        axum::http::Method::HEAD => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        _ => MANIFEST.into_response(),
    });
    let (_serving, remote) = remote(Router::new().route("/v2/app/manifests/{reference}", manifest)).await;
    assert_eq!(remote.digest(&Reference::Tag("v1".to_owned())).await.unwrap(), digest_of(MANIFEST.as_bytes()));
}

#[tokio::test]
async fn a_blob_that_lies_elsewhere_is_fetched_without_the_login() {
    let far = Router::new()
        .route("/far", get(async |headers: HeaderMap| if headers.contains_key("authorization") { "leaked" } else { "blob" }));
    let far = serve(0, far).await.unwrap();
    let target = format!("{}/far", far.url());
    let blob = get(move |headers: HeaderMap| async move {
        if headers.contains_key("authorization") {
            (StatusCode::TEMPORARY_REDIRECT, [("location", target)]).into_response()
        } else {
            wants("Basic realm=\"r\"")
        }
    });
    let (_serving, remote) = remote(Router::new().route("/v2/app/blobs/{digest}", blob)).await;
    assert_eq!(remote.blob(&digest_of(b"blob"), 100).await.unwrap(), "blob".as_bytes());
}

#[tokio::test]
async fn a_missing_repository_without_a_word() {
    let (_serving, remote) = remote(Router::new()).await;
    assert!(matches!(remote.tags().await, Err(OciError::NoRepository { .. })));
}
