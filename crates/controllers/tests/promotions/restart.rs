//! Controllers come and go: what was begun is finished once, and an idle house writes nothing.

use crate::world::{Bank, message_of};
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams, PostParams};
use parking_lot::Mutex;
use seaway_api::kargo::{Freight, Promotion, Stage};
use seaway_api::seaway::PromotionRun;
use seaway_runs::{Faults, Point, Stop};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

async fn waits(bank: &Bank) -> String {
    bank.stage("qa", json!({ "direct": true }), &[json!({ "uses": "gate", "as": "gate" })]).await;
    let freight = bank.freight("1.5.0").await;
    let name = bank.promote("qa", &freight).await;
    bank.wait::<Promotion>(&name, "waiting", |it| message_of(it).contains("the gate to open")).await;
    name
}

#[tokio::test]
async fn a_run_goes_on_after_a_stop_and_after_a_death() {
    for kill in [false, true] {
        let mut bank = Bank::open(&[]).await;
        let name = waits(&bank).await;
        if kill {
            bank.kill()
        } else {
            bank.stop().await
        }
        let before = bank.all::<Promotion>().get(&name).await.unwrap().status.unwrap();
        *bank.outside.open.lock() = true;
        bank.start();
        let ended = bank.ends(&name, "Succeeded").await;
        bank.has("qa", "1.5.0").await;
        assert_eq!(bank.log().await.len(), 2);
        assert_eq!(ended.status.unwrap().started_at, before.started_at);
    }
}

#[tokio::test]
async fn killed_anywhere_a_promotion_ends_with_one_commit() {
    let mut bank = Bank::open(&["qa"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let promotions = bank.watch::<Promotion>().await;
    bank.freight("1.5.0").await;
    // The controllers die after each write to a promotion, and others take over.
    for n in 1..=4 {
        let wait = async {
            while promotions.lock().len() < n {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = wait => {}
            _ = bank.has("qa", "1.5.0") => break,
        }
        bank.kill();
        bank.start();
    }
    bank.has("qa", "1.5.0").await;
    assert_eq!(bank.log().await.len(), 2);
    let promotions = bank.promotions("qa").await;
    assert_eq!(promotions.len(), 1);
    bank.ends(&promotions[0].name_any(), "Succeeded").await;
    // What our own controllers make is not told; its end is, once.
    assert_eq!((bank.told("PromotionCreated").await, bank.told("PromotionSucceeded").await), (1, 1));
}

/// Revisions of a journal go on with each death, so it dies this often and then lives.
const N_DEATHS: usize = 12;

/// Dies once at every point it has not died at.
struct DiesEverywhere {
    seen: Mutex<Vec<String>>,
    died: UnboundedSender<()>,
}

impl Faults for DiesEverywhere {
    fn at(&self, point: &Point) -> Option<Stop> {
        let point = format!("{point:?}");
        let mut seen = self.seen.lock();
        let new = seen.len() < N_DEATHS && !seen.contains(&point);
        if new {
            seen.push(point);
            self.died.send(()).unwrap();
        }
        new.then_some(Stop)
    }
}

#[tokio::test]
async fn dying_at_a_dozen_points_ends_like_never_dying() {
    let mut bank = Bank::open(&[]).await;
    bank.stop().await;
    let (died, mut deaths) = unbounded_channel();
    let faults = Arc::new(DiesEverywhere { seen: Mutex::default(), died });
    bank.faults = faults.clone();
    bank.start();
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    let name = bank.promote("qa", &freight).await;
    let ends = async |bank: &Bank| bank.ends(&name, "Succeeded").await;
    loop {
        tokio::select! {
            Some(()) = deaths.recv() => {}
            _ = ends(&bank) => break,
        }
        bank.kill();
        bank.start();
    }
    let n_points = faults.seen.lock().len();
    assert!(n_points >= 10, "{:?}", faults.seen.lock());
    bank.has("qa", "1.5.0").await;
    assert_eq!(bank.log().await.len(), 2);
    assert_eq!((bank.told("PromotionCreated").await, bank.told("PromotionSucceeded").await), (1, 1));
}

#[tokio::test]
async fn controllers_that_are_gone_hold_no_client() {
    let mut bank = Bank::open(&[]).await;
    bank.idle().await;
    bank.stop().await;
    bank.let_go_of_clients().await;
    bank.start();
    bank.idle().await;
    bank.kill();
    bank.let_go_of_clients().await;
}

#[tokio::test]
async fn an_idle_house_writes_nothing() {
    let mut bank = Bank::open(&["qa"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    bank.stage_of("passes", json!({ "stages": ["qa"] }), Vec::new()).await;
    let freight = bank.freight("1.5.0").await;
    let stage = bank.has("qa", "1.5.0").await;
    let last = stage.status.unwrap().last_promotion.unwrap().name;
    bank.ends(&last, "Succeeded").await;
    let passed = |it: &Freight| it.status.as_ref().is_some_and(|it| it.verified_in.len() == 2);
    bank.wait::<Freight>(&freight.name_any(), "verified", passed).await;
    bank.idle().await;
    bank.stop().await;
    let n_batches = bank.api.store().stats().n_batches;
    // A new start looks at everything once.
    bank.start();
    bank.idle().await;
    assert_eq!(bank.api.store().stats().n_batches, n_batches);
}

#[tokio::test]
async fn a_stage_that_goes_takes_its_marks_with_it() {
    let bank = Bank::open(&["qa"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let freight = bank.freight("1.5.0").await;
    let verified = |it: &Freight| it.status.as_ref().is_some_and(|it| !it.verified_in.is_empty());
    bank.wait::<Freight>(&freight.name_any(), "verified", verified).await;
    bank.has("qa", "1.5.0").await;
    bank.all::<Stage>().delete("qa", &Default::default()).await.unwrap();
    let clean = |it: &Freight| it.status.as_ref().is_none_or(|it| it.verified_in.is_empty() && it.currently_in.is_empty());
    bank.wait::<Freight>(&freight.name_any(), "unmarked", clean).await;
}

#[tokio::test]
async fn freight_is_not_in_a_stage_that_has_no_steps_any_more() {
    let bank = Bank::open(&["qa", "uat"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    bank.stage("uat", json!({ "direct": true }), &[]).await;
    let freight = bank.freight("1.5.0").await.name_any();
    let inside = |it: &Freight| it.status.as_ref().map_or(0, |it| it.currently_in.len());
    bank.wait::<Freight>(&freight, "in both", |it| inside(it) == 2).await;
    let patch = json!({ "spec": { "promotionTemplate": null } });
    bank.all::<Stage>().patch("qa", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    bank.wait::<Freight>(&freight, "in uat alone", |it| inside(it) == 1).await;
}

#[tokio::test]
async fn a_run_whose_journal_nobody_can_read_is_told_of_and_may_be_ended() {
    let mut bank = Bank::open(&[]).await;
    let name = waits(&bank).await;
    bank.stop().await;
    let mut run = bank.all::<PromotionRun>().get(&name).await.unwrap();
    let journal = run.status.as_mut().and_then(|it| it.journal.as_mut()).unwrap();
    journal["version"] = json!(9_999);
    bank.all::<PromotionRun>().replace_status(&name, &PostParams::default(), &run).await.unwrap();
    bank.start();
    bank.wait::<Promotion>(&name, "told of", |it| message_of(it).contains("9999")).await;
    bank.verbs().abort(&name).await.unwrap();
    let ended = bank.ends(&name, "Aborted").await;
    assert!(message_of(&ended).starts_with("promotion aborted by kubernetes:admin; "), "{}", message_of(&ended));
    bank.wait::<Stage>("qa", "free", |it| crate::world::current(it).is_none()).await;
}
