//! The rules of the main loop, one table: which steps run, how they end, and what becomes of the promotion.

mod common;

use common::*;
use seaway_base::Secret;
use seaway_runs::{AdvanceError, Choice, DataAsk, Datum, Milestone, Outcome, Phase, RunSpec, StepSpec};
use seaway_runs::{Answer, Cancel, Class, Contract, Description, Step, StepContext, StepError};
use serde_json::{Value, json};
use std::sync::Arc;

#[track_caller]
fn pipeline(steps: impl IntoIterator<Item = StepSpec>) -> RunSpec {
    spec(steps)
}

async fn check(steps: Vec<StepSpec>, expected: (Phase, &str)) -> House {
    let house = House::new();
    let outcome = house.settle(&pipeline(steps)).await;
    let (phase, shown) = expected;
    assert_eq!((outcome, house.steps().as_str()), (Outcome::Finished(phase), shown));
    house
}

fn say(alias: &str) -> StepSpec {
    step(alias, "say", json!({}))
}

#[tokio::test]
async fn a_failing_step_does_not_stop_the_loop() {
    check(
        vec![
            say("a"),
            step("b", "fail", json!({})),
            say("c"),
            when(say("d"), "${{ failure() }}"),
            when(say("e"), "${{ always() }}"),
            when(say("f"), "${{ success() }}"),
        ],
        (Phase::Failed, "a Succeeded\nb Failed it says no\nc Skipped\nd Succeeded\ne Succeeded\nf Skipped"),
    )
    .await;
    check(
        vec![step("a", "error", json!({})), step("b", "fail", json!({}))],
        (Phase::Errored, "a Errored step `a` met error threshold of 1: it could not\nb Skipped"),
    )
    .await;
    check(
        vec![StepSpec { continue_on_error: true, ..step("a", "fail", json!({})) }, say("b"), when(say("c"), "${{ failure() }}")],
        (Phase::Succeeded, "a Failed it says no\nb Succeeded\nc Skipped"),
    )
    .await;
}

#[tokio::test]
async fn a_condition_must_be_true_or_false() {
    check(vec![when(say("a"), "true"), when(say("b"), "${{ always() }}"), when(say("c"), "${{ status('a') == 'Errored' && always() }}")], (
        Phase::Errored,
        "a Errored `if` of step `a` must be true or false, and is \"true\"; write `${{ … }}` around the condition\nb Succeeded\nc Succeeded",
    ))
    .await;
}

#[tokio::test]
async fn unknown_steps_and_bad_expressions_are_errors_and_panics_are_bugs() {
    let house = check(
        vec![
            step("a", "no-such", json!({})),
            when(step("b", "say", json!({"x": "${{ 1 + }}"})), "${{ always() }}"),
            when(step("c", "boom", json!({})), "${{ always() }}"),
        ],
        {
            (
                Phase::Errored,
                "a Errored there is no step `no-such`: docs/steps tells of those there are\n\
             b Errored configuration of step `b`: parse expression: unexpected end of expression (at 5)\n\
             c Errored an unrecoverable error occurred: step `c` panicked: kaboom; this is a bug of Seaway",
            )
        },
    )
    .await;
    assert_eq!(house.last().steps[2].reason, "Bug");
}

#[tokio::test]
async fn a_step_that_is_not_built_blocks() {
    let house = House::new();
    let outcome = house.settle(&pipeline([say("a"), step("b", "argocd-update", json!({}))])).await;
    assert_eq!(
        outcome,
        Outcome::Blocked { reason: "NotBuilt".into(), why: "step `argocd-update` is not built in this release of Seaway".into() }
    );
    let saves = house.world.saves.lock().len();
    assert_eq!(house.settle(&pipeline([say("a"), step("b", "argocd-update", json!({}))])).await, outcome);
    assert_eq!(house.world.saves.lock().len(), saves, "a block that stands is not written again");
}

#[tokio::test]
async fn errors_are_counted_in_a_row_and_tried_again() {
    let flaky =
        |times: u32, threshold: u32| StepSpec { error_threshold: threshold, ..step("a", "flaky", json!({ "times": times })) };
    let house = check(vec![flaky(2, 3)], (Phase::Succeeded, "a Succeeded")).await;
    assert_eq!(house.last().steps[0].output, json!({"n": 3}).as_object().cloned());
    check(vec![flaky(3, 3)], (Phase::Errored, "a Errored step `a` met error threshold of 3: error 3")).await;
    let timed = StepSpec { timeout: Some(std::time::Duration::from_secs(60)), ..flaky(3, 9) };
    check(vec![timed], (Phase::Errored, "a Errored step `a` timed out after 1m0s: error 2")).await;
}

#[tokio::test]
async fn a_wait_publishes_its_output_and_a_poll_that_finds_nothing_writes_nothing() {
    let house = House::new();
    let pipeline = pipeline([step("w", "poll", json!({"times": 3})), step("x", "say", json!({"open": "${{ outputs.w.open }}"}))]);
    let Ok(Outcome::Waiting { until, why }) = house.pass(&pipeline).await else { panic!("does not wait") };
    assert_eq!((until.duration_since(start()).as_secs(), why.as_str()), (30, "not yet"));
    assert_eq!(house.last().steps[0].output, json!({"open": true}).as_object().cloned());
    let saves = house.world.saves.lock().len();
    assert!(matches!(house.pass(&pipeline).await, Ok(Outcome::Waiting { .. })));
    assert!(matches!(house.pass(&pipeline).await, Ok(Outcome::Waiting { .. })));
    assert_eq!(house.world.saves.lock().len(), saves);
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Succeeded));
    assert_eq!(house.last().steps[1].output, json!({"open": false}).as_object().cloned());
}

#[tokio::test]
async fn variables_and_outputs_reach_later_steps() {
    let mut pipeline = pipeline([
        step("task::a", "compose", json!({"greeting": "hello ${{ vars.who }}"})),
        StepSpec {
            vars: vec![seaway_runs::Variable { name: "who".into(), value: "${{ task.outputs.a.greeting }}!".into() }],
            ..step("task::b", "say", json!({"x": "${{ vars.who }}"}))
        },
        step(
            "c",
            "say",
            json!({"x": "${{ outputs.task.greeting }}", "y": "${{ outputs['task::b'].x }}", "s": "${{ ctx.stage }}", "m": "${{ stepMetas['task::b'].Status }}"}),
        ),
    ]);
    pipeline.vars.push(seaway_runs::Variable { name: "twice".into(), value: "${{ vars.who }}${{ vars.who }}".into() });
    let house = House::new();
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Succeeded), "{}", house.steps());
    let last = house.last();
    assert_eq!(last.steps[1].output, json!({"x": "hello world!"}).as_object().cloned());
    assert_eq!(
        last.steps[2].output,
        json!({"x": "hello world", "y": "hello world!", "s": "qa", "m": "Succeeded"}).as_object().cloned()
    );
    assert_eq!(
        Value::Object(last.outputs(1)),
        json!({"task::a": {"greeting": "hello world"}, "task": {"greeting": "hello world"}})
    );
}

#[tokio::test]
async fn an_output_too_large_fails_the_step_naming_the_key() {
    let house = House::new();
    let pipeline = pipeline([step("a", "say", json!({"big": "x".repeat(70_000), "k": 1}))]);
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Failed));
    assert!(house.steps().contains("the largest key is `big`"), "{}", house.steps());
}

#[tokio::test]
async fn an_unknowable_effect_that_was_interrupted_waits_for_a_decision() {
    for choice in [Choice::Repeat, Choice::Skip] {
        let house = House::new();
        let pipeline = pipeline([step("n", "notify", json!({"text": "hi"})), say("z")]);
        *house.faults.at.lock() = Some(6);
        assert!(matches!(house.pass(&pipeline).await, Err(AdvanceError::Crashed)));
        assert!(matches!(house.faults.seen.lock().last(), Some(seaway_runs::Point::Effect { .. })));
        let outcome = house.settle(&pipeline).await;
        assert!(matches!(&outcome, Outcome::Uncertain { step, .. } if step == "n"), "{outcome:?}");
        assert_eq!(house.world.sent.lock().len(), 1);
        assert_eq!(house.last().phase, Phase::Running);
        let mut run = house.run(&pipeline);
        assert!(run.state.resolve(choice, "user:ann"));
        assert_eq!(house.engine.advance(&mut run).await.unwrap(), Outcome::Finished(Phase::Succeeded));
        let sent = if choice == Choice::Repeat { 2 } else { 1 };
        assert_eq!(house.world.sent.lock().len(), sent);
    }
}

#[tokio::test]
async fn an_abort_ends_the_run_between_steps_and_a_stop_leaves_it_to_be_resumed() {
    let house = House::new();
    let pipeline = pipeline([step("w", "poll", json!({"times": 9})), say("z")]);
    assert!(matches!(house.pass(&pipeline).await, Ok(Outcome::Waiting { .. })));
    let mut run = house.run(&pipeline);
    run.cancel.stop();
    assert_eq!(house.engine.advance(&mut run).await.unwrap(), Outcome::Stopped);
    let mut run = house.run(&pipeline);
    run.cancel.abort("user:ann");
    assert_eq!(house.engine.advance(&mut run).await.unwrap(), Outcome::Finished(Phase::Aborted));
    assert_eq!(house.steps(), "w Aborted aborted\nz -");
    assert_eq!(phase(&house.last()), (Phase::Aborted, "promotion aborted by user:ann"));
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Aborted), "a terminal phase never changes");
}

#[tokio::test]
async fn a_secret_is_masked_wherever_it_goes_and_reaches_the_step() {
    let house = House::new();
    let ask = DataAsk { function: "secret".into(), arguments: vec!["\"s\"".into()] };
    let data = Secret::new(json!({"token": "canary-0123456789"}).as_object().cloned().unwrap());
    house.world.data.lock().insert(ask.key(), Datum::Secret { uid: "u1".into(), resource_version: "7".into(), data });
    let pipeline = pipeline([
        step("a", "say", json!({"auth": "Bearer ${{ secret('s').token }}"})),
        step("n", "notify", json!({"with": "${{ outputs.a.auth }}"})),
        step("w", "poll", json!({"times": 1})),
        step("b", "notify", json!({"with": "${{ outputs.a.auth }}"})),
    ]);
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Succeeded), "{}", house.steps());
    let sent = house.world.sent.lock().clone();
    assert_eq!(
        sent,
        [r#"n {"with":"Bearer canary-0123456789"}"#, r#"b {"with":"Bearer canary-0123456789"}"#],
        "also after it was resumed"
    );
    let journals = house.world.saves.lock().iter().map(|(_, state)| state.to_json().to_string()).collect::<String>();
    assert!(!journals.contains("canary") && journals.contains(r#"Bearer ***"#) && journals.contains(r#""resourceVersion":"7""#));
}

#[tokio::test]
async fn data_is_recorded_once_and_reused() {
    let house = House::new();
    let pipeline = pipeline([
        step("a", "say", json!({"v": "${{ configMap('c').k }}"})),
        step("w", "poll", json!({"times": 1})),
        step("b", "say", json!({"v": "${{ configMap('c').k }}"})),
    ]);
    assert!(
        matches!(house.pass(&pipeline).await, Ok(Outcome::Retry { .. })),
        "a control plane that does not answer is asked again"
    );
    let ask = DataAsk { function: "configMap".into(), arguments: vec!["\"c\"".into()] };
    house.world.data.lock().insert(ask.key(), Datum::Value(json!({"k": "old"})));
    assert!(matches!(house.pass(&pipeline).await, Ok(Outcome::Waiting { .. })));
    house.world.data.lock().insert(ask.key(), Datum::Value(json!({"k": "new"})));
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Succeeded));
    assert_eq!(house.last().steps[2].output, json!({"v": "old"}).as_object().cloned());
    assert_eq!(*house.world.n_fetches.lock(), 2);
}

#[tokio::test]
async fn few_writes() {
    let house = House::new();
    assert_eq!(
        house.settle(&pipeline([say("a"), step("n", "notify", json!({})), say("b")])).await,
        Outcome::Finished(Phase::Succeeded)
    );
    let milestones: Vec<Milestone> = house.world.saves.lock().iter().map(|(milestone, _)| *milestone).collect();
    assert_eq!(milestones, [Milestone::Started, Milestone::Effect, Milestone::Effect, Milestone::Finished]);
}

/// Stops at every point of a run, and expects the same end.
#[tokio::test]
async fn a_crash_anywhere_ends_as_a_clean_run_does() {
    let pipeline = pipeline([
        step("a", "dice", json!({})),
        step("p", "put", json!({"v": "${{ outputs.a.value }}"})),
        step("f", "fail", json!({})),
        when(step("w", "poll", json!({"times": 1})), "${{ failure() }}"),
        when(step("q", "put", json!({})), "${{ always() }}"),
        step("s", "say", json!({})),
    ]);
    let clean = House::new();
    assert_eq!(clean.settle(&pipeline).await, Outcome::Finished(Phase::Failed));
    let n_points = clean.faults.seen.lock().len();
    assert!(n_points > 15, "{n_points}");
    for at in 1..=n_points {
        let house = House::new();
        *house.faults.at.lock() = Some(at);
        assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Failed), "stopped at {at}");
        assert_eq!(house.steps(), clean.steps(), "stopped at {at}: {:?}", house.faults.seen.lock()[at - 1]);
        assert_eq!(house.world.keyed.lock().len(), 2);
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_saved_ends_the_pass() {
    let house = House::new();
    let pipeline = pipeline([say("a")]);
    *house.world.refuse_saves.lock() = 1;
    assert!(matches!(house.pass(&pipeline).await, Err(AdvanceError::Journal(_))));
    assert_eq!(house.settle(&pipeline).await, Outcome::Finished(Phase::Succeeded));
}

/// A step that says when it has begun, and ends when it is told to.
struct Slow {
    class: Class,
    begun: Arc<tokio::sync::Notify>,
    go: Arc<tokio::sync::Notify>,
}

#[async_trait::async_trait]
impl Step for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }
    fn page(&self) -> &'static str {
        ""
    }
    fn schema(&self) -> schemars::Schema {
        schemars::Schema::default()
    }
    fn check(&self, _: &Value) -> Result<(), StepError> {
        Ok(())
    }
    fn class(&self, _: &Value) -> Class {
        self.class
    }
    async fn run(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Answer, StepError> {
        self.begun.notify_one();
        self.go.notified().await;
        done(json!({ "sent": true }))
    }
    async fn describe(&self, _: &mut StepContext<'_>, _: &Value) -> Result<Description, StepError> {
        Ok(Description::default())
    }
}

/// Runs a slow step of a class, ends the run while it is at work, and lets an effect finish.
async fn ended(class: Class, end: impl FnOnce(&Cancel)) -> (House, Outcome) {
    let (begun, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let world = Arc::new(World::default());
    let mut table = fakes(&world);
    table.0.insert("slow", Arc::new(Slow { class, begun: begun.clone(), go: go.clone() }));
    let house = House::with(world, table);
    let mut run = house.run(&pipeline([step("a", "slow", json!({})), say("b")]));
    let cancel = run.cancel.clone();
    let engine = house.engine.clone();
    let task = tokio::spawn(async move { engine.advance(&mut run).await.unwrap() });
    begun.notified().await;
    end(&cancel);
    if matches!(class, Class::Effect(_)) {
        go.notify_one();
    }
    let outcome = task.await.unwrap();
    (house, outcome)
}

#[tokio::test]
async fn an_effect_in_hand_is_finished_and_journalled_before_the_run_leaves() {
    let effect = Class::Effect(Contract::Unknowable);
    let (house, outcome) = ended(effect, Cancel::stop).await;
    assert_eq!((outcome, house.steps().as_str()), (Outcome::Stopped, "a Succeeded\nb -"));
    let (house, outcome) = ended(effect, |cancel| cancel.abort("user:ann")).await;
    assert_eq!((outcome, house.steps().as_str()), (Outcome::Finished(Phase::Aborted), "a Succeeded\nb -"));
}

#[tokio::test]
async fn a_local_step_or_a_wait_is_dropped_at_once() {
    for class in [Class::Local, Class::Recorded, Class::Wait] {
        let (_, outcome) = ended(class, Cancel::stop).await;
        assert_eq!(outcome, Outcome::Stopped);
        let (house, outcome) = ended(class, |cancel| cancel.abort("user:ann")).await;
        assert_eq!((outcome, house.steps().as_str()), (Outcome::Finished(Phase::Aborted), "a Aborted aborted\nb -"));
    }
}
