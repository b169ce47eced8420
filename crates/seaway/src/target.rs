//! Which control plane and which project a command means; pure rules over what was asked and what is around.

use crate::data::{Server, shown};
use kube::config::{Cluster, Kubeconfig, KubeconfigError};
use seaway_server::kubeconfig::CLUSTER_PREFIX;
use std::path::{Path, PathBuf};

/// The folders under `~/.local/state/seaway` that are looked at when nothing is named.
const USUAL: [&str; 2] = ["demo", "default"];

/// Where a kubeconfig that works is found.
pub(crate) const KUBECONFIGS: &str = "`seaway serve` writes one into its data folder, as DIR/kubeconfig";

/// What was asked on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) context: Option<String>,
}

/// What is around.
pub(crate) struct Around<'a> {
    /// `~/.local/state/seaway`, if there is a home.
    pub(crate) home: Option<PathBuf>,
    /// `$SEAWAY_DATA`.
    pub(crate) seaway_data: Option<PathBuf>,
    /// `$KUBECONFIG`.
    pub(crate) kubeconfig: Option<String>,
    /// What `seaway login` keeps, if somebody is signed in.
    pub(crate) login: Option<PathBuf>,
    /// Who serves a folder now.
    pub(crate) running: &'a dyn Fn(&Path) -> Option<Server>,
}

/// The control plane that is meant.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// How to reach it.
    pub(crate) kubeconfig: Kubeconfig,
    /// The context to use in it.
    pub(crate) context: String,
    /// The data folder, if it is one of ours.
    pub(crate) folder: Option<PathBuf>,
}

/// Why no control plane or project is clear.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("no control plane: none runs in {}, and KUBECONFIG is not set", looked.join(" or "))]
    None { looked: Vec<String> },
    #[error("two control planes run: {}", folders.join(" and "))]
    Both { folders: Vec<String> },
    #[error("you are signed in at {login}, and a control plane runs in {folder}")]
    LoginAndFolder { login: String, folder: String, file: String },
    #[error("nothing serves `{folder}`{}", if *stale { " (its server.json is of a process that is gone)" } else { "" })]
    NotRunning { folder: String, stale: bool, is_demo: bool },
    #[error("read `{path}`")]
    Kubeconfig {
        path: String,
        #[source]
        err: Box<KubeconfigError>,
    },
    /// Without the text at fault: a token stands in there.
    #[error("read `{path}`: it is no kubeconfig: {reason}")]
    NoKubeconfig { path: String, reason: String },
    #[error("KUBECONFIG was not written by Seaway and means `{current}`: name the context")]
    Guard { current: String, known: Vec<String> },
    #[error("no context `{name}` in `{path}`; there is {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    NoContext { name: String, path: String, known: Vec<String> },
    #[error("`{path}` has no current context{}", if known.is_empty() { ", and no context at all".to_owned() } else { format!("; there is {}", known.join(", ")) })]
    NoCurrentContext { path: String, known: Vec<String> },
    #[error("several projects: {}", known.join(", "))]
    SeveralProjects { known: Vec<String> },
    #[error("there is no project yet")]
    NoProject,
}

impl TargetError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::None { .. } => "`seaway demo` shows one at work, `seaway serve` starts one of your own".to_owned(),
            Self::Both { folders } => format!("name one: --data {}", folders.first().map_or("DIR", String::as_str)),
            Self::LoginAndFolder { folder, file, .. } => {
                format!("name one: --data {folder}, or --kubeconfig {file}; `seaway logout` signs out")
            }
            Self::NotRunning { folder, is_demo: true, .. } => format!("seaway demo --data {folder}"),
            Self::NotRunning { folder, .. } => format!("seaway serve --data {folder}"),
            Self::Kubeconfig { err, .. } => match **err {
                KubeconfigError::ReadConfig(..) => format!("check the path, or name another file; {KUBECONFIGS}"),
                _ => format!("it must be YAML with clusters, users and contexts; {KUBECONFIGS}"),
            },
            Self::NoKubeconfig { .. } => format!("it must be YAML with clusters, users and contexts; {KUBECONFIGS}"),
            Self::NoContext { known, .. } | Self::NoCurrentContext { known, .. } if known.is_empty() => {
                format!("name another file; {KUBECONFIGS}")
            }
            Self::Guard { known, .. } | Self::NoContext { known, .. } | Self::NoCurrentContext { known, .. } => {
                format!("--context {}", known.first().map_or("NAME", String::as_str))
            }
            Self::SeveralProjects { known } => format!("-p {}, or -A for all", known.first().map_or("PROJECT", String::as_str)),
            Self::NoProject => "seaway apply -f FILE with a Project in it; `seaway demo` comes with one".to_owned(),
        }
    }
}

impl Target {
    /// The control plane that is meant: `--kubeconfig`, then `--data` or `SEAWAY_DATA`, then the one that runs here, then `KUBECONFIG`.
    ///
    /// # Errors
    /// [`TargetError`]: none is clear.
    pub(crate) fn choose(asked: &Asked, around: &Around<'_>) -> Result<Self, TargetError> {
        if let Some(path) = &asked.kubeconfig {
            return Self::read(&path.to_string_lossy(), asked.context.as_deref());
        }
        if let Some(folder) = asked.data.as_ref().or(around.seaway_data.as_ref()) {
            return Self::of_folder(folder, asked, around);
        }
        let folders: Vec<PathBuf> = around.home.iter().flat_map(|home| USUAL.map(|name| home.join(name))).collect();
        let running: Vec<&PathBuf> = folders.iter().filter(|folder| (around.running)(folder).is_some()).collect();
        if let Some(login) = &around.login {
            return Self::of_login(login, &running, asked);
        }
        match running[..] {
            [one] => return Self::of_folder(one, asked, around),
            [] => {}
            _ => return Err(TargetError::Both { folders: running.iter().map(|folder| shown(folder)).collect() }),
        }
        let Some(paths) = around.kubeconfig.as_deref().filter(|paths| !paths.is_empty()) else {
            return Err(TargetError::None { looked: folders.iter().map(|folder| shown(folder)).collect() });
        };
        let target = Self::read(paths, asked.context.as_deref())?;
        if asked.context.is_none() && !target.is_ours() {
            let known = contexts(&target.kubeconfig);
            return Err(TargetError::Guard { current: target.context, known });
        }
        Ok(target)
    }

    /// The control plane that somebody is signed in at. One that runs here is meant as well, unless it is the same.
    fn of_login(login: &Path, running: &[&PathBuf], asked: &Asked) -> Result<Self, TargetError> {
        let file = login.to_string_lossy();
        let target = Self::read(&file, asked.context.as_deref())?;
        let same = |folder: &&&PathBuf| {
            let own = Self::read(&folder.join("kubeconfig").to_string_lossy(), None);
            own.is_ok_and(|own| own.server().is_some() && own.server() == target.server())
        };
        match running.first().filter(|_| !running.iter().any(|folder| same(&folder))) {
            Some(folder) => Err(TargetError::LoginAndFolder {
                login: target.server().unwrap_or("?").to_owned(),
                folder: shown(folder),
                file: shown(login),
            }),
            None => Ok(target),
        }
    }

    fn of_folder(folder: &Path, asked: &Asked, around: &Around<'_>) -> Result<Self, TargetError> {
        if (around.running)(folder).is_none() {
            let stale = folder.join("server.json").exists();
            let is_demo = is_demo(folder);
            return Err(TargetError::NotRunning { folder: shown(folder), stale, is_demo });
        }
        let target = Self::read(&folder.join("kubeconfig").to_string_lossy(), asked.context.as_deref())?;
        Ok(Self { folder: Some(folder.to_owned()), ..target })
    }

    /// Reads one kubeconfig, or several as `$KUBECONFIG` joins them.
    fn read(paths: &str, context: Option<&str>) -> Result<Self, TargetError> {
        let failed = |err| match err {
            KubeconfigError::Parse(err) => {
                TargetError::NoKubeconfig { path: paths.to_owned(), reason: err.without_snippet().to_string() }
            }
            err => TargetError::Kubeconfig { path: paths.to_owned(), err: Box::new(err) },
        };
        let mut merged: Option<Kubeconfig> = None;
        for path in std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty()) {
            let next = Kubeconfig::read_from(&path).map_err(failed)?;
            merged = Some(match merged {
                Some(before) => before.merge(next).map_err(failed)?,
                None => next,
            });
        }
        let kubeconfig = merged.unwrap_or_default();
        let name = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
        if name.is_empty() {
            return Err(TargetError::NoCurrentContext { path: paths.to_owned(), known: contexts(&kubeconfig) });
        }
        if !kubeconfig.contexts.iter().any(|known| known.name == name) {
            return Err(TargetError::NoContext { name, path: paths.to_owned(), known: contexts(&kubeconfig) });
        }
        let ours = contexts_are_ours(&kubeconfig);
        let folder = Path::new(paths).parent().filter(|folder| ours && folder.join("lock").exists()).map(Path::to_owned);
        Ok(Self { kubeconfig, context: name, folder })
    }

    fn is_ours(&self) -> bool {
        contexts_are_ours(&self.kubeconfig)
    }

    /// The cluster that the context names.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        let context = self.kubeconfig.contexts.iter().find(|context| context.name == self.context)?.context.as_ref()?;
        self.kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster)?.cluster.as_ref()
    }

    /// The project that the context names.
    pub(crate) fn project(&self) -> Option<&str> {
        let context = self.kubeconfig.contexts.iter().find(|context| context.name == self.context)?;
        context.context.as_ref()?.namespace.as_deref().filter(|namespace| !namespace.is_empty())
    }

    /// What a write says first: `embedded, ~/.local/state/seaway/demo`.
    pub(crate) fn shown(&self) -> String {
        match &self.folder {
            Some(folder) => format!("embedded, {}", shown(folder)),
            None => format!("{}, context {}", self.server().unwrap_or("?"), self.context),
        }
    }

    fn server(&self) -> Option<&str> {
        let context = self.kubeconfig.contexts.iter().find(|context| context.name == self.context)?;
        let cluster = &context.context.as_ref()?.cluster;
        let found = self.kubeconfig.clusters.iter().find(|known| known.name == *cluster)?;
        found.cluster.as_ref()?.server.as_deref()
    }
}

/// Whether a demo made the folder: it keeps its git server and its registry there.
pub(crate) fn is_demo(folder: &Path) -> bool {
    folder.join("first-minute").exists() || ["git", "registry"].iter().all(|name| folder.join(name).is_dir())
}

fn contexts(kubeconfig: &Kubeconfig) -> Vec<String> {
    kubeconfig.contexts.iter().map(|context| context.name.clone()).collect()
}

fn contexts_are_ours(kubeconfig: &Kubeconfig) -> bool {
    !kubeconfig.clusters.is_empty() && kubeconfig.clusters.iter().all(|cluster| cluster.name.starts_with(CLUSTER_PREFIX))
}

/// The project that is meant: the one asked for, else the context's, else the only one.
///
/// # Errors
/// None, or several and none named.
pub(crate) fn project(
    asked: Option<&str>,
    context: Option<&str>,
    known: impl FnOnce() -> Vec<String>,
) -> Result<String, TargetError> {
    if let Some(named) = asked.or(context) {
        return Ok(named.to_owned());
    }
    let mut known = known();
    match known.len() {
        0 => Err(TargetError::NoProject),
        1 => Ok(known.remove(0)),
        _ => Err(TargetError::SeveralProjects { known }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_base::Secret;
    use tempfile::TempDir;

    /// A machine with some control planes on it.
    struct Machine {
        home: TempDir,
        running: Vec<PathBuf>,
        kubeconfig: Option<String>,
        seaway_data: Option<PathBuf>,
        login: Option<PathBuf>,
    }

    impl Machine {
        fn new() -> Self {
            Self { home: TempDir::new().unwrap(), running: Vec::new(), kubeconfig: None, seaway_data: None, login: None }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.home.path().join(name)
        }

        fn write(&self, name: &str, cluster: &str) -> PathBuf {
            let folder = self.path(name);
            std::fs::create_dir_all(&folder).unwrap();
            let text = seaway_server::kubeconfig::Kubeconfig {
                server: "https://127.0.0.1:1",
                ca_pem: "PEM",
                token: &Secret::new("t".to_owned()),
                user: "admin",
                namespace: Some("bank"),
                name,
            }
            .text()
            .replace("seaway-", cluster);
            std::fs::write(folder.join("kubeconfig"), text).unwrap();
            folder
        }

        fn running(mut self, name: &str) -> Self {
            let folder = self.write(name, "seaway-");
            std::fs::write(folder.join("lock"), "1").unwrap();
            self.running.push(folder);
            self
        }

        fn choose(&self, asked: &Asked) -> Result<Target, TargetError> {
            let server = || Server { pid: 1, url: String::new(), version: String::new(), started_at: String::new() };
            let running = |path: &Path| self.running.iter().any(|known| known == path).then(server);
            let around = Around {
                home: Some(self.home.path().to_owned()),
                seaway_data: self.seaway_data.clone(),
                kubeconfig: self.kubeconfig.clone(),
                login: self.login.clone(),
                running: &running,
            };
            Target::choose(asked, &around)
        }
    }

    fn folder(target: Result<Target, TargetError>) -> String {
        let folder = target.unwrap().folder.unwrap();
        folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    #[test]
    fn a_kubeconfig_goes_before_a_folder_and_that_before_what_runs() {
        let machine = Machine::new().running("demo").running("mine");
        let other = machine.write("other", "seaway-");
        let mut asked = Asked::default();
        assert_eq!(folder(machine.choose(&asked)), "demo");
        asked.data = Some(machine.path("mine"));
        assert_eq!(folder(machine.choose(&asked)), "mine");
        asked.kubeconfig = Some(other.join("kubeconfig"));
        assert_eq!(machine.choose(&asked).unwrap().context, "seaway-other");
    }

    #[test]
    fn the_environments_folder_counts_like_the_flag() {
        let mut machine = Machine::new().running("demo").running("mine");
        machine.seaway_data = Some(machine.path("mine"));
        assert_eq!(folder(machine.choose(&Asked::default())), "mine");
        let asked = Asked { data: Some(machine.path("demo")), ..Asked::default() };
        assert_eq!(folder(machine.choose(&asked)), "demo");
    }

    #[test]
    fn two_that_run_are_named() {
        let machine = Machine::new().running("demo").running("default");
        let err = machine.choose(&Asked::default()).unwrap_err();
        let text = err.to_string().replace(&machine.home.path().display().to_string(), "HOME");
        assert_eq!(text, "two control planes run: HOME/demo and HOME/default");
        assert!(err.hint().starts_with("name one: --data "));
    }

    #[test]
    fn a_login_counts_before_the_environment_and_never_silently_instead_of_what_runs() {
        let mut machine = Machine::new();
        machine.kubeconfig = Some(machine.write("ours", "seaway-").join("kubeconfig").display().to_string());
        machine.login = Some(machine.write("far", "seaway-").join("kubeconfig"));
        assert_eq!(machine.choose(&Asked::default()).unwrap().context, "seaway-far");
        // The same server as the one that runs: it is the identity that was chosen.
        let mut machine = machine.running("demo");
        assert_eq!(machine.choose(&Asked::default()).unwrap().context, "seaway-far");
        let login = machine.login.clone().unwrap();
        let other = std::fs::read_to_string(&login).unwrap().replace("127.0.0.1:1", "seaway.example.com");
        std::fs::write(&login, other).unwrap();
        let err = machine.choose(&Asked::default()).unwrap_err();
        assert!(
            err.to_string().starts_with("you are signed in at https://seaway.example.com, and a control plane runs in "),
            "{err}"
        );
        assert!(err.hint().contains("--data ") && err.hint().contains("seaway logout"), "{}", err.hint());
        let asked = Asked { data: Some(machine.path("demo")), ..Asked::default() };
        assert_eq!(folder(machine.choose(&asked)), "demo");
        machine.login = None;
        assert_eq!(folder(machine.choose(&Asked::default())), "demo");
    }

    #[test]
    fn what_runs_goes_before_the_environments_kubeconfig() {
        let mut machine = Machine::new().running("default");
        machine.kubeconfig = Some(machine.write("cluster", "corp-").join("kubeconfig").display().to_string());
        assert_eq!(folder(machine.choose(&Asked::default())), "default");
    }

    #[test]
    fn a_folder_that_nobody_serves_is_no_target_and_a_stale_note_says_so() {
        let machine = Machine::new();
        let left = machine.write("default", "seaway-");
        std::fs::write(left.join("server.json"), "{}").unwrap();
        assert!(matches!(machine.choose(&Asked::default()), Err(TargetError::None { .. })));
        let asked = Asked { data: Some(left), ..Asked::default() };
        let err = machine.choose(&asked).unwrap_err();
        assert!(err.to_string().contains("of a process that is gone"), "{err}");
    }

    #[test]
    fn a_foreign_kubeconfig_of_the_environment_needs_its_context_named() {
        let mut machine = Machine::new();
        machine.kubeconfig = Some(machine.write("cluster", "corp-").join("kubeconfig").display().to_string());
        let err = machine.choose(&Asked::default()).unwrap_err();
        assert_eq!(err.to_string(), "KUBECONFIG was not written by Seaway and means `corp-cluster`: name the context");
        assert_eq!(err.hint(), "--context corp-cluster");
        let asked = Asked { context: Some("corp-cluster".into()), ..Asked::default() };
        assert_eq!(machine.choose(&asked).unwrap().shown(), "https://127.0.0.1:1, context corp-cluster");
        let asked = Asked { context: Some("prod".into()), ..Asked::default() };
        assert!(machine.choose(&asked).unwrap_err().to_string().starts_with("no context `prod`"));
        machine.kubeconfig = Some(machine.write("ours", "seaway-").join("kubeconfig").display().to_string());
        assert_eq!(machine.choose(&Asked::default()).unwrap().context, "seaway-ours");
    }

    #[test]
    fn a_project_is_asked_for_or_the_contexts_or_the_only_one() {
        let two = || vec!["bank".to_owned(), "shop".to_owned()];
        assert_eq!(project(Some("a"), Some("b"), two).unwrap(), "a");
        assert_eq!(project(None, Some("b"), two).unwrap(), "b");
        assert_eq!(project(None, None, || vec!["bank".to_owned()]).unwrap(), "bank");
        assert_eq!(project(None, None, two).unwrap_err().to_string(), "several projects: bank, shop");
        assert_eq!(project(None, None, Vec::new).unwrap_err().to_string(), "there is no project yet");
    }
}
