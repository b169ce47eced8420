//! What time and people release, and that it is released by them.

use crate::{Lines, bank, running, settled};
use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use kube::ResourceExt as _;
use seaway_core::why::State;
use seaway_scenarios::trouble::*;

#[expect(clippy::too_many_lines, reason = "a table: a line a cause")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_time_and_people_release_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    let ok = "{ uses: compose-output, as: say, config: { said: hello } }";
    let waits = "{ uses: http, as: smoke, config: { url: 'http://127.0.0.1:7490/up', successExpression: response.status == 418, pollInterval: 10m } }";
    let mut all = String::new();
    let mut add = |name: &str, sources: &str, steps: &[&str]| all.push_str(&stage(name, sources, steps));
    add("auto-good", DIRECT, &[ok]);
    add("auto-bad", DIRECT, &["{ uses: fail, as: smoke, config: { message: smoke test answered 500 } }"]);
    add("auto-soak", "stages: [auto-good], requiredSoakTime: 1h0m0s", &[ok]);
    add("auto-later", "stages: [auto-bad]", &[ok]);
    add("auto-nowhere", "stages: [nowhere]", &[ok]);
    add("by-hand-prod", "stages: [auto-good]", &[ok]);
    add("prod", "stages: [auto-good]", &[ok]);
    add("auto-held", DIRECT, &[ok]);
    add("queue", DIRECT, &[waits]);
    add(
        "planned",
        DIRECT,
        &[CLONE, "{ uses: copy, as: copy, config: { inPath: ./src/README.md, outPath: ./src/copy.md } }", COMMIT, PUSH],
    );
    add("auto-stopped", DIRECT, &[waits]);
    all.push_str(&stage("elsewhere", DIRECT, &[ok]).replace("name: images", "name: others"));
    all.push_str(&warehouse("others", "", "image: { repoURL: '127.0.0.1:7450/others', constraint: ^1.0.0 }"));
    world.apply("stages.yaml", &trouble.here(&all)).await?;

    let verbs = world.verbs();
    let (old, new) = (world.freight("1.4.8").await?, world.freight("1.5.0").await?);
    // `planned` is bound to a plan that says something else.
    verbs.promote("planned", &new, Some("v1:0000000000000000000000000000000000000000000000000000000000000000")).await?;
    let first = verbs.promote("queue", &new, None).await?.name_any();
    let second = verbs.promote("queue", &old, None).await?.name_any();
    world.until("auto-held has 1.5.0", async || Ok(settled(&world.stage("auto-held").await?))).await?;
    verbs.promote("auto-held", &old, None).await?;
    world.until("a promotion to auto-stopped runs", async || Ok(running(&world, "auto-stopped").await?.is_some())).await?;
    verbs.abort(&running(&world, "auto-stopped").await?.context("no promotion runs")?).await?;
    let refused = verbs.promote("auto-later", &new, None).await.map(|_| ()).unwrap_err();
    let others = verbs.promote("elsewhere", &new, None).await.map(|_| ()).unwrap_err();

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-soak", State::Waiting, &["soaks in auto-good", "released by time"]).await?;
    lines.stage("auto-later", State::Empty, &["not verified in auto-bad", "released by its verification"]).await?;
    lines.stage("auto-nowhere", State::Blocked, &["upstream stage `nowhere` is not there"]).await?;
    lines.stage("by-hand-prod", State::Waiting, &["waits for you", "turns automatic promotion off"]).await?;
    lines.stage("prod", State::Waiting, &["waits for you", "no policy"]).await?;
    lines.stage("auto-held", State::Held, &["admin chose other freight", "lifting the hold"]).await?;
    lines.promotion(&second, State::Waiting, &["comes first", "the end of"]).await?;
    ensure!(world.why_promotion(&second).await?.cause.contains(&first));
    lines.stage("queue", State::Waiting, &["`smoke`"]).await?;
    lines.stage("planned", State::Failed, &["released by a new plan"]).await?;
    lines.stage("auto-stopped", State::Waiting, &["was stopped"]).await?;
    let again = "released by promoting it again, or a newer version";
    lines.freight("1.5.0", "auto-bad", State::Failed, &["at auto-bad", "smoke test answered 500", again]).await?;
    lines.freight("1.5.0", "auto-later", State::Waiting, &["at auto-later", "not verified in auto-bad"]).await?;
    lines.freight("1.5.0", "elsewhere", State::Blocked, &["requests no freight of"]).await?;
    lines.add(&refused.to_string());
    lines.add(&others.to_string());
    insta::assert_snapshot!(lines.text(), @r"
stage auto-soak is waiting: fund-transfer 1.5.0 soaks in auto-good for T more, since T; released by time, as long as it stays there
stage auto-later is empty: fund-transfer 1.5.0 is not verified in auto-bad, since T; released by its verification in an upstream stage, or an approval
stage auto-nowhere is blocked: upstream stage `nowhere` is not there, since T; released by creating it, or naming another
stage by-hand-prod is waiting: fund-transfer 1.5.0 waits for you: manual promotion (its policy turns automatic promotion off), since T; released by a person who may promote to the stage
stage prod is waiting: fund-transfer 1.5.0 waits for you: manual promotion (no policy lets it promote by itself), since T; released by a person who may promote to the stage
stage auto-held is held: admin chose other freight than fund-transfer 1.5.0, since T; released by promoting the newest freight, or lifting the hold
promotion queue.ULID.HEX is waiting: queue.ULID.HEX comes first, since T; released by the end of queue.ULID.HEX
stage queue is waiting: fund-transfer 1.5.0: `smoke` waits: http://EAR answered 200, neither success nor failure, since T; released by what the step asks for
stage planned is failed: fund-transfer 1.5.0: the plan has changed since it was made: `copy.md` of main is written and was not planned; plan again and promote with the new digest, since T; released by a new plan, then another promotion
stage auto-stopped is waiting: the promotion of fund-transfer 1.5.0 was stopped, and automation does not try again, since T; released by another promotion
freight HEX at auto-bad is failed: fund-transfer 1.5.0: failed: smoke test answered 500, since T; released by promoting it again, or a newer version
freight HEX at auto-later is waiting: fund-transfer 1.5.0 is not verified in auto-bad, since T; released by its verification in an upstream stage, or an approval
freight HEX at elsewhere is blocked: elsewhere requests no freight of Warehouse/images, since T; released by a request for it in the stage's spec
promote to `auto-later`: the stage may not have it: fund-transfer 1.5.0 is not verified in auto-bad; released by its verification in an upstream stage, or an approval
promote to `elsewhere`: the stage may not have it: elsewhere requests no freight of Warehouse/images; released by a request for it in the stage's spec
");

    // What time and people release is released by them.
    verbs.resume("auto-held", Timestamp::now()).await?;
    world.until("auto-held moves on", async || Ok(world.why("auto-held").await?.state == State::Unchecked)).await?;
    verbs.promote("prod", &new, None).await?;
    world.until("prod has 1.5.0", async || Ok(world.why("prod").await?.state == State::Unchecked)).await?;
    verbs.abort(&first).await?;
    world.until("the queue moves on", async || Ok(running(&world, "queue").await?.as_deref() == Some(&second))).await
}
