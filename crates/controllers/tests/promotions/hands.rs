//! A person's hand: abort, resolve, hold and resume.

use crate::world::{Bank, message_of, phase_of};
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use seaway_api::kargo::{Promotion, Stage};
use seaway_api::seaway::PromotionRun;
use seaway_verbs::Resolution;
use serde_json::json;

#[tokio::test]
async fn an_abort_ends_a_promotion_that_waits_and_one_that_has_not_begun() {
    let bank = Bank::open(&[]).await;
    bank.stage("qa", json!({ "direct": true }), &[json!({ "uses": "gate", "as": "gate" })]).await;
    let (old, new) = (bank.freight("1.5.0").await, bank.freight("1.5.1").await);
    let first = bank.promote("qa", &new).await;
    let second = bank.promote("qa", &old).await;
    bank.wait::<Promotion>(&first, "waiting", |it| message_of(it).contains("the gate to open")).await;
    for name in [&second, &first] {
        bank.verbs().abort(name).await.unwrap();
        let ended = bank.ends(name, "Aborted").await;
        assert_eq!(message_of(&ended), "promotion aborted by kubernetes:admin");
    }
    let idle = |it: &Stage| {
        let status = it.status.clone().unwrap_or_default();
        status.current_promotion.is_none() && status.last_promotion.is_some_and(|it| it.name == second)
    };
    let stage = bank.wait::<Stage>("qa", "idle", idle).await;
    assert!(stage.status.unwrap().freight_history.is_empty());
    assert_eq!(bank.log().await.len(), 1, "nothing was pushed");
}

async fn uncertain(bank: &Bank) -> String {
    bank.stage("qa", json!({ "direct": true }), &[json!({ "uses": "tell", "as": "tell" })]).await;
    *bank.outside.n_lost.lock() = 1;
    let freight = bank.freight("1.5.0").await;
    let name = bank.promote("qa", &freight).await;
    let phase = |it: &PromotionRun| it.status.as_ref().is_some_and(|it| it.phase == "Uncertain");
    bank.wait::<PromotionRun>(&name, "uncertain", phase).await;
    let told = bank.wait::<Promotion>(&name, "told", |it| message_of(it).contains("seaway resolve")).await;
    assert_eq!(phase_of(&told), "Running");
    name
}

#[tokio::test]
async fn an_effect_that_nobody_can_tell_of_waits_for_a_person() {
    for (how, n_sent) in [(Resolution::Skip, 1), (Resolution::Repeat, 2)] {
        let bank = Bank::open(&[]).await;
        let name = uncertain(&bank).await;
        bank.verbs().resolve(&name, how).await.unwrap();
        let ended = bank.ends(&name, "Succeeded").await;
        assert!(!ended.annotations().contains_key("seaway.dev/resolve"), "a decision is taken once");
        assert_eq!(bank.outside.sent.lock().len(), n_sent);
        assert_eq!(bank.log().await.len(), 2);
        let run = bank.all::<PromotionRun>().get(&name).await.unwrap().status.unwrap();
        let journal = serde_json::to_string(&run.journal).unwrap();
        assert!(journal.contains("kubernetes:admin"), "{journal}");
        assert_eq!(bank.told("EffectResolved").await, 1);
    }
}

#[tokio::test]
async fn choosing_older_freight_holds_the_stage_until_it_is_resumed() {
    let bank = Bank::open(&["qa"]).await;
    bank.stage("qa", json!({ "direct": true }), &[]).await;
    let old = bank.freight("1.5.0").await;
    bank.has("qa", "1.5.0").await;
    bank.freight("1.5.1").await;
    bank.has("qa", "1.5.1").await;
    bank.promote("qa", &old).await;
    let stage = bank.has("qa", "1.5.0").await;
    assert_eq!(stage.status.as_ref().unwrap().auto_promotion_holds.len(), 1);
    bank.freight("1.5.2").await;
    let patch = json!({ "metadata": { "annotations": { "kargo.akuity.io/refresh": "1" } } });
    bank.all::<Stage>().patch("qa", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    let looked = |it: &Stage| it.status.as_ref().is_some_and(|it| it.last_handled_refresh == "1");
    bank.wait::<Stage>("qa", "looked at", looked).await;
    assert_eq!(bank.promotions("qa").await.len(), 3, "held");
    bank.verbs().resume("qa", jiff::Timestamp::now()).await.unwrap();
    let stage = bank.has("qa", "1.5.2").await;
    assert!(stage.status.unwrap().auto_promotion_holds.is_empty());
}

#[tokio::test]
async fn what_is_not_built_is_named_and_promotes_nothing() {
    let bank = Bank::open(&[]).await;
    bank.stage("qa", json!({ "direct": true }), &[json!({ "uses": "git-open-pr", "as": "open" })]).await;
    let freight = bank.freight("1.5.0").await;
    let name = bank.promote("qa", &freight).await;
    let ended = bank.verbs().wait_for(&name, crate::world::SOON).await.unwrap();
    let seaway_verbs::Ended::Blocked { message } = ended else { panic!("{ended:?}") };
    assert!(message.contains("step `git-open-pr`"), "{message}");
    bank.verbs().abort(&name).await.unwrap();
    bank.ends(&name, "Aborted").await;
}
