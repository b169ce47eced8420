//! `kustomize build`, by the tool's own command line in a jail: `kustomize` from version 5 on, else `kubectl kustomize`.

use seaway_base::process::{self, Job, Limits, Network, ProcessError};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// A rendering may take this long.
const TIME: Duration = Duration::from_secs(60);
/// A rendering may be this large.
const OUTPUT_BYTES_MAX: usize = 32 << 20;
/// The oldest kustomize that renders as Kargo's library does.
const OLDEST: (u32, u32) = (5, 0);

/// The tool that renders, and its version: the record of a run names both.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tool {
    /// The program.
    pub program: PathBuf,
    /// `kustomize` or `kubectl kustomize`.
    pub name: String,
    /// Its kustomize version, `v5.8.2`.
    pub version: String,
}

/// Why nothing was rendered.
#[derive(Debug, thiserror::Error)]
pub enum KustomizeError {
    /// Neither tool is there.
    #[error(
        "neither `kustomize` (5.0 or later) nor `kubectl` was found{0}; install one: `apt-get install kustomize`, or https://kubectl.docs.kubernetes.io, \
         or name it in SEAWAY_KUSTOMIZE or SEAWAY_KUBECTL"
    )]
    NoTool(String),
    /// The tool says no, or did not end.
    #[error("render `{path}` with {tool}")]
    Build {
        /// The folder.
        path: String,
        /// The tool and its version.
        tool: String,
        /// What it said.
        #[source]
        err: ProcessError,
    },
    /// More than a rendering may be.
    #[error("render `{path}`: the result is larger than {} MiB", OUTPUT_BYTES_MAX >> 20)]
    TooLarge {
        /// The folder.
        path: String,
    },
    /// The result is no text.
    #[error("render `{path}`: the result is not UTF-8")]
    NotText {
        /// The folder.
        path: String,
    },
}

impl KustomizeError {
    /// Would another try help? Only where the machine was too slow.
    pub fn next(&self) -> seaway_base::Next {
        match self {
            Self::NoTool(_) => seaway_base::Next::Blocked,
            Self::Build {
                err: ProcessError::TimedOut { .. } | ProcessError::Killed { .. } | ProcessError::Io { .. }, ..
            } => seaway_base::Next::Retry,
            Self::Build { .. } | Self::TooLarge { .. } | Self::NotText { .. } => seaway_base::Next::Failed,
        }
    }
}

/// Finds the tool once: `SEAWAY_KUSTOMIZE`, `kustomize`, `SEAWAY_KUBECTL`, `kubectl`, in this order.
///
/// A tool that is not found is looked for again at the next call: installing it is all that a user has to do.
///
/// # Errors
/// [`KustomizeError::NoTool`], naming both and how to get one.
pub async fn find() -> Result<Tool, KustomizeError> {
    static FOUND: OnceLock<Tool> = OnceLock::new();
    if let Some(tool) = FOUND.get() {
        return Ok(tool.clone());
    }
    let named = |variable: &str, otherwise: &str| {
        std::env::var_os(variable).filter(|v| !v.is_empty()).map_or_else(|| PathBuf::from(otherwise), PathBuf::from)
    };
    let tool = find_among(&named("SEAWAY_KUSTOMIZE", "kustomize"), &named("SEAWAY_KUBECTL", "kubectl")).await?;
    Ok(FOUND.get_or_init(|| tool).clone())
}

/// As [`find`], with these programs.
///
/// # Errors
/// As [`find`].
pub async fn find_among(kustomize: &Path, kubectl: &Path) -> Result<Tool, KustomizeError> {
    let mut too_old = String::new();
    if let Some(version) = ask(kustomize, &["version"]).await {
        let version = version_in(&version).unwrap_or_default();
        if new_enough(&version) {
            return Ok(Tool { program: kustomize.to_owned(), name: "kustomize".into(), version });
        }
        too_old = format!(" (`{}` is {version}, too old)", kustomize.display());
    }
    if let Some(answer) = ask(kubectl, &["version", "--client", "-o", "yaml"]).await
        && let Some(version) = answer.lines().find_map(|line| line.trim().strip_prefix("kustomizeVersion:"))
    {
        return Ok(Tool { program: kubectl.to_owned(), name: "kubectl kustomize".into(), version: version.trim().to_owned() });
    }
    Err(KustomizeError::NoTool(too_old))
}

async fn ask(program: &Path, args: &[&str]) -> Option<String> {
    let limits = Limits { time: Duration::from_secs(10), ..Limits::default() };
    let job = Job { limits, ..Job::new(program) }.args(args.iter().copied());
    let output = process::run(job).await.ok()?;
    String::from_utf8(output.stdout.bytes).ok()
}

/// `v5.8.2` out of whatever stands around it.
fn version_in(text: &str) -> Option<String> {
    let at = text.match_indices('v').find(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?.0;
    let end = text[at + 1..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')))
        .map_or(text.len(), |end| at + 1 + end);
    Some(text[at..end].to_owned())
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST
}

/// Renders the folder `path` below `root` and returns the manifests as one YAML stream.
///
/// The tool sees `root` alone: no load restriction inside, nothing outside, no network, no credentials.
///
/// # Errors
/// [`KustomizeError::Build`] with what the tool said.
pub async fn build(tool: &Tool, root: &Path, path: &str, helm: bool) -> Result<String, KustomizeError> {
    let mut job = Job::new(&tool.program).dir(root);
    if tool.name.starts_with("kubectl") {
        job = job.arg("kustomize");
    } else {
        job = job.arg("build");
    }
    // Resources come in the order in which they are named, as from the library, unless the kustomization sorts them itself.
    job = job.args(["--load-restrictor", "LoadRestrictionsNone", "--reorder", "none"]);
    if helm {
        job = job.arg("--enable-helm");
    }
    job = job.arg(if path.is_empty() { "." } else { path });
    job.network = Network::TakeIfPossible;
    job.limits = Limits { time: TIME, stdout_bytes: OUTPUT_BYTES_MAX, ..Limits::default() };
    let named = || format!("{} {}", tool.name, tool.version);
    let output = process::run(job).await.map_err(|err| KustomizeError::Build { path: path.to_owned(), tool: named(), err })?;
    if output.stdout.n_cut > 0 {
        return Err(KustomizeError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(output.stdout.bytes).map_err(|_| KustomizeError::NotText { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_the_tool_prints() {
        assert_eq!(version_in("v5.8.2\n").as_deref(), Some("v5.8.2"));
        assert_eq!(version_in("{Version:kustomize/v4.5.7 GitCommit:…}").as_deref(), Some("v4.5.7"));
        assert!(new_enough("v5.0.0") && !new_enough("v4.5.7"));
    }

    #[tokio::test]
    async fn without_a_tool_the_error_names_both_and_how_to_get_one() {
        let nowhere = Path::new("/nonexistent/tool");
        let err = find_among(nowhere, nowhere).await.unwrap_err().to_string();
        assert!(err.contains("`kustomize`") && err.contains("`kubectl`") && err.contains("apt-get install"), "{err}");
    }
}
