//! The bank's pipeline, decision by decision: what the issue's transcript promises, and the rules behind it.

mod bank;
mod board;

use bank::{Bank, direct, from, soak, stage};
use insta::assert_snapshot;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::conditions;
use seaway_api::kargo::*;
use seaway_api::seaway::{PromotionRun, PromotionRunStatus, Wait};
use seaway_core::stage::{Election, FreightChange, Refusal};
use seaway_core::why;

#[test]
fn the_first_screen_is_what_the_readme_shows() {
    let bank = Bank::new();
    assert_snapshot!(bank.table(), @r"
    qa | fund-transfer 1.5.0 | - | unchecked | - | 0s
    e2e | fund-transfer 1.5.0 | - | unchecked | - | 0s
    staging | fund-transfer 1.5.0 | - | unchecked | - | 0s
    prod-eu | fund-transfer 1.4.8 | fund-transfer 1.5.0 | waiting | you: manual promotion | 0s
    prod-us | fund-transfer 1.4.8 | - | unchecked | - | 1s
    ");
}

#[test]
fn a_bad_version_stops_in_e2e_and_both_versions_are_told() {
    let mut bank = Bank::new();
    bank.push("1.5.1");
    bank.settle();
    bank.pass("3m");
    bank.push("1.5.2");
    bank.settle();
    bank.pass("1m");
    assert_snapshot!(bank.table(), @r"
    qa | fund-transfer 1.5.2 | - | unchecked | - | 1m
    e2e | fund-transfer 1.5.1 | fund-transfer 1.5.2 (in git) | failed | smoke test answered 500 | 1m
    staging | fund-transfer 1.5.1 | - | unchecked | - | 4m
    prod-eu | fund-transfer 1.4.8 | fund-transfer 1.5.1 | waiting | you: manual promotion | 4m
    prod-us | fund-transfer 1.4.8 | - | unchecked | - | 4m
    ");
    assert_snapshot!(bank.why("e2e"), @"stage e2e is failed: fund-transfer 1.5.2 (in git all the same): smoke test answered 500, since 1m; released by another promotion, of this freight or other");
    assert_snapshot!(bank.why("prod-eu"), @"stage prod-eu is waiting: fund-transfer 1.5.1 waits for you: manual promotion (no policy lets it promote by itself), since 4m; released by a person who may promote to the stage");
    let names: Vec<String> = bank.with(why::stuck).into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["e2e", "prod-eu"]);
    assert_eq!(bank.decision("e2e").promote, [], "a failed attempt is not repeated");
    assert!(matches!(bank.decision("e2e").refused[0].1, Refusal::LastAttempt { .. }));
    // A second try finds it in git, and pushes nothing.
    let again = bank.promote("e2e", "1.5.2", "alice");
    bank.settle();
    let again = bank.promotions.iter_mut().find(|p| p.metadata.name.as_ref() == Some(&again)).unwrap();
    let push = again.spec.steps.iter().position(|step| step.uses == "git-push").unwrap();
    let went = &mut again.status.as_mut().unwrap().step_execution_metadata[push];
    went.status = PromotionStepStatus::Skipped;
    assert!(bank.why("e2e").contains("fund-transfer 1.5.2 (in git all the same): smoke test"), "{}", bank.why("e2e"));
    assert!(bank.why_freight("1.5.2").starts_with("freight 1.5.2 at e2e is failed: fund-transfer 1.5.2 (in git all the same)"));
}

#[test]
fn freight_says_first_what_stops_it_where_it_has_come_furthest() {
    let mut bank = Bank::new();
    bank.push("1.5.2");
    bank.settle();
    bank.pass("3m");
    assert_snapshot!(bank.why_freight("1.5.2"), @r"
    freight 1.5.2 at e2e is failed: fund-transfer 1.5.2 (in git all the same): smoke test answered 500, since 3m; released by promoting it again, or a newer version
    freight 1.5.2: fund-transfer 1.5.2 is in qa, since 3m
    freight 1.5.2 at staging is waiting: fund-transfer 1.5.2 is not verified in e2e, since 3m; released by its verification in an upstream stage, or an approval
    freight 1.5.2 at prod-eu is waiting: fund-transfer 1.5.2 is not verified in staging, since 3m; released by its verification in an upstream stage, or an approval
    freight 1.5.2 at prod-us is waiting: fund-transfer 1.5.2 is not verified in prod-eu, since 3m; released by its verification in an upstream stage, or an approval
    ");
    // A newer version follows, and comes as far as a person is needed.
    bank.push("1.5.3");
    bank.settle();
    bank.pass("1m");
    assert_snapshot!(bank.why_freight("1.5.2"), @r"
    freight 1.5.2 at e2e is failed: fund-transfer 1.5.2: smoke test answered 500, since 4m; released by promoting it again, or a newer version
    freight 1.5.2: fund-transfer 1.5.2 was in qa, and fund-transfer 1.5.3 came after it, since 1m
    freight 1.5.2 at staging is waiting: fund-transfer 1.5.2 is not verified in e2e, since 4m; released by its verification in an upstream stage, or an approval
    freight 1.5.2 at prod-eu is waiting: fund-transfer 1.5.2 is not verified in staging, since 4m; released by its verification in an upstream stage, or an approval
    freight 1.5.2 at prod-us is waiting: fund-transfer 1.5.2 is not verified in prod-eu, since 4m; released by its verification in an upstream stage, or an approval
    ");
    assert_snapshot!(bank.why_freight("1.5.3"), @r"
    freight 1.5.3 at prod-eu is waiting: fund-transfer 1.5.3 is verified in staging, since 1m; released by a promotion
    freight 1.5.3: fund-transfer 1.5.3 is in qa, since 1m
    freight 1.5.3: fund-transfer 1.5.3 is in e2e, since 1m
    freight 1.5.3: fund-transfer 1.5.3 is in staging, since 1m
    freight 1.5.3 at prod-us is waiting: fund-transfer 1.5.3 is not verified in prod-eu, since 1m; released by its verification in an upstream stage, or an approval
    ");
    assert_snapshot!(bank.why_freight("1.4.8"), @r"
    freight 1.4.8: fund-transfer 1.4.8 is in prod-us, since 4m
    freight 1.4.8: fund-transfer 1.4.8 was in qa, and fund-transfer 1.5.0 came after it, since 4m
    freight 1.4.8: fund-transfer 1.4.8 was in e2e, and fund-transfer 1.5.0 came after it, since 4m
    freight 1.4.8: fund-transfer 1.4.8 was in staging, and fund-transfer 1.5.0 came after it, since 4m
    freight 1.4.8: fund-transfer 1.4.8 is in prod-eu, since 5m
    ");
    // What was stopped is no longer on its way, and says so.
    let name = bank.promote("e2e", "1.5.2", "alice");
    assert_snapshot!(bank.why_freight("1.5.2").lines().next().unwrap(), @"freight 1.5.2 at e2e is promoting: fund-transfer 1.5.2: it starts at the stage's next look, since 0s");
    let stopped = bank.promotions.iter_mut().find(|p| p.metadata.name.as_ref() == Some(&name)).unwrap();
    stopped.status =
        Some(PromotionStatus { phase: PromotionPhase::Aborted, finished_at: Some(Time(bank.now)), ..Default::default() });
    bank.pass("5s");
    assert_snapshot!(bank.why_freight("1.5.2").lines().next().unwrap(), @"freight 1.5.2 at e2e is waiting: the promotion of fund-transfer 1.5.2 was stopped, and automation does not try again, since 5s; released by promoting it again, or a newer version");
    // A stage remembers what its promotion, which was collected, came to.
    let mut bank = Bank::new();
    bank.push("1.5.2");
    bank.settle();
    bank.promotions.clear();
    assert_snapshot!(bank.why_freight("1.5.2"), @r"
    freight 1.5.2 at e2e is failed: fund-transfer 1.5.2: smoke test answered 500, since 0s; released by promoting it again, or a newer version
    freight 1.5.2: fund-transfer 1.5.2 is in qa, since 0s
    freight 1.5.2 at staging is waiting: fund-transfer 1.5.2 is not verified in e2e, since 0s; released by its verification in an upstream stage, or an approval
    freight 1.5.2 at prod-eu is waiting: fund-transfer 1.5.2 is not verified in staging, since 0s; released by its verification in an upstream stage, or an approval
    freight 1.5.2 at prod-us is waiting: fund-transfer 1.5.2 is not verified in prod-eu, since 0s; released by its verification in an upstream stage, or an approval
    ");
}

#[test]
fn going_around_the_stages_before_is_told_only_where_freight_does_not_come_by_itself() {
    let mut bank = Bank::new();
    let forget = |bank: &mut Bank| {
        (bank.freight, bank.promotions) = (Vec::new(), Vec::new());
        bank.stages.iter_mut().for_each(|stage| stage.status = None);
    };
    let hints = |bank: &Bank, name: &str| {
        let stage = bank.stages.iter().find(|s| s.metadata.name.as_deref() == Some(name)).unwrap();
        let freight = bank.freight.last().unwrap();
        let of_stage = bank.with(|project| why::stage(project, stage));
        let of_freight = bank.with(|project| why::freight_on_its_way(project, freight));
        let of_freight = of_freight.into_iter().find(|answer| answer.links[0].name == name).unwrap();
        assert_eq!(of_stage.reason, of_freight.reason, "{name}");
        let row = bank.with(seaway_core::view::stages).into_iter().find(|row| row.stage == name).unwrap();
        assert_eq!(row.hint, of_stage.hint, "{name}");
        [of_stage.hint, of_freight.hint]
    };
    forget(&mut bank);
    bank.push("1.5.1");
    for _ in 0..3 {
        for name in ["staging", "prod-eu", "prod-us"] {
            assert_eq!(hints(&bank, name), ["", ""], "{name} of\n{}", bank.table());
        }
        bank.look();
    }
    bank.settle();
    assert_eq!(hints(&bank, "prod-us"), ["", ""], "prod-eu waits for a person:\n{}", bank.table());
    // What failed in e2e does not come further by itself.
    forget(&mut bank);
    bank.push("1.5.2");
    bank.settle();
    for name in ["staging", "prod-eu", "prod-us"] {
        let around = format!("seaway approve 1.5.2 --stage {name}");
        assert_eq!(hints(&bank, name), [around.as_str(); 2], "{name} of\n{}", bank.table());
    }
    // Nor does what only a stage verifies that is blocked.
    forget(&mut bank);
    bank.push("1.5.3");
    bank.edit("qa", |stage| stage.spec.promotion_template.as_mut().unwrap().spec.steps.push(bank::step("helm-template")));
    bank.settle();
    assert_eq!(hints(&bank, "staging"), ["seaway approve 1.5.3 --stage staging"; 2], "{}", bank.table());
}

#[test]
fn soak_is_an_instant_and_not_a_poll() {
    let mut bank = Bank::new();
    bank.promote("prod-eu", "1.5.0", "bob");
    bank.settle();
    bank.pass("20s");
    assert_snapshot!(bank.why("prod-us"), @"stage prod-us is waiting: fund-transfer 1.5.0 soaks in prod-eu for 40s more, since 20s; released by time, as long as it stays there");
    let decision = bank.decision("prod-us");
    assert_eq!(decision.next.unwrap().duration_since(bank.now).as_secs(), 40);
    bank.pass("39s");
    assert_eq!(bank.decision("prod-us").promote.len(), 0);
    bank.pass("1s");
    assert_eq!(bank.decision("prod-us").promote.len(), 1);
    bank.settle();
    assert!(bank.table().contains("prod-us | fund-transfer 1.5.0 | - | unchecked"));
}

#[test]
fn soak_cut_short_is_remembered() {
    let mut bank = Bank::new();
    bank.promote("prod-eu", "1.5.0", "bob");
    bank.settle();
    bank.pass("20s");
    bank.promote("prod-eu", "1.4.8", "bob");
    bank.settle();
    bank.pass("1h");
    assert_eq!(bank.decision("prod-us").promote, []);
    let freight = bank.freight.iter().find(|f| f.images[0].tag == "1.5.0").unwrap();
    let there = bank.stages.iter().find(|s| s.metadata.name.as_deref() == Some("prod-us")).unwrap();
    let answer = bank.with(|project| why::freight(project, freight, there));
    assert_snapshot!(answer.cause, @"fund-transfer 1.5.0 left prod-eu after 20 s of the 60 s it must be there");
}

#[test]
fn a_person_who_goes_back_holds_automation_until_it_is_resumed() {
    let mut bank = Bank::new();
    bank.promote("staging", "1.4.8", "alice");
    assert_eq!(bank.decision("staging").status.effective_auto_promotion_holds.len(), 1, "held from the moment it is asked for");
    bank.settle();
    assert_snapshot!(bank.why("staging"), @"stage staging is held: alice chose other freight than fund-transfer 1.5.0, since 0s; released by promoting the newest freight, or lifting the hold");
    bank.push("1.5.1");
    bank.settle();
    assert!(bank.table().contains("staging | fund-transfer 1.4.8 | fund-transfer 1.5.1 | held"), "{}", bank.table());
    bank.promote("staging", "1.5.1", "alice");
    bank.settle();
    bank.push("1.5.3");
    bank.settle();
    assert!(bank.table().contains("staging | fund-transfer 1.5.3 | - | unchecked"), "{}", bank.table());
}

#[test]
fn a_hold_is_lifted_by_hand() {
    let mut bank = Bank::new();
    bank.promote("staging", "1.4.8", "alice");
    bank.settle();
    bank.pass("1m");
    let now = bank.now.to_string();
    bank.edit("staging", |stage| {
        stage.metadata.annotations.get_or_insert_default().insert(seaway_core::stage::RESUME_ANNOTATION.into(), now);
    });
    assert!(bank.decision("staging").status.effective_auto_promotion_holds.is_empty());
    bank.settle();
    assert!(bank.table().contains("staging | fund-transfer 1.5.0 | - | unchecked"), "{}", bank.table());
}

#[test]
fn a_failed_promotion_leaves_no_hold() {
    let mut bank = Bank::new();
    bank.push("1.5.2");
    bank.settle();
    bank.push("1.5.3");
    bank.settle();
    bank.promote("e2e", "1.5.2", "alice");
    bank.settle();
    let decision = bank.decision("e2e");
    assert!(decision.status.auto_promotion_holds.is_empty() && decision.status.effective_auto_promotion_holds.is_empty());
}

#[test]
fn the_queue_is_strict() {
    let mut bank = Bank::new();
    let first = bank.promote("qa", "1.4.8", "alice");
    let second = bank.promote("qa", "1.5.0", "alice");
    let decision = bank.decision("qa");
    assert_eq!(decision.start, Some(first.clone()));
    bank.edit("qa", |stage| stage.status = Some(decision.status));
    assert_eq!(bank.decision("qa").election, Election::Runs(first.clone()));
    let queued = bank.promotions.iter().find(|p| p.metadata.name.as_ref() == Some(&second)).unwrap();
    let line = bank.with(|project| why::promotion(project, queued).cause);
    assert_eq!(line, format!("{first} comes first"));
}

#[test]
fn one_stopped_out_of_turn_hides_no_earlier_one() {
    let mut bank = Bank::new();
    let first = bank.promote("qa", "1.4.8", "alice");
    let second = bank.promote("qa", "1.5.0", "alice");
    let stopped = bank.promotions.iter_mut().find(|p| p.metadata.name.as_ref() == Some(&second)).unwrap();
    stopped.status = Some(PromotionStatus { phase: PromotionPhase::Aborted, ..PromotionStatus::default() });
    let before = bank.decision("qa").status.last_promotion.unwrap().name;
    assert!(before < first, "{before}");
    bank.settle();
    let last = bank.decision("qa").status.last_promotion.unwrap();
    assert_eq!(last.name, second);
    let kept = last.status.unwrap().freight_collection.unwrap();
    assert_eq!(kept.items["Warehouse/bank"].images[0].tag, "1.4.8", "what was in the stage stays the ground for the next");
}

#[test]
fn nothing_checked_is_never_called_healthy() {
    let bank = Bank::new();
    let status = bank.decision("qa").status;
    assert_eq!(status.health.unwrap().status, HealthState::NotApplicable);
    assert!(!conditions::is_true(&status.conditions, "Healthy"));
    assert!(conditions::is_true(&status.conditions, "Verified") && conditions::is_true(&status.conditions, "Ready"));
}

#[test]
fn history_is_bounded_and_the_same_freight_twice_is_one_entry() {
    let mut bank = Bank::new();
    for i in 0..14 {
        bank.push(&format!("1.6.{i}"));
        bank.settle();
    }
    let n = bank.decision("qa").status.freight_history.len();
    bank.promote("qa", "1.6.13", "alice");
    bank.settle();
    let again = bank.decision("qa").status.freight_history.len();
    assert_eq!((n, again), (10, 10));
    let head = &bank.decision("qa").status.freight_history[..2];
    assert_ne!(head[0].id, head[1].id);
}

#[test]
fn a_control_flow_stage_passes_freight_on_and_soak_behind_it_counts() {
    let mut bank = Bank::new();
    let mut gate = stage("gate", soak(&["qa"], "30s"));
    gate.spec.promotion_template = None;
    bank.stages.push(gate);
    bank.stages.push(stage("after", soak(&["gate"], "10s")));
    bank.push("1.5.1");
    bank.settle();
    let gate = bank.decision("gate");
    assert_eq!(gate.status.freight_summary, "N/A");
    assert_eq!(gate.next.unwrap().duration_since(bank.now).as_secs(), 30, "it looks again when soak is over");
    bank.pass("30s");
    assert!(bank.decision("gate").freight.iter().any(|c| matches!(c, FreightChange::Verified { .. })));
    bank.settle();
    assert_eq!(bank.decision("after").next.unwrap().duration_since(bank.now).as_secs(), 10);
    bank.pass("10s");
    assert_snapshot!(bank.why("after"), @"stage after is waiting: fund-transfer 1.5.1 waits for you: manual promotion (no policy lets it promote by itself), since 0s; released by a person who may promote to the stage");
}

#[test]
fn match_upstream_takes_what_upstream_has_and_not_what_is_newest() {
    let mut bank = Bank::new();
    let mut same = from(&["qa"]);
    same.auto_promotion_options = Some(AutoPromotionOptions { selection_policy: AutoPromotionSelectionPolicy::MatchUpstream });
    let mut twin = stage("prod-uk", same);
    twin.metadata.name = Some("prod-uk".into());
    bank.stages.push(twin);
    bank.promote("qa", "1.4.8", "alice");
    bank.settle();
    assert!(bank.table().contains("prod-uk | fund-transfer 1.4.8 |"), "{}", bank.table());
}

#[test]
fn several_origins_live_in_one_stage() {
    let mut bank = Bank::new();
    bank.warehouses.push(Warehouse::new("config", WarehouseSpec::default()));
    let second = FreightRequest { origin: FreightOrigin::warehouse("config"), sources: direct() };
    bank.edit("qa", |stage| stage.spec.requested_freight.push(second));
    assert_eq!(bank.decision("qa").status.freight_summary, "1/2 Fulfilled");
    let mut freight = bank.freight[1].clone();
    freight.origin = FreightOrigin::warehouse("config");
    freight.metadata.name = Some(seaway_core::freight::name_of(&freight));
    freight.status = None;
    bank.freight.push(freight);
    bank.settle();
    let status = bank.decision("qa").status;
    assert_eq!((status.freight_summary.as_str(), status.freight_history[0].items.len()), ("2/2 Fulfilled", 2));
}

#[test]
fn all_means_each_of_them() {
    let mut bank = Bank::new();
    let mut both = from(&["qa", "e2e"]);
    both.availability_strategy = FreightAvailabilityStrategy::All;
    bank.stages.push(stage("both", both));
    bank.push("1.5.2");
    bank.settle();
    assert_snapshot!(bank.why("both"), @"stage both is waiting: fund-transfer 1.5.0 waits for you: manual promotion (no policy lets it promote by itself), since 1s; released by a person who may promote to the stage");
}

#[test]
fn stuck_states_name_their_cause() {
    let stuck = |name: &str, change: &dyn Fn(&mut Bank)| {
        let mut bank = Bank::new();
        change(&mut bank);
        bank.why(name)
    };
    assert_snapshot!(stuck("qa", &|b| b.warehouses.clear()), @"stage qa is blocked: warehouse `bank` is not there; released by creating it, or requesting another");
    assert_snapshot!(stuck("e2e", &|b| b.edit("e2e", |s| s.spec.requested_freight[0].sources = from(&["nowhere"]))), @"stage e2e is blocked: upstream stage `nowhere` is not there; released by creating it, or naming another");
    assert_snapshot!(stuck("qa", &|b| b.edit("qa", |s| s.spec.verification = Some(Verification::default()))), @"stage qa is blocked: verification (`spec.verification`) is not built yet; released by a later release, or leaving that part out");
    assert_snapshot!(stuck("new", &|b| b.stages.push(stage("new", from(&["prod-us"])))), @"stage new is waiting: fund-transfer 1.4.8 waits for you: manual promotion (no policy lets it promote by itself), since 1s; released by a person who may promote to the stage");
    assert_snapshot!(stuck("new", &|b| {
        b.freight.clear();
        b.stages.push(stage("new", direct()));
        b.warehouses[0].status = Some(WarehouseStatus {
            conditions: vec![conditions::Condition::new("Healthy", false, "NoImageReferencesDiscovered", "no tag of 127.0.0.1:7450/fund-transfer matches ^9")],
            ..WarehouseStatus::default()
        });
    }), @"stage new is empty: warehouse bank has made no freight yet: no tag of 127.0.0.1:7450/fund-transfer matches ^9; released by a version that matches, or a wider subscription");
}

#[test]
fn a_running_promotion_says_what_its_run_waits_for() {
    let tell = |status: PromotionRunStatus| {
        let mut bank = Bank::new();
        let name = bank.promote("prod-eu", "1.5.0", "bob");
        let promotion = bank.promotions.iter_mut().find(|p| p.metadata.name.as_ref() == Some(&name)).unwrap();
        promotion.status = Some(PromotionStatus {
            phase: PromotionPhase::Running,
            started_at: Some(Time(bank.now)),
            ..PromotionStatus::default()
        });
        let mut run = PromotionRun::new(&name, seaway_api::seaway::PromotionRunSpec::default());
        run.status = Some(status);
        bank.runs.push(run);
        bank.why("prod-eu").replace(&name, "PROMOTION")
    };
    assert_snapshot!(tell(PromotionRunStatus::default()), @"stage prod-eu is promoting: fund-transfer 1.5.0: step 1 of 3, git-clone, since 0s");
    let journal = serde_json::json!({ "version": 1, "steps": [{ "alias": "notify", "effect": { "uncertain": true } }] });
    let uncertain = serde_json::from_value(serde_json::json!({ "phase": "Uncertain", "journal": journal })).unwrap();
    assert_snapshot!(tell(uncertain), @"stage prod-eu is uncertain: fund-transfer 1.5.0: `notify` sent something and its answer never came, since 0s; released by a person who knows");
    let blocked = |reason: &str, message: &str| PromotionRunStatus {
        conditions: vec![conditions::Condition::new("Blocked", true, reason, message)],
        ..PromotionRunStatus::default()
    };
    assert_snapshot!(tell(blocked("NotAuthenticated", "git-clone: http://127.0.0.1:7480/bank.git: the server did not accept the credentials")), @"stage prod-eu is blocked: fund-transfer 1.5.0: git-clone: http://127.0.0.1:7480/bank.git: the server did not accept the credentials, since 0s; released by a Secret of the project with the right credentials");
    assert_snapshot!(tell(blocked("ToolMissing", "neither `kustomize` nor `kubectl` is installed")), @"stage prod-eu is blocked: fund-transfer 1.5.0: neither `kustomize` nor `kubectl` is installed, since 0s; released by installing it");
    let wait =
        Wait { step: "smoke".into(), for_: "http://x answers 200".into(), released_by: "that answer".into(), ..Wait::default() };
    assert_snapshot!(tell(PromotionRunStatus { waits: vec![wait], ..PromotionRunStatus::default() }), @"stage prod-eu is waiting: fund-transfer 1.5.0: `smoke` waits: http://x answers 200, since 0s; released by that answer");
}

#[test]
fn between_a_promotions_end_and_the_stages_next_look_nothing_untrue_is_told() {
    let mut bank = Bank::new();
    bank.promote("prod-eu", "1.5.0", "kubernetes:bob");
    // One look starts the promotion and carries it out; the stage has not looked since.
    bank.look();
    let row = bank.table().lines().find(|row| row.starts_with("prod-eu")).unwrap().to_owned();
    assert_eq!(row, "prod-eu | fund-transfer 1.4.8 | fund-transfer 1.5.0 | promoting | - | 0s");
    bank.settle();
    assert!(bank.table().contains("prod-eu | fund-transfer 1.5.0 | - | unchecked"), "{}", bank.table());
}

#[test]
fn freight_waits_no_longer_than_the_stage_has_something_else() {
    let mut bank = Bank::new();
    let row = |bank: &Bank| bank.table().lines().find(|row| row.starts_with("prod-eu")).unwrap().to_owned();
    bank.promote("prod-eu", "1.5.0", "user:bob");
    bank.settle();
    bank.pass("1h");
    bank.promote("prod-eu", "1.4.8", "user:bob");
    bank.settle();
    bank.pass("2m");
    assert_eq!(row(&bank), "prod-eu | fund-transfer 1.4.8 | fund-transfer 1.5.0 | waiting | you: manual promotion | 2m");
    bank.push("1.5.1");
    bank.settle();
    assert_eq!(row(&bank), "prod-eu | fund-transfer 1.4.8 | fund-transfer 1.5.1 | waiting | you: manual promotion | 0s");
}

#[test]
fn how_a_promotion_ended_is_told_in_its_own_words() {
    let mut bank = Bank::new();
    let end = |bank: &mut Bank, phase: PromotionPhase, message: &str| {
        let name = bank.promote("prod-eu", "1.5.0", "kubernetes:bob");
        let promotion = bank.promotions.iter_mut().find(|p| p.metadata.name.as_ref() == Some(&name)).unwrap();
        let finished_at = Some(Time(bank.now));
        promotion.status = Some(PromotionStatus { phase, message: message.into(), finished_at, ..PromotionStatus::default() });
        let promotion = promotion.clone();
        let answer = bank.with(|project| why::promotion(project, &promotion));
        format!("{} [{}]", answer.first_line(bank.now).replace(&name, "P"), answer.in_few_words())
    };
    assert_snapshot!(end(&mut bank, PromotionPhase::Succeeded, ""), @"promotion P has succeeded: the promotion ended well, since 0s []");
    assert_snapshot!(end(&mut bank, PromotionPhase::Aborted, "promotion aborted by kubernetes:alice"), @"promotion P was aborted: promotion aborted by alice, since 0s [promotion aborted by alice]");
    assert_snapshot!(end(&mut bank, PromotionPhase::Failed, "step `smoke` met error threshold of 1: smoke test answered 500"), @"promotion P has failed: `smoke`: smoke test answered 500, since 0s; released by another promotion, of this freight or other [smoke test answered 500]");
}

#[test]
fn what_a_controller_gave_up_on_says_so() {
    let stalled = |reason: &str, message: &str| conditions::Condition {
        last_transition_time: Some(Time("2026-01-01T00:00:00Z".parse().unwrap())),
        ..conditions::Condition::new("Stalled", true, reason, message)
    };
    let mut bank = Bank::new();
    let now = "2026-01-01T00:03:00Z".parse().unwrap();
    let line = |answer: why::Answer| format!("{} [{}] {}", answer.first_line(now), answer.in_few_words(), answer.hint);
    let stage = |bank: &Bank, name: &str| {
        let stage = bank.stages.iter().find(|s| s.metadata.name.as_deref() == Some(name)).unwrap();
        line(bank.with(|project| why::stage(project, stage)))
    };
    let status = |stage: &mut Stage, condition| stage.status.get_or_insert_default().conditions.push(condition);
    bank.edit("qa", |qa| status(qa, stalled("ReconcileError", "list the stage's promotions: invalid type")));
    bank.edit("e2e", |e2e| status(e2e, stalled("Bug", "seaway has a fault: index out of bounds; please report it")));
    assert_snapshot!(stage(&bank, "qa"), @"stage qa is blocked: its controller fails again and again: list the stage's promotions: invalid type, since 3m; released by the end of what the message names; it tries again by itself [its controller fails] ");
    assert_snapshot!(stage(&bank, "e2e"), @"stage e2e is blocked: seaway has a fault: index out of bounds; please report it, since 3m; released by a corrected release; please report it [a fault of Seaway] ");
    let name = bank.promote("prod-eu", "1.5.0", "bob");
    let promotion = bank.promotions.iter_mut().find(|p| p.metadata.name.as_ref() == Some(&name)).unwrap();
    promotion.status = Some(PromotionStatus { phase: PromotionPhase::Running, ..PromotionStatus::default() });
    let mut run = PromotionRun::new(&name, seaway_api::seaway::PromotionRunSpec::default());
    let conditions = vec![stalled("JournalUnreadable", "the journal is of version 9, and this release reads version 1")];
    run.status = Some(PromotionRunStatus { conditions, ..PromotionRunStatus::default() });
    bank.runs.push(run);
    assert_snapshot!(stage(&bank, "prod-eu").replace(&name, "P"), @"stage prod-eu is blocked: fund-transfer 1.5.0: Seaway gave up on it: the journal is of version 9, and this release reads version 1, since 3m; released by a release that reads its journal, or a person who ends it [its journal cannot be read] seaway abort P");
    let parked = why::unreadable("Stage", "odd", "missing field `spec`", Some("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_snapshot!(line(parked), @"stage odd is blocked: it is parked, as this release cannot read it: missing field `spec`, since 3m; released by a corrected object, or a release that reads it [cannot be read] kubectl get stage odd -o yaml");
}

#[test]
fn freight_is_found_as_people_name_it() {
    let mut bank = Bank::new();
    bank.push("1.5.1");
    bank.freight[0].alias = "wobbly-otter".into();
    let find = |query: &str| match seaway_core::freight::find(query, &bank.freight) {
        Ok(found) => found.images[0].tag.clone(),
        Err(e) => e.to_string(),
    };
    assert_eq!(find("1.5.1"), "1.5.1");
    assert_eq!(find("fund-transfer:1.5.1"), "1.5.1");
    assert_eq!(find("127.0.0.1:7450/fund-transfer:1.5.0"), "1.5.0");
    assert_eq!(find("wobbly-otter"), "1.4.8");
    assert_eq!(find(bank.freight[1].metadata.name.as_deref().unwrap()), "1.5.0");
    assert!(find("2.0.0").starts_with("`2.0.0` is 3 pieces of freight: "), "{}", find("2.0.0"));
    assert!(find("9.9.9").starts_with("no freight goes by `9.9.9`; there is "), "{}", find("9.9.9"));
}

#[test]
fn what_is_old_and_unused_may_go() {
    let mut bank = Bank::new();
    for i in 0..30 {
        bank.push(&format!("1.7.{i}"));
        bank.settle();
    }
    let keep = seaway_core::retention::Keep::default();
    let gone = |bank: &Bank| {
        let own: Vec<_> = bank.promotions.iter().filter(|p| p.spec.stage == "qa").cloned().collect();
        (
            seaway_core::retention::promotions(&own, keep, bank.now).len(),
            seaway_core::retention::freight(&bank.freight, &bank.stages, keep, bank.now).len(),
        )
    };
    assert_eq!(gone(&bank), (0, 0), "nothing is old enough");
    bank.pass("337h");
    assert_eq!(gone(&bank), (12, 0), "freight newer than what a stage still has stays");
    bank.promote("prod-eu", "1.7.29", "bob");
    bank.settle();
    bank.pass("1m");
    bank.settle();
    assert_eq!(gone(&bank), (12, 11));
}
