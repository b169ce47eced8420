//! `seaway demo push`: builds a tiny image and pushes it to the demo's registry.

use super::control;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use seaway_base::http::{Egress, HttpClient};
use seaway_oci::{Platform, Registries, RegistryOptions, Repository, TinyImage};
use std::collections::BTreeMap;
use std::path::Path;

/// The label by which the demo's smoke test knows a bad image.
pub(super) const BAD: &str = "dev.seaway.demo.bad";
/// The services of the bank.
const SERVICES: [&str; 2] = ["fund-transfer", "account-info"];

pub(super) async fn run(folder: &Path, image: &str, bad: bool) -> Result<()> {
    let up = control::read(folder)?;
    let digest = push(&up.registry, image, bad).await?;
    println!("pushed {}/{image}{} {digest}", up.registry, if bad { " (bad)" } else { "" });
    println!("next: seaway get stages -w");
    Ok(())
}

/// Pushes a tiny image; answers its digest.
pub(super) async fn push(registry: &str, image: &str, bad: bool) -> Result<String> {
    let Some((service, version)) = image.split_once(':').filter(|(_, version)| !version.is_empty()) else {
        bail!("`{image}` names no version; write it as fund-transfer:1.5.1");
    };
    if !SERVICES.contains(&service) {
        bail!("the bank has no service `{service}`; it has {}", SERVICES.join(" and "));
    }
    let http = HttpClient::new(Egress::local()).context("make an HTTP client")?;
    let registries = Registries::new(http, RegistryOptions::default());
    let repository = Repository::parse(&format!("{registry}/{service}")).context("name the repository")?;
    let now = Timestamp::now();
    let mut labels = BTreeMap::from([("org.opencontainers.image.version".to_owned(), version.to_owned())]);
    if bad {
        labels.insert(BAD.to_owned(), "true".to_owned());
    }
    let annotations = labels.clone();
    let tiny = TinyImage { build: format!("{service} {version}"), created: Some(now), labels, annotations, parts: Vec::new() };
    registries.remote(&repository, None, false).push_image(version, &tiny).await.with_context(|| format!("push {image}"))
}

/// Does the registry hold a bad image under this tag?
pub(super) async fn is_bad(registry: &str, service: &str, version: &str) -> Result<bool> {
    let http = HttpClient::new(Egress::local()).context("make an HTTP client")?;
    let registries = Registries::new(http, RegistryOptions::default());
    let repository = Repository::parse(&format!("{registry}/{service}")).context("name the repository")?;
    let reference = seaway_oci::Reference::Tag(version.to_owned());
    let none: Option<&Platform> = None;
    let info = registries
        .remote(&repository, None, false)
        .image(&reference, none, false)
        .await
        .with_context(|| format!("read {service}:{version}"))?;
    Ok(info.annotations.get(BAD).is_some_and(|bad| bad == "true"))
}
