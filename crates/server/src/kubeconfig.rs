//! The kubeconfig that the data folder holds: any Kubernetes client works with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seaway_base::Secret;
use serde_json::json;
use std::io;
use std::path::Path;

/// The mark by which we know a kubeconfig that we wrote: the name of its only cluster begins with it.
pub const CLUSTER_PREFIX: &str = "seaway-";

/// What a client needs.
#[derive(Debug)]
pub struct Kubeconfig<'a> {
    /// `https://127.0.0.1:7443`.
    pub server: &'a str,
    /// What to trust, PEM; empty is what the system trusts.
    pub ca_pem: &'a str,
    /// The token.
    pub token: &'a Secret<String>,
    /// The user's name in the file.
    pub user: &'a str,
    /// The context's namespace; the project that commands mean when none is named.
    pub namespace: Option<&'a str>,
    /// The data folder's name: `demo`, `default`.
    pub name: &'a str,
}

impl Kubeconfig<'_> {
    /// The file's text; JSON is YAML.
    pub fn text(&self) -> String {
        let cluster = format!("{CLUSTER_PREFIX}{}", self.name);
        let mut context = json!({ "cluster": cluster, "user": self.user });
        if let Some(namespace) = self.namespace {
            context["namespace"] = json!(namespace);
        }
        let mut server = json!({ "server": self.server });
        if !self.ca_pem.is_empty() {
            server["certificate-authority-data"] = json!(STANDARD.encode(self.ca_pem));
        }
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": cluster, "cluster": server }],
            "users": [{ "name": self.user, "user": { "token": self.token.reveal() } }],
            "contexts": [{ "name": cluster, "context": context }],
            "current-context": cluster,
        });
        format!("{config:#}\n")
    }

    /// Writes it, 0600.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        seaway_base::files::write_private(path, self.text().as_bytes())
    }
}
