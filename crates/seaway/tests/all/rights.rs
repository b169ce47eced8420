//! Who may what, asked of every door: each cell of the hand-written tables in `tests/rights/`, and a kind or route that they do not name is a
//! fault.

mod columns;
mod kinds;
mod routes;
mod table;

use crate::bank::Bank;
use columns::Columns;

#[test]
fn every_kind_every_verb_and_every_gate_is_as_written() {
    let bank = Bank::open();
    let columns = Columns::of(&bank);
    let mut faults = kinds::kinds(&bank, &columns);
    faults.extend(kinds::gates(&bank, &columns));
    table::report("tests/rights/kinds.txt", &faults);
}

#[test]
fn every_route_is_as_written() {
    let bank = Bank::open();
    let columns = Columns::of(&bank);
    table::report("tests/rights/routes.txt", &routes::routes(&bank, &columns));
}

#[test]
fn the_command_line_names_the_right_that_is_lacking() {
    let bank = Bank::open();
    bank.apply(&slow_stage());
    bank.plane.ok(&["promote", "slow", "-p", "bank", "--freight", "1.5.0"]);
    let promotion = bank.promotion_to("slow");
    let eve = bank.person("eve");
    let looked = bank.command_as(&eve, &["get", "stages", "-p", "bank"]);
    assert!(looked.code == 0 && looked.out.contains("prod-eu"), "{}{}", looked.out, looked.err);
    let check = |args: &[&str], lacking: &str| {
        let said = bank.command_as(&eve, &[args, &["-p", "bank"]].concat());
        assert_eq!(said.code, 1, "{args:?}: {}{}", said.out, said.err);
        let last = said.err.lines().last().unwrap_or_default();
        assert!(said.err.contains(lacking) && last.starts_with("hint: "), "{args:?}: {}", said.err);
    };
    check(&["promote", "qa", "--freight", "1.5.0"], "the verb create on promotions");
    check(&["approve", "1.5.0", "--stage", "prod-eu"], "the verb patch on freights/status");
    check(&["abort", &promotion], "the verb promote on stages");
    check(&["refresh", "warehouse", "bank"], "the verb refresh on warehouses");
    check(&["refresh", "stage", "qa"], "the verb refresh on stages");
    check(&["delete", "stage", "qa"], "the verb delete on stages");
    check(&["get", "secrets"], "the verb list on secrets");
}

/// Rights in one project are enough for commands that name none.
#[test]
fn who_has_a_role_in_one_project_need_not_name_it() {
    let bank = Bank::open();
    let (eve, mallory) = (bank.person("eve"), bank.person("mallory"));
    let projects = bank.command_as(&eve, &["get", "projects"]);
    assert!(projects.code == 1, "eve has the Role alone: {}", projects.out);
    for args in [&["get", "stages"][..], &["get", "stages", "-A"]] {
        let said = bank.command_as(&eve, args);
        assert!(said.code == 0 && said.out.contains("prod-eu"), "{args:?}: {}{}", said.out, said.err);
    }
    let none = bank.command_as(&mallory, &["get", "stages"]);
    assert!(none.code == 1 && none.err.contains("hint: -p PROJECT"), "{}", none.err);
}

#[test]
fn the_api_names_the_right_that_is_lacking() {
    let bank = Bank::open();
    let eve = bank.person("eve");
    let project = "/seaway/v1/projects/bank";
    let promotion = format!("{project}/promotions/{}", bank.promotions[1]);
    let freight = format!("{project}/freight/{}", bank.freight);
    let check = |method: &str, path: &str, body: &str, lacking: &str| {
        let answer = bank.door.as_bearer(&eve, method, path, body);
        assert_eq!((answer.status, answer.problem().as_str()), (403, "not-authorised"), "{method} {path}: {}", answer.body);
        let told = answer.json();
        let (detail, hint) = (told["detail"].as_str().unwrap(), told["hint"].as_str().unwrap());
        assert!(detail.contains("eve may not ") && detail.contains(lacking) && !hint.is_empty(), "{method} {path}: {told}");
    };
    let asked = r#"{"stage":"prod-eu","freight":"1.5.0"}"#;
    check("POST", &format!("{project}/plans"), asked, "create on plans");
    check("POST", &format!("{project}/promotions"), asked, "the verb promote on stages");
    check("POST", &format!("{freight}/approve"), r#"{"stage":"prod-eu"}"#, "the verb promote on stages");
    check("POST", &format!("{promotion}/abort"), "{}", "the verb promote on stages");
    check("POST", &format!("{promotion}/resolve"), r#"{"choice":"skip"}"#, "the verb promote on stages");
    check("POST", &format!("{project}/stages/qa/resume"), "{}", "the verb promote on stages");
    check("POST", &format!("{project}/stages/qa/refresh"), "{}", "the verb refresh on stages");
    check("POST", &format!("{project}/warehouses/bank/refresh"), "{}", "the verb refresh on warehouses");
    check("GET", "/seaway/v1/projects/shop/board", "", "the verb list on");
    check("GET", "/seaway/v1/users", "", "the verb list on users");
    check("DELETE", "/seaway/v1/users/bob", "", "the verb delete on users");
}

/// Both ask at once, by the API: one has the promotion, the other is told whose it is.
#[test]
fn two_who_promote_the_same_stage_at_once_are_told_the_truth() {
    let bank = Bank::open();
    bank.apply(&slow_stage());
    let tokens = [("bob", bank.person("bob")), ("admin", bank.owner.clone())];
    let body = serde_json::json!({"stage": "slow", "freight": "1.5.0"}).to_string();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = tokens
            .iter()
            .map(|(_, token)| scope.spawn(|| bank.door.as_bearer(token, "POST", "/seaway/v1/projects/bank/promotions", &body)))
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let won = answers.iter().position(|answer| answer.status == 201).expect("one of them has it");
    let (lost, by) = (&answers[1 - won], tokens[won].0);
    assert_eq!((lost.status, lost.problem().as_str()), (409, "promotion-open"), "{}", lost.body);
    let name = answers[won].json()["name"].as_str().unwrap().to_owned();
    let detail = lost.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&name) && detail.contains(by), "{detail}");
    let all = bank.as_owner("GET", &format!("{}/promotions", crate::bank::KARGO), "").json();
    let own = all["items"].as_array().unwrap().iter().filter(|it| it["spec"]["stage"] == "slow");
    assert_eq!(own.count(), 1);
}

/// A stage whose promotion asks a port that nobody listens on, for an hour.
fn slow_stage() -> String {
    "apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: { name: slow, namespace: bank }\nspec:\n  requestedFreight:\n  \
     - origin: { kind: Warehouse, name: bank }\n    sources: { direct: true }\n  promotionTemplate:\n    spec:\n      steps:\n      \
     - uses: http\n        retry: { timeout: 1h, errorThreshold: 1000 }\n        config: { url: 'http://127.0.0.1:9/' }\n"
        .to_owned()
}
