//! What holds after any sequence of applies and updates, tried on many random ones.

use std::collections::BTreeMap;

use seaway_base::Random;
use serde_json::json;

use super::tests::SCHEMA;
use super::*;

const N_WORLDS: u64 = 60;
const N_WRITES: usize = 25;

fn pick(random: &Random, n: u64) -> u64 {
    random.next_u64() % n
}

/// A partial object: each part is there or not, with one of two values.
fn object(random: &Random) -> Value {
    let mut spec = Map::new();
    let value = |random: &Random| Value::from(pick(random, 2).to_string());
    for name in ["a", "b"] {
        if pick(random, 2) == 0 {
            spec.insert(name.to_owned(), value(random));
        }
    }
    let part = |random: &Random, names: &[&str]| -> Map<String, Value> {
        names
            .iter()
            .filter(|_| pick(random, 2) == 0)
            .map(|name| ((*name).to_owned(), Value::from(pick(random, 2).to_string())))
            .collect()
    };
    for name in ["inner", "free", "atom"] {
        if pick(random, 3) == 0 {
            spec.insert(name.to_owned(), part(random, &["x", "y"]).into());
        }
    }
    if pick(random, 2) == 0 {
        let names = ["v", "w"].into_iter().filter(|_| pick(random, 2) == 0);
        let vars = names.map(|name| {
            let mut var = part(random, &["value", "note"]);
            var.insert("name".to_owned(), name.into());
            Value::Object(var)
        });
        spec.insert("vars".to_owned(), vars.collect());
    }
    if pick(random, 2) == 0 {
        spec.insert("tags".to_owned(), ["t", "u"].into_iter().filter(|_| pick(random, 2) == 0).map(Value::from).collect());
    }
    let mut metadata = Map::from_iter([("name".to_owned(), Value::from("t"))]);
    if pick(random, 3) == 0 {
        metadata.insert("labels".to_owned(), part(random, &["l", "m"]).into());
    }
    if pick(random, 3) == 0 {
        metadata.insert(
            "finalizers".to_owned(),
            ["x/f", "x/g"].into_iter().filter(|_| pick(random, 2) == 0).map(Value::from).collect(),
        );
    }
    json!({"apiVersion": "seaway.dev/v1", "kind": "Thing", "metadata": metadata, "spec": spec})
}

/// Whether all of `part` stands in `whole`, lists compared by what they hold; an empty list is owned by nobody and may go.
fn holds(whole: &Value, part: &Value) -> bool {
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| is_empty(value) || whole.get(name).is_some_and(|whole| holds(whole, value)))
        }
        (Value::Array(whole), Value::Array(part)) => part.iter().all(|value| whole.iter().any(|whole| holds(whole, value))),
        _ => whole == part,
    }
}

fn check(seed: u64) {
    let random = Random::seeded(seed);
    let mut live: Option<Value> = None;
    let mut last: BTreeMap<&str, Value> = BTreeMap::new();
    for n in 0..N_WRITES {
        let now = Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap_or(0)).unwrap_or_default();
        let manager = ["one", "two", "three"][usize::try_from(pick(&random, 3)).unwrap_or(0)];
        let writer = Writer { manager, api_version: "seaway.dev/v1", subresource: None, schema: &SCHEMA, now };
        let wanted = object(&random);
        if pick(&random, 3) == 0 {
            let mut new = wanted.clone();
            track_update(live.as_ref(), &mut new, writer);
            if live.is_some() && new.pointer("/metadata/managedFields").is_none() {
                continue;
            }
            live = Some(new);
            last.clear();
        } else {
            let force = pick(&random, 2) == 0;
            let before = live.clone();
            match apply(live.as_ref(), &wanted, force, writer) {
                Ok(object) => {
                    assert!(holds(&object, &wanted), "seed {seed}, write {n}: {object} holds {wanted}");
                    let later = Writer { now: now.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now), ..writer };
                    let again = apply(Some(&object), &wanted, false, later).expect("what was just applied applies");
                    assert_eq!(again, object, "seed {seed}, write {n}: applying again changes nothing");
                    if !force {
                        for (_, theirs) in last.iter().filter(|(other, _)| **other != manager) {
                            assert!(
                                holds(&object, theirs),
                                "seed {seed}, write {n}: what others applied stays: {object} holds {theirs}"
                            );
                        }
                    } else {
                        last.clear();
                    }
                    last.insert(manager, wanted);
                    live = Some(object);
                }
                Err(conflicts) => {
                    assert!(!force, "seed {seed}, write {n}: force meets no conflict");
                    assert!(conflicts.causes.iter().all(|cause| !cause.field.is_empty()));
                    assert_eq!(live, before);
                }
            }
        }
        let Some(object) = &live else { continue };
        let there = walk::compare(Schema::root(&SCHEMA), None, &unnamed(object)).added;
        for entry in managed::decode(object) {
            let mut missing = entry.fields.clone();
            missing.subtract(&there);
            assert!(
                missing.is_empty(),
                "seed {seed}, write {n}: {} owns what is not there: {:?}",
                entry.manager,
                missing.paths()
            );
        }
    }
}

#[test]
fn owners_own_what_is_there_and_nothing_is_lost() {
    for seed in 0..N_WORLDS {
        check(seed);
    }
}
