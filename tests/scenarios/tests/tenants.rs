//! What came by a credential is reached by that credential alone.

use anyhow::{Context as _, Result, bail, ensure};
use seaway_api::kargo::{Promotion, PromotionPhase};
use seaway_neighbours::auth::Login;
use seaway_neighbours::git::GitOptions;
use seaway_neighbours::{GitServer, Serving};
use seaway_scenarios::trouble::*;
use seaway_scenarios::{Options, World};
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Two views of one address: whoever comes as `alice` is served by one git server, whoever comes as `bob` by another.
struct TwoFaced {
    address: String,
    _servers: [(GitServer, Serving); 2],
}

impl TwoFaced {
    async fn start(folder: &Path) -> Result<(Self, String)> {
        let file: &[(&str, &[u8])] = &[("app.yaml", b"tag: old\n")];
        let server = async |name: &str| -> Result<(GitServer, Serving)> {
            let server =
                GitServer::open(folder.join(name), GitOptions { login: Some(Login::new(name, format!("of-{name}"))) }).await?;
            server.create_repo("shared", file).await?;
            let serving = server.serve(0).await?;
            Ok((server, serving))
        };
        let servers = [server("alice").await?, server("bob").await?];
        let hidden = servers[0].0.commit("shared", "hidden", "for alice alone", &[("plan.md", Some(b"secret"))]).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let backends = [servers[0].1.addr().to_string(), servers[1].1.addr().to_string()];
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let backends = backends.clone();
                tokio::spawn(async move { pass(stream, &backends).await });
            }
        });
        Ok((Self { address, _servers: servers }, hidden))
    }
}

/// Passes one request on to the server that its login belongs to, and closes.
async fn pass(mut stream: TcpStream, backends: &[String; 2]) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        if head.len() > 1 << 16 {
            bail!("a head without end");
        }
    }
    let text = String::from_utf8(head)?;
    let login =
        text.lines().find_map(|line| line.split_once(' ').filter(|(name, _)| name.eq_ignore_ascii_case("authorization:")));
    let is_bob = login.is_some_and(|(_, value)| value.ends_with(&base64_of("bob:of-bob")));
    let mut backend = TcpStream::connect(&backends[usize::from(is_bob)]).await?;
    let (line, rest) = text.split_once("\r\n").context("no request line")?;
    backend.write_all(format!("{line}\r\nconnection: close\r\n{rest}").as_bytes()).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut backend).await?;
    Ok(())
}

fn base64_of(text: &str) -> String {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_reached_only_by_a_credential_that_sees_it() -> Result<()> {
    let world =
        World::start(Options::documents("project.yaml", PROJECT_YAML).and("other.yaml", &PROJECT_YAML.replace("bank", "other")))
            .await?;
    let (shared, hidden) = TwoFaced::start(world.folder()).await?;
    world.push_quietly("fund-transfer:1.5.0", false).await?;
    let url = format!("http://{}/shared.git", shared.address);
    let images = warehouse("images", "", "image: { repoURL: '127.0.0.1:7450/fund-transfer', constraint: ^1.0.0 }");
    let of = |who: &str, name: &str| {
        let clone = clone(&url, &format!(", commit: {hidden}"));
        login("git", "git", &url, &format!("of-{who}")).replace("username: me", &format!("username: {who}"))
            + &stage(name, DIRECT, &[&clone])
    };
    world.apply("alice.yaml", &(images.clone() + &of("alice", "sees"))).await?;
    let (phase, message) = ended(&world, "sees").await?;
    ensure!(phase == PromotionPhase::Succeeded, "alice's own commit: {phase} {message}");

    // Another project, the same address, a login that does not see the commit: though the commit is on our disk.
    let other = (images + &of("bob", "looks")).replace("namespace: bank", "namespace: other");
    world.apply("bob.yaml", &other).await?;
    let verbs = world.verbs_in("other");
    let ends = async || -> Result<Option<(PromotionPhase, String)>> {
        let all = verbs.api::<Promotion>().list(&kube::api::ListParams::default()).await?;
        let status = all.items.into_iter().find_map(|it| it.status).filter(|it| it.phase.is_terminal());
        Ok(status.map(|it| (it.phase, it.message)))
    };
    world.until("bob's promotion is over", || async { Ok(ends().await?.is_some()) }).await?;
    let (phase, message) = ends().await?.context("it was over")?;
    ensure!(phase == PromotionPhase::Errored, "bob reached alice's commit: {phase} {message}");
    insta::assert_snapshot!(masked(&message.replace(&shared.address, "SHARED")), @"step `clone` met error threshold of 1: git-clone: commit `HEX` is not in `http://SHARED/shared.git`: no branch or tag that the credential sees reaches it");

    // The same project with another login has to ask anew.
    world.apply("rotated.yaml", &of("bob", "sees-no-more")).await?;
    let (phase, message) = ended(&world, "sees-no-more").await?;
    ensure!(
        phase == PromotionPhase::Errored && message.contains("no branch or tag that the credential sees"),
        "{phase} {message}"
    );
    Ok(())
}
