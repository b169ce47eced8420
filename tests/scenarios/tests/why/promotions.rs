//! What keeps a promotion from its end.

use crate::{Lines, bank};
use anyhow::Result;
use seaway_core::why::State;
use seaway_neighbours::git::{Fault, Service};
use seaway_scenarios::trouble::*;

#[expect(clippy::too_many_lines, reason = "a table: a line a cause")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_promotion_from_its_end_is_named() -> Result<()> {
    let (world, trouble) = bank().await?;
    let files: &[(&str, &[u8])] = &[("app.yaml", b"tag: old\n")];
    let bank = world.git_server().create_repo("protected", files).await?;
    world.git_server().fail(Service::Receive, Fault::RefuseRef { name: "refs/heads/main".into() }, u32::MAX);
    import(&bank, b"commit refs/heads/links\ncommitter A <a@bank.example> 1767225600 +0000\ndata 1\nl\nM 120000 inline out\ndata 12\n../../../etc\n");
    let mut all = login("locked", "git", "http://LOCKED/bank.git", "wrong");
    let mut add = |name: &str, steps: &[&str]| all.push_str(&stage(name, DIRECT, steps));
    let of = |url: &str, what: &str| clone(url, what);
    let (main, protected) = (", branch: main", of("http://127.0.0.1:7480/protected.git", ", branch: main"));
    add("auto-silent", &[&of("http://SILENT/bank.git", main)]);
    add("auto-wrong-password", &[&of("http://LOCKED/bank.git", main)]);
    add("auto-no-password", &[&of("http://LOCKED/open.git", main)]);
    add("auto-no-repository", &[&of("http://127.0.0.1:7480/nothing.git", main)]);
    add("auto-no-server", &[&of("http://127.0.0.1:9/bank.git", main)]);
    add("auto-no-branch", &[&of("http://127.0.0.1:7480/bank.git", ", branch: gone")]);
    add("auto-no-tag", &[&of("http://127.0.0.1:7480/bank.git", ", tag: v1.0.0")]);
    add("auto-read-only", &[&of("http://READ-ONLY/bank.git", main), WRITE, COMMIT, PUSH]);
    add("auto-protected", &[&protected, WRITE, COMMIT, PUSH]);
    let once = "{ uses: git-push, as: push, config: { path: ./src, maxAttempts: 1 } }";
    add("auto-busy", &[&of("http://BUSY/bank.git", main), WRITE, COMMIT, once]);
    add("auto-no-file", &[CLONE, "{ uses: copy, as: copy, config: { inPath: ./src/gone.yaml, outPath: ./src/x } }"]);
    add("auto-path-out", &[CLONE, "{ uses: copy, as: copy, config: { inPath: ../../etc/passwd, outPath: ./src/x } }"]);
    let links = of("http://127.0.0.1:7480/protected.git", ", branch: links");
    add("auto-link-out", &[&links, "{ uses: copy, as: copy, config: { inPath: ./src/out/passwd, outPath: ./src/x } }"]);
    add("auto-unknown-step", &["{ uses: fly-to-the-moon, as: fly, config: {} }"]);
    add("auto-unbuilt-step", &["{ uses: argocd-update, as: sync, config: { apps: [{ name: bank }] } }"]);
    add("auto-expression", &["{ uses: fail, as: say, config: { message: '${{ 1 + }}' } }"]);
    add("auto-endless", &["{ uses: fail, as: say, config: { message: '${{ len(filter(1..100000000, # > 0)) }}' } }"]);
    add("auto-egress-http", &["{ uses: http, as: ask, config: { url: 'http://169.254.169.254/latest' } }"]);
    add("auto-egress-git", &[&of("http://169.254.169.254/bank.git", main)]);
    add("auto-uncertain", &["{ uses: http, as: notify, config: { method: POST, url: 'http://RUDE/chat', body: hello } }"]);
    add(
        "auto-polls",
        &[
            "{ uses: http, as: smoke, config: { url: 'http://127.0.0.1:7490/up', successExpression: response.status == 418, pollInterval: 10m } }",
        ],
    );
    add("auto-retries", &["{ uses: http, as: ask, retry: { errorThreshold: 1000 }, config: { url: 'http://127.0.0.1:9/' } }"]);
    add("auto-fails", &["{ uses: fail, as: smoke, config: { message: smoke test answered 500 } }"]);
    add(
        "auto-wrong-type",
        &[
            CLONE,
            "{ uses: git-commit, as: commit, config: { path: ./src, message: x } }",
            "{ uses: http, as: ask, config: { url: 'http://127.0.0.1:7490/${{ configMap(1) }}' } }",
        ],
    );
    all.push_str(
        &stage("auto-verified", DIRECT, &[CLONE])
            .replace("  promotionTemplate:", "  verification: { analysisTemplates: [{ name: smoke }] }\n  promotionTemplate:"),
    );
    world.apply("stages.yaml", &trouble.here(&all)).await?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-wrong-password", State::Failed, &["401", "refuses the credential", "released by a Secret"]).await?;
    lines.stage("auto-no-password", State::Failed, &["401", "none is configured"]).await?;
    lines.stage("auto-no-repository", State::Failed, &["no such repository"]).await?;
    lines.stage("auto-no-server", State::Failed, &["connect to `127.0.0.1:9`"]).await?;
    lines.stage("auto-no-branch", State::Failed, &["branch `gone`", "does not exist"]).await?;
    lines.stage("auto-no-tag", State::Failed, &["tag `v1.0.0`", "does not exist"]).await?;
    lines.stage("auto-read-only", State::Failed, &["403"]).await?;
    lines.stage("auto-protected", State::Failed, &["the server refuses", "released by a rule on the server"]).await?;
    lines.stage("auto-busy", State::Failed, &["moved", "maxAttempts"]).await?;
    lines.stage("auto-no-file", State::Failed, &["src/gone.yaml", "released by the file"]).await?;
    lines.stage("auto-path-out", State::Failed, &["../../etc/passwd", "released by a path that stays inside"]).await?;
    lines.stage("auto-link-out", State::Failed, &["by the link", "released by a path that stays inside"]).await?;
    lines.stage("auto-unknown-step", State::Failed, &["fly-to-the-moon"]).await?;
    lines.stage("auto-unbuilt-step", State::Blocked, &["argocd-update", "not built"]).await?;
    lines.stage("auto-verified", State::Blocked, &["verification", "not built"]).await?;
    lines.stage("auto-expression", State::Failed, &["parse expression", "released by a corrected expression"]).await?;
    lines.stage("auto-endless", State::Failed, &["budget", "released by a corrected expression"]).await?;
    lines.stage("auto-egress-http", State::Failed, &["169.254.169.254", "never reached"]).await?;
    lines.stage("auto-egress-git", State::Failed, &["169.254.169.254", "never reached"]).await?;
    lines.stage("auto-uncertain", State::Uncertain, &["`notify`", "released by a person who knows"]).await?;
    lines.stage("auto-polls", State::Waiting, &["`smoke`", "answered 200"]).await?;
    lines.stage("auto-retries", State::Waiting, &["tried again", "released by the next attempt"]).await?;
    lines.stage("auto-fails", State::Failed, &["smoke test answered 500"]).await?;
    lines.stage("auto-wrong-type", State::Failed, &["configMap"]).await?;
    lines.stage("auto-silent", State::Failed, &["hangs"]).await?;
    insta::assert_snapshot!(lines.text(), @r"
stage auto-wrong-password is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://LOCKED/bank.git`: the server answers 401: it refuses the credential; check user name, password and their rights, since T; released by a Secret of the project with the right credentials, then another promotion
stage auto-no-password is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://LOCKED/open.git`: the server answers 401: it wants a credential and none is configured for this URL; add a Secret labelled `kargo.akuity.io/cred-type: git` with its `repoURL`, `username` and `password`, since T; released by a Secret of the project with the right credentials, then another promotion
stage auto-no-repository is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://GIT/nothing.git`: there is no such repository, or the credential may not see it, since T; released by the repository, or credentials that see it, then another promotion
stage auto-no-server is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://127.0.0.1:9/bank.git`: connect to `127.0.0.1:9`: Connection refused (os error 111); check the address, and that its server runs, since T; released by the server's return, then another promotion
stage auto-no-branch is failed: fund-transfer 1.5.0: `clone`: git-clone: branch `gone` of `http://GIT/bank.git` does not exist: push it, or name another, since T; released by its return, or another name, then another promotion
stage auto-no-tag is failed: fund-transfer 1.5.0: `clone`: git-clone: tag `v1.0.0` of `http://GIT/bank.git` does not exist: push it, or name another, since T; released by its return, or another name, then another promotion
stage auto-read-only is failed: fund-transfer 1.5.0: `push`: push to `http://READ-ONLY/bank.git`: the server answers 403: it wants a credential and none is configured for this URL; add a Secret labelled `kargo.akuity.io/cred-type: git` with its `repoURL`, `username` and `password`, since T; released by a Secret of the project with the right credentials, then another promotion
stage auto-protected is failed: fund-transfer 1.5.0: `push`: push to `refs/heads/main` of `http://GIT/protected.git`: the server refuses: hook declined; it says: refs/heads/main is protected / error: hook declined to update refs/heads/main, since T; released by a rule on the server that lets this account push, then another promotion
stage auto-busy is failed: fund-transfer 1.5.0: `push`: branch `main` moved 1 times while it was pushed; raise `maxAttempts` or try again, since T; released by another promotion, from the branch as it is then
stage auto-no-file is failed: fund-transfer 1.5.0: `copy`: copy: `src/gone.yaml` does not exist; paths are relative to the promotion's work folder, since T; released by the file, or another path in the step, then another promotion
stage auto-path-out is failed: fund-transfer 1.5.0: `copy`: copy: path `../../etc/passwd` leaves the work folder; paths are relative to the promotion's work folder, since T; released by a path that stays inside, then another promotion
stage auto-link-out is failed: fund-transfer 1.5.0: `copy`: copy: `src/out/passwd` leads out of its checkout by the link `src/out` to `../../../etc`: change the link or the path, since T; released by a path that stays inside, then another promotion
stage auto-unknown-step is failed: fund-transfer 1.5.0: there is no step `fly-to-the-moon`: docs/steps tells of those there are, since T; released by the name of a step that there is, then another promotion
stage auto-unbuilt-step is blocked: step `argocd-update` (`spec.promotionTemplate.spec.steps[0].uses`) is not built yet, since T; released by a later release, or leaving that part out
stage auto-verified is blocked: verification (`spec.verification`) is not built yet, since T; released by a later release, or leaving that part out
stage auto-expression is failed: fund-transfer 1.5.0: configuration of step `say`: parse expression: unexpected end of expression (at 5), since T; released by a corrected expression, then another promotion
stage auto-endless is failed: fund-transfer 1.5.0: configuration of step `say`: evaluate expression: memory budget exceeded; make the expression smaller, since T; released by a corrected expression, then another promotion
stage auto-egress-http is failed: fund-transfer 1.5.0: `ask`: http: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names, then another promotion
stage auto-egress-git is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://169.254.169.254/bank.git`: `169.254.169.254` is a link-local address, which is never reached: use another address, since T; released by another address, or the setting that the message names, then another promotion
stage auto-uncertain is uncertain: fund-transfer 1.5.0: `notify` sent something and its answer never came, since T; released by a person who knows
stage auto-polls is waiting: fund-transfer 1.5.0: `smoke` waits: http://EAR answered 200, neither success nor failure, since T; released by what the step asks for
stage auto-retries is waiting: fund-transfer 1.5.0: `ask` met an error and is tried again: http: cannot connect to `http://127.0.0.1:9/`: Connection refused (os error 111); check the address, and that its server runs; step will be retried, since T; released by the next attempt
stage auto-fails is failed: fund-transfer 1.5.0: failed: smoke test answered 500, since T; released by another promotion, of this freight or other
stage auto-wrong-type is failed: fund-transfer 1.5.0: configuration of step `ask`: check expression: cannot use int as a string to call configMap (at 1), since T; released by a corrected expression, then another promotion
stage auto-silent is failed: fund-transfer 1.5.0: `clone`: git-clone: fetch from `http://SILENT/bank.git`: the server at `SILENT` sent nothing within 30s: it hangs or is overloaded, since T; released by the server's return, then another promotion
");
    Ok(())
}
