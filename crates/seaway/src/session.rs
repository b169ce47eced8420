//! A command's way to the control plane: which one, as whom, in which project.

use crate::cli::Global;
use crate::exit::Failure;
use crate::target::{self, Around, Asked, Target};
use crate::{data, output, v1};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams};
use kube::client::ClientBuilder;
use kube::config::KubeConfigOptions;
use kube::{Client, ResourceExt as _};
use seaway_api::kargo::Project;
use seaway_verbs::{VerbError, Verbs};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tower::util::MapResponseLayer;

/// A control plane that does not take a connection by then is not there.
const CONNECT: Duration = Duration::from_secs(5);

/// What a command is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Looks.
    Read,
    /// Changes something: the target is named first.
    Write,
}

/// A control plane, reached.
pub(crate) struct Session {
    pub(crate) client: Client,
    target: Target,
    asked: Option<String>,
}

impl Session {
    /// Finds the control plane that is meant; a write names it.
    ///
    /// # Errors
    /// None is clear, or its kubeconfig cannot be used.
    pub(crate) async fn open(global: &Global, access: Access) -> Result<Self, Failure> {
        let asked = Asked { kubeconfig: global.kubeconfig.clone(), data: global.data.clone(), context: global.context.clone() };
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let around = Around {
            home: data::home().ok(),
            seaway_data: path("SEAWAY_DATA"),
            kubeconfig: std::env::var("KUBECONFIG").ok(),
            login: data::login().ok().filter(|path| path.exists()),
            running: &data::running,
        };
        let target = Target::choose(&asked, &around)?;
        if access == Access::Write {
            output::aside(format_args!("→ {}", target.shown()));
        }
        let options = KubeConfigOptions { context: Some(target.context.clone()), ..KubeConfigOptions::default() };
        let unusable = |err: &(dyn std::error::Error + 'static)| {
            let message = format!("use context `{}` of the kubeconfig: {}", target.context, seaway_base::chain(err));
            Failure::new(
                message,
                format!("mend its cluster and user, or name another with --kubeconfig; {}", target::KUBECONFIGS),
            )
        };
        let mut config =
            kube::Config::from_custom_kubeconfig(target.kubeconfig.clone(), &options).await.map_err(|err| unusable(&err))?;
        config.connect_timeout = Some(CONNECT);
        let client = ClientBuilder::try_from(config).map_err(|err| unusable(&err))?;
        let client = client.with_layer(&MapResponseLayer::new(crate::warnings::told)).build();
        Ok(Self { client, target, asked: global.project.clone() })
    }

    /// The control plane in one line: its URL, or `embedded` and its folder.
    pub(crate) fn shown(&self) -> String {
        self.target.shown()
    }

    /// Its data folder, if it is one of ours on this machine.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.target.folder.as_deref()
    }

    /// Its URL.
    ///
    /// # Errors
    /// The kubeconfig's context names no cluster with a server.
    pub(crate) fn url(&self) -> Result<String, Failure> {
        let server = self.target.cluster().and_then(|cluster| cluster.server.clone());
        server.ok_or_else(|| Failure::new("the kubeconfig names no server", target::KUBECONFIGS))
    }

    /// What its certificate is vouched for by, PEM, if the kubeconfig says.
    ///
    /// # Errors
    /// The file that the kubeconfig names cannot be read.
    pub(crate) fn ca_pem(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(cluster) = self.target.cluster() else { return Ok(None) };
        if let Some(data) = &cluster.certificate_authority_data {
            let pem = STANDARD
                .decode(data)
                .map_err(|err| Failure::new(format!("read the kubeconfig's CA: {err}"), target::KUBECONFIGS))?;
            return Ok(Some(pem));
        }
        let Some(path) = &cluster.certificate_authority else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|err| Failure::io(format!("read `{path}`"), &err))
    }

    /// The project that is meant.
    ///
    /// # Errors
    /// There is none, or several.
    pub(crate) async fn project(&self) -> Result<String, Failure> {
        let named = self.named_project();
        let known = if named.is_none() { self.projects().await? } else { Vec::new() };
        Ok(target::project(named, None, || known)?)
    }

    /// The project as far as it is named, without asking.
    pub(crate) fn named_project(&self) -> Option<&str> {
        self.asked.as_deref().or_else(|| self.target.project())
    }

    /// All projects that we may see, by name.
    ///
    /// # Errors
    /// The control plane does not answer, or lets us see none.
    pub(crate) async fn projects(&self) -> Result<Vec<String>, Failure> {
        let api: Api<Project> = Api::all(self.client.clone());
        let err = match api.list(&ListParams::default()).await {
            Ok(all) => return Ok(all.items.iter().map(kube::ResourceExt::name_any).collect()),
            Err(err) => err,
        };
        let is_refused = matches!(&err, kube::Error::Api(status) if status.code == 403);
        let failure = Failure::from(VerbError::api("list projects", err));
        if !is_refused {
            return Err(failure);
        }
        // Who has a Role in a project and nothing cluster-wide sees that project.
        let seen = v1::projects(&self.client).await.ok().filter(|seen| !seen.is_empty());
        seen.ok_or_else(|| Failure { hint: "-p PROJECT names one; `seaway whoami` tells who you are".to_owned(), ..failure })
    }

    /// The projects that a reading command is about.
    ///
    /// # Errors
    /// As [`Session::project`].
    pub(crate) async fn scope(&self, all: bool) -> Result<Vec<String>, Failure> {
        if all {
            return self.projects().await;
        }
        Ok(vec![self.known_project().await?])
    }

    /// The project that is meant; one that was named on the command line must be there.
    async fn known_project(&self) -> Result<String, Failure> {
        let project = self.project().await?;
        if self.asked.is_some() {
            let namespaces: Api<Namespace> = Api::all(self.client.clone());
            let found = namespaces.get_metadata_opt(&project).await;
            // Who may not read namespaces is not kept from reading what is in one.
            if let Ok(None) = found {
                return Err(VerbError::no_such("project", &project, "", self.projects().await?.into_iter()).into());
            }
        }
        Ok(project)
    }

    /// The verbs of the project that is meant.
    ///
    /// # Errors
    /// As [`Session::project`].
    pub(crate) async fn verbs(&self) -> Result<Verbs, Failure> {
        Ok(self.verbs_of(self.known_project().await?))
    }

    /// The verbs of this project.
    pub(crate) fn verbs_of(&self, project: impl Into<String>) -> Verbs {
        Verbs::new(self.client.clone(), project)
    }
}

/// The name of an object, without the kind people may put before it: `promotion/x` is `x`.
pub(crate) fn bare(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, bare)| bare)
}

/// When an object was made.
pub(crate) fn made(object: &impl kube::Resource) -> Option<jiff::Timestamp> {
    object.creation_timestamp().map(|time| time.0)
}
