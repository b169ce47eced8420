//! What each route does for whoever may.

use super::support::{Port, user};
use axum::body::Body;
use http::{Request, StatusCode};
use kube::api::ListParams;
use seaway_core::authorize::Scope;
use serde_json::{Value, json};

#[tokio::test]
async fn a_promotion_is_made_once_and_the_second_person_is_told_whose_it_is() {
    let port = Port::open().await;
    port.bind("carol", "kargo-promoter").await;
    let ask = json!({ "stage": "prod-eu", "freight": "fund-transfer:1.5.0" });
    let path = "/projects/bank/promotions";
    let (bob, carol) = tokio::join!(port.post("bob", path, &ask), port.post("carol", path, &ask));
    let (made, refused, winner) = if bob.status == StatusCode::CREATED { (bob, carol, "bob") } else { (carol, bob, "carol") };
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(refused.problem(), (409, "promotion-open".to_owned()));
    let told = format!("of fund-transfer 1.5.0 already, asked for by {winner}");
    assert!(refused.detail().ends_with(&told), "{}", refused.detail());
    let all = port.promotions().list(&ListParams::default()).await.unwrap().items;
    assert_eq!(all.len(), 1);
    let view = port.get("eve", &format!("{path}/{}", made.body["name"].as_str().unwrap())).await.body;
    assert_eq!(
        (view["stage"].as_str(), view["label"].as_str(), view["actor"].as_str()),
        (Some("prod-eu"), Some("fund-transfer 1.5.0"), Some(winner))
    );
    let steps: Vec<&str> = view["steps"].as_array().unwrap().iter().map(|it| it["uses"].as_str().unwrap()).collect();
    assert_eq!(steps, ["git-clone", "kustomize-set-image", "git-commit", "git-push"]);
    assert_eq!((&view["planned"], &view["written"]), (&Value::Null, &Value::Null));
    let aborted = port.post("bob", &format!("{path}/{}/abort", made.body["name"].as_str().unwrap()), &json!({})).await;
    assert_eq!(aborted.status, StatusCode::ACCEPTED, "{aborted:?}");
}

#[tokio::test]
async fn the_same_key_makes_one_promotion() {
    let port = Port::open().await;
    let (path, ask) = ("/projects/bank/promotions", json!({ "stage": "prod-eu", "freight": "1.5.0" }));
    let first = port.post_with("bob", path, &ask, Some("k1")).await;
    let again = port.post_with("bob", path, &ask, Some("k1")).await;
    assert_eq!((first.status, &first.body), (StatusCode::CREATED, &again.body));
    let other = json!({ "stage": "qa", "freight": "1.5.0" });
    assert_eq!(port.post_with("bob", path, &other, Some("k1")).await.problem(), (422, "invalid".to_owned()));
    // A token of the same person with a scope is told nothing that was answered without one.
    let narrow = user("bob")
        .with_scope(Scope { projects: vec!["bank".to_owned()], verbs: ["get", "list", "promote"].map(str::to_owned).into() });
    assert_eq!(port.post_as(narrow, path, &ask, Some("k1")).await.problem(), (422, "invalid".to_owned()));
    assert_eq!(port.promotions().list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn downstream_is_every_stage_behind_that_takes_it() {
    let port = Port::open().await;
    let ask = json!({ "downstreamOf": "staging", "freight": "1.5.0" });
    let made = port.post("bob", "/projects/bank/promotions", &ask).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let stages: Vec<&str> = made.body["items"].as_array().unwrap().iter().map(|it| it["stage"].as_str().unwrap()).collect();
    assert_eq!((stages, &made.body["refused"]), (vec!["prod-eu"], &json!([])));
    let none = json!({ "downstreamOf": "prod-us", "freight": "1.5.0" });
    assert_eq!(port.post("bob", "/projects/bank/promotions", &none).await.problem(), (409, "not-now".to_owned()));
}

#[tokio::test]
async fn an_approval_lets_freight_in() {
    let port = Port::open().await;
    let path = "/projects/bank/freight/1.5.0/approve";
    let done = port.post("bob", path, &json!({ "stage": "prod-us" })).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{done:?}");
    let again = port.post("bob", path, &json!({ "stage": "prod-us" })).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    let ask = json!({ "stage": "prod-us", "freight": "1.5.0" });
    assert_eq!(port.post("bob", "/projects/bank/promotions", &ask).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn freight_is_told_apart_searched_and_found_where_it_is() {
    let port = Port::open().await;
    let difference = port.get("eve", "/projects/bank/freight/1.4.8/difference/1.5.0").await.body;
    let artifacts = difference["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 1);
    assert_eq!(
        (artifacts[0]["from"]["version"].as_str(), artifacts[0]["to"]["version"].as_str()),
        (Some("1.4.8"), Some("1.5.0"))
    );
    let found = port.get("eve", "/search?q=prod").await.body;
    let names: Vec<&str> = found["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["prod-eu", "prod-us"]);
    let found = port.get("eve", "/search?q=1.5.0").await.body;
    assert_eq!(
        (found["items"][0]["kind"].as_str(), found["items"][0]["label"].as_str()),
        (Some("freight"), Some("fund-transfer 1.5.0"))
    );
    let matrix = port.get("eve", "/what-is-where").await.body;
    assert_eq!(matrix["services"], json!(["account-info", "fund-transfer"]));
    let cell =
        |stage: &str| matrix["rows"][1]["cells"].as_array().unwrap().iter().find(|it| it["stage"] == stage).unwrap().clone();
    assert_eq!((cell("qa")["version"].as_str(), cell("prod-eu")["version"].as_str()), (Some("1.5.0"), Some("1.4.8")));
    assert_eq!((cell("qa")["next"].as_str(), cell("prod-eu")["next"].as_str()), (None, Some("fund-transfer 1.5.0")));
}

#[tokio::test]
async fn one_sees_ones_own_part_of_what_is_across_projects() {
    let port = Port::open().await;
    assert_eq!(port.get("eve", "/projects").await.body, json!({ "items": [{ "name": "bank" }] }));
    for path in ["/projects", "/search?q=prod", "/credentials"] {
        assert_eq!(port.get("mallory", path).await.body, json!({ "items": [] }), "{path}");
    }
    assert_eq!(port.get("mallory", "/what-is-where").await.body, json!({ "services": [], "rows": [] }));
    assert_eq!(port.get("mallory", "/about").await.body["engine"], "embedded");
}

#[tokio::test]
async fn activity_is_paged_and_filtered() {
    let port = Port::open().await;
    for stage in ["qa", "prod-eu"] {
        port.post("bob", "/projects/bank/promotions", &json!({ "stage": stage, "freight": "1.5.0" })).await;
    }
    let all = port.get("eve", "/projects/bank/activity").await.body;
    let first = port.get("eve", "/projects/bank/activity?limit=1").await.body;
    assert_eq!((&first["items"][0], first["items"].as_array().unwrap().len()), (&all["items"][0], 1));
    let second =
        port.get("eve", &format!("/projects/bank/activity?limit=1&after={}", first["next"].as_str().unwrap())).await.body;
    assert_eq!(second["items"][0], all["items"][1]);
    let of_bob = port.get("eve", "/projects/bank/activity?actor=bob&stage=qa&kind=Promotion").await.body;
    let items = of_bob["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{of_bob}");
    assert_eq!((items[0]["reason"].as_str(), items[0]["object"]["kind"].as_str()), (Some("PromotionCreated"), Some("Promotion")));
}

#[tokio::test]
async fn why_says_you_to_whom_may_promote_and_a_promoter_to_others() {
    let port = Port::open().await;
    let waits = |answer: Value| answer["items"][0]["waitsFor"].as_str().unwrap().to_owned();
    let path = "/projects/bank/why?about=stage/prod-eu";
    assert_eq!(waits(port.get("bob", path).await.body), "you: manual promotion");
    assert_eq!(waits(port.get("eve", path).await.body), "a promoter: manual promotion");
    assert!(!port.get("eve", "/projects/bank/why").await.body["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let port = Port::open().await;
    for path in ["/projects/bank/board", "/projects/bank/why", "/about", "/openapi.json"] {
        let first = port.get("eve", path).await;
        let request = Request::get(format!("/seaway/v1{path}")).header("if-none-match", &first.headers["etag"]);
        let again = port.send(Some(user("eve")), request, Body::empty()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn the_document_is_openapi_and_knows_every_refusal() {
    let port = Port::open().await;
    let request = Request::get("/seaway/v1/openapi.json");
    let document = super::support::Answer::read(port.send(None, request, Body::empty()).await).await.body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let ours =
        ["/seaway/v1/projects", "/seaway/v1/search", "/seaway/v1/what-is-where", "/seaway/v1/credentials", "/seaway/v1/about"];
    let all = document["paths"].as_object().unwrap();
    assert!(all.contains_key("/seaway/v1/openapi.json"));
    for (path, methods) in all.iter().filter(|(path, _)| ours.iter().any(|own| path.starts_with(own))) {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let wanted: &[&str] = match method.as_str() {
                "post" => &["400", "401", "403", "404", "409", "413", "415", "421", "422", "429", "503"],
                _ => &["200", "400", "401", "403", "404", "421", "422", "429", "503"],
            };
            for status in wanted {
                assert!(responses.contains_key(*status), "{method} {path} does not say {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_mid_flight_and_asks_again_has_one_promotion() {
    let port = Port::open().await;
    let (path, ask) = ("/projects/bank/promotions", json!({ "stage": "prod-eu", "freight": "1.5.0" }));
    for n_polls in 1..20 {
        let key = format!("k{n_polls}");
        let mut left = Box::pin(port.post_with("bob", path, &ask, Some(&key)));
        for _ in 0..n_polls {
            if futures::poll!(&mut left).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(left);
        let again = port.post_with("bob", path, &ask, Some(&key)).await;
        assert_eq!(again.status, StatusCode::CREATED, "after {n_polls}: {again:?}");
        let made = port.promotions().list(&ListParams::default()).await.unwrap().items;
        assert_eq!(made.len(), 1, "after {n_polls}");
        let name = again.body["name"].as_str().unwrap();
        assert_eq!(made[0].metadata.name.as_deref(), Some(name));
        port.promotions().delete(name, &Default::default()).await.unwrap();
    }
}
