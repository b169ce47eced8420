//! Who may read what: logins for git servers and image registries, found in the control plane's Secrets by repository URL.
//!
//! A Secret counts by its label `kargo.akuity.io/cred-type` and its `repoURL`. The project's Secrets come before the shared ones; in
//! each, exact matches before patterns, then by name. Secrets are followed by a watch over that label and are never logged.

use crate::frame::{Cache, Change, Key};
use async_trait::async_trait;
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use seaway_api::kargo::names::label;
use seaway_base::http::{HttpClient, Refused};
use seaway_base::secret::Credential;
use seaway_base::urls::{normalise_chart, normalise_git, normalise_image};
use seaway_base::{Next, Secret};
use seaway_core::go_regex;
use seaway_runs::{Credentials, RepoKind, StepError};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Where credentials for all projects are kept, unless a setting says otherwise.
pub const SHARED_NAMESPACE: &str = "kargo-shared-resources";
/// What the watch asks for: Secrets that are logins for repositories.
const SELECTOR: &str = "kargo.akuity.io/cred-type";
/// How long a caller waits for the first list of Secrets.
const SYNC_MAX: Duration = Duration::from_secs(30);

/// Keys of logins that Kargo knows and we have not built.
const UNBUILT: [(&str, &str); 6] = [
    ("sshPrivateKey", "an SSH key"),
    ("githubAppClientID", "a GitHub App"),
    ("githubAppID", "a GitHub App"),
    ("awsAccessKeyID", "an AWS key"),
    ("gcpServiceAccountKey", "a Google service account key"),
    ("awsRegion", "an AWS key"),
];

/// A Secret that holds a login for repositories. Its content prints as `***`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RepositorySecret {
    /// What every object bears.
    pub metadata: ObjectMeta,
    #[serde(default)]
    data: BTreeMap<String, Secret<ByteString>>,
}

impl kube::Resource for RepositorySecret {
    type DynamicType = ();
    type Scope = k8s_openapi::NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Secret".into()
    }
    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }
    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }
    fn plural((): &()) -> Cow<'_, str> {
        "secrets".into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl RepositorySecret {
    fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key).and_then(|value| std::str::from_utf8(&value.reveal().0).ok())
    }

    fn name(&self) -> String {
        Key::new(self.metadata.namespace.as_deref().unwrap_or_default(), self.metadata.name.as_deref().unwrap_or_default())
            .to_string()
    }

    fn is_for(&self, kind: RepoKind) -> bool {
        self.metadata.labels.as_ref().and_then(|labels| labels.get(label::CREDENTIAL_TYPE)).is_some_and(|it| it == word(kind))
    }
}

const fn word(kind: RepoKind) -> &'static str {
    match kind {
        RepoKind::Git => "git",
        RepoKind::Image => "image",
        RepoKind::Helm => "helm",
    }
}

fn normalise(kind: RepoKind, url: &str) -> String {
    match kind {
        RepoKind::Git => normalise_git(url),
        RepoKind::Image => normalise_image(url),
        RepoKind::Helm => normalise_chart(url),
    }
}

/// Why there is no login to be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The Secrets have not been listed yet.
    #[error("the credentials of project `{project}` are not listed after {SYNC_MAX:?}: the control plane does not answer")]
    NotListed {
        /// The project.
        project: String,
    },
    /// A Secret matches and holds no whole login.
    #[error("Secret `{secret}` matches `{url}` and has no `{missing}`: write a user and a password or token into it")]
    Incomplete {
        /// The Secret.
        secret: String,
        /// The repository.
        url: String,
        /// The key that is not there.
        missing: &'static str,
    },
    /// A Secret matches and holds a login of a kind that is not built.
    #[error("Secret `{secret}` matches `{url}` and holds {what}, which is not built yet: use `username` and `password`")]
    NotBuilt {
        /// The Secret.
        secret: String,
        /// The repository.
        url: String,
        /// What it holds.
        what: &'static str,
    },
    /// The login may not travel to that address.
    #[error("Secret `{secret}` is for `{url}`: {err}")]
    Refused {
        /// The Secret.
        secret: String,
        /// The repository.
        url: String,
        /// The policy's word.
        err: Refused,
    },
}

impl CredentialError {
    /// What comes next.
    pub const fn next(&self) -> Next {
        match self {
            Self::NotListed { .. } => Next::Retry,
            _ => Next::Blocked,
        }
    }

    /// The catalogue's word.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotListed { .. } => "Unreachable",
            Self::Incomplete { .. } => "NotAuthenticated",
            Self::NotBuilt { .. } => "NotBuilt",
            Self::Refused { .. } => "EgressRefused",
        }
    }
}

/// Logins out of the control plane's Secrets.
pub struct SecretCredentials {
    secrets: Arc<Cache<RepositorySecret>>,
    shared_namespace: String,
    http: HttpClient,
}

impl SecretCredentials {
    /// Logins as the Secrets of each project and those of `shared_namespace` hold them. Nothing is found before [`Self::feed`].
    pub fn new(http: HttpClient, shared_namespace: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { secrets: Arc::default(), shared_namespace: shared_namespace.into(), http })
    }

    /// Follows the Secrets until the task is dropped.
    pub async fn feed(self: Arc<Self>, client: Client) {
        Arc::clone(&self.secrets).feed(client, Some(SELECTOR)).await;
    }

    /// Waits until the Secrets have been listed once.
    pub async fn synced(&self) {
        self.secrets.synced().await;
    }

    /// Tells `listener` of the projects whose logins change; `None` stands for all of them.
    pub fn listen(&self, listener: impl Fn(Option<&str>) + Send + Sync + 'static) {
        let shared = self.shared_namespace.clone();
        self.secrets.listen(move |change: &Change<RepositorySecret>| {
            let project = &*change.key.project;
            listener((project != shared).then_some(project));
        });
    }

    /// The login that `project` has for an image repository; `None` if it has none.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn image(&self, project: &str, url: &str) -> Result<Option<Credential>, CredentialError> {
        self.login(project, RepoKind::Image, url).await
    }

    /// The login that `project` has for a git repository; `None` if it has none.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn git(&self, project: &str, url: &str) -> Result<Option<Credential>, CredentialError> {
        self.login(project, RepoKind::Git, url).await
    }

    async fn login(&self, project: &str, kind: RepoKind, url: &str) -> Result<Option<Credential>, CredentialError> {
        if tokio::time::timeout(SYNC_MAX, self.secrets.synced()).await.is_err() {
            return Err(CredentialError::NotListed { project: project.to_owned() });
        }
        let of = |namespace: &str| choose(&self.secrets.in_project(namespace), kind, url);
        let found = of(project).or_else(|| of(&self.shared_namespace));
        found.map(|secret| self.read(&secret, url)).transpose()
    }

    fn read(&self, secret: &RepositorySecret, url: &str) -> Result<Credential, CredentialError> {
        let (name, url) = (secret.name(), shown(url));
        let part = |key: &'static str| {
            let missing = || CredentialError::Incomplete { secret: name.clone(), url: url.clone(), missing: key };
            secret.text(key).filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(missing)
        };
        let unbuilt = UNBUILT.iter().find(|(key, _)| secret.data.contains_key(*key));
        let (username, password) = match (part("username"), part("password"), unbuilt) {
            (Ok(username), Ok(password), _) => (username, password),
            (_, _, Some((_, what))) => return Err(CredentialError::NotBuilt { secret: name, url, what }),
            (Err(err), ..) | (_, Err(err), _) => return Err(err),
        };
        if let Some(parsed) = url::Url::parse(&url).ok().filter(|it| it.scheme() == "http")
            && let Err(err) = self.http.may_send_credentials(&parsed)
        {
            return Err(CredentialError::Refused { secret: name, url, err });
        }
        let content = seaway_oci::digest_of(format!("{}\0{username}\0{password}", username.len()).as_bytes());
        let key = format!("{}/{content}", secret.metadata.uid.as_deref().unwrap_or_default());
        Ok(Credential { key, username, password: Secret::new(password) })
    }
}

/// The Secret that is for this repository: an exact match before a pattern, then by name.
fn choose(secrets: &[Arc<RepositorySecret>], kind: RepoKind, url: &str) -> Option<Arc<RepositorySecret>> {
    let wanted = normalise(kind, url);
    let own: Vec<&Arc<RepositorySecret>> = secrets.iter().filter(|secret| secret.is_for(kind)).collect();
    let is_pattern = |secret: &RepositorySecret| secret.text("repoURLIsRegex") == Some("true");
    let exact = |secret: &RepositorySecret| {
        !is_pattern(secret) && secret.text("repoURL").is_some_and(|text| normalise(kind, text) == wanted)
    };
    let matches = |secret: &RepositorySecret| {
        let Some(pattern) = secret.text("repoURL").filter(|text| is_pattern(secret) && !text.is_empty()) else { return false };
        match go_regex::compile(pattern) {
            Ok(pattern) => pattern.is_match(url) || pattern.is_match(&wanted),
            Err(err) => {
                tracing::warn!(secret = secret.name(), "`repoURL` is skipped: {err}");
                false
            }
        }
    };
    let found = own.iter().find(|secret| exact(secret)).or_else(|| own.iter().find(|secret| matches(secret)));
    found.map(|secret| Arc::clone(secret))
}

/// The URL without a user, a password or a query.
fn shown(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| seaway_base::http::shown(&url))
}

#[async_trait]
impl Credentials for SecretCredentials {
    async fn find(&self, project: &str, kind: RepoKind, url: &str) -> Result<Option<Credential>, StepError> {
        let login = self.login(project, kind, url).await;
        let login = login.map_err(|err| StepError::from_error(err.reason(), err.next(), &err))?;
        Ok(login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_base::http::Egress;

    fn secret(name: &str, kind: &str, data: &[(&str, &str)]) -> Arc<RepositorySecret> {
        let bytes = |text: &str| Secret::new(ByteString(text.as_bytes().to_vec()));
        let mut secret = RepositorySecret {
            data: data.iter().map(|(key, value)| ((*key).to_owned(), bytes(value))).collect(),
            ..RepositorySecret::default()
        };
        secret.metadata.name = Some(name.to_owned());
        secret.metadata.uid = Some(format!("uid-{name}"));
        secret.metadata.labels.get_or_insert_default().insert(label::CREDENTIAL_TYPE.into(), kind.into());
        Arc::new(secret)
    }

    #[test]
    fn exact_matches_come_before_patterns_and_then_names() {
        let all = [
            secret("a-pattern", "git", &[("repoURL", "^https://host/.*"), ("repoURLIsRegex", "true")]),
            secret("b-broken", "git", &[("repoURL", "("), ("repoURLIsRegex", "true")]),
            secret("c-image", "image", &[("repoURL", "host/bank")]),
            secret("d-exact", "git", &[("repoURL", "https://Host/bank.git")]),
            secret("e-exact", "git", &[("repoURL", "https://host/bank")]),
        ];
        let check = |kind, url: &str, expect: Option<&str>| {
            assert_eq!(choose(&all, kind, url).and_then(|it| it.metadata.name.clone()).as_deref(), expect, "{url}");
        };
        check(RepoKind::Git, "https://host/bank", Some("d-exact"));
        check(RepoKind::Git, "https://host/other", Some("a-pattern"));
        check(RepoKind::Git, "https://elsewhere/bank", None);
        check(RepoKind::Image, "host/bank", Some("c-image"));
    }

    #[test]
    fn a_login_is_whole_or_says_what_is_missing() {
        let credentials = SecretCredentials::new(HttpClient::new(Egress::local()).unwrap(), SHARED_NAMESPACE);
        let check = |data: &[(&str, &str)], url: &str| {
            credentials.read(&secret("bank", "git", data), url).map(|it| it.username).map_err(|err| err.to_string())
        };
        let whole = [("username", "me"), ("password", "canary")];
        assert_eq!(check(&whole, "https://host/bank"), Ok("me".to_owned()));
        assert_eq!(check(&whole, "http://127.0.0.1:1/bank"), Ok("me".to_owned()));
        let refused = check(&whole, "http://u:canary@host/bank").unwrap_err();
        assert!(refused.contains("egress.allowCredentialsOverHTTP") && !refused.contains("canary"), "{refused}");
        insta::assert_snapshot!(
            check(&[("username", "me")], "https://host/bank").unwrap_err(),
            @"Secret `bank` matches `https://host/bank` and has no `password`: write a user and a password or token into it"
        );
        insta::assert_snapshot!(
            check(&[("sshPrivateKey", "canary")], "https://host/bank").unwrap_err(),
            @"Secret `bank` matches `https://host/bank` and holds an SSH key, which is not built yet: use `username` and `password`"
        );
    }

    #[test]
    fn a_rotated_password_is_another_key_and_nothing_prints_it() {
        let credentials = SecretCredentials::new(HttpClient::new(Egress::local()).unwrap(), SHARED_NAMESPACE);
        let key = |password: &str| {
            let secret = secret("bank", "git", &[("username", "me"), ("password", password)]);
            assert!(!format!("{secret:?}").contains("canary"));
            credentials.read(&secret, "https://host/bank").map(|it| it.key).unwrap()
        };
        assert_ne!(key("canary-1"), key("canary-2"));
        assert_eq!(key("canary-1"), key("canary-1"));
    }
}
