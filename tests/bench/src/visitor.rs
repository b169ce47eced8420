//! Somebody at the door of the API, on a connection of their own.

use anyhow::{Context as _, Result, bail};
use kube::config::Kubeconfig;
use reqwest::{Certificate, Client, Method, Response};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_mins(3);

/// Where the door is, and what lets one in.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    server: String,
    token: String,
    ca: Certificate,
}

impl Way {
    /// As the owner of the data folder.
    pub(crate) fn of(data: &Path) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(data.join("kubeconfig")).context("read the kubeconfig")?;
        let cluster = kubeconfig.clusters.first().and_then(|named| named.cluster.as_ref()).context("no cluster in it")?;
        let user = kubeconfig.auth_infos.first().and_then(|named| named.auth_info.as_ref()).context("no user in it")?;
        let json = serde_json::to_value(user).context("read the user")?;
        let token = json["token"].as_str().context("no token in it")?.to_owned();
        let pem = std::fs::read(data.join("tls/ca.pem")).context("read the CA's certificate")?;
        let ca = Certificate::from_pem(&pem).context("use the CA's certificate")?;
        Ok(Self { server: cluster.server.clone().context("no server in it")?, token, ca })
    }

    /// A visitor; the connection is made by the first request.
    pub(crate) fn visitor(&self) -> Result<Visitor> {
        let client = Client::builder()
            .tls_certs_only([self.ca.clone()])
            .no_proxy()
            .connect_timeout(PATIENCE)
            .build()
            .context("make an HTTP client")?;
        Ok(Visitor { client, way: self.clone() })
    }
}

/// One connection.
pub(crate) struct Visitor {
    client: Client,
    way: Way,
}

impl Visitor {
    /// Asks under `/seaway/v1`; the answer's head has come when this returns.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response> {
        let url = format!("{}/seaway/v1{path}", self.way.server);
        let mut request = self.client.request(method, &url).bearer_auth(&self.way.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("ask {path}"))?;
        if !response.status().is_success() {
            let (status, text) = (response.status(), response.text().await.unwrap_or_default());
            bail!("{path}: {status}: {text}");
        }
        Ok(response)
    }

    /// Asks and reads the whole answer; how long that took.
    pub(crate) async fn timed(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Duration> {
        let begun = Instant::now();
        let response = tokio::time::timeout(PATIENCE, self.send(method, path, body)).await.context("no answer")??;
        response.bytes().await.with_context(|| format!("read the answer of {path}"))?;
        Ok(begun.elapsed())
    }
}
