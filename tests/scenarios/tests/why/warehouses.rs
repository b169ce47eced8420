//! What keeps a warehouse from making freight.

use crate::{Lines, bank};
use anyhow::Result;
use seaway_core::why::State;
use seaway_scenarios::trouble::*;

#[expect(clippy::too_many_lines, reason = "a table: a line a cause")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_warehouse_from_making_freight_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    world.push_quietly("account-info:2.3.0", false).await?;
    let mut all = login("locked-git", "git", "http://LOCKED/bank.git", "wrong");
    all.push_str(&login("locked-image", "image", "LOCKED-REGISTRY/bank", "wrong"));
    let mut add = |name: &str, more: &str, subscription: &str| all.push_str(&warehouse(name, more, subscription));
    add("no-tag", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^9.0.0 }");
    add("no-registry", "", "image: { repoURL: '127.0.0.1:9/fund-transfer', constraint: ^1.0.0 }");
    add("no-repository", "", "image: { repoURL: '127.0.0.1:7450/nothing', constraint: ^1.0.0 }");
    add("wrong-password", "", "image: { repoURL: 'LOCKED-REGISTRY/bank', constraint: ^1.0.0 }");
    add("no-password", "", "image: { repoURL: 'LOCKED-REGISTRY/open', constraint: ^1.0.0 }");
    add(
        "deleted-tag",
        "",
        "image: { repoURL: '127.0.0.1:7450/fund-transfer', imageSelectionStrategy: Digest, constraint: gone }",
    );
    add(
        "criteria",
        "  freightCreationCriteria: { expression: 'false' }\n",
        "image: { repoURL: '127.0.0.1:7450/account-info', constraint: ^2.0.0 }",
    );
    add(
        "broken-criteria",
        "  freightCreationCriteria: { expression: 'nothing.at.all' }\n",
        "image: { repoURL: '127.0.0.1:7450/account-info', constraint: ^2.0.0 }",
    );
    add("by-hand", "  freightCreationPolicy: Manual\n", "image: { repoURL: '127.0.0.1:7450/account-info', constraint: ^2.0.0 }");
    add("chart", "", "chart: { repoURL: 'oci://127.0.0.1:7450/charts/bank', semverConstraint: ^1.0.0 }");
    add("newest-build", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', imageSelectionStrategy: NewestBuild }");
    add("egress", "", "image: { repoURL: '169.254.169.254/fund-transfer', constraint: ^1.0.0 }");
    add("git-branch", "", "git: { repoURL: 'http://127.0.0.1:7480/bank.git', branch: gone }");
    add("git-password", "", "git: { repoURL: 'http://LOCKED/bank.git', branch: main }");
    add("git-egress", "", "git: { repoURL: 'http://169.254.169.254/bank.git', branch: main }");
    let of = |name: &str| stage(&format!("of-{name}"), DIRECT, &[CLONE]).replace("name: images", &format!("name: {name}"));
    all.push_str(&(of("wrong-password") + &of("no-tag") + &of("nowhere")));
    world.apply("warehouses.yaml", &trouble.here(&all)).await?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.warehouse("no-tag", State::Blocked, &["released by a version that matches"]).await?;
    lines.warehouse("no-registry", State::Blocked, &["127.0.0.1:9"]).await?;
    lines.warehouse("no-repository", State::Blocked, &["does not exist"]).await?;
    lines.warehouse("wrong-password", State::Blocked, &["refused the credential", "released by a Secret"]).await?;
    lines.warehouse("no-password", State::Blocked, &["asks for a login", "released by a Secret"]).await?;
    lines.warehouse("deleted-tag", State::Blocked, &["released by"]).await?;
    lines.warehouse("criteria", State::Waiting, &["freightCreationCriteria"]).await?;
    lines.warehouse("broken-criteria", State::Blocked, &["released by a corrected expression"]).await?;
    lines.warehouse("by-hand", State::Waiting, &["released by a person who creates freight"]).await?;
    lines.warehouse("chart", State::Blocked, &["chart", "not built"]).await?;
    lines.warehouse("newest-build", State::Blocked, &["NewestBuild", "not built"]).await?;
    lines.warehouse("egress", State::Blocked, &["169.254.169.254", "never reached"]).await?;
    lines.warehouse("git-branch", State::Blocked, &["branch `gone`", "does not exist"]).await?;
    lines.warehouse("git-password", State::Blocked, &["401", "released by a Secret"]).await?;
    lines.warehouse("git-egress", State::Blocked, &["169.254.169.254", "never reached"]).await?;
    lines.stage("of-wrong-password", State::Empty, &["no freight yet", "refused the credential", "released by a Secret"]).await?;
    lines.stage("of-no-tag", State::Empty, &["no freight yet", "released by a version that matches"]).await?;
    lines.stage("of-nowhere", State::Blocked, &["warehouse `nowhere` is not there"]).await?;
    insta::assert_snapshot!(lines.text(), @r#"
warehouse no-tag is blocked: no tag of REGISTRY/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription, since T; released by a version that matches, or a wider subscription
warehouse no-registry is blocked: spec.subscriptions[0]: `127.0.0.1:9/fund-transfer` cannot be read: cannot connect to `http://127.0.0.1:9/v2/`: Connection refused (os error 111); check the address, and that its server runs, since T; released by the next look, once the cause is gone
warehouse no-repository is blocked: spec.subscriptions[0]: `REGISTRY/nothing` does not exist at its registry: check the name, or push a first image, since T; released by the next look, once the cause is gone
warehouse wrong-password is blocked: spec.subscriptions[0]: `LOCKED-REGISTRY/bank`: the registry refused the credential: check its user and password, since T; released by a Secret of the project with the right credentials
warehouse no-password is blocked: spec.subscriptions[0]: `LOCKED-REGISTRY/open`: the registry asks for a login: add a credential for it, since T; released by a Secret of the project with the right credentials
warehouse deleted-tag is blocked: no tag of REGISTRY/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription, since T; released by a version that matches, or a wider subscription
warehouse criteria is waiting: what was found does not meet freightCreationCriteria, so no freight is made of it, since T; released by other versions
warehouse broken-criteria is blocked: freightCreationCriteria `nothing.at.all`: evaluate expression: there is no name "nothing" (at 0), since T; released by a corrected expression
warehouse by-hand is waiting: the warehouse makes no freight by itself, since T; released by a person who creates freight from what was found
warehouse chart is blocked: a chart subscription (`spec.subscriptions[0].chart`) is not built yet, since T; released by a later release, or leaving that part out
warehouse newest-build is blocked: image selection by NewestBuild (`spec.subscriptions[0].image.imageSelectionStrategy`) is not built yet, since T; released by a later release, or leaving that part out
warehouse egress is blocked: spec.subscriptions[0]: `169.254.169.254/fund-transfer` cannot be read: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names
warehouse git-branch is blocked: spec.subscriptions[0]: branch `gone` of `http://GIT/bank.git` does not exist: push it, or name another, since T; released by its return, or another name
warehouse git-password is blocked: spec.subscriptions[0]: fetch from `http://LOCKED/bank.git`: the server answers 401: it refuses the credential; check user name, password and their rights, since T; released by a Secret of the project with the right credentials
warehouse git-egress is blocked: spec.subscriptions[0]: fetch from `http://169.254.169.254/bank.git`: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names
stage of-wrong-password is empty: warehouse wrong-password has made no freight yet: spec.subscriptions[0]: `LOCKED-REGISTRY/bank`: the registry refused the credential: check its user and password, since T; released by a Secret of the project with the right credentials
stage of-no-tag is empty: warehouse no-tag has made no freight yet: no tag of REGISTRY/fund-transfer matches what the subscription asks for: push one that does, or widen the subscription, since T; released by a version that matches, or a wider subscription
stage of-nowhere is blocked: warehouse `nowhere` is not there, since T; released by creating it, or requesting another
"#);
    Ok(())
}
