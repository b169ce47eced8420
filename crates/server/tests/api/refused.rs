//! What is refused, and how that is said.

use super::support::{Answer, Port, user};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn eve_is_refused_everything_that_changes_something_by_the_right_that_she_lacks() {
    let port = Port::open().await;
    let made = port.post("bob", "/projects/bank/promotions", &json!({ "stage": "prod-eu", "freight": "1.5.0" })).await;
    let promotion = made.body["name"].as_str().unwrap().to_owned();
    let check = async |path: &str, body: Value, verb: &str, what: &str| {
        let answer = port.post("eve", &format!("/projects/bank/{path}"), &body).await;
        assert_eq!(answer.problem(), (403, "not-authorised".to_owned()), "{path}: {answer:?}");
        let detail = answer.detail();
        assert!(detail.starts_with("eve may not") && detail.contains(verb) && detail.contains(what), "{path}: {detail}");
    };
    let ask = || json!({ "stage": "prod-eu", "freight": "1.5.0" });
    check("plans", ask(), "create", "plans").await;
    check("promotions", ask(), "promote", "prod-eu").await;
    check(&format!("promotions/{promotion}/abort"), json!({}), "promote", "prod-eu").await;
    check(&format!("promotions/{promotion}/resolve"), json!({ "choice": "skip" }), "promote", "prod-eu").await;
    check("freight/1.5.0/approve", json!({ "stage": "prod-eu" }), "promote", "prod-eu").await;
    check("stages/prod-eu/resume", json!({}), "promote", "prod-eu").await;
    check("stages/prod-eu/refresh", json!({}), "refresh", "prod-eu").await;
    check("warehouses/bank/refresh", json!({}), "refresh", "bank").await;
}

#[tokio::test]
async fn who_may_not_read_a_project_is_not_told_whether_it_is_there() {
    let port = Port::open().await;
    for project in ["bank", "nowhere"] {
        for part in ["board", "changes", "why", "activity"] {
            let answer = port.get("mallory", &format!("/projects/{project}/{part}")).await;
            assert_eq!(answer.problem(), (403, "not-authorised".to_owned()), "{project}/{part}");
            assert!(answer.detail().contains("list stages"), "{}", answer.detail());
        }
    }
}

#[tokio::test]
async fn each_fault_of_a_request_has_its_status_and_its_word() {
    let port = Port::open().await;
    let path = "/seaway/v1/projects/bank/promotions";
    let check = async |request: http::request::Builder, body: &str, status: u16, word: &str| {
        let shown = format!("{:?} {body:.40}", request.uri_ref());
        let answer = Answer::read(port.send(Some(user("bob")), request, Body::from(body.to_owned())).await).await;
        assert_eq!(answer.problem(), (status, word.to_owned()), "{shown}: {answer:?}");
    };
    let json = || Request::post(path).header("content-type", "application/json");
    check(json(), "{", 400, "invalid").await;
    check(json(), "[]", 422, "invalid").await;
    check(json(), "{\"stage\":\"qa\",\"freight\":\"1.5.0\",\"oops\":1}", 422, "invalid").await;
    check(json(), "{\"freight\":\"1.5.0\"}", 422, "invalid").await;
    check(json(), "{\"stage\":\"nowhere\",\"freight\":\"1.5.0\"}", 404, "not-found").await;
    check(json(), "{\"stage\":\"qa\",\"freight\":\"9.9.9\"}", 404, "not-found").await;
    check(json(), "{\"stage\":\"../secrets\",\"freight\":\"1.5.0\"}", 404, "not-found").await;
    check(json(), "{\"stage\":\"prod-us\",\"freight\":\"1.5.0\"}", 409, "freight-not-available").await;
    check(json().header("idempotency-key", "a b"), "{\"stage\":\"qa\",\"freight\":\"1.5.0\"}", 400, "invalid").await;
    check(json(), &format!("\"{}\"", "x".repeat(1024 * 1024)), 413, "too-large").await;
    check(Request::post(path).header("content-type", "text/plain"), "{}", 415, "unsupported-media-type").await;
    check(Request::post(path), "{}", 415, "unsupported-media-type").await;
    check(Request::delete(path), "", 405, "method-not-allowed").await;
    let get = |path: &str| Request::get(format!("/seaway/v1{path}"));
    check(get("/nothing"), "", 404, "not-found").await;
    check(get("/projects/bank/promotions/none"), "", 404, "not-found").await;
    check(get("/projects/bank/freight/9.9.9/difference/1.5.0"), "", 404, "not-found").await;
    check(get("/projects/bank/activity?limit=0"), "", 422, "invalid").await;
    check(get("/projects/bank/activity?from=yesterday"), "", 422, "invalid").await;
    check(get("/projects/bank/activity?after=rubbish"), "", 422, "invalid").await;
    check(get("/projects/bank/activity?oops=1"), "", 422, "invalid").await;
    check(get("/projects/bank/why?about=planet/mars"), "", 422, "invalid").await;
    check(get("/search?q="), "", 422, "invalid").await;
    check(get("/search"), "", 422, "invalid").await;
    check(get("/projects/%2e%2e/board"), "", 404, "not-found").await;
}

#[tokio::test]
async fn nobody_is_told_that_nobody_is_signed_in() {
    let port = Port::open().await;
    let answer = Answer::read(port.send(None, Request::get("/seaway/v1/about"), Body::empty()).await).await;
    assert_eq!(answer.problem(), (401, "not-authenticated".to_owned()));
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
