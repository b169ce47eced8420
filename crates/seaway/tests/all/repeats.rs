//! A request under an `Idempotency-Key` whose control plane is killed, and that is repeated to the next: done once.

use crate::asking::{Answer, Door};
use crate::running::{BANK, FREIGHT, Plane};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const PATH: &str = "/seaway/v1/projects/bank/promotions";
const ASK: &str = r#"{ "stage": "qa", "freight": "1.5.0" }"#;

fn token(plane: &Plane) -> String {
    std::fs::read_to_string(plane.data().join("token")).unwrap().trim().to_owned()
}

fn promote(plane: &Plane, key: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", token(plane));
    Door::of(plane).ask("POST", PATH, &[("Authorization", &bearer), ("Idempotency-Key", key)], body)
}

/// The promotion that this answer names.
#[track_caller]
fn named(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["name"].as_str().unwrap().to_owned()
}

fn all(plane: &Plane) -> BTreeSet<String> {
    let listed: Value = serde_json::from_str(&plane.ok(&["get", "promotions", "-p", "bank", "-o", "json"])).unwrap();
    let names = listed["items"].as_array().unwrap().iter().map(|it| it["metadata"]["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// Waits for the end of what runs: a stage with an open promotion refuses the next.
fn settled(plane: &Plane) {
    for name in all(plane) {
        let logs = plane.run(&["logs", "-f", &name, "-p", "bank"]);
        assert!(logs.out.contains("Failed") || logs.out.contains("Errored"), "{}{}", logs.out, logs.err);
    }
}

#[test]
fn a_promotion_is_made_once_though_the_control_plane_is_killed() {
    let mut plane = Plane::start();
    for documents in [BANK, FREIGHT] {
        let said = plane.apply(documents, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    // Killed after the answer: it is over meanwhile, and is not made anew.
    let first = named(&promote(&plane, "first", ASK));
    settled(&plane);
    plane = Plane::on(plane.kill());
    assert_eq!(named(&promote(&plane, "first", ASK)), first);
    let other = promote(&plane, "first", r#"{ "stage": "qa", "freight": "fund-transfer:1.5.0" }"#);
    assert_eq!((other.status, other.problem()), (422, "invalid".to_owned()), "{}", other.body);
    assert_eq!(all(&plane), BTreeSet::from([first.clone()]));
    // Killed somewhere on the way: whether it was made or not, the repeat and those after it name one and the same.
    let mut made = BTreeSet::from([first]);
    for round in 0..4_u32 {
        let (key, bearer) = (format!("round-{round}"), format!("Bearer {}", token(&plane)));
        let door = Door::of(&plane);
        let sent = std::thread::spawn({
            let key = key.clone();
            move || door.try_ask("POST", PATH, &[("Authorization", &bearer), ("Idempotency-Key", &key)], ASK).map(|it| it.status)
        });
        // Each round lives a little longer than the last.
        std::thread::sleep(Duration::from_millis(4) * (1 << round));
        plane = Plane::on(plane.kill());
        assert!(sent.join().unwrap().is_none_or(|status| status == 201), "round {round}");
        let name = named(&promote(&plane, &key, ASK));
        assert_eq!(named(&promote(&plane, &key, ASK)), name);
        made.insert(name);
        assert_eq!(all(&plane), made, "round {round}");
        settled(&plane);
    }
    assert_eq!(made.len(), 5);
}
