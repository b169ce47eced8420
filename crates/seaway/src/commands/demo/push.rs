//! `seaway demo push`: builds a tiny image and pushes it to the demo's registry.

use super::{Hinted, bank, control};
use crate::typed::typed;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use seaway_base::http::{Egress, HttpClient};
use seaway_core::semver::{Constraint, Version};
use seaway_oci::{Platform, Registries, RegistryOptions, Repository, TinyImage};
use std::collections::BTreeMap;
use std::path::Path;

/// The label by which the demo's smoke test knows a bad image.
pub(super) const BAD: &str = "dev.seaway.demo.bad";
/// The services of the bank.
const SERVICES: [&str; 2] = ["fund-transfer", "account-info"];

pub(super) async fn run(folder: &Path, image: &str, bad: bool) -> Result<()> {
    let (service, version) = parse(image)?;
    let up = control::read(folder)?;
    let digest = push(&up.registry, image, bad).await?;
    say!("pushed {}/{image}{} {digest}", up.registry, if bad { " (bad)" } else { "" });
    match bank::constraint(service).filter(|constraint| !is_wanted(version, constraint)) {
        Some(constraint) => {
            say!("no freight comes of it: warehouse {} takes {service} {constraint}", bank::WAREHOUSE);
            say!("next: {}", typed("seaway get warehouses"));
        }
        None => say!("next: {}", typed("seaway get stages -w")),
    }
    Ok(())
}

/// Service and version of what is to be pushed: a service of the bank, a version that a warehouse could take.
fn parse(image: &str) -> Result<(&str, &str)> {
    let like = format!("seaway demo push {}:1.5.1", SERVICES[0]);
    let Some((service, version)) = image.split_once(':').filter(|(_, version)| !version.is_empty()) else {
        bail!(Hinted::new(format!("`{image}` names no version"), like));
    };
    if !SERVICES.contains(&service) {
        bail!(Hinted::new(format!("the bank has no service `{service}`; it has {}", SERVICES.join(" and ")), like));
    }
    if Version::of_tag(version, true).is_err() {
        let what = format!("`{version}` is no semantic version such as 1.5.1, and the bank's warehouse takes no other");
        bail!(Hinted::new(what, like));
    }
    Ok((service, version))
}

/// Whether a warehouse with this constraint takes the version.
fn is_wanted(version: &str, constraint: &str) -> bool {
    let (Ok(version), Ok(constraint)) = (Version::of_tag(version, true), Constraint::parse(constraint)) else { return true };
    constraint.matches(&version)
}

/// Pushes a tiny image; answers its digest.
pub(super) async fn push(registry: &str, image: &str, bad: bool) -> Result<String> {
    let (service, version) = parse(image)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_warehouse_could_take_is_pushed() {
        let check = |image: &str, wanted: &str| {
            let told = parse(image).map_or_else(|err| err.to_string(), |(service, version)| format!("{service} {version}"));
            assert_eq!(told, wanted);
        };
        check("fund-transfer:1.5.1", "fund-transfer 1.5.1");
        check("account-info:v2.4.0-rc.1", "account-info v2.4.0-rc.1");
        check("fund-transfer", "`fund-transfer` names no version");
        check("fund-transfer:", "`fund-transfer:` names no version");
        check("teller:1.0.0", "the bank has no service `teller`; it has fund-transfer and account-info");
        check("fund-transfer:rubbish", "`rubbish` is no semantic version such as 1.5.1, and the bank's warehouse takes no other");
    }

    #[test]
    fn the_warehouses_own_constraint_tells_what_no_freight_comes_of() {
        let wanted = |service: &str, version: &str| is_wanted(version, &bank::constraint(service).unwrap());
        assert!(wanted("fund-transfer", "1.9.9") && !wanted("fund-transfer", "2.0.0"));
        assert!(wanted("account-info", "2.0.0") && !wanted("account-info", "1.9.9"));
    }
}
