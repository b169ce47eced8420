//! The demo's people: alice promotes up to staging, bob everywhere, eve looks on; each with a password of this folder's own.

use super::bank::PROJECT;
use crate::commands::open;
use crate::password;
use crate::v1;
use anyhow::{Context as _, Result, anyhow, bail};
use http::{Method, Request, header};
use kube::Client;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use seaway_base::Secret;
use seaway_verbs::{Document, apply, order};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Who there is, and what they may.
pub(super) const PEOPLE: [(&str, &str); 3] =
    [("alice", "promotes up to staging"), ("bob", "promotes everywhere"), ("eve", "looks on")];
/// Whom the first link signs in.
pub(super) const FIRST: &str = "bob";
const FILE: &str = "people.json";
const ROLES: &str = include_str!("people.yaml");

/// Everybody's password, as the folder keeps it for its owner alone.
#[derive(Debug)]
pub(super) struct People(BTreeMap<String, Secret<String>>);

impl People {
    /// Reads the folder's passwords, or makes them up.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if path.exists() {
            let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            return serde_json::from_slice(&text).map(Self).with_context(|| format!("read {}", path.display()));
        }
        let people: BTreeMap<String, Secret<String>> =
            PEOPLE.iter().map(|(name, _)| ((*name).to_owned(), password::generated())).collect();
        let shown: BTreeMap<&str, &str> =
            people.iter().map(|(name, password)| (name.as_str(), password.reveal().as_str())).collect();
        seaway_base::files::write_private(&path, format!("{:#}\n", json!(shown)).as_bytes())
            .with_context(|| format!("write {}", path.display()))?;
        Ok(Self(people))
    }

    /// Makes the users that are missing, and gives everybody their rights.
    ///
    /// # Errors
    /// The control plane refuses.
    pub(super) async fn introduce(&self, client: &Client) -> Result<()> {
        let known = v1::ask(client, "list users", Method::GET, &["users"], None).await.map_err(told)?;
        let known = known["items"].as_array().cloned().unwrap_or_default();
        for (name, password) in &self.0 {
            if !known.iter().any(|user| user["name"] == name.as_str()) {
                let user = json!({ "name": name, "password": password.reveal(), "groups": [] });
                v1::ask(client, &format!("add user {name}"), Method::POST, &["users"], Some(&user)).await.map_err(told)?;
            }
        }
        let mut documents = Document::read("people.yaml", ROLES).map_err(|fault| anyhow!("{fault}"))?;
        order(&mut documents);
        apply(client, &documents, Some(PROJECT), true).await.context("give the demo's people their rights")?;
        Ok(())
    }

    /// A one-time link of theirs: they sign in by password, as on the page, and ask for one.
    ///
    /// # Errors
    /// The control plane refuses.
    pub(super) async fn link(&self, folder: &Path, name: &str) -> Result<String> {
        let mut kubeconfig = Kubeconfig::read_from(folder.join("kubeconfig")).context("read the kubeconfig")?;
        for user in &mut kubeconfig.auth_infos {
            user.auth_info = Some(AuthInfo::default());
        }
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .context("use the kubeconfig")?;
        let origin = config.cluster_url.to_string();
        let origin = origin.trim_end_matches('/').to_owned();
        let client = Client::try_from(config.clone()).context("make a client")?;
        let password = self.0.get(name).with_context(|| format!("no password of {name}"))?;
        let body = json!({ "user": name, "password": password.reveal() });
        let request = Request::post("/seaway/v1/session")
            .header(header::ORIGIN, &origin)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string().into_bytes()))?;
        let response = client.send(request).await.with_context(|| format!("sign {name} in"))?;
        let cookie = response.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
        let Some(cookie) = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned) else {
            bail!("sign {name} in: {}", response.status())
        };
        config.headers = vec![
            (header::ORIGIN, origin.parse().context("use the URL as an origin")?),
            (header::COOKIE, cookie.parse().context("use the session's cookie")?),
        ];
        open::link(&Client::try_from(config).context("make a client")?).await.map_err(told)
    }

    /// Name, password and what they may, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        PEOPLE.into_iter().map(|(name, may)| (name, self.0.get(name).map_or("", |password| password.reveal().as_str()), may))
    }
}

/// A command's error as an error of the demo.
fn told(failure: crate::exit::Failure) -> anyhow::Error {
    anyhow::Error::new(super::Hinted::new(failure.message, failure.hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn passwords_are_the_folders_own_and_its_owners_alone() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let passwords = |folder: &Path| -> Vec<String> {
            People::open(folder).unwrap().rows().map(|(_, password, _)| password.to_owned()).collect()
        };
        let first = passwords(one.path());
        assert_eq!(first, passwords(one.path()));
        assert!(first.iter().all(|password| password.len() > 20) && first != passwords(other.path()));
        let mode = std::fs::metadata(one.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
