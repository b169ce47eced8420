//! The control plane put together: store, API, door, controllers; and taken apart again in the order that loses nothing.

mod control;
mod entry;
mod figures;
mod key;
pub(crate) mod logs;
mod oidc;

use crate::config::Config;
use crate::data::{Data, Server};
use crate::exit::Failure;
use crate::output;
use kube::Client;
use seaway_apiserver::{ApiServer, Identity, Rules, Running};
use seaway_base::http::{Egress, HttpClient, Proxies};
use seaway_base::{Random, Secret, SharedClock, SystemClock, chain};
use seaway_server::kubeconfig::Kubeconfig;
use seaway_server::tls::{Certificates, Source};
use seaway_server::{Door, Health, Metrics, Tokens, door};
use seaway_store::{SqliteStore, Store, StoreError};
use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The effect in hand is finished by then.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// Who comes with the data folder's token.
const ADMIN: &str = "admin";
/// The namespaces that are there from the start: shared resources, and the system's own.
const NAMESPACES: [&str; 2] = ["kargo-shared-resources", "kargo-system-resources"];

/// The address to listen on, known good: beyond loopback an external URL is set.
///
/// # Errors
/// No address, or no external URL where one is needed.
pub(crate) fn listen(config: &Config) -> Result<SocketAddr, Failure> {
    let text = config.text("listen").unwrap_or_default();
    let bad = || Failure::new(format!("`listen`: `{text}` is no address with a port"), "--listen 127.0.0.1:7443");
    let address = text.to_socket_addrs().map_err(|_| bad())?.next().ok_or_else(bad)?;
    config.external_url(address)?;
    Ok(address)
}

/// Runs until a signal ends it.
///
/// # Errors
/// It could not start; nothing is left behind but the data folder.
pub(crate) async fn run(config: &Config, data: &Data, listen: SocketAddr, project: Option<&str>) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let plane = Plane::start(config, data, listen, project).await?;
    tokio::select! {
        started = plane.follow(config, data) => started?,
        () = signals.next() => {}
    }
    let stopping = plane.stop();
    tokio::pin!(stopping);
    tokio::select! {
        () = &mut stopping => {}
        () = signals.next() => return Err(Failure::new("stopped at once by a second signal", "the journal holds: what was in hand is resumed at the next start")),
    }
    tracing::info!("stopped");
    Ok(())
}

/// What asks the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|err| Failure::io("listen for signals", &err));
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A running control plane.
struct Plane {
    api: ApiServer,
    collector: Running,
    control: control::Control,
    health: Health,
    stop_door: watch::Sender<bool>,
    door: tokio::task::JoinHandle<Result<(), door::DoorError>>,
    url: String,
    _recheck: Option<entry::Recheck>,
}

impl Plane {
    async fn start(config: &Config, data: &Data, listen: SocketAddr, project: Option<&str>) -> Result<Self, Failure> {
        let (clock, random): (SharedClock, Random) = (SystemClock::shared(), Random::system());
        let (health, metrics) = (Health::default(), Metrics::default());
        for part in ["store", "api", "controllers"] {
            health.expect(part);
        }
        // The port first: that it is taken is worth knowing before anything is touched.
        let door = Door::bind(listen).await.map_err(|err| of(&err, "choose another with --listen, or stop what uses it"))?;
        let url = config.external_url(door.address())?;
        let store = open_store(config, data).await?;
        health.ready("store");
        figures::register(&metrics, &store);
        let options = seaway_apiserver::Options { address: door.address().to_string(), ..Default::default() };
        let api = ApiServer::new(store, seaway_apiserver::ours(), Arc::new(Rules), Arc::clone(&clock), random.clone(), options);
        let collector = api.start().await.map_err(|err| of(&err, "restore a backup: `seaway backup --help`"))?;
        let http =
            HttpClient::new(egress(config, door.address())?).map_err(|err| of(&err, "`seaway config` shows the settings"))?;
        let token = introduce(config, data, &url, &clock, project)?;
        let control = control::start(control::Parts {
            config,
            data,
            api: &api,
            http: http.clone(),
            clock: Arc::clone(&clock),
            random: random.clone(),
            metrics: &metrics,
            url: &url,
        });
        let (stop_door, stopped) = watch::channel(false);
        let tokens = Tokens::default().with(&token.token, admin());
        make_namespaces(&api.client(admin())).await?;
        let past = control.past();
        let parts = entry::Parts { config, data, api: &api, http, clock: &clock, random, url: &url, tokens: &tokens, past };
        let entry = entry::open(parts).await?;
        let reach = entry.state.info.reach.clone();
        let routes = seaway_server::router(entry.state, tokens, health.clone(), metrics);
        let behind = door::Options { routes, reach, certificates: token.certificates, clock, trust: token.trust };
        let door = tokio::spawn(door.serve(behind, stopped));
        health.ready("api");
        Ok(Self { api, collector, control, health, stop_door, door, url, _recheck: entry.recheck })
    }

    /// Waits until everything is in step, tells so, and goes on waiting: it ends only if the door does.
    async fn follow(&self, config: &Config, data: &Data) -> Result<(), Failure> {
        self.control.synced().await;
        self.health.ready("controllers");
        let now = SystemClock::shared().now();
        let server = Server {
            pid: std::process::id(),
            url: self.url.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now.to_string(),
        };
        data.announce(&server)?;
        tracing::info!(url = self.url, data = %data.join("").display(), "log.level" = config.text("log.level"), "ready");
        output::line(format_args!("ready  {}  kubeconfig {}", self.url, data.join("kubeconfig").display()));
        std::future::pending().await
    }

    /// Stops accepting, lets the controllers finish what they have in hand, then ends what clients still watch.
    async fn stop(self) {
        tracing::info!("stopping");
        self.health.not_ready("controllers", "stopping");
        self.stop_door.send_replace(true);
        if tokio::time::timeout(STOP_WITHIN, self.control.stop()).await.is_err() {
            tracing::warn!(
                "controllers did not stop within {} s; what they had in hand is resumed at the next start",
                STOP_WITHIN.as_secs()
            );
        }
        self.api.end_watches();
        match self.door.await {
            Ok(Ok(())) => {}
            Ok(Err(err)) => tracing::error!(error = chain(&err), "close the port"),
            Err(err) => tracing::error!(error = %err, "close the port"),
        }
        drop(self.collector);
    }
}

fn of(err: &(dyn Error + 'static), hint: &str) -> Failure {
    Failure::new(chain(err), hint)
}

async fn open_store(config: &Config, data: &Data) -> Result<Arc<dyn Store>, Failure> {
    let path = data.join("state.db");
    let key_file = config.text("keyFile").map_or_else(|| data.join("key"), PathBuf::from);
    let key = key::open(&key_file, &path)?;
    let options = seaway_store::Options::new(&path).sealing(key, &["secrets"]);
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(options)).await;
    let opened = opened.map_err(|err| Failure::bug(format_args!("open the store: {err}")))?;
    let store = opened.map_err(|err| {
        let hint = match &err {
            StoreError::WrongKey { .. } => {
                "put the `key` beside it that it was written with, or name it with the setting keyFile"
            }
            StoreError::InUse { .. } => "stop the process that uses it",
            _ => "restore a backup: `seaway backup --help`",
        };
        of(&err, hint)
    })?;
    Ok(Arc::new(store))
}

/// What may be reached from inside: loopback only while nobody else could make us reach it; our own port never.
fn egress(config: &Config, own: SocketAddr) -> Result<Egress, Failure> {
    let ca_bundle = match config.text("egress.caBundle") {
        Some(path) => Some(std::fs::read(path).map_err(|err| Failure::io(format!("read `egress.caBundle` `{path}`"), &err))?),
        None => None,
    };
    Ok(Egress {
        loopback: own.ip().is_loopback(),
        own: vec![own],
        allow: config.list("egress.allow"),
        allow_credentials_over_http: config.truth("egress.allowCredentialsOverHTTP"),
        ca_bundle,
        proxies: Proxies::from_env(),
    })
}

/// How clients come in.
struct Introduction {
    certificates: Arc<Certificates>,
    token: Secret<String>,
    trust: door::Trust,
}

/// Certificates, the token, and the kubeconfig that has both.
fn introduce(
    config: &Config,
    data: &Data,
    url: &str,
    clock: &SharedClock,
    project: Option<&str>,
) -> Result<Introduction, Failure> {
    let (source, hint) = source(config, data, url);
    let certificates = Certificates::open(source, clock.now()).map_err(|err| of(&err, hint))?;
    let token = seaway_server::tokens::admin_token(&data.join("token")).map_err(|err| Failure::io("read the token", &err))?;
    let folder = data.join("");
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("embedded").to_owned();
    let path = data.join("kubeconfig");
    let (url, namespace, secret) = (url.to_owned(), project.map(str::to_owned), token.clone());
    let write = move |ca_pem: &str| {
        let kubeconfig =
            Kubeconfig { server: &url, ca_pem, token: &secret, user: ADMIN, namespace: namespace.as_deref(), name: &name };
        kubeconfig.write(&path)
    };
    write(&certificates.ca_pem()).map_err(|err| Failure::io("write the kubeconfig", &err))?;
    let trust = move |ca_pem: &str| {
        if let Err(err) = write(ca_pem) {
            tracing::error!(error = %err, "write the kubeconfig");
        }
    };
    Ok(Introduction { certificates, token, trust: Box::new(trust) })
}

/// Where the certificate comes from, and what to do if it cannot be used.
fn source(config: &Config, data: &Data, url: &str) -> (Source, &'static str) {
    match (config.text("tls.certificate"), config.text("tls.key")) {
        (Some(certificate), Some(key)) => (
            Source::Given { certificate: certificate.into(), key: key.into() },
            "`seaway config` shows who set tls.certificate and tls.key",
        ),
        _ => {
            let (names, lifetime) = (names(config, url), config.duration("tls.lifetime"));
            (
                Source::Own { dir: data.join("tls"), names, lifetime },
                "`seaway config` shows the names; without DIR/tls another CA is made",
            )
        }
    }
}

/// The names of the certificate: those that were set, and the external URL's.
fn names(config: &Config, url: &str) -> Vec<String> {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let own = (!host.is_empty()).then(|| host.to_owned());
    config.list("hosts").into_iter().chain(own).collect()
}

/// The identity behind the data folder's token.
fn admin() -> Identity {
    // The name is not empty, so this is never the service account.
    Identity::new(ADMIN, &["system:masters", "system:authenticated"]).unwrap_or_else(|| Identity::controller(ADMIN))
}

async fn make_namespaces(client: &Client) -> Result<(), Failure> {
    use k8s_openapi::api::core::v1::Namespace;
    let namespaces: kube::Api<Namespace> = kube::Api::all(client.clone());
    for name in NAMESPACES {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        match namespaces.create(&Default::default(), &namespace).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(err) => return Err(Failure::api(format!("make the namespace {name}"), err)),
        }
    }
    Ok(())
}
