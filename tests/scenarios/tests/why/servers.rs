//! Servers that are asked and do not answer, or take their time: whoever waits says for whom, since when, and how long at most.

use crate::{Lines, bank, running};
use anyhow::{Context as _, Result, ensure};
use kube::api::Api;
use seaway_api::seaway::PromotionRun;
use seaway_core::why::State;
use seaway_neighbours::git::{Fault, GitOptions, Service};
use seaway_neighbours::{GitServer, Serving};
use seaway_scenarios::World;
use seaway_scenarios::trouble::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A git server whose answer never ends: a byte now and then.
async fn drips() -> Result<String> {
    const HEAD: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n\
        001e# service=git-upload-pack\n0000fff0";
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let mut left = stream.write_all(HEAD).await;
                let mut ticks = tokio::time::interval(Duration::from_millis(300));
                while left.is_ok() {
                    ticks.tick().await;
                    left = stream.write_all(b"x").await;
                }
            });
        }
    });
    Ok(address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_server_says_so_while_it_waits() -> Result<()> {
    let (world, trouble) = bank().await?;
    let drips = drips().await?;
    let main = ", branch: main";
    let mut all = stage("auto-silent", DIRECT, &[&clone("http://SILENT/bank.git", main)]);
    all.push_str(&stage("auto-slow", DIRECT, &[&clone(&format!("http://{drips}/bank.git"), main)]));
    all.push_str(&stage("auto-asks", DIRECT, &["{ uses: http, as: ask, config: { url: 'http://SILENT/up', timeout: 2m } }"]));
    all.push_str(&warehouse("silent", "", "git: { repoURL: 'http://SILENT/other.git', branch: main }"));
    all.push_str(&warehouse("silent-image", "", "image: { repoURL: 'SILENT/fund-transfer', constraint: ^1.0.0 }"));
    world.apply("silent.yaml", &trouble.here(&all)).await?;
    world.until("a promotion to auto-silent runs", async || Ok(running(&world, "auto-silent").await?.is_some())).await?;
    let name = running(&world, "auto-silent").await?.context("no promotion runs")?;

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    let answer = "released by its answer";
    lines.stage("auto-silent", State::Waiting, &["`clone` waits", "has not answered", answer]).await?;
    lines.promotion(&name, State::Waiting, &["`clone` waits", "has not answered", answer]).await?;
    lines.stage("auto-asks", State::Waiting, &["`ask` waits", "has not answered", answer]).await?;
    lines.warehouse("silent", State::Waiting, &["has not answered", answer]).await?;
    lines.warehouse("silent-image", State::Waiting, &["has not answered", answer]).await?;
    lines.stage("auto-slow", State::Waiting, &["`clone` waits", "is still answering", answer]).await?;
    insta::assert_snapshot!(lines.text().replace(&drips, "DRIPS"), @r"
stage auto-silent is waiting: fund-transfer 1.5.0: `clone` waits: SILENT has not answered (30s at most), since T; released by its answer
promotion auto-silent.ULID.HEX is waiting: `clone` waits: SILENT has not answered (30s at most), since T; released by its answer
stage auto-asks is waiting: fund-transfer 1.5.0: `ask` waits: SILENT has not answered (30s at most), since T; released by its answer
warehouse silent is waiting: it looks, and waits: SILENT has not answered (30s at most), since T; released by its answer
warehouse silent-image is waiting: it looks, and waits: SILENT has not answered (30s at most), since T; released by its answer
stage auto-slow is waiting: fund-transfer 1.5.0: `clone` waits: DRIPS is still answering (T at most), since T; released by its answer
");
    // It says until when: no longer than that is waited.
    let told = world.why("auto-silent").await?;
    let (since, until) = (told.since.context("since when")?, told.until.context("until when")?);
    ensure!((29..=31).contains(&until.duration_since(since).as_secs()), "{told:?}");

    // After a restart it is asked anew, and told anew.
    world.restart().await?;
    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    lines.stage("auto-slow", State::Waiting, &["`clone` waits", "is still answering", answer]).await?;
    // What was told goes with the end of the wait.
    lines.stage("auto-silent", State::Failed, &["sent nothing within 30s"]).await?;
    let runs: Api<PromotionRun> = world.verbs().api();
    let status = runs.get(&name).await?.status.context("a run has a status")?;
    ensure!(status.waits.is_empty(), "{:?}", status.waits);
    world
        .until("the warehouse says why it failed", async || Ok(world.why_warehouse("silent").await?.state == State::Blocked))
        .await
}

/// A git server with a bank; the answer of the first push to it never comes.
async fn hangs(world: &World, name: &str, fault: Fault) -> Result<(GitServer, Serving)> {
    let server = GitServer::open(world.folder().join(name), GitOptions::default()).await?;
    server.create_repo("bank", &[("app.yaml", b"tag: old\n")]).await?;
    server.fail(Service::Receive, fault, 1);
    let serving = server.serve(0).await?;
    Ok((server, serving))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_whose_answer_never_comes_says_so_and_lands_once() -> Result<()> {
    let (world, trouble) = bank().await?;
    // One server takes no push; the other takes it and does not say so.
    let (deaf, mute) = (hangs(&world, "deaf", Fault::Hang).await?, hangs(&world, "mute", Fault::HangAnswer).await?);
    let of = |serving: &Serving| clone(&format!("http://{}/bank.git", serving.addr()), ", branch: main");
    let mut all = stage("auto-deaf", DIRECT, &[&of(&deaf.1), WRITE, COMMIT, PUSH]);
    all.push_str(&stage("auto-mute", DIRECT, &[&of(&mute.1), WRITE, COMMIT, PUSH]));
    world.apply("pushes.yaml", &all).await?;
    let stages = [("auto-deaf", &deaf), ("auto-mute", &mute)];

    let mut lines = Lines { world: &world, trouble: &trouble, lines: Vec::new() };
    let said = ["`push` waits", "has not answered", "released by its answer"];
    for (stage, _) in &stages {
        lines.stage(stage, State::Waiting, &said).await?;
        lines.promotion(&running(&world, stage).await?.context("no promotion runs")?, State::Waiting, &said).await?;
    }
    let text = lines.text().replace(&deaf.1.addr().to_string(), "DEAF").replace(&mute.1.addr().to_string(), "MUTE");
    insta::assert_snapshot!(text, @r"
stage auto-deaf is waiting: fund-transfer 1.5.0: `push` waits: DEAF has not answered (30s at most, then it is asked whether the push landed), since T; released by its answer
promotion auto-deaf.ULID.HEX is waiting: `push` waits: DEAF has not answered (30s at most, then it is asked whether the push landed), since T; released by its answer
stage auto-mute is waiting: fund-transfer 1.5.0: `push` waits: MUTE has not answered (30s at most, then it is asked whether the push landed), since T; released by its answer
promotion auto-mute.ULID.HEX is waiting: `push` waits: MUTE has not answered (30s at most, then it is asked whether the push landed), since T; released by its answer
");
    for (stage, _) in &stages {
        let told = world.why(stage).await?;
        let (since, until) = (told.since.context("since when")?, told.until.context("until when")?);
        ensure!((29..=31).contains(&until.duration_since(since).as_secs()), "{told:?}");
    }

    // After that time each is asked: what had not landed is pushed again, what had is not.
    for (stage, (server, _)) in &stages {
        let (phase, message) = ended(&world, stage).await?;
        ensure!(phase.to_string() == "Succeeded", "{stage}: {phase}: {message}");
        let log =
            server.git("bank", &["log", "--format=%(trailers:key=Promotion-Step,valueonly,separator=%x20)", "main"]).await?;
        ensure!(log.lines().filter(|line| *line == "push").count() == 1, "{stage}: {log}");
        ensure!(server.n_receives() == 1, "{stage}: {} pushes were taken", server.n_receives());
        ensure!(server.git("bank", &["show", "main:app.yaml"]).await? == format!("tag: {stage}"));
    }
    Ok(())
}
